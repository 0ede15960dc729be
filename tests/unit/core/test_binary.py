"""Bytes in JSON values: taken out, put back, and nobody can make the two ends disagree about where they belong."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pysandbox.core import binary, strict_json
from pysandbox.core.errors import Code, ProtocolViolation, SandboxError

SMALL = {"messageBuffers": 2, "bufferBytes": 10}


def _limit(name: str) -> int:
    return SMALL[name]


@pytest.mark.parametrize(
    ("value", "text", "buffers"),
    [({"a": 1}, '{"a":1}', ()), (b"x", '{"$bytes":0}', (b"x",)), ([b"", 1], '[{"$bytes":0},1]', (b"",)),
     ({"a": bytearray(b"1"), "b": (memoryview(b"23"),)}, '{"a":{"$bytes":0},"b":[{"$bytes":1}]}', (b"1", b"23")),
     (memoryview(b"abcdef")[::2], '{"$bytes":0}', (b"ace",)), ({"$bytes": 0, "b": 1}, '{"$bytes":0,"b":1}', ()),
     ('{"$bytes":0}', '"{\\"$bytes\\":0}"', ())])
def test_bytes_are_taken_out_and_all_else_stays(value: object, text: str, buffers: tuple[bytes, ...]) -> None:
    assert binary.dumps(value) == (text, buffers)


def test_what_is_taken_out_is_a_copy() -> None:
    mine = bytearray(b"before")
    _, (taken,) = binary.dumps({"a": mine})
    mine[:] = b"after!"
    assert taken == b"before"


@pytest.mark.parametrize("value", [{"$bytes": 0}, [{"a": {"$bytes": "x"}}], {"a": b"1", "b": {"$bytes": 0}}])
def test_somebodys_own_object_of_that_one_key_is_refused_and_named(value: object) -> None:
    with pytest.raises(SandboxError, match=r"\$.*is an object whose only key is '\$bytes'") as caught:
        binary.dumps(value)
    assert caught.value.code == Code.RESULT_NOT_JSON


def test_the_place_is_named() -> None:
    with pytest.raises(SandboxError, match=r"\$\.a\[1\]\.b is an object"):
        binary.dumps({"a": [b"", {"b": {"$bytes": 1}}]})


@pytest.mark.parametrize("value", [{"a": {1}}, [b"1", object()], {1: b"1"}, [float("nan"), b""]])
def test_what_is_no_json_stays_refused_beside_bytes(value: object) -> None:
    with pytest.raises(SandboxError) as caught:
        binary.dumps(value)
    assert caught.value.code == Code.RESULT_NOT_JSON


def _cycle() -> object:
    value: list[Any] = [b"x"]
    value.append(value)
    return value


def _bomb() -> object:
    value: Any = b"x"
    for _ in range(30):
        value = [value, value]
    return value


@pytest.mark.parametrize("make", [_cycle, _bomb])
def test_neither_a_cycle_nor_shared_parts_cost_more_than_the_bound(make: Any) -> None:
    with pytest.raises(SandboxError) as caught:
        binary.dumps(make(), max_chars=10_000)
    assert caught.value.code == Code.MESSAGE_LIMIT


@pytest.mark.parametrize(
    ("value", "name"), [([b"1", b"2", b"3"], "messageBuffers"), ([b"123456", b"12345"], "bufferBytes")])
def test_too_many_or_too_large_names_the_limit(value: object, name: str) -> None:
    with pytest.raises(SandboxError, match=rf"isolation\.limits\.{name}") as caught:
        binary.dumps(value, limit=_limit)
    assert caught.value.code == Code.MESSAGE_LIMIT


def test_up_to_the_limits_everything_goes() -> None:
    assert binary.dumps([b"12345", b"67890"], limit=_limit)[1] == (b"12345", b"67890")
    assert binary.too_large([], _limit) is None


@pytest.mark.parametrize(
    ("text", "count"),
    [('{"a":1}', 1), ('{"$bytes":0}', 2), ('[{"$bytes":0},{"$bytes":0}]', 1), ('[{"$bytes":0},{"$bytes":0}]', 2),
     ('{"$bytes":1}', 1), ('{"$bytes":-1}', 1), ('{"$bytes":true}', 1), ('{"$bytes":"0"}', 1), ('{"$bytes":0.0}', 1),
     ('{"$bytes":0,"x":1}', 1), ('{"$bytes":{"$bytes":0}}', 1)])
def test_a_text_that_does_not_name_each_buffer_once_is_a_violation(text: str, count: int) -> None:
    value = strict_json.loads(text)
    for act in (binary.check, binary.join):
        with pytest.raises(ProtocolViolation) as caught:
            act(value, [b"x"] * count)
        assert caught.value.rule == "bytes-places"


def test_without_buffers_it_is_plain_data() -> None:
    assert binary.join({"$bytes": 7}, []) == {"$bytes": 7}


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(codec="utf-8")) | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.text(st.characters(codec="utf-8"), max_size=5), inner, max_size=4), max_leaves=8)


@given(_VALUES)
def test_what_is_taken_out_comes_back_where_it_was(value: object) -> None:
    text, buffers = binary.dumps(value, limit=lambda _name: 1_000_000)
    assert binary.join(strict_json.loads(text), buffers) == value
    binary.check(strict_json.loads(text), [range(len(buffer)) for buffer in buffers])
