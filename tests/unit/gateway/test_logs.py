"""A line of the log is one line, whatever stands in it; an exception says nothing of what it failed on."""

from __future__ import annotations

import io
import json
import logging

import pytest

from pysandbox.gateway.logs import to_stderr
from pysandbox.gateway.watch import access


@pytest.fixture
def stream(_log_goes_where_it_went: None) -> io.StringIO:
    written = io.StringIO()
    to_stderr(written)
    return written


def test_text_from_outside_cannot_start_a_line_of_its_own(stream: io.StringIO) -> None:
    logging.getLogger("pysandbox.x").warning("bad name %s", 'a\n{"level":"info"}\x1b[2J\u2028')
    [line] = stream.getvalue().splitlines()
    assert json.loads(line)["message"].startswith("bad name a\n")
    assert line.isascii()


def test_an_exception_is_told_without_its_message(stream: io.StringIO) -> None:
    try:
        raise ValueError("hvs.secret")
    except ValueError:
        logging.getLogger("pysandbox.x").exception("it failed")
    told = json.loads(stream.getvalue())
    assert (told["exception"], told["message"], told["level"]) == ("ValueError", "it failed", "error")
    assert "test_logs.py" in told["where"][0]
    assert "secret" not in stream.getvalue()


def test_an_access_line_stays_as_it_is(stream: io.StringIO) -> None:
    access.info("%s", '{"route":"/healthz"}')
    assert stream.getvalue() == '{"route":"/healthz"}\n'


def test_what_others_chat_about_is_not_logged(stream: io.StringIO) -> None:
    logging.getLogger("uvicorn.error").info("Started server process")
    assert stream.getvalue() == ""
