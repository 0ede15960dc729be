"""AbortSignal keeps the DOM's contract: once, in order, everybody is told."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable

import pytest

from pysandbox.core.abort import AbortController, AbortError, AbortSignal
from pysandbox.core.errors import INFO, Code, SandboxError, Status


def test_a_fresh_signal_is_not_aborted_and_throws_nothing() -> None:
    signal = AbortController().signal
    assert (signal.aborted, signal.reason) == (False, None)
    signal.throw_if_aborted()


def test_abort_without_a_reason_gives_an_abort_error_with_its_code() -> None:
    controller = AbortController()
    controller.abort()
    assert controller.signal.aborted
    with pytest.raises(AbortError) as caught:
        controller.signal.throw_if_aborted()
    assert caught.value.code is Code.PLUGIN_ABORTED
    assert isinstance(caught.value, SandboxError)
    assert caught.value.message == INFO[Code.PLUGIN_ABORTED].meaning


def test_the_given_reason_is_thrown_as_it_is_and_a_text_becomes_the_message() -> None:
    reason = LookupError("no more")
    controller = AbortController()
    controller.abort(reason)
    with pytest.raises(LookupError) as caught:
        controller.signal.throw_if_aborted()
    assert caught.value is reason
    assert str(AbortSignal.aborted_with("the tab was closed").reason) == "PLUGIN_ABORTED: the tab was closed"


def test_only_the_first_abort_counts() -> None:
    calls: list[int] = []
    controller = AbortController()
    controller.signal.add_listener(lambda: calls.append(1))
    controller.abort("first")
    controller.abort("second")
    assert "first" in str(controller.signal.reason)
    assert calls == [1]


def test_an_abort_error_has_no_other_code() -> None:
    assert INFO[AbortError(code=Code.PLUGIN_TIMEOUT).code].status is Status.TIMEOUT
    with pytest.raises(ValueError, match="MEMORY_LIMIT"):
        AbortError(code=Code.MEMORY_LIMIT)


def test_throwing_again_and_again_does_not_pile_up_tracebacks() -> None:
    signal = AbortSignal.aborted_with()
    lengths: list[int] = []
    for _ in range(3):
        with pytest.raises(AbortError) as caught:
            signal.throw_if_aborted()
        lengths.append(len(caught.traceback))
    assert len(set(lengths)) == 1


def test_listeners_run_in_the_order_they_were_added_and_see_the_reason() -> None:
    controller = AbortController()
    seen: list[tuple[str, bool]] = []
    for name in "abc":
        controller.signal.add_listener(lambda name=name: seen.append((name, controller.signal.aborted)))
    controller.abort()
    assert seen == [("a", True), ("b", True), ("c", True)]


def test_the_same_listener_is_held_once_bound_methods_included() -> None:
    calls: list[str] = []

    class Job:
        __hash__ = None  # type: ignore[assignment]  # a listener need not be hashable

        def stop(self) -> None:
            calls.append("stop")

    job, controller = Job(), AbortController()
    controller.signal.add_listener(job.stop)
    controller.signal.add_listener(job.stop)
    controller.abort()
    assert calls == ["stop"]


def test_a_removed_listener_is_not_called_even_when_removed_by_one_before_it() -> None:
    controller = AbortController()
    calls: list[str] = []

    def second() -> None:
        calls.append("second")

    def third() -> None:
        calls.append("third")

    def first() -> None:
        calls.append("first")
        controller.signal.remove_listener(third)

    for listener in (first, second, third):
        controller.signal.add_listener(listener)
    controller.signal.remove_listener(second)
    controller.signal.remove_listener(lambda: None)
    controller.abort()
    assert calls == ["first"]


def test_a_listener_added_during_or_after_the_abort_is_never_called() -> None:
    controller = AbortController()
    calls: list[str] = []
    controller.signal.add_listener(lambda: controller.signal.add_listener(lambda: calls.append("during")))
    controller.abort()
    controller.signal.add_listener(lambda: calls.append("after"))
    controller.abort()
    assert calls == []


def test_a_listener_that_aborts_again_changes_nothing() -> None:
    controller = AbortController()
    calls: list[str] = []
    controller.signal.add_listener(lambda: controller.abort("inner"))
    controller.signal.add_listener(lambda: calls.append("next"))
    controller.abort("outer")
    assert "outer" in str(controller.signal.reason)
    assert calls == ["next"]


def fail(message: str) -> Callable[[], None]:
    def listener() -> None:
        raise RuntimeError(message)

    return listener


def test_one_failing_listener_does_not_stop_the_others_and_all_errors_arrive_as_a_group() -> None:
    controller = AbortController()
    calls: list[str] = []
    controller.signal.add_listener(fail("one"))
    controller.signal.add_listener(lambda: calls.append("ran"))
    controller.signal.add_listener(fail("two"))
    with pytest.raises(ExceptionGroup) as caught:
        controller.abort()
    assert [str(error) for error in caught.value.exceptions] == ["one", "two"]
    assert calls == ["ran"]
    assert controller.signal.aborted


def test_a_hook_for_errors_is_told_of_each_instead_those_of_dependent_signals_included() -> None:
    told: list[str] = []
    controller = AbortController(on_error=lambda error: told.append(str(error)))
    dependent = AbortSignal.any([controller.signal])
    controller.signal.add_listener(fail("own"))
    dependent.add_listener(fail("dependent"))
    controller.abort()
    assert told == ["own", "dependent"]


def test_an_interrupt_in_a_listener_is_not_swallowed() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    controller = AbortController(on_error=lambda _: None)
    controller.signal.add_listener(interrupt)
    with pytest.raises(KeyboardInterrupt):
        controller.abort()


def test_an_interrupt_in_a_listener_waits_for_the_listeners_after_it() -> None:
    """Each guarded call hangs on a listener: one interrupt must not leave the others' calls under way."""
    calls: list[str] = []
    told: list[str] = []
    controller = AbortController(on_error=lambda error: told.append(str(error)))
    dependent = AbortSignal.any([controller.signal])

    def interrupt() -> None:
        calls.append("interrupted")
        raise KeyboardInterrupt

    for listener in (interrupt, fail("one"), lambda: calls.append("next")):
        controller.signal.add_listener(listener)
    dependent.add_listener(lambda: calls.append("dependent"))
    with pytest.raises(KeyboardInterrupt):
        controller.abort()
    assert calls == ["interrupted", "next", "dependent"]
    assert told == ["one"]


