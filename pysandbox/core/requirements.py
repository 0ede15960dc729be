"""Reads a plugin's ``requirements.txt``: the part of pip's format that names exact versions, and nothing else of it.

The same file must give the same bundle on every machine, so what is left open (a range, an index, a path) is refused
with its line, the rule and the cure. Must not know: how wheels are found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pysandbox.core.errors import Code, Problem, SandboxError

FILE_NAME: Final = "requirements.txt"
MAX_REQUIREMENTS: Final = 100
_NAME: Final = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
# PEP 508's name and extras, PEP 440's == with a whole version, an environment marker, pip's --hash options.
_PINNED: Final = re.compile(
    rf"(?P<name>{_NAME})\s*(?P<extras>\[[A-Za-z0-9._,\s-]*\])?\s*==\s*(?P<version>[A-Za-z0-9][A-Za-z0-9.!+_-]*)"
    r"\s*(?P<marker>;[^#]*?)?(?P<hashes>(?:\s+--hash=\S+)*)\s*")
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_PIN: Final = "Write NAME==VERSION with the exact version that you tested."


@dataclass(frozen=True, slots=True)
class Requirement:
    """One pinned package. ``spec`` is what a resolver takes; ``hashes`` are SHA-256 in hex, any of which will do."""

    name: str
    spec: str
    hashes: frozenset[str]


def parse_requirements(text: str) -> list[Requirement]:
    """Every requirement. Raises `SandboxError` ``REQUIREMENTS_UNRESOLVED`` with every problem at once."""
    found: list[Requirement] = []
    problems: list[Problem] = []
    for number, line in _logical_lines(text):
        where = f"{FILE_NAME}, line {number}"
        try:
            requirement = _parse_line(line)
        except ValueError as error:
            rule, cure = error.args
            problems.append(Problem(where, rule, cure))
            continue
        if any(requirement.name == other.name for other in found):
            problems.append(Problem(where, f"names {requirement.name} a second time", "Keep one of the lines."))
        found.append(requirement)
    if len(found) > MAX_REQUIREMENTS:
        problems.append(Problem(FILE_NAME, f"names more than {MAX_REQUIREMENTS} packages", "Keep to what is imported."))
    if any(requirement.hashes for requirement in found):
        problems.extend(
            Problem(FILE_NAME, f"{requirement.spec} has no --hash, and other lines have one",
                    "Give each line a hash, or none.")
            for requirement in found if not requirement.hashes)  # fmt: skip
    if problems:
        first = problems[0]
        raise SandboxError(
            Code.REQUIREMENTS_UNRESOLVED, f"{first.path}: {first.rule}. {first.cure}", details=problems)
    return found


def canonical_name(name: str) -> str:
    """PEP 503: lower case, runs of ``-_.`` as one hyphen."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their number, comments gone, and those that end in a backslash joined with the next."""
    start, parts = 1, list[str]()
    for number, raw in enumerate([*text.splitlines(), ""], 1):
        line = re.sub(r"(^|\s)#.*", "", raw).strip()
        if not parts:
            start = number
        parts.append(line.removesuffix("\\").strip())
        if not line.endswith("\\"):
            if joined := " ".join(filter(None, parts)):
                yield start, joined
            parts = []


def _parse_line(line: str) -> Requirement:
    """Raises ValueError(rule, cure)."""
    shown = ascii(line[:80])
    if line.startswith("-"):
        raise ValueError(f"{shown} is an option of pip's", f"Remove it: only packages are read here. {_PIN}")
    if "://" in line or " @" in line or re.match(r"[./~]|[A-Za-z]:\\", line):
        raise ValueError(
            f"{shown} names a place, not a version", f"Copy the modules into the plugin's folder, or: {_PIN}")
    match = _PINNED.fullmatch(line)
    if match is None or match["version"].endswith((".", "-", "_", "+", "!")):
        raise ValueError(f"{shown} is not pinned to one version", _PIN)
    hashes = match["hashes"].split()
    bad = [text for text in hashes if not _HASH.fullmatch(text)]
    if bad:
        raise ValueError(
            f"{bad[0][:80]!a} is not --hash=sha256:… with 64 hexadecimal digits",
            "Take the line that `pip hash WHEEL` prints.")
    extras = re.sub(r"\s", "", match["extras"] or "")
    marker = (match["marker"] or "").strip()
    return Requirement(
        canonical_name(match["name"]), f"{match['name']}{extras}=={match['version']}{marker}",
        frozenset(text.removeprefix("--hash=sha256:") for text in hashes))
