"""Correlation ids and trace context: kept where they are what they should be, replaced where not (attack 77)."""

import pytest

from pysandbox.gateway.proxy.trace import read_trace

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def hexes(count: int) -> str:
    return "ab" * count


def test_a_trace_goes_on_under_a_span_of_ours() -> None:
    trace = read_trace("c-1:load.2", PARENT, hexes)
    assert trace.correlation_id == "c-1:load.2"
    assert trace.traceparent == f"00-4bf92f3577b34da6a3ce929d0e0e4736-{'ab' * 8}-01"
    assert (trace.parent, trace.span) == ("00f067aa0ba902b7", "ab" * 8)


@pytest.mark.parametrize("text", ["", "a\r\nforged: line", "a b", "ü", "x" * 65, "-a", '"', "\x1b[2J", "a\n"])
def test_attack_77_an_id_that_could_forge_a_log_line_is_replaced(text: str) -> None:
    assert read_trace(text, PARENT, hexes).correlation_id == "ab" * 16


@pytest.mark.parametrize("text", [
    "", "00-" + "0" * 32 + "-00f067aa0ba902b7-01", PARENT.replace("00f067aa0ba902b7", "0" * 16), PARENT.upper(),
    PARENT + "-more", PARENT + "\n", PARENT.replace("00-", "ff-", 1)])
def test_a_parent_that_is_none_begins_a_trace(text: str) -> None:
    trace = read_trace("c", text, hexes)
    assert (trace.traceparent, trace.parent) == (f"00-{'ab' * 16}-{'ab' * 8}-00", "")
