"""A job is fetched once and answered once, by whoever holds its token."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.job import Job

ANSWER = {"outcome": {"status": "ok", "value": 1}, "logs": [], "alerts": [], "elapsedMs": 12}
BODY = json.dumps(ANSWER).encode()


def _code(job: Job, token: str, body: bytes) -> Code:
    with pytest.raises(SandboxError) as caught:
        job.settle(token, body)
    return caught.value.code


def test_the_answer_reaches_the_one_who_waits() -> None:
    job = Job({"handler": "evaluate"}, token="t")
    assert job.fetch("t") == {"handler": "evaluate"}
    job.settle("t", BODY)
    assert job.answer.result(0) == ANSWER


def test_a_second_fetch_is_refused() -> None:
    job = Job({}, token="t")
    job.fetch("t")
    with pytest.raises(SandboxError, match="fetched before"):
        job.fetch("t")


def test_a_second_answer_is_refused_and_changes_nothing() -> None:
    job = Job({}, token="t")
    job.fetch("t")
    job.settle("t", BODY)
    other = json.dumps({**ANSWER, "outcome": {"status": "error"}}).encode()
    assert _code(job, "t", other) == Code.SESSION_INVALID
    assert job.answer.result(0) == ANSWER


def test_an_answer_before_the_fetch_is_refused() -> None:
    assert _code(Job({}, token="t"), "t", BODY) == Code.SESSION_INVALID


def test_a_wrong_token_neither_fetches_nor_answers() -> None:
    job = Job({}, token="t")
    with pytest.raises(SandboxError):
        job.fetch("T")
    job.fetch("t")
    assert _code(job, "x", BODY) == Code.SESSION_INVALID


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b"[]", b"{}", b"[" * 5000, b'{"outcome":{"status":"ok"},"logs":[],"alerts":[]}',
             *(json.dumps({**ANSWER, **wrong}).encode() for wrong in (
                 {"outcome": {"status": "fine"}}, {"outcome": []}, {"logs": {}}, {"alerts": 1},
                 {"outcome": {"status": ["ok"]}}, {"more": 1}, {"elapsedMs": "12"}))])
def test_what_is_no_answer_is_refused_and_the_job_waits_on(body: bytes) -> None:
    job = Job({}, token="t")
    job.fetch("t")
    assert _code(job, "t", body) == Code.INPUT_INVALID
    assert not job.answer.done()


@given(st.binary(max_size=100))
def test_any_bytes_give_a_coded_error(body: bytes) -> None:
    job = Job({}, token="t")
    job.fetch("t")
    assert _code(job, "t", body) == Code.INPUT_INVALID


def test_each_job_makes_a_token_of_its_own() -> None:
    assert Job({}).token != Job({}).token
