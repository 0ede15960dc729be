"""All of it: what the deployment is, its lodgers, each engine, the gateway, and what came of each attack.

Must not know: how a report looks, where it goes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from pysandbox.core.errors import SandboxError
from pysandbox.testing.attacks import RESIDUAL
from pysandbox.testing.attacks.live.browser import attack_in
from pysandbox.testing.attacks.live.gateway.attack import attack_gateway
from pysandbox.testing.attacks.live.lodging import ATTACKER, WITNESS, lodged
from pysandbox.testing.attacks.live.page_server import PageServer
from pysandbox.testing.attacks.live.play import GATEWAY, Play
from pysandbox.testing.attacks.live.target import Target, require_allowed
from pysandbox.testing.attacks.live.verdicts import Half, Result, Seen, judge
from pysandbox.testing.browsers import BrowserMissing, Engine, EngineError

PROVIDED: Final = ("webchat:session:read", "webchat:session:write", "application:plugin:manage", "constructor")
"""What the attack's page has functions for; the attacker declares the first alone."""


@dataclass(slots=True)
class Report:
    """``agents``: what each engine's browser calls itself. ``missing``: engines that were to be tried and were not.

    ``absent``: engines that this machine lacks, and that nobody asked for by name.
    """

    url: str
    build: str
    started_s: float
    plays: tuple[Play, ...]
    by_place: dict[tuple[str, str], Result] = field(default_factory=dict[tuple[str, str], Result])
    agents: dict[str, str] = field(default_factory=dict[str, str])
    missing: dict[str, str] = field(default_factory=dict[str, str])
    absent: dict[str, str] = field(default_factory=dict[str, str])
    warnings: list[str] = field(default_factory=list[str])
    ended_s: float = 0.0

    @property
    def results(self) -> list[Result]:
        """One for each attack and place."""
        return list(self.by_place.values())

    @property
    def places(self) -> list[str]:
        """In the order in which they were attacked."""
        return list(dict.fromkeys(result.place for result in self.results))


@dataclass(frozen=True, slots=True)
class Progress:
    """What a run tells while it goes on. Each does nothing by default."""

    say: Callable[[str], None] = lambda _text: None
    warn: Callable[[str], None] = lambda _text: None
    result: Callable[[Result], None] = lambda _result: None


def attack(
    target: Target, plays: Sequence[Play], engines: Iterable[Engine], *, page_port: int, progress: Progress,
    report: Report,
) -> None:
    """Fill ``report``. What was lodged at the deployment is removed again, whatever happens. Raises `SandboxError`."""
    in_browser = [play for play in plays if play.place == "browser"]
    on_gateway = [play for play in plays if play.place == GATEWAY]
    with PageServer(page_port) as server:
        if in_browser:
            require_allowed(target, server.origin)
        with lodged(target, _warner(progress, report)) as keys:
            plan: dict[str, Any] = {
                "sandboxOrigin": target.sandbox.origin, "token": target.token, "attacker": keys[ATTACKER],
                "witness": keys[WITNESS], "provided": list(PROVIDED)}
            for engine in engines if in_browser else ():
                progress.say(f"{engine}: {len(in_browser)} attacks")
                _in_engine(engine, server, plan, in_browser, progress, report)
            if on_gateway:
                progress.say(f"gateway: {len(on_gateway)} attacks")
                attack_gateway(
                    target, keys, on_gateway, lambda slug, seen: keep(report, progress, slug, GATEWAY, seen),
                    _warner(progress, report))
    report.ended_s = time.time()


def _in_engine(
    engine: Engine, server: PageServer, plan: dict[str, Any], plays: Sequence[Play], progress: Progress, report: Report
) -> None:
    def tell(slug: str, seen: Seen) -> None:
        keep(report, progress, slug, engine, seen)

    try:
        run = attack_in(engine, server, plan, plays, tell)
    except (BrowserMissing, EngineError, SandboxError) as error:
        report.missing[engine] = str(error)
        progress.warn(f"{engine} was NOT attacked: {error}")
        return
    report.agents[engine] = run.agent
    if run.heard_token:
        heard = Seen(Half(True, "what arrives is kept"), Half(True, "the token arrived at the listening server"))
        keep(report, progress, "secrets-arrived", engine, heard)


def keep(report: Report, progress: Progress, slug: str, place: str, seen: Seen) -> None:
    """Judge, keep, tell."""
    play = next((one for one in report.plays if one.slug == slug), None)
    if play is not None and place in play.lacks and not seen.control.worked:
        seen = replace(seen, control=replace(seen.control, absent=play.lacks[place]))
    verdict, why = judge(seen, "" if play is None else _left(play, place))
    result = Result(slug, place, verdict, why, seen)
    report.by_place[slug, place] = result
    progress.result(result)


def _left(play: Play, place: str) -> str:
    """Why that attack is known to work in that place; empty if it is not."""
    if not play.residual or place not in RESIDUAL[play.residual].places:
        return ""
    return f"{RESIDUAL[play.residual].gains} {RESIDUAL[play.residual].why}"


def _warner(progress: Progress, report: Report) -> Callable[[str], None]:
    def warn(text: str) -> None:
        report.warnings.append(text)
        progress.warn(text)

    return warn
