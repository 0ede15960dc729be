"""Flows as large and as twisted as they may be: checked in a time that somebody waits for, whatever is wrong with them.

Nothing is timed here: before each of these had its bound, it took minutes, and the suite's own time limit said so.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from pysandbox.core.flow.check import MAX_FLOW_CHARS, check_flow
from pysandbox.core.flow.registered import PluginView, View
from pysandbox.core.flow.spec import MAX_BLOCKS, MAX_RULES
from pysandbox.core.manifest_checks import MAX_PROBLEMS

LAST = MAX_BLOCKS - 1
END = {"id": f"b{LAST}", "type": "disconnect"}
VIEW = View(plugins={"com.vendor.risk": PluginView(())})
WHEN = {"value": 1, "equals": 1}


def decision(index: int, targets: list[str]) -> dict[str, Any]:
    rules = [{"when": WHEN, "then": target} for target in targets]
    return {"id": f"b{index}", "type": "decision", "rules": rules, "otherwise": targets[0]}


def web(width: int) -> list[dict[str, Any]]:
    """Each block leads to all that come soon after it."""
    return [*(decision(n, [f"b{min(LAST, n + 1 + k)}" for k in range(width)]) for n in range(LAST)), END]


def nowhere() -> list[dict[str, Any]]:
    return [decision(n, [f"b{n}_{k}" for k in range(MAX_RULES)]) for n in range(150)]


def unknown() -> list[dict[str, Any]]:
    texts = ["".join(f"{{{{b{n}x{k}}}}}" for k in range(130)) for n in range(150)]
    said = [{"id": f"b{n}", "type": "sendMessage", "text": text, "next": f"b{n + 1}"} for n, text in enumerate(texts)]
    return [*said, {"id": "b150", "type": "disconnect"}]


def circling() -> list[dict[str, Any]]:
    return [decision(n, [f"b{(n + 1 + 7 * k) % 150}" for k in range(MAX_RULES)]) for n in range(150)]


def bounded(count: int) -> list[dict[str, Any]]:
    some = [decision(n, [f"b{(n + 1 + k) % count}" for k in range(MAX_RULES)]) for n in range(count)]
    return [*({**one, "maxVisits": 10, "onExhausted": "end"} for one in some), {"id": "end", "type": "disconnect"}]


def handed_down() -> list[dict[str, Any]]:
    """Each name is made from the one before, and the blocks stand in the order that is worst for it."""
    ask = {"id": "ask", "type": "invokePlugin", "pluginId": "com.vendor.risk", "timeout": 9,
           **dict.fromkeys(("onSuccess", "onTimeout", "onError"), "s0")}  # fmt: skip
    sets = [{"id": f"s{n}", "type": "setData", "next": f"s{n + 1}" if n < 99 else "end", "onError": "end",
             "set": {f"n{n}_{k}": "{{ask.value}}" if n == 0 else f"{{{{data.n{n - 1}_{k}}}}}" for k in range(40)}}
            for n in range(100)]  # fmt: skip
    end = {"id": "end", "type": "routeToQueue", "queueId": "{{data.n99_7}}", "onError": "bye"}
    return [ask, *reversed(sets), end, {"id": "bye", "type": "disconnect"}]


HOSTILE = {
    "a web of ways": (web(9), None), "targets that are not there": (nowhere(), "there is no block"),
    "lookups of what is not there": (unknown(), "could see"), "circles everywhere": (circling(), "circle"),
    "circles that nobody can count": (bounded(8), "too many ways"), "too many bounds": (bounded(150), "maxVisits"),
    "data handed down": (handed_down(), "choose a queue"),
}


@pytest.mark.parametrize(("blocks", "rule"), HOSTILE.values(), ids=HOSTILE)
def test_it_is_checked_all_the_same(blocks: list[dict[str, Any]], rule: str | None) -> None:
    flow = {"slaMs": 300_000, "blocks": blocks}
    assert len(json.dumps(flow, separators=(",", ":"))) <= MAX_FLOW_CHARS
    found = check_flow(flow, VIEW)
    assert len(found.problems) <= MAX_PROBLEMS + 1
    if rule is None:
        assert found.problems == []
    else:
        assert any(rule in problem.rule for problem in found.problems)
