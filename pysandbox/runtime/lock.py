"""A requirements.txt becomes its own lock: every wheel that is needed, with its version and hash, to be committed.

Text in, text out; `requirements.py` finds the wheels. Must not know: how they are found.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from pysandbox.core.errors import Code, Problem, SandboxError
from pysandbox.core.requirements import FILE_NAME, Requirement, parse_requirements
from pysandbox.runtime.found import Wheel

NEEDED: Final = "# Needed by those above; written by `pysandbox build --lock`."
_HASHES: Final = re.compile(r"\s*(\\\n)?\s*--hash=\S+")


def direct(text: str) -> list[Requirement]:
    """What the author named, without hashes: the lines above `NEEDED`. Raises as `parse_requirements` does."""
    return parse_requirements(_HASHES.sub("", text.partition(NEEDED)[0]))


def locked(text: str, wheels: Sequence[Wheel]) -> str:
    """``text`` with these wheels' versions and hashes; the author's comments come first.

    Raises `SandboxError` ``REQUIREMENTS_UNRESOLVED`` if a version that was locked has other bytes by now, which no
    lock may take for granted.
    """
    requirements, found = direct(text), {wheel.name: wheel for wheel in wheels}
    _refuse_changed(text, wheels)
    named = {requirement.name for requirement in requirements}
    lines = [line for line in text.partition(NEEDED)[0].splitlines() if line.startswith("#")]
    # A requirement whose marker leaves it out has no wheel, and no place among lines that all need a hash.
    lines += [_line(one.spec, found[one.name]) for one in requirements if one.name in found]
    if others := sorted(found.keys() - named):
        lines += ["", NEEDED, *(_line(f"{name}=={found[name].version}", found[name]) for name in others)]
    return "\n".join(lines) + "\n"


def _line(spec: str, wheel: Wheel) -> str:
    return f"{spec} --hash=sha256:{wheel.sha256}"


def _refuse_changed(text: str, wheels: Sequence[Wheel]) -> None:
    joined = text.replace("\\\n", " ")
    known = {one.name: one for line in joined.splitlines() if "--hash" in line for one in parse_requirements(line)}
    problems = [
        Problem(f"{FILE_NAME}: {wheel.name}=={wheel.version}", "has other bytes than those that were locked",
                "Find out why. If you trust them, or changed the version, remove its --hash and lock again.")
        for wheel in wheels
        if (was := known.get(wheel.name)) and _version(was) == wheel.version and wheel.sha256 not in was.hashes
    ]  # fmt: skip
    if problems:
        raise SandboxError(
            Code.REQUIREMENTS_UNRESOLVED, f"{problems[0].path} {problems[0].rule}", details=problems)


def _version(requirement: Requirement) -> str:
    return requirement.spec.partition("==")[2].partition(";")[0]
