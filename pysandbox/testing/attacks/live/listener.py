"""A server that counts who reaches it: by whatever protocol a browser has on TCP, and by packets on UDP.

It answers so that an attack that got this far also succeeds: CORS for everybody, a script, an event stream, a
WebSocket handshake. Each address names the half of the attack (``control`` or ``attack``) and its slug.
"""

from __future__ import annotations

import base64
import hashlib
import socket
import socketserver
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final, Self

_WEBSOCKET_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3
_READ_S: Final = 5.0
_MAX_LINES: Final = 20_000
HALVES: Final = ("control", "attack")


class Listener:
    """On ports of its own of 127.0.0.1, from construction until `close`. ``by_packet``: slugs that come by UDP."""

    def __init__(self, by_packet: Iterable[str] = ()) -> None:
        self._hits: Counter[tuple[str, str]] = Counter()
        self._texts: list[bytes] = []
        self._lock = threading.Lock()
        self._server = _Server(self)
        self.origin = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._packets = {(half, slug): _bound() for half in HALVES for slug in by_packet}
        threads = [threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)]
        threads += [
            threading.Thread(target=self._count_packets, args=(*key, packets), daemon=True)
            for key, packets in self._packets.items()]
        self._threads = threads
        for thread in threads:
            thread.start()

    def packets_to(self, half: str) -> Mapping[str, str]:
        """Where packets of that half go, by slug."""
        return {
            slug: f"127.0.0.1:{packets.getsockname()[1]}"
            for (of, slug), packets in self._packets.items() if of == half}

    def hits(self, half: str, slug: str) -> int:
        """How often that half of that attack arrived."""
        with self._lock:
            return self._hits[half, slug]

    def holds(self, text: str) -> bool:
        """Whether ``text`` was in anything that arrived."""
        with self._lock:
            return any(text.encode() in data for data in self._texts)

    def heard(self, path: str, data: bytes) -> None:
        """One arrival at ``path`` (``/half/slug…``)."""
        half, _, slug = path.lstrip("/").partition("?")[0].partition("/")
        with self._lock:
            self._hits[half, slug.strip("/").partition("/")[0]] += 1
            if len(self._texts) < _MAX_LINES:
                self._texts.append(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening, and join the threads."""
        self._server.shutdown()
        self._server.server_close()
        for packets in self._packets.values():
            packets.close()
        for thread in self._threads:
            thread.join(2)

    def _count_packets(self, half: str, slug: str, packets: socket.socket) -> None:
        while True:
            try:
                data, _sender = packets.recvfrom(2048)
            except TimeoutError:
                continue
            except OSError:  # closed
                return
            self.heard(f"/{half}/{slug}", data)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that hangs up in the middle is no news."""


class _Handler(socketserver.StreamRequestHandler):
    timeout = _READ_S

    def handle(self) -> None:
        try:
            line = self.rfile.readline(8192).decode("latin-1").strip()
            headers: dict[bytes, bytes] = {}
            while (header := self.rfile.readline(8192).strip()) != b"" and len(headers) < 100:
                name, _, value = header.partition(b":")
                headers[name.lower()] = value.strip()
        except OSError:
            return
        path = line.split(" ")[1] if line.count(" ") == 2 else line
        assert isinstance(self.server, _Server)
        self.server.listener.heard(path, line.encode() + b"\n" + b"\n".join(headers.values()))
        self.wfile.write(_answer(path, headers))


def _answer(path: str, headers: Mapping[bytes, bytes]) -> bytes:
    if b"sec-websocket-key" in headers:
        accept = base64.b64encode(hashlib.sha1(headers[b"sec-websocket-key"] + _WEBSOCKET_GUID).digest())  # noqa: S324
        return (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
    kind, body = b"text/javascript", b"globalThis.reached = 1;"
    if path.endswith("/egress-eventsource"):
        kind, body = b"text/event-stream", b"data: reached\n\n"
    elif path.endswith("?json"):
        kind, body = b"application/json", b"{}"
    return (
        b"HTTP/1.1 200 OK\r\nContent-Type: " + kind + b"\r\nContent-Length: " + str(len(body)).encode() +
        b"\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Allow-Headers: *\r\n"
        b"Cross-Origin-Resource-Policy: cross-origin\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n" + body)


def _bound() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.settimeout(0.2)  # closing alone does not wake who waits
    made.bind(("127.0.0.1", 0))
    return made
