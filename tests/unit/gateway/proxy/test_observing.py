"""What inspection learns from traffic, whom it tells, and when it stops an answer."""

from __future__ import annotations

import pytest

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.proxy.inspection import Finding, Kind
from pysandbox.gateway.proxy.observing import Observed, Observer
from pysandbox.gateway.proxy.route import parse_route

JSON = "application/json"
BIG = b'"' + b"x" * 50_000 + b'"'
Told = list[tuple[str, Finding]]


def observed(inspection: str = "observe") -> tuple[Observed, Told]:
    route = parse_route(
        {"name": "Risk", "routePattern": "/proxy/v/*", "authMethod": "none", "inspection": inspection},
        allowlist=["/proxy/*"])
    told: Told = []
    made = Observer(lambda name, finding: told.append((name, finding))).of("acme", route)
    assert made is not None
    for _ in range(40):
        made.asked("POST", 1000, ())
        made.answered(JSON, b'"' + b"x" * 1000 + b'"')
    assert told == []
    return made, told


def test_a_route_whose_inspection_is_off_is_not_observed() -> None:
    route = parse_route(
        {"name": "Risk", "routePattern": "/proxy/v/*", "authMethod": "none", "inspection": "off"},
        allowlist=["/proxy/*"])
    assert Observer().of("acme", route) is None


def test_an_unusually_large_answer_is_told_and_where_the_route_blocks_refused() -> None:
    watching, told = observed()
    watching.answered(JSON, BIG)
    assert told == [("Risk", Finding(Kind.UNUSUAL_SIZE, "answer"))]
    blocking, told = observed("block")
    with pytest.raises(SandboxError) as error:
        blocking.answered(JSON, BIG)
    assert error.value.code == Code.UPSTREAM_REFUSED
    assert told == [("Risk", Finding(Kind.UNUSUAL_SIZE, "answer"))]


def test_a_larger_size_that_stays_becomes_the_usual_one_even_where_it_was_refused() -> None:
    blocking, _ = observed("block")
    refusals = 0
    for _ in range(200):
        try:
            blocking.answered(JSON, BIG)
        except SandboxError:
            refusals += 1
    assert 1 <= refusals < 100


def test_a_streamed_answer_is_told_by_its_size() -> None:
    watching, told = observed()
    assert watching.sized(50_000)
    assert told == [("Risk", Finding(Kind.UNUSUAL_SIZE, "answer"))]


def test_an_answer_that_masking_could_not_read_is_told_once() -> None:
    watching, told = observed()
    watching.unreadable(JSON, b"<html>")
    assert {finding.kind for _, finding in told} == {Kind.MALFORMED_JSON, Kind.TYPE_MISMATCH}
    told.clear()
    watching.answered("text/plain", b'{"a":1}')
    watching.unreadable("text/plain", b'{"a":1}')
    assert told == [("Risk", Finding(Kind.TYPE_MISMATCH, "answer"))]


def test_findings_of_a_request_are_told_and_it_enters_the_history() -> None:
    watching, told = observed()
    finding = Finding(Kind.CREDENTIAL, "body")
    watching.asked("PUT", 10, (finding,))
    assert told == [("Risk", finding)]
    assert watching.usual.methods["PUT"] == 1