def test_a_cancellation_in_a_listener_reaches_who_aborts() -> None:
    def cancelled() -> None:
        raise asyncio.CancelledError

    controller = AbortController()
    controller.signal.add_listener(cancelled)
    controller.signal.add_listener(fail("one"))
    with pytest.raises(asyncio.CancelledError):
        controller.abort()


def test_a_listener_removed_and_added_again_comes_last() -> None:
    controller = AbortController()
    calls: list[str] = []

    def first() -> None:
        calls.append("first")

    def second() -> None:
        calls.append("second")

    controller.signal.add_listener(first)
    controller.signal.add_listener(second)
    controller.signal.remove_listener(first)
    controller.signal.add_listener(first)
    controller.abort()
    assert calls == ["second", "first"]


def test_a_listener_on_two_signals_is_called_for_each() -> None:
    controller = AbortController()
    calls: list[str] = []

    def told() -> None:
        calls.append("told")

    combined = AbortSignal.any([controller.signal, controller.signal])
    controller.signal.add_listener(told)
    combined.add_listener(told)
    controller.abort()
    assert calls == ["told", "told"]


def test_a_combined_signal_is_told_once_though_two_of_its_sources_abort() -> None:
    one, two = AbortController(), AbortController()
    calls: list[str] = []
    AbortSignal.any([one.signal, two.signal]).add_listener(lambda: calls.append("told"))
    one.signal.add_listener(lambda: two.abort("in between"))
    one.abort("first")
    assert calls == ["told"]


def test_a_source_that_aborts_another_in_a_listener_does_not_change_the_reason() -> None:
    one, two = AbortController(), AbortController()
    combined = AbortSignal.any([two.signal, one.signal])
    one.signal.add_listener(lambda: two.abort("second"))
    one.abort("first")
    assert combined.reason is one.signal.reason


def test_a_combined_signal_is_let_go_by_the_source_that_never_aborts() -> None:
    """A signal that lives as long as the session must not collect what other signals ended."""
    session, request = AbortController(), AbortController()
    combined = AbortSignal.any([session.signal, request.signal])
    combined.add_listener(lambda: None)
    request.abort()
    watch = weakref.ref(combined)
    del combined
    gc.collect()
    assert watch() is None
    assert not session.signal.aborted


