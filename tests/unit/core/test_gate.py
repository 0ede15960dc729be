from pysandbox.core.gate import ENVELOPE_LEVELS, SLACK_MESSAGES, gate_limits
from pysandbox.core.limits import default


def test_a_gate_has_the_plugins_own_budgets() -> None:
    own = {"creditMessages": 8, "messageChars": 4096, "messageDepth": 9}
    gate = gate_limits(own.__getitem__)
    assert (gate["credit"], gate["maxChars"], gate["maxDepth"]) == (8 + SLACK_MESSAGES, 8192, 9 + ENVELOPE_LEVELS)


def test_the_envelope_has_room_around_the_deepest_payload() -> None:
    assert gate_limits(default)["maxDepth"] > default("messageDepth")
