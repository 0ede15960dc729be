"""A server that counts: whoever reaches it by whatever protocol a browser has is written down.

It answers so that an attack that got this far also succeeds: CORS for everybody, a script, an event stream, a
WebSocket handshake.
"""

from __future__ import annotations

import base64
import hashlib
import socket
import socketserver
import threading
from contextlib import suppress
from typing import Self

WEBSOCKET_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3
READ_S = 5.0
DATAGRAM = "UDP /webtransport"


class Listener:
    """Listens on a port of its own from construction until `close`."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        """The first line of every request, in order; ``""`` for a connection that said nothing."""
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            timeout = READ_S

            def handle(self) -> None:
                try:
                    line = self.rfile.readline(4096).decode("latin-1").strip()
                    headers: dict[bytes, bytes] = {}
                    while (header := self.rfile.readline(8192).strip()) != b"":
                        name, _, value = header.partition(b":")
                        headers[name.lower()] = value.strip()
                except OSError:
                    line, headers = "", {}
                outer.lines.append(line)
                self.wfile.write(_answer(line, headers))

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            request_queue_size = 64  # a browser opens a dozen at once; one that is turned away waits for seconds

            def handle_error(self, request: object, client_address: object) -> None:
                """A browser that hangs up in the middle is no news."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        self._threads = [threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)]
        self._datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._datagrams.bind(("127.0.0.1", self.port))
        self._datagrams.settimeout(READ_S)
        self._open = True
        self._threads.append(threading.Thread(target=self._count_datagrams, daemon=True))
        for thread in self._threads:
            thread.start()

    def _count_datagrams(self) -> None:
        """What QUIC and WebRTC begin with. One that arrived is enough: nothing is answered."""
        while self._open:
            with suppress(TimeoutError):
                self._datagrams.recvfrom(2048)
                self.lines.append(DATAGRAM)

    def hits(self, tag: str = "") -> list[str]:
        """The requests whose path begins with ``/tag``."""
        return [line for line in self.lines if tag == "" or f" /{tag}" in line]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._open = False
        self._server.shutdown()
        self._server.server_close()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", ("127.0.0.1", self.port))
        for thread in self._threads:
            thread.join()
        self._datagrams.close()


def _answer(line: str, headers: dict[bytes, bytes]) -> bytes:
    if b"sec-websocket-key" in headers:
        accept = base64.b64encode(hashlib.sha1(headers[b"sec-websocket-key"] + WEBSOCKET_GUID).digest())
        return (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")  # fmt: skip
    kind, body = b"text/javascript", b"globalThis.reached = 1;"
    if "/eventsource" in line:
        kind, body = b"text/event-stream", b"data: reached\n\n"
    return (b"HTTP/1.1 200 OK\r\nContent-Type: " + kind + b"\r\nContent-Length: " + str(len(body)).encode()
            + b"\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Allow-Headers: *\r\n"
            b"Cross-Origin-Resource-Policy: cross-origin\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
            + body)  # fmt: skip
