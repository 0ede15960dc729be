"""What is printed cannot steer a terminal, and a result is one line."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pysandbox.cli import output
from pysandbox.core.errors import Code, Problem, SandboxError


@given(st.text())
def test_printable_text_has_no_control_characters_and_keeps_the_rest(text: str) -> None:
    shown = output.printable(text)
    assert all(char.isprintable() or char == "\n" for char in shown)
    if text.isprintable():
        assert shown == text


@pytest.mark.parametrize("char", ["\x1b", "\r", "\x07", "\x9b", "\u202e", "\u2028", "\0", "\x7f"])
def test_what_steers_a_terminal_is_escaped(char: str) -> None:
    assert char not in output.printable(f"a{char}b")


def test_json_is_one_ascii_line(capsys: pytest.CaptureFixture[str]) -> None:
    output.json_line({"a": "é\u2028\u0085\n\x1b"})
    out = capsys.readouterr().out
    assert out.isascii()
    assert len(out.splitlines()) == 1
    assert json.loads(out) == {"a": "é\u2028\u0085\n\x1b"}


def test_an_error_shows_its_details_or_else_its_cure(capsys: pytest.CaptureFixture[str]) -> None:
    output.show_error(SandboxError(Code.BUNDLE_INVALID, "bad", details=[Problem("$.a", "is wrong", "Mend it.")]))
    shown = capsys.readouterr().err
    assert shown == "BUNDLE_INVALID bad\n✗ $.a  is wrong\n  → Mend it.\n"
    output.show_error(SandboxError(Code.SESSION_CLOSED, "gone"))
    assert "→ Open a new one" in capsys.readouterr().err


@pytest.mark.parametrize(("count", "text"), [(0, "0 B"), (999, "999 B"), (12_340, "12.3 kB"), (4_500_000, "4.5 MB")])
def test_sizes_are_for_people(count: int, text: str) -> None:
    assert output.size(count) == text
