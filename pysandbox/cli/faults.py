"""``--chaos``, shared by `run` and `serve`: what goes wrong on purpose, and with which seed it goes wrong again."""

from __future__ import annotations

import secrets
from typing import Annotated

import typer

from pysandbox.cli import output
from pysandbox.core.chaos import MAX_SEED, Chaos, parse_chaos

ChaosText = Annotated[
    str | None,
    typer.Option(
        "--chaos", metavar="SPEC",
        help="Faults at the plugins' ports, for QA: latency=MS or MS-MS, drop=P, hang=P, seed=N, with commas between."),
]


def chosen(text: str | None) -> Chaos | None:
    """What ``text`` asks for, with a seed, told on stderr. Raises `SandboxError` ``INPUT_INVALID``."""
    if text is None:
        return None
    chaos = parse_chaos(text).seeded(secrets.randbelow(MAX_SEED + 1))
    output.err().print(output.line(("chaos ", "bold yellow"), str(chaos)))
    return chaos
