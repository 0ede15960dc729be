"""An upstream that answers each request with 10 KB of JSON after 10 ms: `python -m tests.bench.gateway.upstream PORT`.

A bare protocol on uvloop, so that it costs little of the two cores that it shares with what is measured.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import cast

import uvloop

DELAY_S = 0.010
ROW = {"id": 1, "name": "Ada Lovelace", "ssn": "078-05-1120", "tier": "gold", "score": 0.731, "tags": ["a", "b"]}
TOKEN = json.dumps({"access_token": "bench-access-token", "token_type": "bearer", "expires_in": 3600}).encode()


def body_bytes() -> bytes:
    rows: list[dict[str, object]] = []
    while len(json.dumps({"rows": rows})) < 10_000:
        rows.append({**ROW, "id": len(rows)})
    return json.dumps({"rows": rows}).encode()


def response(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


class Answering(asyncio.Protocol):
    """One connection: answers in order, each after its delay."""

    answer = response(body_bytes())
    token = response(TOKEN)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's are no subclasses
        self.buffer = b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15:].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self.buffer) < end + 4 + length:
                return
            answer = self.token if b" /token " in head else self.answer
            self.buffer = self.buffer[end + 4 + length:]
            asyncio.get_running_loop().call_later(DELAY_S, self.write, answer)

    def write(self, answer: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(answer)


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
