"""What the sandbox says of its memory."""

from __future__ import annotations

import pytest

from e2e.kit.lab import Lab

pytestmark = pytest.mark.alone

MIB = 1024 * 1024
WITH_A_SPARE = """async () => {
  for (;;) {
    const told = await lab.memory();
    if (told.spares === 1) return told;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}"""


def test_the_hosts_the_spares_and_each_plugins_memory_are_told(lab: Lab) -> None:
    plugin = lab.load("test.spine@1.0.0")
    assert plugin.value("echo", 1) == 1
    told = lab.ask(WITH_A_SPARE)
    assert 16 * MIB < told["hostBytes"] < 128 * MIB
    assert 16 * MIB < told["spareBytes"] <= told["hostBytes"]
    [its] = told["plugins"]
    assert (its["pluginId"], its["generation"]) == ("test.spine", 1)
    assert 1 * MIB < its["usedBytes"] <= its["peakBytes"] < 64 * MIB
    plugin.unload()
    assert lab.ask("() => lab.memory()")["plugins"] == []
