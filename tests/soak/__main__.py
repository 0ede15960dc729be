"""`python -m tests.soak`: run it, write soak.json and soak.svg, print one line; progress goes to stderr."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from tests.soak.plot import plot
from tests.soak.session import HERE, run

SHUT_DOWN_ONE_IN = 100


def main(
    invocations: Annotated[int, typer.Option(min=200, help="In all; one of a hundred ends its worker.")] = 10_000,
    samples: Annotated[int, typer.Option(min=2, help="How often memory is read.")] = 20,
    output: Annotated[Path, typer.Option(help="Folder of soak.json and soak.svg.")] = HERE,
) -> None:
    """Compress a long session into minutes: no outcome lost or doubled, memory flat."""
    report = run(invocations, samples, lambda line: typer.echo(line, err=True))
    (output / "soak.json").write_text(json.dumps(report.as_json(), indent=1) + "\n")
    heading = f"{report.invocations} invocations, {report.pressures} shutdowns under memory pressure"
    (output / "soak.svg").write_text(plot(report.samples, heading))
    if report.pressures < report.invocations // SHUT_DOWN_ONE_IN:
        report.problems.append(f"only {report.pressures} workers were shut down under memory pressure")
    for problem in report.problems:
        typer.echo(f"problem: {problem}", err=True)
    told = {"invocations": report.invocations, "pressures": report.pressures, "seconds": round(report.seconds),
            "growth": round(report.growth, 3), "problems": len(report.problems)}  # fmt: skip
    typer.echo(json.dumps(told))
    raise typer.Exit(1 if report.problems else 0)


if __name__ == "__main__":
    typer.run(main)