def test_any_is_aborted_by_whichever_source_comes_first_with_its_reason() -> None:
    one, two = AbortController(), AbortController()
    combined = AbortSignal.any([one.signal, two.signal])
    assert not combined.aborted
    two.abort("two")
    one.abort("one")
    assert combined.reason is two.signal.reason


def test_any_with_an_aborted_source_is_aborted_at_once_with_the_first_such_reason() -> None:
    first, second = AbortSignal.aborted_with("first"), AbortSignal.aborted_with("second")
    assert AbortSignal.any([AbortSignal(), first, second]).reason is first.reason


def test_any_of_nothing_is_never_aborted() -> None:
    assert not AbortSignal.any([]).aborted


def test_any_over_any_is_aborted_by_the_source_though_nobody_holds_the_one_between() -> None:
    controller = AbortController()
    outer = AbortSignal.any([AbortSignal.any([controller.signal])])
    controller.abort()
    assert outer.reason is controller.signal.reason


def test_any_over_any_reaches_the_sources_and_every_signal_is_marked_before_a_listener_runs() -> None:
    controller = AbortController()
    inner = AbortSignal.any([controller.signal])
    outer = AbortSignal.any([inner, controller.signal])
    seen: list[tuple[str, bool, bool]] = []
    outer.add_listener(lambda: seen.append(("outer", inner.aborted, outer.aborted)))
    inner.add_listener(lambda: seen.append(("inner", inner.aborted, outer.aborted)))
    controller.signal.add_listener(lambda: seen.append(("source", inner.aborted, outer.aborted)))
    controller.abort()
    assert seen == [("source", True, True), ("inner", True, True), ("outer", True, True)]


def test_a_combined_signal_nobody_holds_is_freed_though_its_source_lives_on() -> None:
    controller = AbortController()
    watch = weakref.ref(AbortSignal.any([controller.signal]))
    gc.collect()
    assert watch() is None
    controller.abort()


def test_a_combined_signal_with_a_listener_lives_until_the_listener_goes() -> None:
    controller = AbortController()
    calls: list[str] = []

    def told() -> None:
        calls.append("told")

    AbortSignal.any([controller.signal]).add_listener(told)
    dropped = AbortSignal.any([controller.signal])
    dropped.add_listener(told)
    dropped.remove_listener(told)
    watch = weakref.ref(dropped)
    del dropped
    gc.collect()
    assert watch() is None
    controller.abort()
    assert calls == ["told"]


def test_timeout_aborts_with_the_timeout_code_when_the_timer_fires() -> None:
    timers: list[tuple[Callable[[], None], int]] = []
    signal = AbortSignal.timeout(250, lambda fn, ms: timers.append((fn, ms)))
    [(fire, ms)] = timers
    assert (ms, signal.aborted) == (250, False)
    fire()
    with pytest.raises(AbortError, match="250 ms") as caught:
        signal.throw_if_aborted()
    assert caught.value.code is Code.PLUGIN_TIMEOUT


def test_a_timeout_of_no_time_waits_for_its_timer_all_the_same() -> None:
    timers: list[Callable[[], None]] = []
    signal = AbortSignal.timeout(0, lambda fn, _: timers.append(fn))
    assert not signal.aborted
    timers[0]()
    assert signal.aborted


def test_a_timeout_beside_an_abort_gives_the_reason_of_the_one_that_came_first() -> None:
    timers: list[Callable[[], None]] = []
    controller = AbortController()
    both = AbortSignal.any([controller.signal, AbortSignal.timeout(10, lambda fn, _: timers.append(fn))])
    timers[0]()
    controller.abort()
    assert isinstance(both.reason, AbortError)
    assert both.reason.code is Code.PLUGIN_TIMEOUT


def test_a_timeout_whose_listener_fails_says_so_where_the_timer_fired() -> None:
    timers: list[Callable[[], None]] = []
    signal = AbortSignal.timeout(10, lambda fn, _: timers.append(fn))
    signal.add_listener(fail("late"))
    with pytest.raises(ExceptionGroup):
        timers[0]()
    assert signal.aborted


def test_a_timeout_in_the_past_is_refused() -> None:
    with pytest.raises(ValueError, match="past"):
        AbortSignal.timeout(-1, lambda *_: None)
