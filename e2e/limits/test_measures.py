"""What Chromium alone measures: spans on the host worker's timeline, and memory outside WebAssembly."""

from __future__ import annotations

import time

import pytest

from e2e.kit.lab import Lab

SPANS = "performance.getEntriesByType('measure').map(({ name, duration }) => [name, duration])"
MEASURED_WITHIN_S = 90  # a measure each 15 s, and the browser takes it when it has time
MIB = 1 << 20

pytestmark = [pytest.mark.alone, pytest.mark.chromium_only]


def spans(lab: Lab) -> dict[str, float]:
    """All of the trusted workers; the plugin's own has no `eval` to ask it with."""
    workers = [worker for worker in lab.page.native.workers if not worker.url.startswith("blob:null")]
    return {name: lasted_ms for worker in workers for name, lasted_ms in worker.evaluate(SPANS)}


def test_a_load_and_a_call_are_on_the_timeline(lab: Lab) -> None:
    plugin = lab.load("test.wicked@1.0.0")
    assert spans(lab).keys() == {"pysandbox load test.wicked@1.0.0"}
    outcome = plugin.invoke("good", 7)
    lasted_ms = spans(lab)["pysandbox call test.wicked@1.0.0 good"]
    assert 0 < lasted_ms < outcome["pageMs"] + 1000  # it is measured behind the answer, whenever there is time


def test_a_worker_that_hoards_javascripts_memory_is_replaced(lab: Lab) -> None:
    hoards, modest = lab.load("test.wicked@1.0.0"), lab.load("test.wicked@1.0.0")
    assert modest.value("buffers_outside", 16) == 16
    assert hoards.value("buffers_outside", 160) == 160
    until = time.monotonic() + MEASURED_WITHIN_S
    while time.monotonic() < until:
        told = lab.ask("() => lab.memory()")["plugins"]
        generations = sorted(plugin["generation"] for plugin in told)
        measured = [plugin["jsBytes"] for plugin in told if plugin["generation"] == 1]
        if generations == [1, 2] and measured[0] is not None and measured[0] > 16 * MIB:
            break
        time.sleep(0.5)
    else:
        pytest.fail(f"after {MEASURED_WITHIN_S} s: {told}")
    assert hoards.value("good", 7) == 7
    assert modest.value("buffers_outside", 0) == 16
