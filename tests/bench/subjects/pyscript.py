"""PyScript's worker, on a cross-origin isolated page as its documentation wants, with the same Pyodide."""

from __future__ import annotations

from tests.bench.subjects import Peer

PYSCRIPT = Peer("pyscript", "PyScript worker", "/pages/pyscript/index.html")
