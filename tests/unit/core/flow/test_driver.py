"""The driver: every wait ends in time, intent is stored before anything happens, a run goes on where a server died."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any

import pytest

from pysandbox.core.errors import Code, SandboxError
from pysandbox.core.flow.breakers import Breakers
from pysandbox.core.flow.check import parse_flow
from pysandbox.core.flow.driver import Ran, resume_flow, run_flow
from pysandbox.core.flow.effects import Event
from pysandbox.core.flow.journal import replay
from pysandbox.core.flow.ports import LostExecution, pick_handler
from tests.unit.core.flow.places import Behaviour, Place, answers, fails, hangs, is_deaf, run

RISK = {"pluginId": "com.vendor.risk"}
ENDS = [{"id": id, "type": "routeToQueue", "queueId": id} for id in ("good", "late", "bad")]


def ask(id: str, then: str, timeout: int = 1000) -> dict[str, Any]:
    return {"id": id, "type": "invokePlugin", **RISK, "timeout": timeout, "onSuccess": then, "onTimeout": "late",
            "onError": "bad"}  # fmt: skip


TWO = parse_flow({"slaMs": 2000, "blocks": [ask("one", "two"), ask("two", "good"), *ENDS]})


def go(place: Place, flow: Any = TWO, **more: Any) -> Ran:
    ran = run(run_flow(flow, {}, place, correlation_id="cid", **more))
    assert replay(flow, [*place.journal, *ran.unstored]) == [*place.journal, *ran.unstored]
    return ran


# --- time ---
def test_past_the_deadline_nothing_is_started_and_a_declared_end_is_taken() -> None:
    """The machine was busy for longer than the whole flow had."""
    place = Place()

    async def slow(_call: object, _timeout_ms: float) -> Any:
        place.skipped_ms += 3000
        return await answers("1")(None, 0)  # type: ignore[arg-type]

    place.plugins["risk"] = slow
    end = go(place).ending
    assert (end.block, len(place.called)) == ("late", 1)
    assert not end.within_sla
    assert end.summary["failures"][0]["errorCode"] == Code.FLOW_DEADLINE


def test_past_the_deadline_waits_are_over_and_messages_unsent() -> None:
    place = Place()

    async def slow(_call: object, _timeout_ms: float) -> Any:
        place.skipped_ms += 9000
        return await answers("1")(None, 0)  # type: ignore[arg-type]

    place.plugins["risk"] = slow
    flow = parse_flow({"blocks": [
        ask("one", "wait"), {"id": "wait", "type": "wait", "ms": 500, "next": "say"},
        {"id": "say", "type": "sendMessage", "text": "hello", "next": "all"},
        {"id": "all", "type": "parallel", "join": "all", "timeout": 100, "calls": [{"id": "p", **RISK}],
         "onSuccess": "good", "onTimeout": "try", "onError": "bad"},
        {"id": "try", "type": "retry", **RISK, "timeout": 100, "attempts": 2, "budgetMs": 200, "onSuccess": "good",
         "onTimeout": "hand", "onError": "bad"},
        {"id": "hand", "type": "callFlow", "flowId": "x", "timeout": 100, "onError": "late"}, *ENDS]})
    end = go(place, flow).ending
    assert (end.block, len(place.called), place.sent) == ("late", 1, [])
    assert end.duration_ms == pytest.approx(9000, abs=1)
    assert [failure["block"] for failure in end.summary["failures"]] == ["say", "all", "try", "hand"]


def test_two_that_hang_end_at_the_sum_of_their_timeouts_and_inside_the_sla() -> None:
    flow = parse_flow({"slaMs": 2000, "blocks": [
        {**ask("one", "good"), "onTimeout": "two"}, ask("two", "good"), *ENDS]})
    end = go(Place(risk=is_deaf), flow).ending
    assert end.block == "late"
    assert end.duration_ms == pytest.approx(2000, abs=1)


def test_the_plugin_is_told_the_time_that_is_left() -> None:
    told: list[float] = []

    async def looks(_call: object, timeout_ms: float) -> Any:
        told.append(timeout_ms)
        return await answers("1", after_ms=900)(None, 0)  # type: ignore[arg-type]

    go(Place(risk=looks))
    assert told == [pytest.approx(1000), pytest.approx(1000)]


def test_a_clock_that_is_set_back_makes_no_time() -> None:
    place = Place()

    async def back(_call: object, _timeout_ms: float) -> Any:
        place.skipped_ms -= 60_000
        return await answers("1")(None, 0)  # type: ignore[arg-type]

    place.plugins["risk"] = back
    go(place)
    times = [event["atMs"] for event in place.journal]
    assert times == sorted(times)


def test_cancelling_a_run_cancels_its_call() -> None:
    stopped: list[bool] = []

    async def notices(_call: object, _timeout_ms: float) -> Any:
        try:
            await asyncio.sleep(3600)
        finally:
            stopped.append(True)

    async def main() -> None:
        running = asyncio.create_task(run_flow(TWO, {}, Place(risk=notices), correlation_id="cid"))
        await asyncio.sleep(0.1)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await asyncio.sleep(0)

    run(main())
    assert stopped == [True]


def test_a_call_that_was_cancelled_where_it_ran_is_an_outcome() -> None:
    async def cancelled(_call: object, _timeout_ms: float) -> Any:
        raise asyncio.CancelledError

    assert go(Place(risk=cancelled)).ending.summary["failures"][0]["errorCode"] == Code.PLUGIN_ABORTED


# --- what is stored ---
class Store(Place):
    """``wrong``: what the n-th append does instead of storing."""

    def __init__(self, wrong: dict[int, BaseException | None], **plugins: Behaviour) -> None:
        super().__init__(**plugins)
        self.wrong = wrong
        self.asked = 0

    def append(self, events: Sequence[Event]) -> Awaitable[None] | None:
        return self._append(events)

    async def _append(self, events: Sequence[Event]) -> None:
        number, self.asked = self.asked, self.asked + 1
        if number in self.wrong:
            error = self.wrong[number]
            if error is None:
                await asyncio.sleep(3600)
            raise error or AssertionError
        self.journal += events


def test_intent_is_stored_before_the_plugin_is_called() -> None:
    place = Place()

    async def looks(_call: object, _timeout_ms: float) -> Any:
        assert place.journal[-1]["event"] == "blockStarted"
        return await answers("1")(None, 0)  # type: ignore[arg-type]

    place.plugins["risk"] = looks
    assert go(place).ending.block == "good"


@pytest.mark.parametrize("error", [OSError("disk"), SandboxError(Code.STATE_UNAVAILABLE), None])
def test_what_cannot_be_stored_is_not_done(error: Exception | None) -> None:
    place = Store({0: error}, risk=answers("1"))
    end = go(place).ending
    assert (end.block, place.called) == ("bad", [])
    assert end.within_sla
    assert [event["n"] for event in place.journal] == list(range(len(place.journal))), "stored with the next ones"


def test_a_store_that_never_answers_costs_no_more_than_the_blocks_time() -> None:
    place = Store(dict.fromkeys(range(9)), risk=answers("1"))
    ran = go(place)
    assert ran.ending.block == "bad"
    assert ran.ending.duration_ms == pytest.approx(1000, abs=1)
    assert (place.journal, place.called) == ([], [])
    assert [event["event"] for event in ran.unstored] == ["flowStarted", "blockStarted", "blockEnded", "flowEnded"]


def test_a_lost_lease_stops_the_run_at_once() -> None:
    place = Store({1: LostExecution()}, risk=answers("1"))
    with pytest.raises(LostExecution):
        run(run_flow(TWO, {}, place, correlation_id="cid"))
    assert len(place.called) == 1


@pytest.mark.parametrize("data", [
    {"other": {}}, {"interaction": float("nan")}, {"interaction": {1: 2}}, {"interaction": {"x": "y" * 300_000}}])
def test_data_that_is_no_flows_is_refused_before_anything_happens(data: dict[str, Any]) -> None:
    place = Place()
    with pytest.raises(SandboxError) as caught:
        run(run_flow(TWO, data, place, correlation_id="cid"))
    assert (caught.value.code, place.journal) == (Code.INPUT_INVALID, [])


# --- going on after a crash ---
def crash_after(count: int) -> list[Event]:
    """The journal of a run that died when ``count`` events were stored."""
    place = Place(risk=answers("1", after_ms=300))
    go(place)
    return place.journal[:count]


@pytest.mark.parametrize(("count", "block", "codes"), [
    (2, "bad", ["INTERRUPTED"]), (4, "bad", ["INTERRUPTED"]), (6, "good", [])])
def test_a_block_that_had_begun_is_not_begun_again(count: int, block: str, codes: list[str]) -> None:
    journal = crash_after(count)
    place = Place(risk=answers("1"))
    place.journal = list(journal)
    place.skipped_ms = 700
    ran = run(resume_flow(TWO, journal, place))
    assert (ran.ending.block, place.called) == (block, [])
    assert [failure["errorCode"] for failure in ran.ending.summary["failures"]] == codes
    assert replay(TWO, place.journal) == place.journal
    assert [event["event"] for event in place.journal].count("flowEnded") == 1


@pytest.mark.parametrize("count", [1, 3, 5])
def test_events_that_came_through_by_half_are_completed(count: int) -> None:
    """A store that keeps a part of what it was given: what follows was not begun, so it is begun now."""
    journal = crash_after(count)
    place = Place(risk=answers("1"))
    place.journal = list(journal)
    ran = run(resume_flow(TWO, journal, place))
    assert ran.ending.block == "good"
    assert len(place.called) == (4 - count + 1) // 2
    assert [event["n"] for event in place.journal] == list(range(6))


def test_the_deadline_is_still_the_first_one() -> None:
    journal = crash_after(4)
    place = Place(risk=answers("1"))
    place.skipped_ms = 60_000
    ran = run(resume_flow(TWO, journal, place))
    assert ran.ending.block == "bad"
    assert not ran.ending.within_sla


def test_a_wait_goes_on_to_its_own_end() -> None:
    flow = parse_flow({"blocks": [{"id": "wait", "type": "wait", "ms": 800, "next": "good"}, ENDS[0]]})
    place = Place()
    go(place, flow)
    journal = place.journal[:2]
    again = Place()
    again.skipped_ms = 500
    ran = run(resume_flow(flow, journal, again))
    assert ran.ending.duration_ms == pytest.approx(800, abs=1)


def test_a_message_that_may_have_been_sent_is_not_sent_again() -> None:
    flow = parse_flow({"blocks": [{"id": "say", "type": "sendMessage", "text": "x", "next": "good"}, ENDS[0]]})
    place = Place()
    go(place, flow)
    again = Place()
    ran = run(resume_flow(flow, place.journal[:2], again))
    assert (ran.ending.block, again.sent) == ("good", [])
    assert ran.ending.summary["failures"][0]["errorCode"] == Code.INTERRUPTED


def test_a_journal_of_another_flow_is_refused() -> None:
    other = parse_flow({"slaMs": 2000, "blocks": [ask("one", "good"), *ENDS]} | {"blocks": [ask("one", "good"), *ENDS]})
    with pytest.raises(SandboxError) as caught:
        run(resume_flow(other, crash_after(2), Place()))
    assert caught.value.code == Code.JOURNAL_INVALID


def test_a_journal_that_was_changed_is_refused() -> None:
    journal = [dict(event) for event in crash_after(6)]
    journal[2] = {**journal[2], "to": "good"}
    with pytest.raises(SandboxError) as caught:
        replay(TWO, journal)
    assert caught.value.code == Code.JOURNAL_INVALID
    assert "event 2" in caught.value.message


# --- breakers, handlers ---
def test_a_plugin_that_keeps_failing_is_left_alone_for_a_while() -> None:
    place = Place(risk=fails(Code.PLUGIN_KILLED))

    async def main() -> list[str]:
        breakers = Breakers(lambda: 0.0, failures=3, base_ms=1000)
        codes: list[str] = []
        for pause_s in (0, 0, 0, 0, 1.1):
            await asyncio.sleep(pause_s)
            ran = await run_flow(TWO, {}, place, correlation_id="cid", breakers=breakers)
            codes.append(str(ran.ending.summary["failures"][0]["errorCode"]))
        return codes

    assert run(main()) == ["PLUGIN_KILLED"] * 3 + ["BREAKER_OPEN", "PLUGIN_KILLED"]
    assert len(place.called) == 4


def test_a_caller_that_names_a_wrong_handler_opens_no_breaker() -> None:
    place = Place(risk=fails(Code.HANDLER_NOT_FOUND))

    async def main() -> None:
        breakers = Breakers(lambda: 0.0, failures=1)
        for _ in range(3):
            await run_flow(TWO, {}, place, correlation_id="cid", breakers=breakers)

    run(main())
    assert len(place.called) == 3


def test_breakers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pysandbox.core.flow.breakers.MAX_PLUGINS", 2)
    breakers = Breakers(lambda: 0.0)
    first = breakers.of("a")
    breakers.of("b")
    assert breakers.of("a") is first
    breakers.of("c")
    assert breakers.of("a") is first
    assert breakers.of("b") is not breakers.of("a")


def test_a_hanging_plugin_times_out_whatever_it_is_told() -> None:
    assert go(Place(risk=hangs)).ending.block == "late"


def test_the_only_handler_is_the_one_that_is_meant() -> None:
    assert pick_handler(["evaluate"], "") == "evaluate"
    assert pick_handler(["a", "b"], "b") == "b"
    for handlers, wanted in ((["a", "b"], ""), ([], ""), (["a"], "b")):
        with pytest.raises(SandboxError) as caught:
            pick_handler(handlers, wanted)
        assert caught.value.code == Code.HANDLER_NOT_FOUND
