"""A stand-in for the gateway's proxy: it checks what the real one checks of a request, and answers as it is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

from pysandbox.core import proxy_nonce
from pysandbox.core.broker.proxying import Incoming
from pysandbox.host.exchange import Outgoing

GATEWAY = "https://api.example"
SEED = "ab" * 32


def proxy_session(**more: Any) -> dict[str, Any]:
    """What the session's answer has where there is a proxy. The gateway's clock is an hour ahead of the browser's."""
    return {"token": "session-token", "nonceSeed": SEED, "gatewayOrigin": GATEWAY, "now": 3_600_000, **more}


class Body:
    """A buffer that can be handed on once."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.reads = 0

    def __len__(self) -> int:
        return len(self.content)

    def take(self) -> bytes:
        return self.content

    def read(self) -> bytes:
        self.reads += 1
        return self.content


class StandIn:
    """``answer`` may be replaced: from a request to status, headers and body; ``after_ms`` is how long it takes."""

    def __init__(self, now_ms: Callable[[], float]) -> None:
        self._now_ms = now_ms
        self.session_id = "5" * 32
        self.requests: list[Outgoing] = []
        self.nonces: set[int] = set()
        self.hung_up: list[str] = []
        self.bodies: list[Body] = []
        self.after_ms = 5.0
        self.answer: Callable[[Outgoing], tuple[int, Mapping[str, str], bytes]] = upstream_says({"score": 0.5})

    async def exchange(self, outgoing: Outgoing) -> Incoming:
        self.requests.append(outgoing)
        within_s = min(self.after_ms, outgoing.timeout_ms) / 1000
        await asyncio.sleep(within_s)
        if self.after_ms > outgoing.timeout_ms:
            raise TimeoutError("timeout")
        self._check(outgoing)
        status, headers, body = self.answer(outgoing)
        if len(body) > outgoing.max_bytes:
            raise OverflowError("too-large")
        self.bodies.append(Body(body))
        return Incoming(status, headers, self.bodies[-1], self.bodies[-1].read)

    def _check(self, outgoing: Outgoing) -> None:
        """As the gateway does. Raises SandboxError, which no test expects."""
        headers = outgoing.headers
        path, _, query = outgoing.path.partition("?")
        bound = proxy_nonce.Bound(
            self.session_id, headers["Pysandbox-Plugin"], outgoing.method, path, query, headers.get("Content-Type", ""),
            "", headers.get("Pysandbox-Headers", ""), outgoing.body)
        now_ms = int(self._now_ms()) + 3_600_000
        nonce = proxy_nonce.check(headers["Pysandbox-Nonce"], SEED, bound, now_ms=now_ms, skew_ms=100)
        assert nonce.counter not in self.nonces, "a nonce was used twice"
        self.nonces.add(nonce.counter)


def upstream_says(
    value: Any, status: int = 200, **headers: str,
) -> Callable[[Outgoing], tuple[int, Mapping[str, str], bytes]]:  # fmt: skip
    """``headers``: the upstream's, and ours, which begin with ``pysandbox-``."""
    told = {"content-type": "application/json", "pysandbox-outcome": "upstream", **headers}
    told.setdefault("pysandbox-shown", ",".join(name for name in told if not name.startswith("pysandbox-")))
    return lambda _outgoing: (status, told, json.dumps(value).encode())


def gateway_says(code: str, message: str = "why", status: int = 400) -> Callable[[Outgoing], Any]:
    body = {"error": {"code": code, "message": message, "details": [], "retryable": False, "correlationId": "c"}}
    return upstream_says(body, status, **{"pysandbox-outcome": "gateway"})
