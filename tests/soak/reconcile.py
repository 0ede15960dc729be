"""What has to add up: every invocation has one outcome, one telemetry record, and ran once if at all."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

ENDS = {
    "works": {("ok", "")},
    "fails": {("error", "PLUGIN_ERROR")},
    "aborted": {("aborted", "PLUGIN_ABORTED")},
    "overruns": {("timeout", "PLUGIN_TIMEOUT")},
    "hoards": {("ok", "")},
}
"""Status and code by kind of work."""

BESIDE = "its worker was ended for another call"


@dataclass
class Ledger:
    """All that the page was told, batch by batch."""

    asked: dict[str, str] = field(default_factory=dict[str, str])
    """Id to kind of work."""
    outcomes: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])
    records: list[tuple[str, str, str | None]] = field(default_factory=list[tuple[str, str, str | None]])
    seen: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])
    drains: list[str] = field(default_factory=list[str])
    crashes: set[int] = field(default_factory=set[int])
    """Generations whose worker was killed, be it for a hook that took too long."""
    alerts: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])

    def add(self, work: Iterable[tuple[int, str]], told: Mapping[str, Any]) -> None:
        """Take in what one batch told."""
        self.asked.update((f"soak-{number}", kind) for number, kind in work)
        self.outcomes += told["outcomes"]
        self.records += [(id, status, code) for id, status, code in told["records"]]
        self.seen += told["seen"]
        self.drains += told["drains"]
        self.crashes.update(told["crashes"])
        self.alerts += told["alerts"]

    @property
    def shortages(self) -> tuple[int, int]:
        """How many workers were left with more memory than they may keep: those of them that lived on, and all."""
        left = {one["generation"] for one in self.outcomes if one["kind"] == "hoards" and one["status"] == "ok"}
        return len(left - self.crashes), len(left)

    def ends(self) -> dict[str, int]:
        """How many invocations of each kind ended how."""
        return dict(sorted(Counter(f"{one['kind']}: {one['status']} {one['code']}" for one in self.outcomes).items()))


def problems(ledger: Ledger) -> list[str]:
    """What does not add up, in words; nothing where all is well."""
    return [*_ids(ledger), *_ends(ledger), *_plugin_side(ledger), *_work(ledger), *_around(ledger)]


def _ids(ledger: Ledger) -> Iterable[str]:
    asked = Counter(dict.fromkeys(ledger.asked, 1))
    for what, ids in (
        ("outcomes", Counter(one["id"] for one in ledger.outcomes)),
        ("correlation ids of outcomes", Counter(one["correlationId"] for one in ledger.outcomes)),
        ("telemetry records", Counter(id for id, _, _ in ledger.records)),
    ):
        if ids != asked:
            yield f"{what}: lost {sorted(asked - ids)[:5]}, too many {sorted(ids - asked)[:5]}"
    told = {one["id"]: (one["status"], one["code"]) for one in ledger.outcomes}
    wrong = [id for id, status, code in ledger.records if told.get(id) != (status, code or "")]
    if wrong:
        yield f"telemetry says otherwise than the outcome: {wrong[:5]}"


def _ends(ledger: Ledger) -> Iterable[str]:
    # On a busy machine an abort, a deadline or the hook for memory may need the hard kill, which ends the calls beside
    # it: they are told so, and may be made again.
    stopped = {one["generation"] for one in ledger.outcomes if one["kind"] in ("aborted", "overruns", "hoards")}
    wrong = [
        one for one in ledger.outcomes
        if (one["status"], one["code"]) not in ENDS[one["kind"]]
        and not (one.get("message") == BESIDE and one["generation"] in stopped)
    ]  # fmt: skip
    if wrong:
        yield f"{len(wrong)} ended otherwise: {wrong[:3]}"


def _plugin_side(ledger: Ledger) -> Iterable[str]:
    runs = Counter(one["id"] for one in ledger.seen)
    twice = [id for id, times in runs.items() if times > 1]
    if twice:
        yield f"ran twice: {twice[:5]}"
    unknown = runs.keys() - ledger.asked.keys()
    if unknown:
        yield f"ran and was never asked for: {sorted(unknown)[:5]}"
    # What was aborted or overdue before a worker was there for it never ran.
    unseen = [one["id"] for one in ledger.outcomes if one["status"] in ("ok", "error") and one["id"] not in runs]
    if unseen:
        yield f"has an answer and never ran: {unseen[:5]}"
    serials: defaultdict[str, list[int]] = defaultdict(list)
    for one in ledger.seen:
        serials[one["worker"]].append(one["serial"])
    gaps = [worker for worker, numbers in serials.items() if sorted(numbers) != list(range(1, len(numbers) + 1))]
    if gaps:
        yield f"the plugin counted otherwise than the page heard, in {len(gaps)} workers"


def _work(ledger: Ledger) -> Iterable[str]:
    done = [one["value"] for one in ledger.outcomes if one["kind"] == "works" and one["status"] == "ok"]
    hits = Counter(value["hit"] for value in done)
    if not (hits[True] and hits[False]):
        yield f"its cache was of no use: {dict(hits)}"
    if not all(value["fired"] for value in done):
        yield "a timer did not fire"


def _around(ledger: Ledger) -> Iterable[str]:
    if ledger.alerts:
        yield f"security alerts: {ledger.alerts[:3]}"
    least, most = ledger.shortages
    if set(ledger.drains) - {"memory"} or not least <= len(ledger.drains) <= most:
        yield f"{most} shutdowns under memory pressure were due, there were {dict(Counter(ledger.drains))}"
