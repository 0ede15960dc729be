"""`python -m tests.bench`: run the benchmark, print the table, write results.json and results.svg beside this file."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from pysandbox.core.errors import SandboxError
from pysandbox.testing.browsers import BrowserMissing
from tests.bench import assets, npm, report, svg
from tests.bench.browser import Browser
from tests.bench.machine import meta
from tests.bench.model import METRICS
from tests.bench.runner import Runner
from tests.bench.server import BenchServer
from tests.bench.subjects import Subject
from tests.bench.subjects.ours import Ours
from tests.bench.subjects.plain import PLAIN
from tests.bench.subjects.pyscript import PYSCRIPT

HERE = Path(__file__).parent
SUBJECTS = ("ours", "plain", "pyscript")

console = Console(highlight=False)
log = Console(stderr=True, highlight=False)


def wanted_metrics(only: list[str]) -> set[str]:
    """The metrics of `--only`, or all."""
    unknown = sorted(set(only) - set(METRICS))
    if unknown:
        raise typer.BadParameter(f"no metric {', '.join(unknown)}; there are: {', '.join(METRICS)}")
    return set(only or METRICS)


def build_subjects(names: list[str], server: BenchServer, stack: contextlib.ExitStack) -> list[Subject]:
    """The subjects asked for, started where they need to be."""
    unknown = sorted(set(names) - set(SUBJECTS))
    if unknown:
        raise typer.BadParameter(f"no subject {', '.join(unknown)}; there are: {', '.join(SUBJECTS)}")
    found: list[Subject] = [stack.enter_context(Ours(server))] if "ours" in names else []
    return found + [peer for peer in (PLAIN, PYSCRIPT) if peer.name in names]


def run(names: list[str], wanted: set[str], rounds: int, output: Path) -> int:
    """The benchmark; answers how many samples failed."""
    served = assets.load(npm.install(log.print), log.print)
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(BenchServer(served))
        subjects = build_subjects(names, server, stack)
        labels = {subject.name: subject.label for subject in subjects}
        with Browser() as browser:
            facts: dict[str, Any] = meta(browser.version(), rounds)
        if facts["loadAverage"] > 0.5 * (os.cpu_count() or 1):
            log.print(f"[yellow]the machine is busy (load {facts['loadAverage']:.1f}): expect scattered times[/]")
        runner = Runner(server, subjects, wanted, rounds, log.print)
        results, picture = output / "results.json", output / "results.svg"
        heading = f"{facts['browser']}, {facts['cores']} cores, {rounds} rounds, {facts['date']}"

        def keep() -> None:
            report.write(results, facts | {"failures": runner.failures}, runner.samples)
            if runner.samples.raw:
                picture.write_text(svg.plot(runner.samples, labels, heading))

        runner.run(keep)
    report.show(console, runner.samples, labels, facts)
    for failure in runner.failures:
        console.print(f"[red]failed[/] {failure}")
    console.print(f"{results}\n{picture}")
    return len(runner.failures)


def main(
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; each takes every subject once.")] = 7,
    quick: Annotated[bool, typer.Option("--quick", help="One round: shows that it works, proves nothing.")] = False,
    only: Annotated[list[str] | None, typer.Option(help="Measure this metric alone; may be given again.")] = None,
    subject: Annotated[list[str] | None, typer.Option(help="Run this subject alone; may be given again.")] = None,
    output: Annotated[Path, typer.Option(help="Folder of results.json and results.svg.")] = HERE,
) -> None:
    """Measure pysandbox beside plain Pyodide with Comlink and PyScript's worker, in Chromium, offline."""
    try:
        failed = run(subject or list(SUBJECTS), wanted_metrics(only or []), 1 if quick else rounds, output)
    except (npm.SetupError, SandboxError, BrowserMissing) as error:
        log.print(f"[red]{error}[/]")
        raise typer.Exit(2) from error
    raise typer.Exit(1 if failed else 0)


if __name__ == "__main__":
    typer.run(main)
