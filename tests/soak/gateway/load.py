"""The load: calls side by side, each with a nonce of its own; what came of each, and whether it may."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import aiohttp

from pysandbox.core import proxy_nonce
from pysandbox.core.proxy_nonce import Bound

PATH = "/proxy/vendor/risk/evaluate"
PLUGIN = "com.vendor.risk-scoring@2.1.0"
WIDTH = 16
SECRETS = (b"4111 1111", b"078-05", b"K7-vendor-client-secret")
"""What the upstream says and knows, and no answer may show."""
MAY_COME = {
    "well": {("upstream", 200)},
    "echo": {("upstream", 200)},
    "broken": {("upstream", 503)},
    "deep": {("gateway", 502)},
    "huge": {("gateway", 502)},
    "slow": {("gateway", 504)},
}
"""Outcome and status by the upstream's mood."""
ALWAYS = {("gateway", 503), ("cached", 200)}
"""While a breaker rests, whatever the mood: refused, or answered from what it said a moment ago."""


@dataclass
class Session:
    """A session of the gateway, and its counter."""

    origin: str
    token: str
    session_id: str
    seed: str
    counter: Iterator[int] = field(default_factory=itertools.count)

    def headers(self, body: bytes) -> dict[str, str]:
        """All that one request needs."""
        bound = Bound(self.session_id, PLUGIN, "POST", PATH, content_type="application/json", body=body)
        nonce = proxy_nonce.make(
            self.seed, bound, counter=next(self.counter), expires_at_ms=time.time_ns() // 1_000_000 + 20_000)
        return {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json",
                "Pysandbox-Plugin": PLUGIN, "Pysandbox-Nonce": nonce}  # fmt: skip


@dataclass
class Tally:
    """What came: by mood, outcome and status. ``problems``: what may not be."""

    answers: Counter[tuple[str, str, int]] = field(default_factory=Counter[tuple[str, str, int]])
    problems: list[str] = field(default_factory=list[str])

    @property
    def total(self) -> int:
        return self.answers.total()


async def opened(client: aiohttp.ClientSession, origin: str, platform_token: str) -> Session:
    """Exchange the platform's token."""
    shown = {"Authorization": f"Bearer {platform_token}"}
    async with client.post(f"{origin}/api/v2/sessions", headers=shown) as answer:
        told = await answer.json()
        return Session(origin, told["token"], told["sessionId"], told["nonceSeed"])


async def calls(client: aiohttp.ClientSession, session: Session, mood: str, count: int, tally: Tally) -> None:
    """``count`` calls while the upstream is in this mood, `WIDTH` side by side."""
    numbers = iter(range(count))

    async def lane() -> None:
        for number in numbers:
            body = json.dumps({"customerId": f"c-{mood}-{number % 500}"}).encode()
            async with client.post(session.origin + PATH, data=body, headers=session.headers(body)) as answer:
                content = await answer.read()
                outcome = answer.headers.get("Pysandbox-Outcome", "none")
                tally.answers[mood, outcome, answer.status] += 1
                if (outcome, answer.status) not in MAY_COME[mood] | ALWAYS:
                    tally.problems.append(f"{mood}: {outcome} {answer.status} {content[:200]!r}")
                if any(secret in content for secret in SECRETS):
                    tally.problems.append(f"{mood}: an answer shows what is masked or secret")

    await asyncio.gather(*(lane() for _ in range(WIDTH)))
    # What is told of the last calls is counted after their answers are sent.
    await asyncio.sleep(0.05)
