"""The order of things: round after round, every subject in each, the order turned by one each time."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence

from tests.bench.channel import PageError
from tests.bench.measure import memory, session, wire
from tests.bench.model import MEMORY_METRICS, SESSION_METRICS, Samples
from tests.bench.server import BenchServer
from tests.bench.subjects import Subject

WIRE_ROUNDS = 3
"""The same bytes come each time; more rounds would only show that again."""

Step = tuple[str, Subject, Callable[[], object]]


class Runner:
    """Takes every sample of a run. `failures` lists what a page could not do, in words."""

    def __init__(
        self,
        server: BenchServer,
        subjects: Sequence[Subject],
        wanted: Collection[str],
        rounds: int,
        progress: Callable[[str], None],
    ) -> None:
        self.samples = Samples()
        self.failures: list[str] = []
        self._server = server
        self._subjects = subjects
        self._wanted = set(wanted)
        self._rounds = rounds
        self._progress = progress

    def run(self, after_round: Callable[[], None]) -> None:
        """All rounds; `after_round` may keep what is there so far."""
        for number in range(self._rounds):
            turn = number % len(self._subjects)
            for step in self._steps([*self._subjects[turn:], *self._subjects[:turn]], number):
                self._take(number, *step)
            after_round()

    def _steps(self, subjects: Sequence[Subject], number: int) -> list[Step]:
        server, samples, wanted = self._server, self.samples, self._wanted
        steps: list[Step] = []
        if wanted & SESSION_METRICS:
            steps += [("times", one, lambda one=one: session.measure(server, one, wanted, samples)) for one in subjects]
        if "wire_bytes" in wanted and number < WIRE_ROUNDS:
            steps += [("wire", one, lambda one=one: wire.measure(server, one, samples)) for one in subjects]
        if wanted & MEMORY_METRICS:
            steps += [("memory", one, lambda one=one: memory.measure(server, one, samples)) for one in subjects]
        return steps

    def _take(self, number: int, what: str, subject: Subject, act: Callable[[], object]) -> None:
        begun = time.monotonic()
        where = f"round {number + 1}/{self._rounds}  {subject.label}: {what}"
        try:
            act()
        except PageError as error:
            self.failures.append(f"{where}: {error}")
            self._progress(f"{where}  FAILED: {error}")
        else:
            self._progress(f"{where}  ({time.monotonic() - begun:.0f} s)")
