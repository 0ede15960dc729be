"""Any valid flow, whatever its plugins do: one end, in time, and a journal that says it again. Any other: faults."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from pysandbox.core.flow.check import check_flow, parse_flow
from pysandbox.core.flow.diagram import diagram
from pysandbox.core.flow.driver import resume_flow, run_flow
from pysandbox.core.flow.effects import Event
from pysandbox.core.flow.explain import explain
from pysandbox.core.flow.journal import dump_journal, parse_journal, replay
from tests.fuzz.corpus import examples
from tests.fuzz.flow_strategies import JUNK, Case, cases, damaged_flows
from tests.unit.core.flow.places import run

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
DATA = {"interaction": {"id": "c", "summary": "before"}, "session": {"n": 5}}
_STEP = re.compile(r'\.([A-Za-z_]\w*)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*"|"[^"]*\.\.\.)\]')

FLOW_PIECES = st.lists(st.sampled_from([
    '{"blocks":[', '{"id":"a","type":"disconnect"}', '{"id":"b","type":"disconnect","reason":"{{a.b}}"},', "]}", "{",
    "}", "[", "]", ",", ":", '"', '"id":"a",', '"type":"routeToQueue",', '"queueId":"q",', '"next":"a"', '"slaMs":1e3,',
    "NaN", '"slaMs":5,', "\\ud800", "[" * 40, "9" * 400, '"{{', "}}", " | default: ", "é", " ", "\n", "\ufeff", "0"]),
    max_size=12).map("".join)


def parts(journal: list[Event]) -> Counter[str]:
    return Counter(event["event"] for event in journal)


@PATIENT
@given(cases())
def test_a_run_ends_in_one_terminal_block_within_the_worst_case(case: Case) -> None:
    flow, place = parse_flow(case.flow), case.place()
    ran = run(run_flow(flow, DATA, place, correlation_id="cid"))
    event(ran.ending.type)
    assert flow.blocks[ran.ending.block].terminal
    assert ran.ending.duration_ms <= flow.worst_ms + 0.001 * len(place.journal) <= flow.sla_ms + 1
    assert (parts(place.journal)["flowStarted"], parts(place.journal)["flowEnded"]) == (1, 1)
    assert place.journal[-1]["event"] == "flowEnded"
    written = parse_journal(dump_journal(place.journal))
    assert written == place.journal
    assert replay(flow, written) == place.journal
    assert not explain(written)[-1].text.startswith("the journal breaks off")


@PATIENT
@given(cases(), st.data(), st.sampled_from([0, 5, 10_000]))
def test_a_run_that_broke_off_anywhere_ends_once_and_does_nothing_twice(
    case: Case, data: st.DataObject, down_ms: int
) -> None:
    flow, place = parse_flow(case.flow), case.place()
    run(run_flow(flow, DATA, place, correlation_id="cid"))
    count = data.draw(st.integers(1, len(place.journal)))
    journal, again = place.journal[:count], case.place()
    again.journal = list(journal)
    again.skipped_ms = journal[-1]["atMs"] + down_ms
    run(resume_flow(flow, journal, again))
    assert again.journal[:count] == journal
    assert parts(again.journal)["flowEnded"] == 1
    assert replay(flow, again.journal) == again.journal
    begun_before = {event["n"] for event in journal if event["event"] == "blockStarted"}
    begun_after = [event for event in again.journal[count:] if event["event"] == "blockStarted"]
    assert not begun_before & {event["n"] for event in begun_after}
    calls = sum(len(event.get("calls", [1])) for event in begun_after if "plugin" in event or "calls" in event)
    assert len(again.called) <= calls


@PATIENT
@given(damaged_flows() | JUNK)
def test_a_damaged_flow_has_located_faults_or_runs(flow: Any) -> None:
    found = check_flow(flow)
    event("valid" if found.flow else "faults")
    assert (found.flow is None) == bool(found.problems)
    for problem in found.problems:
        assert problem.rule
        assert problem.cure
        assert is_there(flow, problem.path), problem
    if found.flow is not None:
        assert diagram(found.flow).startswith("<svg")


@PATIENT
@given(st.text(max_size=200) | st.binary(max_size=200) | FLOW_PIECES)
def test_any_text_is_a_flow_or_has_located_faults(text: str | bytes) -> None:
    found = check_flow(text)
    assert (found.flow is None) == bool(found.problems)
    assert all(problem.path and problem.rule and problem.cure for problem in found.problems)
    if found.flow is not None:
        assert check_flow(json.loads(text)).flow == found.flow, "the text says what every reader reads"


def test_the_corpus_of_malformed_flows() -> None:
    for case in examples("flows"):
        found = check_flow(case["text"] if "text" in case else case["flow"])
        seen = [(problem.path, problem.rule) for problem in found.problems]
        wanted = case["faults"]
        assert [path for path, _ in seen] == [path for path, _ in wanted], (case["name"], seen)
        for (_, rule), (_, part) in zip(seen, wanted, strict=True):
            assert part in rule, (case["name"], seen)
        assert all(problem.cure for problem in found.problems)
        assert found.flow is None, case["name"]


def is_there(value: Any, path: str) -> bool:
    """Whether ``path`` leads to something in ``value``, or to where something is missing."""
    at, steps = 1, list[str | int]()
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None or path[0] != "$":
            return False
        if step[3] is not None and step[3].endswith("..."):
            return True  # a name too long to be shown
        steps.append(step[1] or (int(step[2]) if step[2] else json.loads(step[3])))
        at = step.end()
    for step in steps[:-1]:
        if not (isinstance(value, dict) and step in value) and not (
                isinstance(value, list) and isinstance(step, int) and step < len(value)):
            return False
        value = value[step]
    return True
