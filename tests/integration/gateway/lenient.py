"""A server that is easily pleased, as some are: for controls of attack 71, and for nothing else.

It believes the first ``Content-Length`` that it can make a number of, in any spelling, takes a folded line for a header
of its own, overlooks ``Transfer-Encoding``, and looks for a request wherever one may stand.
"""

from __future__ import annotations

import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_REQUEST = re.compile(r"[A-Z]+ (\S+) HTTP/1\.1")


def _length(head: list[str]) -> int:
    for line in head:
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-length":
            return int(value, 0)
    return 0


@contextmanager
def lenient() -> Iterator[tuple[int, list[str]]]:
    """Its port, and the paths of all requests that it saw, in this order."""
    seen: list[str] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            head: list[str] = []
            for raw in self.rfile:
                line = raw.decode("latin-1").rstrip("\r\n")
                if line:
                    head.append(line)
                    continue
                self.rfile.read(_length(head))
                for path in _REQUEST.findall(head[0] if head else ""):
                    seen.append(path)
                    self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                head = []

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server.server_address[1], seen
        finally:
            server.shutdown()
            thread.join(15)
