"""The API behind the attacks' route: keeps what reached it, and answers as badly as it is asked to by the path."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self

BASE: Final = "/inside"
CARD: Final = "4929804463622139"
_MASKED: Final[Mapping[str, object]] = {
    "plain": {"cardNumber": CARD}, "case": {"CARD-NUMBER": CARD}, "snake": {"card_number": CARD},
    "nested": {"a": [{"b": {"cardNumber": CARD}}]}, "list": {"cardNumber": [CARD, {"x": CARD}]},
    "text": {"note": json.dumps({"cardNumber": CARD})}, "pair": {"fields": [{"name": "cardNumber", "value": CARD}]}}
_HEADERS: Final[Mapping[str, tuple[str, str]]] = {
    "set-cookie": ("Set-Cookie", "stolen=1"), "clear-site-data": ("Clear-Site-Data", '"*"'),
    "alt-svc": ("Alt-Svc", 'h3="evil.example:443"'), "nel": ("NEL", '{"report_to":"evil"}'),
    "report-to": ("Report-To", '{"group":"evil"}'), "link": ("Link", "<https://evil.example/>; rel=preconnect"),
    "refresh": ("Refresh", "0; url=https://evil.example/"), "cors": ("Access-Control-Allow-Origin", "*")}
HUGE_BYTES: Final = 3 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Arrived:
    """One request. ``headers``: names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Upstream:
    """On 127.0.0.1, from construction until `close`."""

    def __init__(self) -> None:
        self.arrived: list[Arrived] = []
        self._server = _Server(self)
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(2)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, owner: Upstream) -> None:
        self.owner = owner
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A gateway that hangs up in the middle is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride]  # it is no other

    def do_any(self) -> None:
        """Whatever the method."""
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.owner.arrived.append(Arrived(self.command, self.path, headers, body))
        kind, _, which = self.path.partition("?")[0].removeprefix(f"{BASE}/").partition("/")
        status, data = 200, b'{"ok":true}'
        extra: list[tuple[str, str]] = []
        if kind == "redirect":
            status, extra = 302, [("Location", f"{self.server.owner.origin}/elsewhere")]
        elif kind == "header" and which in _HEADERS:
            extra = [_HEADERS[which]]
        elif kind == "masked" and which in _MASKED:
            data = json.dumps(_MASKED[which]).encode()
        elif kind == "huge":
            data = b'{"a":"' + b"x" * HUGE_BYTES + b'"}'
        elif kind == "deep":
            data = b"[" * 100_000 + b"]" * 100_000
        self._answer(status, extra, data)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = do_TRACE = do_any  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: what matters is kept."""

    def _answer(self, status: int, extra: list[tuple[str, str]], data: bytes) -> None:
        self.send_response(status)
        for name, value in [("Content-Type", "application/json"), ("Content-Length", str(len(data))), *extra]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


def headers_tried() -> list[str]:
    """Names of what a badly meant answer carries, as they stand in its path."""
    return list(_HEADERS)


def header_of(which: str) -> str:
    """That header's name in lower case."""
    return _HEADERS[which][0].lower()


def spellings() -> list[str]:
    """Ways to hide a field that is to be masked, as they stand in a path."""
    return list(_MASKED)
