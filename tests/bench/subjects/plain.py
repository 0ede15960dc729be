"""Plain Pyodide in a module worker with Comlink: what a competent user writes without us, and the reference."""

from __future__ import annotations

from tests.bench.model import REFERENCE
from tests.bench.subjects import Peer

PLAIN = Peer(REFERENCE, "Pyodide + Comlink", "/pages/plain/index.html")
