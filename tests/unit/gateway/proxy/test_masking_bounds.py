"""What masking keeps in memory, how deep it looks, and what it leaves exactly as it was."""

from __future__ import annotations

import json

import pytest

from pysandbox.core.errors import SandboxError
from pysandbox.gateway.proxy import masking
from pysandbox.gateway.proxy.masking import MASK, canonical_name, mask_body

JSON, FORM, TEXT = "application/json", "application/x-www-form-urlencoded", "text/plain"
SECRET = "078-05-1120"
masker = masking._masker  # pyright: ignore[reportPrivateUsage]  # what it keeps shows nowhere else


def masked(body: object, content_type: str = JSON, fields: tuple[str, ...] = ("ssn",), **more: object) -> str:
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return mask_body(content_type, text.encode(), fields, **more).decode()  # pyright: ignore[reportArgumentType]


def test_the_mask_is_three_stars() -> None:
    assert masked('{"ssn":"é"}') == '{"ssn":"***"}'
    assert MASK == "***"


def nested(levels: int) -> str:
    text = json.dumps({"ssn": SECRET})
    for _ in range(levels):
        text = json.dumps([text])
    return text


def test_json_in_strings_is_read_four_levels_deep() -> None:
    assert SECRET in nested(4)
    assert SECRET not in masked(nested(4))
    with pytest.raises(SandboxError, match="too deep"):
        masked(nested(5))


@pytest.mark.parametrize("label", ["name", "key", "field", "label", "attribute", "Name"])
@pytest.mark.parametrize("value", ["value", "values", "VALUE"])
def test_a_value_beside_its_name_is_masked(label: str, value: str) -> None:
    assert json.loads(masked({label: "ssn", value: SECRET})) == {label: "ssn", value: MASK}
    for other in ("score", 5, None, ["ssn"]):
        body = {label: other, value: SECRET, "é": 1}
        assert json.loads(masked(body)) == body, "the control: it is another's"


@pytest.mark.parametrize("text", [
    " 1", '"x" ', "\n", '"a"', " true", "1.0 ", "\x0b" + "[" * 40, "\ufeff[", "{", " [not json]", '"{'])
def test_a_string_that_only_begins_like_json_stays_as_it_is(text: str) -> None:
    for body in ({"a": text, "é": 1}, [text, "é"], text):
        assert json.loads(masked(json.dumps(body))) == body


@pytest.mark.parametrize("body", ["\ufeff5", "\ufeffnull", "\ufefftrue", "\ufeff1.50", '"é"', '"\\u0041"', "\ufeff[]"])
def test_an_answer_that_is_one_value_is_that_value(body: str) -> None:
    assert json.loads(masked(body)) == json.loads(body.removeprefix("\ufeff"))


@pytest.mark.parametrize(("name", "canonical"), [
    ("s\x7fsn", "ssn"), ("s\0sn", "ssn"), ("\u00b2\u00aa", "2a"), ("ﬁeld", "field"), ("STRASSE", "strasse"),
    ("straße", "strasse")])
def test_signs_and_ligatures_make_no_other_name(name: str, canonical: str) -> None:
    assert canonical_name(name) == canonical


def test_an_object_may_have_a_thousand_keys() -> None:
    body = {f"é{at}": 0 for at in range(1000)}
    assert json.loads(masked(body)) == body
    with pytest.raises(SandboxError, match="more than 1000 keys"):
        masked({**body, "one": 0})


def test_a_spelling_once_seen_is_masked_in_the_text_as_it_stands() -> None:
    fields = ("first", "second")
    assert masked('{"first" : 1, "a" :  2}', fields=fields) == '{"first":"***", "a" :  2}'
    assert masked('{"FIRST" : 1, "a" :  2}', fields=fields) == '{"FIRST":"***","a":2}', "read, and written anew"
    assert masked('{"FIRST" : 1, "a" :  2}', fields=fields) == '{"FIRST":"***", "a" :  2}'


def test_what_is_remembered_of_shapes_is_bounded_and_used() -> None:
    fields = ("of shapes",)
    kept = masker(fields)._shapes  # pyright: ignore[reportPrivateUsage]
    few, many = ({f"é{at}": 0 for at in range(count)} for count in (64, 65))
    short, long = {"é" + "k" * 63: 0}, {"é" + "k" * 64: 0}
    masked([few, many, short, long], fields=fields)
    assert set(kept) == {tuple(few), tuple(short)}
    first = kept[tuple(few)]
    masked([few], fields=fields)
    assert kept[tuple(few)] is first
    masked([{f"é{at}": 0} for at in range(1000)], fields=fields)
    assert len(kept) == 512


def test_what_is_remembered_of_keys_is_bounded() -> None:
    fields = ("of keys",)
    kept = masker(fields)._roles  # pyright: ignore[reportPrivateUsage]
    short, long = "é" + "k" * 63, "é" + "k" * 64
    masked({short: 0, long: 0}, fields=fields)
    assert set(kept) == {short}
    for start in range(0, 6000, 600):
        masked({f"é{at}": 0 for at in range(start, start + 600)}, fields=fields)
    assert len(kept) == 4096
    assert masker.cache_parameters()["maxsize"] == 256


def test_one_spelling_of_a_credential_is_enough_to_be_found() -> None:
    assert masked({"a": "x987654x"}, redact=[b"987654"]) == '{"a":"x[redacted]x"}'
    inner = json.dumps({"echo": 'tok"en'})
    assert "en" not in masked({"a": inner, "é": 1}, redact=[b'tok\\"en'])


def test_redaction_leaves_the_rest_as_it_was() -> None:
    body = {"pins": [987654, 1, 1.5, True, None, "987654"], "ok": False, "none": None}
    shown = json.loads(masked(body, redact=[b"987654"]))
    assert shown == {"pins": ["[redacted]", 1, 1.5, True, None, "[redacted]"], "ok": False, "none": None}


def test_a_letter_that_redaction_cut_in_two_is_replaced() -> None:
    assert json.loads(masked({"a": "é", "b": 1}, redact=[b"\xa9"]))["b"] == 1


def test_a_form_is_ascii_or_refused() -> None:
    with pytest.raises(SandboxError, match="not the form"):
        masked("a=é&ssn=1", FORM)


def test_what_is_no_json_passes_byte_by_byte_where_it_may() -> None:
    for body in ("1\r\n2", "a,b\r\n[1]", '"x"\r\n"y"'):
        assert masked(body, TEXT, non_json="pass") == body
