"""What ``pysandbox attack`` prints: the list, its progress, the end. All of it on stderr, save the list."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pysandbox.cli import output

if TYPE_CHECKING:
    from pysandbox.testing.attacks.live.play import Play
    from pysandbox.testing.attacks.live.run import Progress
    from pysandbox.testing.attacks.live.verdicts import Result

_STYLES: Final = {
    "stopped": "green", "got through": "bold red", "control failed": "yellow", "not applicable": "dim",
    "residual": "yellow"}
_WORTH_A_LINE: Final = ("got through", "control failed", "residual")


def listed(plays: Iterable[Play]) -> None:
    """Each attack on stdout: name, title, and what it tries."""
    for play in plays:
        output.out().print(output.line((play.slug, "bold"), f"  {play.title}: {play.tries}"))


def progress(count: int) -> Progress:
    """On a terminal each attack is a line; elsewhere only what somebody has to look at."""
    from pysandbox.testing.attacks.live.run import Progress  # noqa: PLC0415  # when it runs: --help stays fast

    console = output.err()
    made: dict[str, itertools.count[int]] = {}

    def result(one: Result) -> None:
        number = next(made.setdefault(one.place, itertools.count(1)))
        verdict = one.verdict.value
        if console.is_terminal or verdict in _WORTH_A_LINE:
            why = "" if verdict == "stopped" else f"  {one.reason[:200]}"
            console.print(output.line(
                (f"{one.place} {number}/{count} ", "dim"), (verdict, _STYLES[verdict]), f"  {one.slug}", (why, "dim")))

    return Progress(
        say=lambda text: console.print(output.line(("· ", "dim"), text)),
        warn=lambda text: console.print(output.line(("! ", "bold yellow"), text)), result=result)


def summary(data: dict[str, Any], folder: Path) -> None:
    """How many of each verdict, and where the report is."""
    console = output.err()
    parts = [f"{count} {verdict}" for verdict, count in data["counts"].items() if count]
    head = ("nothing got through", "bold green") if data["ok"] else ("look at the report", "bold red")
    console.print(output.line(head, ": ", ", ".join(parts)))
    console.print(output.line(("report ", "dim"), str(folder / "report.html")))
