"""Inspection at work: each route's history, and whoever counts what was found.

Must not know: sessions, how answers are masked, where counts end up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.proxy.inspection import Finding, Histories, Kind, Usual, inspect_answer
from pysandbox.gateway.proxy.media import MediaKind, kind_of
from pysandbox.gateway.proxy.route import Route

Found = Callable[[str, Finding], None]
"""``(route, finding)`` of each odd thing, for metrics."""


def count_nowhere(_route: str, _finding: Finding) -> None:
    """For a proxy without metrics."""


@dataclass(frozen=True, slots=True)
class Observed:
    """One request to one route, as it goes through."""

    route: str
    block: bool
    usual: Usual
    found: Found

    def tell(self, findings: Sequence[Finding]) -> None:
        for finding in findings:
            self.found(self.route, finding)

    def asked(self, method: str, size_bytes: int, findings: Sequence[Finding]) -> None:
        """The request was let through. One that was blocked teaches nothing: its sender would choose what is usual."""
        self.tell(findings)
        self.usual.ask(method, size_bytes)

    def answered(self, content_type: str, body: bytes) -> None:
        """A whole answer, before it is masked. Raises `SandboxError` ``UPSTREAM_REFUSED`` where the route blocks."""
        odd = self.sized(len(body))
        if kind_of(content_type) is MediaKind.OTHER:
            self.tell(inspect_answer(content_type=content_type, body=body))
        if odd and self.block:
            raise SandboxError(
                Code.UPSTREAM_REFUSED, "the upstream's answer is far larger than this route's usually are")

    def unreadable(self, content_type: str, body: bytes) -> None:
        """Masking refused an answer: what is it?"""
        if kind_of(content_type) is not MediaKind.OTHER:  # those were looked at before
            self.tell(inspect_answer(content_type=content_type, body=body))

    def sized(self, size_bytes: int) -> bool:
        """Whether an answer of this size is odd; it is told, and remembered."""
        odd = self.usual.answered.unusual(size_bytes)
        self.usual.answered.add(size_bytes)
        if odd:
            self.found(self.route, Finding(Kind.UNUSUAL_SIZE, "answer"))
        return odd


@dataclass(frozen=True, slots=True)
class Observer:
    """``found`` hears of every finding on every route."""

    found: Found = count_nowhere
    histories: Histories = field(default_factory=Histories)

    def of(self, tenant: str, route: Route) -> Observed | None:
        """None where the route's inspection is off."""
        if route.inspection == "off":
            return None
        usual = self.histories.of(tenant, route.name, route.digest)
        return Observed(route.name, route.inspection == "block", usual, self.found)
