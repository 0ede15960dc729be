"""Which attacks, and in which engines. Pure, save that it looks which browsers this machine has."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from fnmatch import fnmatchcase

from pysandbox.core.errors import Code, Problem, SandboxError
from pysandbox.testing.attacks.live.play import Play
from pysandbox.testing.engines.find import ENGINES, Engine, cure, missing_parts


def select(plays: Sequence[Play], only: Sequence[str]) -> tuple[Play, ...]:
    """Those of the slugs or patterns (``egress-*``) or groups in ``only``; all for none.

    Raises `SandboxError` ``INPUT_INVALID`` with what each unknown one is close to.
    """
    problems: list[Problem] = []
    chosen: set[str] = set()
    for wanted in only:
        found = {play.slug for play in plays if play.group == wanted or fnmatchcase(play.slug, wanted)}
        if not found:
            close = difflib.get_close_matches(wanted, [play.slug for play in plays], 3)
            hint = f"did you mean {', '.join(close)}?" if close else "--list shows all"
            problems.append(Problem(f"--only {wanted[:80]}", "names no attack and no group", hint))
        chosen |= found
    if problems:
        raise SandboxError(Code.INPUT_INVALID, "some attacks are not known", details=problems)
    return tuple(play for play in plays if not only or play.slug in chosen)


def engines(wanted: Sequence[Engine]) -> tuple[list[Engine], dict[str, str]]:
    """Those of ``wanted`` (none: all) that can run here; for each of the others what it lacks, and what mends that."""
    asked: list[Engine] = list(wanted) or list(ENGINES)
    lacking: dict[Engine, list[str]] = {engine: missing_parts(engine) for engine in asked}
    return (
        [engine for engine in asked if not lacking[engine]],
        {engine: f"{', '.join(parts)} missing; {cure(engine)}" for engine, parts in lacking.items() if parts})
