"""A run as data: what `report.json` holds, and what the page of `report_html` is made of.

No token and no secret is in it: what is said of an attack is cut, and searched for the token that was used.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final

import pysandbox
from pysandbox.testing.attacks import RESIDUAL
from pysandbox.testing.attacks.live.play import GATEWAY, GROUPS, Play
from pysandbox.testing.attacks.live.run import Report
from pysandbox.testing.attacks.live.verdicts import Half, Result, count, good

FORMAT: Final = 1
_PLACES: Final[dict[str, str]] = {"server": GATEWAY}  # as the catalogue calls it
_MEANINGS: Final = {
    "stopped": "It works outside of the sandbox, and did not work inside.",
    "got through": "It worked inside. This is a hole, or a deployment that lost a wall.",
    "control failed": "It did not work outside either, or could not be tried. This proves nothing.",
    "not applicable": "There is nothing of the kind here; the reason stands beside it.",
    "residual": "It works, and is known to: see what is left.",
}


def as_data(report: Report, token: str) -> dict[str, Any]:
    """JSON values: the whole report. ``token`` will stand nowhere in it."""
    return {
        "format": FORMAT,
        "pysandbox": pysandbox.__version__,
        "url": report.url,
        "build": report.build,
        "startedAt": _utc(report.started_s),
        "endedAt": _utc(report.ended_s),
        "ok": is_good(report),
        "counts": count(report.results),
        "meanings": _MEANINGS,
        "places": [{"place": place, "agent": report.agents.get(place, "")} for place in report.places],
        "missing": [
            {"place": place, "why": _clean(why, token)}
            for place, why in {**report.missing, **report.absent}.items()],
        "warnings": [_clean(text, token) for text in report.warnings],
        "attacks": [_attack(play, report.results, token) for play in ordered(report.plays)],
        "residual": [
            {"name": one.slug, "title": one.title, "gains": one.gains, "why": one.why, "advice": one.advice,
             "places": [_PLACES.get(place, place) for place in one.places]}
            for one in RESIDUAL.values() if {_PLACES.get(place, place) for place in one.places} & set(report.places)],
    }


def is_good(report: Report) -> bool:
    """Whether the command may end with 0: see `verdicts.good`; nothing that was asked for is missing."""
    return good(report.results) and not report.missing and not report.warnings


def ordered(plays: Sequence[Play]) -> list[Play]:
    """By group; within it as they are made."""
    return sorted(plays, key=lambda play: GROUPS.index(play.group))


def _attack(play: Play, results: Sequence[Result], token: str) -> dict[str, Any]:
    return {
        "slug": play.slug, "group": play.group, "title": play.title, "tries": play.tries, "wall": play.wall,
        "control": play.control, "seenBy": play.seen_by, "numbers": list(play.numbers),
        "results": {result.place: _result(result, token) for result in results if result.slug == play.slug}}


def _result(result: Result, token: str) -> dict[str, Any]:
    return {
        "verdict": result.verdict.value, "reason": _clean(result.reason, token),
        "control": _half(result.seen.control, token), "attack": _half(result.seen.attack, token),
        "alerts": sorted(set(result.seen.alerts))}


def _half(half: Half, token: str) -> dict[str, Any]:
    return {"worked": half.worked, "said": _clean(half.said, token)}


def _clean(text: str, token: str) -> str:
    return text.replace(token, "[the token]")[:1200] if token else text[:1200]


def _utc(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
