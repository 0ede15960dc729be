"""Serves the attack's page on an origin of its own, gives it its plan once, and takes what it saw.

The page has no policy on purpose: the controls run in it. The secret in its address's fragment is good for this run.
"""

from __future__ import annotations

import hmac
import json
import queue
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

from pysandbox.core.errors import Code, SandboxError

_FOLDER: Final = Path(__file__).parent / "page"
_TYPES: Final = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
_FILES: Final = {path.name: path for path in sorted(_FOLDER.iterdir()) if path.suffix in _TYPES}
_MAX_BODY_BYTES: Final = 1024 * 1024
_NOTES: Final = frozenset({"/started", "/seen", "/done", "/failed"})


class Note(NamedTuple):
    """What the page told: ``started``, ``seen``, ``done`` or ``failed``, and with it."""

    kind: str
    told: dict[str, Any]


class PageServer:
    """On 127.0.0.1:``port`` from construction until `close`. Raises `SandboxError` where the port is taken."""

    def __init__(self, port: int) -> None:
        self.notes: queue.Queue[Note] = queue.Queue()
        self.plan: dict[str, Any] = {}
        self.agent = ""
        self._secret = ""
        try:
            self._server = _Server(port, self)
        except OSError as error:
            raise SandboxError(
                Code.INPUT_INVALID,
                f"port {port} cannot be used for the attack's page ({error.strerror}); choose another: --page-port",
            ) from error
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def page_for(self, plan: dict[str, Any]) -> str:
        """The address of a page that will carry out ``plan``. The one before has no say any more."""
        self.plan, self.agent, self._secret = plan, "", secrets.token_urlsafe(32)
        while not self.notes.empty():
            self.notes.get_nowait()
        return f"{self.origin}/attack.html#token={self._secret}"

    def take_plan(self, agent: str) -> bytes:
        """The plan, for whoever showed the secret. ``agent``: what the browser calls itself."""
        self.agent = agent[:300]
        return json.dumps(self.plan).encode()

    def knows(self, authorization: str) -> bool:
        """Whether that is the running page's own."""
        return bool(self._secret) and hmac.compare_digest(
            authorization.encode(errors="replace"), f"Bearer {self._secret}".encode())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening, and join the thread."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(2)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, owner: PageServer) -> None:
        self.owner = owner
        super().__init__(("127.0.0.1", port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hangs up in the middle is no news."""


class _Handler(BaseHTTPRequestHandler):
    timeout = 30
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride]  # it is no other

    def do_GET(self) -> None:
        name = self.path.partition("?")[0].lstrip("/")
        if not self._is_ours():
            self.send_error(421)
        elif name == "plan" and self.server.owner.knows(self.headers.get("Authorization", "")):
            self._answer(self.server.owner.take_plan(self.headers.get("User-Agent", "")), "application/json")
        elif name in _FILES:
            self._answer(_FILES[name].read_bytes(), _TYPES[_FILES[name].suffix])
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        owner = self.server.owner
        if not self._is_ours() or not owner.knows(self.headers.get("Authorization", "")):
            self.send_error(401)
        elif self.path not in _NOTES or not length.isdigit() or int(length) > _MAX_BODY_BYTES:
            self.send_error(400)
        else:
            owner.notes.put(Note(self.path[1:], json.loads(self.rfile.read(int(length)))))
            self._answer(b"{}", "application/json")

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: what matters is reported."""

    def _is_ours(self) -> bool:
        return self.headers.get("Host", "") == self.server.owner.origin.partition("://")[2]

    def _answer(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(body)
