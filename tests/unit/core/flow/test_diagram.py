"""The diagram: well-formed, escaped, no box over another, and the path that a run took."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from itertools import combinations
from typing import Any

from hypothesis import HealthCheck, given, settings

from pysandbox.core.errors import Code
from pysandbox.core.flow.check import parse_flow
from pysandbox.core.flow.diagram import diagram
from pysandbox.core.flow.layout import BOX_HEIGHT, BOX_WIDTH, lay_out
from tests.fuzz.flow_strategies import valid_flows
from tests.unit.core.flow.places import fails
from tests.unit.core.flow.test_guide_flow import completed, ran

SVG = "{http://www.w3.org/2000/svg}"
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=50)
HOSTILE = '"><script>alert(1)</script>&'


def classes(svg: str, tag: str) -> list[str]:
    return [node.get("class", "") for node in ET.fromstring(svg).iter(f"{SVG}{tag}")]


def test_the_path_of_a_run_and_its_time_are_drawn() -> None:
    _, place = ran(fails(Code.PLUGIN_KILLED, after_ms=842))
    svg = diagram(parse_flow(completed()), place.journal)
    assert classes(svg, "path").count("edge taken") == 1
    assert classes(svg, "rect").count("bar bad") == 1
    texts = "".join(ET.fromstring(svg).itertext())
    assert "842 of 5000 ms" in texts
    assert "onTimeout, onError" in texts
    assert "prefers-color-scheme:dark" in svg


def test_without_a_journal_nothing_was_taken() -> None:
    svg = diagram(parse_flow(completed()))
    assert "edge taken" not in classes(svg, "path")
    assert classes(svg, "rect").count("sla") == 0


def test_a_run_that_broke_off_shows_where() -> None:
    _, place = ran(fails(Code.PLUGIN_KILLED, after_ms=842))
    svg = diagram(parse_flow(completed()), place.journal[:2])
    assert "0 ms →" in "".join(ET.fromstring(svg).itertext())


def test_no_text_becomes_markup() -> None:
    flow = completed()
    flow["blocks"][1]["queueId"] = HOSTILE
    events: list[dict[str, Any]] = [
        {"event": "blockStarted", "block": HOSTILE, "atMs": 1},
        {"event": "blockEnded", "block": HOSTILE, "atMs": 9, "to": HOSTILE, "outcome": {"errorCode": HOSTILE}},
        {"event": HOSTILE, "block": [HOSTILE], "atMs": "x"}]
    svg = diagram(parse_flow(flow), events)
    assert "<script" not in svg
    assert {node.tag.removeprefix(SVG) for node in ET.fromstring(svg).iter()} <= {
        "svg", "title", "style", "defs", "marker", "path", "rect", "text", "g"}


@PATIENT
@given(valid_flows())
def test_any_flow_can_be_drawn(flow: dict[str, Any]) -> None:
    parsed = parse_flow(flow)
    svg = diagram(parsed)
    assert sum(name.startswith("box") for name in classes(svg, "rect")) == len(parsed.blocks)
    layout = lay_out({id: block.targets for id, block in parsed.blocks.items()}, parsed.entry)
    for (x, y), (other_x, other_y) in combinations(layout.boxes.values(), 2):
        assert abs(x - other_x) >= BOX_WIDTH or abs(y - other_y) >= BOX_HEIGHT
    for x, y in layout.boxes.values():
        assert BOX_WIDTH / 2 <= x <= layout.width - BOX_WIDTH / 2
        assert y <= layout.height
