"""The browser's attacks in one engine: opens the page, takes what it tells, and counts what arrives. Always bounded."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pysandbox.core.errors import Code, SandboxError
from pysandbox.testing.attacks.live.listener import Listener
from pysandbox.testing.attacks.live.page_server import Note, PageServer
from pysandbox.testing.attacks.live.play import Play
from pysandbox.testing.attacks.live.roads_here import take_here
from pysandbox.testing.attacks.live.verdicts import Half, Seen, with_arrivals
from pysandbox.testing.browsers import DirectBrowser, Engine, launch_direct

START_S: Final = 60.0
"""For a browser to start and fetch its plan, on a slow and busy machine."""
SILENCE_S: Final = 100.0
"""A page says something at least twice in each attack, whose halves have deadlines of their own."""
LIMIT_S: Final = 1200.0
BY_PACKET: Final = ("egress-webtransport", "egress-webrtc")
# Chromium asks before a page of the internet reaches this machine. What is listened for must not be stopped by that.
_FLAGS: Final = {"chromium": ("--disable-features=LocalNetworkAccessChecks",)}


@dataclass(frozen=True, slots=True)
class EngineRun:
    """``agent``: what the browser calls itself. ``heard_token``: whether the token arrived at the listening server."""

    agent: str
    seen: dict[str, Seen]
    heard_token: bool


def attack_in(
    engine: Engine, server: PageServer, plan: dict[str, Any], plays: Sequence[Play], tell: Callable[[str, Seen], None]
) -> EngineRun:
    """What was seen of each of ``plays``, by slug. ``tell`` hears each at once.

    Raises `SandboxError` ``BOOT_FAILED`` for a browser that never came so far, and what launching raises.
    """
    with Listener(BY_PACKET) as listener:
        quic = {half: listener.packets_to(half) for half in ("control", "attack")}
        attacks = [{"slug": play.slug, "title": play.title, "kind": play.kind, **play.data} for play in plays]
        url = server.page_for({**plan, "http": listener.origin, "quic": quic, "attacks": attacks})
        run = _Run({play.slug: play for play in plays}, listener, tell)
        with launch_direct(engine, url, extra_args=_FLAGS.get(engine, ())) as browser:
            run.listen(server.notes, browser)
        run.look_again()
        return EngineRun(server.agent, run.seen, listener.holds(str(plan["token"])))


class _Run:
    """What the page says, until it is done, goes silent or takes too long."""

    def __init__(self, plays: dict[str, Play], listener: Listener, tell: Callable[[str, Seen], None]) -> None:
        self._plays = plays
        self._listener = listener
        self._tell = tell
        self._at = ("", "")
        self.seen: dict[str, Seen] = {}

    def listen(self, notes: queue.Queue[Note], browser: DirectBrowser) -> None:
        """Return when there is nothing more to come; every play has something in ``seen`` then."""
        end = time.monotonic() + LIMIT_S
        silence_s, why = START_S, ""
        while not why:
            until = min(end, time.monotonic() + silence_s)
            why = self._next(notes, browser, until)
            silence_s = SILENCE_S
        if not self.seen and why != "done":
            raise SandboxError(
                Code.BOOT_FAILED, f"nothing was tried: {why}; the browser's last words: {browser.log()[-300:]}")
        self._fill(why)

    def _next(self, notes: queue.Queue[Note], browser: DirectBrowser, until: float) -> str:
        """Take one note. Why it is over, empty if it is not."""
        while True:
            try:
                note = notes.get(timeout=0.25)
            except queue.Empty:
                if browser.poll() is not None:
                    return "the browser ended"
                if time.monotonic() > until:
                    return "the page went silent"
                continue
            return self._take(note)

    def _take(self, note: Note) -> str:
        if note.kind == "started":
            self._at = (str(note.told["slug"]), str(note.told["half"]))
        elif note.kind == "seen":
            self._keep(str(note.told["slug"]), Seen(
                _half(note.told["control"]), _half(note.told["attack"]),
                tuple(str(rule) for rule in note.told["attack"].get("alerts", ())[:20])))
        return {"done": "done", "failed": str(note.told.get("said", "it failed"))[:300]}.get(note.kind, "")

    def _keep(self, slug: str, seen: Seen) -> None:
        play = self._plays[slug]
        if play.kind == "road" and not play.data["code"]:
            here = take_here(str(play.data["road"]), f"{self._listener.origin}/control/{slug}")
            seen = Seen(here, seen.attack, seen.alerts)
        if play.seen_by == "listener":
            seen = self._with_arrivals(slug, seen)
        self.seen[slug] = seen
        self._tell(slug, seen)

    def look_again(self) -> None:
        """What arrived after its attack was over counts too."""
        for slug, seen in list(self.seen.items()):
            if self._plays[slug].seen_by == "listener":
                again = self._with_arrivals(slug, seen)
                if (again.control.worked, again.attack.worked) != (seen.control.worked, seen.attack.worked):
                    self.seen[slug] = again
                    self._tell(slug, again)

    def _with_arrivals(self, slug: str, seen: Seen) -> Seen:
        return with_arrivals(seen, self._listener.hits("control", slug), self._listener.hits("attack", slug))

    def _fill(self, why: str) -> None:
        """What an attack silenced the page with got through; what never had its turn proves nothing."""
        slug, half = self._at
        for name in self._plays:
            if name in self.seen:
                continue
            during = name == slug and half == "attack"
            control = Half(True if during else None, "it was under way" if during else f"not tried: {why}")
            self._keep(name, Seen(control, Half(True if during else None, f"not finished: {why}")))


def _half(told: dict[str, Any]) -> Half:
    worked = told.get("worked")
    said, absent = str(told.get("said", ""))[:1000], str(told.get("absent", ""))[:200]
    return Half(worked if isinstance(worked, bool) else None, said, absent)
