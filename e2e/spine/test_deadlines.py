"""Abort and deadline: the caller gets an outcome in time, whatever the plugin does, and the next call works.

Where a machine is so busy that the page's own last timer is first, the outcome says ``"layer":"page"``: true, and not
what these tests are about, so they ask again.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from e2e.kit.lab import Lab, LabPlugin, Outcome

pytestmark = pytest.mark.alone

GRACE_MS = 100
LATE_MS = 1500  # what a machine several times slower than its clock may add; a plugin that is not stopped adds 20,000
ATTEMPTS = 6


@pytest.fixture
def victim(shared_lab: Lab) -> Iterator[LabPlugin]:
    plugin = shared_lab.load("test.spine@1.0.0")
    yield plugin
    plugin.unload()


def timed_out(plugin: LabPlugin, handler: str, timeout_ms: int) -> Outcome:
    """A call that hits its deadline, enforced by the sandbox and not only by the page."""
    outcome: Outcome = {}
    for _ in range(ATTEMPTS):
        outcome = plugin.invoke(handler, timeoutMs=timeout_ms)
        assert (outcome["status"], outcome["error"]["code"]) == ("timeout", "PLUGIN_TIMEOUT"), outcome
        assert timeout_ms - 1 <= outcome["pageMs"] <= timeout_ms + GRACE_MS + LATE_MS, outcome
        if outcome["layer"] != "page":
            return outcome
        assert plugin.next_outcome("echo")["status"] == "ok"
    raise AssertionError(f"in {ATTEMPTS} attempts the page's own timer was always first: {outcome}")


def test_a_busy_loop_ends_at_its_deadline_and_the_next_call_has_a_fresh_worker(victim: LabPlugin) -> None:
    before = victim.invoke("echo", 1)["generation"]
    outcome = timed_out(victim, "spin", 300)
    assert outcome["layer"] == "hard"
    assert outcome["error"]["retryable"] is True
    after = victim.invoke("echo", "next")
    assert (after["status"], after["value"]) == ("ok", "next"), after
    assert after["generation"] == outcome["generation"] + 1 > before


def test_calls_that_waited_beside_a_busy_loop_end_with_a_code_too(shared_lab: Lab, victim: LabPlugin) -> None:
    spinning = victim.start("spin", timeoutMs=300)
    beside = [victim.start("echo", n) for n in range(3)]
    assert shared_lab.finish(spinning)["status"] == "timeout"
    for ticket in beside:
        outcome = shared_lab.finish(ticket)
        assert (outcome["status"], outcome["error"]["code"]) == ("killed", "PLUGIN_KILLED"), outcome
    assert victim.next_outcome("echo", "next")["status"] == "ok"


def test_a_coroutine_that_listens_to_nothing_ends_too(victim: LabPlugin) -> None:
    timed_out(victim, "stubborn", 250)
    assert victim.value("echo", "next") == "next"


def test_calls_to_the_outside_do_not_stretch_a_deadline(victim: LabPlugin) -> None:
    timed_out(victim, "ask_for_ever", 300)
    assert victim.value("echo", "next") == "next"


def test_the_manifests_deadline_holds_where_the_caller_names_a_longer_one(shared_lab: Lab) -> None:
    plugin = shared_lab.load("test.brief@1.0.0")
    outcome = plugin.invoke("spin", timeoutMs=60_000)
    assert (outcome["status"], outcome["error"]["code"]) == ("timeout", "PLUGIN_TIMEOUT"), outcome
    assert outcome["pageMs"] <= 200 + GRACE_MS + LATE_MS
    plugin.unload()


def test_the_callers_own_abort_signal_ends_a_call_that_listens(victim: LabPlugin) -> None:
    generation = victim.invoke("echo")["generation"]
    outcome = victim.invoke("wait", abortAfterMs=150)
    assert (outcome["status"], outcome["error"]["code"]) == ("aborted", "PLUGIN_ABORTED"), outcome
    assert outcome["pageMs"] <= 150 + GRACE_MS + LATE_MS
    after = victim.invoke("echo", 2)
    assert after["status"] == "ok", after
    if "layer" not in outcome:  # the plugin listened within its grace, so its worker lives on
        assert after["generation"] == generation


def test_the_callers_own_abort_signal_ends_a_call_that_does_not_listen(victim: LabPlugin) -> None:
    outcome = victim.invoke("spin", abortAfterMs=150)
    assert (outcome["status"], outcome["error"]["code"]) == ("aborted", "PLUGIN_ABORTED"), outcome
    assert outcome["layer"] == "hard"
    assert outcome["pageMs"] <= 150 + GRACE_MS + LATE_MS
    assert victim.next_outcome("echo", "next")["status"] == "ok"


def test_a_signal_that_was_aborted_before_starts_nothing(victim: LabPlugin) -> None:
    outcome = victim.invoke("spin", abortAfterMs=0)
    assert (outcome["status"], outcome["error"]["code"]) == ("aborted", "PLUGIN_ABORTED"), outcome
    assert victim.invoke("echo")["generation"] == 1


def test_another_plugin_answers_while_one_spins(shared_lab: Lab, victim: LabPlugin, spine: LabPlugin) -> None:
    spinning = victim.start("spin", timeoutMs=1500)
    answers = [spine.invoke("echo", n) for n in range(5)]
    assert [answer["value"] for answer in answers] == [0, 1, 2, 3, 4]
    assert all(answer["pageMs"] < 1000 for answer in answers), answers
    assert shared_lab.finish(spinning)["endedAt"] > answers[0]["endedAt"]
