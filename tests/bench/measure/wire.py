"""Bytes on the wire of a first visit, until its first result."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from tests.bench.browser import Browser
from tests.bench.model import Samples
from tests.bench.netlog import received_bytes
from tests.bench.server import BenchServer
from tests.bench.subjects import Subject, open_page


def measure(server: BenchServer, subject: Subject, samples: Samples) -> None:
    """One cold start with the browser's network log on; the log is complete once the browser has ended."""
    with tempfile.TemporaryDirectory(prefix="pysandbox-bench-net-") as folder:
        log = Path(folder) / "net.json"
        with Browser(net_log=log) as browser:
            time.sleep(1)
            open_page(browser, server, subject).channel.receive()
        samples.add("wire_bytes", subject.name, received_bytes(log))
