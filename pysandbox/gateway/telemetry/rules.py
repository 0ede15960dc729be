"""Alert rules of the operator's own: a TOML file, each rule judged whole. Must not know: figures, who is told."""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final, cast

import msgspec

from pysandbox.core.errors import Code, Problem, SandboxError
from pysandbox.core.telemetry.alerts import BUILT_IN, Rule

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_LONGEST_S: Final = 3 * 3600
_KNOWN: Final = frozenset(one.name for one in fields(Rule))


def load_rules(file: Path | None) -> tuple[Rule, ...]:
    """The built-in rules and those of the file, which replace built-in ones of their names.

    Raises `SandboxError` ``INPUT_INVALID`` with what is wrong in each rule.
    """
    found = {rule.name: rule for rule in BUILT_IN}
    problems: list[Problem] = []
    for at, told in enumerate([] if file is None else _read(file)):
        try:
            rule = _rule(told)
        except ValueError as error:
            problems.append(Problem(f"rule[{at}]", str(error)[:200], "see docs/telemetry.md, Alerts"))
        else:
            found[rule.name] = rule
    if problems:
        raise SandboxError(Code.INPUT_INVALID, "the alert rules are not usable", details=problems)
    return tuple(found.values())


def is_silenced(silences: tuple[str, ...], rule: str, group: str) -> bool:
    """Whether one of ``RULE`` or ``RULE/GROUP``, each with ``*`` for any text, is about it."""
    return any(fnmatchcase(f"{rule}/{group}", one if "/" in one else f"{one}/*") for one in silences)


def _read(file: Path) -> list[dict[str, Any]]:
    try:
        told = tomllib.loads(file.read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SandboxError(Code.INPUT_INVALID, f"{file} cannot be read as TOML: {error}") from error
    rules = told.get("rule")
    if told.keys() != {"rule"} or not isinstance(rules, list):
        raise SandboxError(Code.INPUT_INVALID, f"{file} holds no rules", details=[
            Problem("rule", "is a list of tables, and nothing is beside it", "begin each rule with [[rule]]")])
    return cast("list[dict[str, Any]]", rules)


def _rule(told: dict[str, Any]) -> Rule:
    """Raises ValueError."""
    strange = sorted(told.keys() - _KNOWN)
    if strange:
        raise ValueError(f"{strange[0]} is not known")
    rule = msgspec.convert(told, Rule)
    if _NAME.fullmatch(rule.name) is None:
        raise ValueError("name has the form of error-rate")
    if rule.severity not in ("critical", "warning"):
        raise ValueError("severity is critical or warning")
    if not 0 <= rule.clear <= rule.above:
        raise ValueError("clear is from 0 to above")
    if rule.window_s % 60 or not 60 <= rule.window_s <= _LONGEST_S:
        raise ValueError("window_s is whole minutes, three hours at most")
    if rule.least < 1 or rule.for_s < 0 or rule.clear_for_s < 0:
        raise ValueError("least is at least 1, for_s and clear_for_s at least 0")
    return rule
