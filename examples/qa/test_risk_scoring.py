"""What a QA engineer would ask of a vendor's plugin before a page embeds it."""

import json
from pathlib import Path

import pytest

from pysandbox.gateway.serve import DevServer
from pysandbox.testing.expect import expect_alert, expect_outcome
from pysandbox.testing.sandbox import OpenPlugin, OpenSandbox

EXAMPLES = Path(__file__).parents[1]
INPUT = json.loads((EXAMPLES / "risk_scoring" / "input.json").read_text())


def test_a_score_lies_between_nothing_and_one(plugin: OpenPlugin, sandbox: OpenSandbox) -> None:
    scored = expect_outcome(plugin.invoke("evaluate", INPUT, correlation_id="qa-1"), within_ms=1500)
    assert 0 <= scored["score"] <= 1
    assert [record["correlationId"] for record in sandbox.records()] == ["qa-1"]


@pytest.mark.sandbox(chaos="hang=1,seed=7")
def test_a_plugin_that_hangs_is_a_timeout_and_not_a_frozen_page(plugin: OpenPlugin) -> None:
    expect_outcome(plugin.invoke("evaluate", INPUT, timeout_ms=500), "timeout", code="PLUGIN_TIMEOUT", layer="hard")


@pytest.mark.sandbox(plugins=[EXAMPLES / "misbehaving"])
def test_a_forged_message_is_an_alert(plugin: OpenPlugin, sandbox: OpenSandbox) -> None:
    plugin.invoke("forge", {})
    expect_alert(sandbox, plugin_id=plugin.plugin_id)


OPENS = """async ([origin, sessionToken]) => {
  const { openSandbox } = await import(`${origin}/pysandbox.js`);
  window.mine = await openSandbox({ origin, sessionToken });
}"""


def test_a_sandbox_that_the_page_has_opened_itself(sandbox: OpenSandbox, gateway: DevServer) -> None:
    sandbox.page.evaluate(OPENS, [gateway.sandbox_origin, gateway.token])
    plugin = OpenSandbox.of(sandbox.page, "window.mine").load("com.vendor.risk-scoring")
    plugin.revoke("integration:proxy:invoke")
    assert 0 <= expect_outcome(plugin.invoke("evaluate", INPUT))["score"] <= 1
    assert sandbox.records() == [], "the fixture's own sandbox was not asked"
