"""A page of somebody else: another origin, on a server of its own, with whatever policy it chose."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

PAGES = Path(__file__).parents[1] / "pages"
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8"}


class Embedder:
    """Serves e2e/pages on a port of its own from construction until `close`.

    ``csp`` is its pages' policy and may be set at any time; ``extra`` holds further pages by name.
    """

    def __init__(self, csp: str = "", extra: Mapping[str, str] | None = None) -> None:
        self.csp = csp
        self.extra = dict(extra or {})
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.partition("?")[0].lstrip("/")
                path = PAGES / name
                if name in outer.extra:
                    body = outer.extra[name].encode()
                elif name and path.parent == PAGES and path.is_file():
                    body = path.read_bytes()
                else:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Type", TYPES.get(Path(name).suffix, "application/octet-stream"))
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Cache-Control", "no-store")
                if outer.csp:
                    self.send_header("Content-Security-Policy", outer.csp)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Quiet: what matters is asserted."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
