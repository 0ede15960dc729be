"""Events over HTTP: what is written is read back in both modes, and what is no event is told with every fault."""

from __future__ import annotations

import base64
import json

import pytest

from pysandbox.core import strict_json
from pysandbox.core.errors import Code, SandboxError
from pysandbox.invoker.cloudevent import JSON, MAX_ATTRIBUTES, STRUCTURED, Event, read, write

HEAD = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/a", "ce-type": "t"}
WHOLE = {"specversion": "1.0", "id": "1", "source": "/a", "type": "t"}


def structured(**members: object) -> bytes:
    return json.dumps({**WHOLE, **members}).encode()


def faults(headers: dict[str, str], body: bytes) -> list[tuple[str, str]]:
    with pytest.raises(SandboxError) as caught:
        read(headers, body)
    assert caught.value.code is Code.INPUT_INVALID
    return [(problem.path, problem.rule) for problem in caught.value.details]


@pytest.mark.parametrize("mode", [False, True])
def test_what_is_written_is_read_back(mode: bool) -> None:
    event = Event({"id": 'a "b" % ü', "source": "/x y", "type": "t", "handler": "go"}, '{"a":[1,"ü"]}', mode)
    headers, body = write(event)
    assert all(value.isascii() and value.isprintable() for value in headers.values())
    assert read(headers, body) == event


def test_no_body_is_no_data() -> None:
    assert read(HEAD, b"").data == "null"
    assert read({"content-type": STRUCTURED}, structured()).data == "null"


def test_the_data_of_binary_mode_stays_the_text_that_it_was() -> None:
    headers = {**HEAD, "content-type": "application/problem+json; charset=utf-8"}
    assert read(headers, b'{"a" : 1.50}').data == '{"a" : 1.50}'


def test_data_may_come_in_base64_and_attributes_may_be_numbers() -> None:
    event = read({"content-type": STRUCTURED}, structured(
        data_base64=base64.b64encode(b"[1]").decode(), timeoutms=5, sampled=True, other=None))
    assert (event.data, event.get("timeoutms"), event.get("sampled"), event.get("other")) == ("[1]", "5", "true", "")


def test_every_fault_is_told_at_once() -> None:
    told = faults({"ce-id": "1", "ce-Bad": "x", "ce-long": "x" * 2000, "content-type": "text/plain"}, b"hello")
    assert [path for path, _ in told] == [
        "ce-Bad", "ce-long", "ce-source", "ce-type", "ce-specversion", "content-type", "body"]
    told = faults({"content-type": STRUCTURED}, structured(
        specversion="0.3", extra=[1], datacontenttype="text/xml", data=1, data_base64="MQ=="))
    assert [path for path, _ in told] == ["$.extra", "$.specversion", "$.datacontenttype", "$.data_base64"]


@pytest.mark.parametrize(("headers", "body", "path"), [
    ({"content-type": "application/cloudevents-batch+json"}, b"[]", "content-type"),
    ({"content-type": f"{STRUCTURED}; charset=utf-16"}, b"{}", "content-type"),
    ({"content-type": STRUCTURED}, b"[1]", "$"),
    ({"content-type": STRUCTURED}, b"{", "$"),
    ({"content-type": STRUCTURED}, b"\xff", "$"),
    ({"content-type": STRUCTURED}, structured(data_base64="?"), "$.data_base64"),
    ({"content-type": STRUCTURED}, structured(data_base64=5), "$.data_base64"),
    ({"content-type": STRUCTURED}, structured(data_base64=base64.b64encode(b"\xff").decode()), "$.data_base64"),
    ({**HEAD, "content-type": JSON}, b'{"a":1,"a":2}', "body"),
    ({**HEAD, "content-type": JSON}, b"NaN", "body"),
    ({**HEAD, "ce-x": "a%0D%0Ab"}, b"", "ce-x"),
    ({**HEAD, **{f"ce-x{index}": "1" for index in range(MAX_ATTRIBUTES)}}, b"", "ce-"),
])  # fmt: skip
def test_what_is_no_event_is_refused(headers: dict[str, str], body: bytes, path: str) -> None:
    assert faults(headers, body)[0][0] == path


@pytest.mark.parametrize("mode", [False, True])
def test_data_is_bounded_in_length_and_depth(mode: bool) -> None:
    deepest = "[" * strict_json.MAX_DEPTH + "]" * strict_json.MAX_DEPTH
    headers, body = write(Event({"id": "1", "source": "/a", "type": "t"}, deepest, mode))
    assert read(headers, body).data == deepest
    for data in (f"[{deepest}]", f'"{"x" * strict_json.MAX_CHARS}"'):
        headers, body = write(Event({"id": "1", "source": "/a", "type": "t"}, data, mode))
        with pytest.raises(SandboxError) as caught:
            read(headers, body)
        assert caught.value.code is Code.MESSAGE_LIMIT
