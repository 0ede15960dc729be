"""``--chaos``, shared by `run` and `serve`: what goes wrong on purpose, and with which seed it goes wrong again."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from typing import Annotated

import typer

from pysandbox.cli import output
from pysandbox.core.chaos import AT_PORTS, MAX_SEED, Chaos, parse_chaos

ChaosText = Annotated[
    str | None,
    typer.Option(
        "--chaos", metavar="SPEC",
        help="Faults at the plugins' ports, for QA: latency=MS or MS-MS, drop=P, hang=P, seed=N, with commas between."),
]


FlowChaosText = Annotated[
    str | None,
    typer.Option(
        "--chaos", metavar="SPEC",
        help="Faults of its calls, for QA: latency=MS or MS-MS, hang=P, crash=P, breaker=P, seed=N, and commas."),
]


def chosen(text: str | None, known: Collection[str] = AT_PORTS) -> Chaos | None:
    """What ``text`` asks for, with a seed, told on stderr. Raises `SandboxError` ``INPUT_INVALID``."""
    if text is None:
        return None
    chaos = parse_chaos(text, known).seeded(secrets.randbelow(MAX_SEED + 1))
    output.err().print(output.line(("chaos ", "bold yellow"), str(chaos)))
    return chaos
