"""Printing: results on stdout, everything else on stderr, colours only on terminals.

Text may come from a plugin, so nothing reaches a terminal that could steer it: control characters are escaped, and
rich's markup is never read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import NoReturn

import typer
from rich.console import Console
from rich.text import Text

from pysandbox.core.errors import INFO, Code, Problem, SandboxError

WRONG_USE = 2
FAILED = 1


def out() -> Console:
    """The console of results. Made anew each time: tests and pipes replace stdout."""
    return Console(highlight=False, markup=False, emoji=False, soft_wrap=True)


def err() -> Console:
    """The console of everything else."""
    return Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)


def line(*parts: str | tuple[str, str]) -> Text:
    """A line from plain strings and (string, style) pairs, made safe for a terminal."""
    text = Text()
    for part in parts:
        if isinstance(part, str):
            text.append(printable(part))
        else:
            text.append(printable(part[0]), part[1])
    return text


def printable(text: str) -> str:
    """``text`` with every character that cannot be printed as an escape; line ends stay."""
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)


def set_in(text: str) -> str:
    """``text`` of somebody else's, its further lines set in: none of them can pass for a line of ours."""
    return text.replace("\n", "\n    ")


def resolver() -> Callable[[str], Mapping[str, bytes]]:
    """What finds the wheels of a plugin's requirements.txt, and says on stderr what it does."""
    from pysandbox.runtime.requirements import resolver as make  # noqa: PLC0415  # when it runs: --help stays fast

    return make(progress)


def progress(message: str) -> None:
    """What is being done, on stderr."""
    err().print(line(("· ", "dim"), message))


def json_line(value: Mapping[str, object]) -> None:
    """``value`` as exactly one line on stdout. ASCII, so that no terminal, encoding or splitter misreads it."""
    typer.echo(json.dumps(value, separators=(",", ":")))


def show_problems(console: Console, problems: Iterable[Problem]) -> None:
    """Each problem with its place, the rule it breaks, and the cure."""
    for problem in problems:
        console.print(line(("✗ ", "red"), (problem.path, "bold"), f"  {problem.rule}"))
        if problem.cure:
            console.print(line(("  → ", "green"), problem.cure))


def show_error(error: SandboxError) -> None:
    """A coded error on stderr, with its details or the cure of its code."""
    console = err()
    console.print(line((f"{error.code} ", "bold red"), error.message))
    show_problems(console, error.details)
    cure = INFO[error.code].cure
    if not error.details and error.code != Code.INPUT_INVALID:  # an input error's message is its cure
        console.print(line(("→ ", "green"), cure))


def give_up(error: SandboxError, exit_code: int = WRONG_USE) -> NoReturn:
    """Show ``error`` and end the command."""
    show_error(error)
    raise typer.Exit(exit_code)


def wrong_use(message: str) -> NoReturn:
    """Say on stderr what was wrong with the call, and end with exit code 2."""
    err().print(line(("error ", "bold red"), message))
    raise typer.Exit(WRONG_USE)


def size(count_bytes: int) -> str:
    """A size for people: ``812 B``, ``12.3 kB``, ``4.5 MB``."""
    if count_bytes < 1000:
        return f"{count_bytes} B"
    return f"{count_bytes / 1000:.1f} kB" if count_bytes < 1_000_000 else f"{count_bytes / 1_000_000:.1f} MB"
