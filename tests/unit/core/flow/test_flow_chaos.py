"""Calls that go wrong on purpose: as often as asked for, the same by one seed, and each fallback inside its window."""

from __future__ import annotations

from typing import Any

import pytest

from pysandbox.core.chaos import AT_PORTS, IN_FLOWS, Chaos, parse_chaos
from pysandbox.core.errors import SandboxError
from pysandbox.core.flow.chaos import ChaosPorts
from pysandbox.core.flow.check import parse_flow
from pysandbox.core.flow.driver import Ran, run_flow
from pysandbox.core.flow.windows import LATE_MS, fallbacks
from tests.unit.core.flow.places import Place, answers, run
from tests.unit.core.flow.test_guide_flow import DATA, completed

CALLS = 20
CHAIN = parse_flow({"slaMs": 60_000, "blocks": [
    *({"id": f"b{n}", "type": "invokePlugin", "pluginId": "com.vendor.risk", "timeout": 500,
       **dict.fromkeys(("onSuccess", "onTimeout", "onError"), f"b{n + 1}" if n < CALLS - 1 else "end")}
      for n in range(CALLS)), {"id": "end", "type": "disconnect"}]})


def went(spec: str, flow: Any = CHAIN) -> tuple[Ran, Place]:
    place = Place(risk=answers(), **{"risk-scoring": answers()})
    ports = ChaosPorts(place, parse_chaos(spec, IN_FLOWS))
    return run(run_flow(flow, DATA, ports, correlation_id="cid")), place


@pytest.mark.parametrize(("spec", "code", "at_ms"), [
    ("hang=1,seed=1", "PLUGIN_TIMEOUT", 2500), ("crash=1,seed=1", "PLUGIN_KILLED", 0),
    ("breaker=1,seed=1", "BREAKER_OPEN", 0), ("latency=3000,seed=1", "PLUGIN_TIMEOUT", 2500),
    ("latency=40,crash=1,seed=1", "PLUGIN_KILLED", 40)])
def test_each_fault_takes_the_guides_fallback_inside_its_window(spec: str, code: str, at_ms: float) -> None:
    ran, place = went(spec, parse_flow(completed()))
    assert ran.ending.block == "fallback_to_standard_queue"
    [window] = fallbacks(place.journal)
    assert (window.block, window.code) == ("invoke_plugin_risk", code)
    assert window.at_ms == pytest.approx(at_ms, abs=1)
    assert window.window_ms == 2500 + LATE_MS
    assert window.inside


def test_a_share_of_the_calls_goes_wrong_and_the_same_by_one_seed() -> None:
    codes = [[window.code for window in fallbacks(went(f"crash=0.5,hang=0.1,seed={seed}")[1].journal)]
             for seed in (7, 7, 8)]  # fmt: skip
    assert codes[0] == codes[1] != codes[2]
    assert 0 < len(codes[0]) < CALLS


def test_nothing_asked_for_nothing_goes_wrong() -> None:
    ran, place = went("seed=1")
    assert len(place.called) == CALLS
    assert ran.ending.duration_ms == 0


def test_a_fallback_that_came_too_late_is_outside() -> None:
    journal = [
        {"event": "blockStarted", "block": "a", "untilMs": 100},
        {"event": "blockEnded", "block": "a", "branch": "onTimeout", "to": "b", "atMs": 100 + LATE_MS + 1,
         "outcome": {"errorCode": "PLUGIN_TIMEOUT"}}]
    assert [window.inside for window in fallbacks(journal)] == [False]


def test_a_fault_has_its_place() -> None:
    for text, known in (("drop=0.1", IN_FLOWS), ("crash=0.1", AT_PORTS), ("breaker=0.1", AT_PORTS)):
        with pytest.raises(SandboxError):
            parse_chaos(text, known)
    chaos = Chaos((1, 2), hang=0.5, seed=3, crash=0.25, breaker=1.0)
    assert parse_chaos(str(chaos), IN_FLOWS) == chaos


def test_chaos_needs_its_seed() -> None:
    with pytest.raises(ValueError, match="seed"):
        ChaosPorts(Place(), Chaos(hang=1.0))
