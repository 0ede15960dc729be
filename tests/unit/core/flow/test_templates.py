"""Templates: lookup and nothing else, types kept, output bounded, nothing that was filled in is read again."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pysandbox.core.errors import Code, SandboxError
from pysandbox.core.flow.reader import Reader
from pysandbox.core.flow.templates import MAX_TEXT_CHARS, TemplateFault, compile_text, lookups, render

SCOPE: dict[str, object] = {
    "a": {"b": {"c": 1}, "t": "text", "yes": True, "none": None, "f": 1.5, "list": [10, {"x": "y"}], "": 0},
    "evil": "{{a.t}}", "dash-ed": 2}


def filled(value: Any) -> object:
    reader = Reader()
    found = reader.value(value, "$")
    assert reader.problems == []
    return render(found, SCOPE)


@pytest.mark.parametrize(("text", "value"), [
    ("plain", "plain"), ("{{a.b.c}}", 1), ("{{ a.b.c }}", 1), ("{{a.b}}", {"c": 1}), ("{{a.none}}", None),
    ("{{a.yes}}", True), ("{{a.list.0}}", 10), ("{{a.list.1.x}}", "y"), ("{{dash-ed}}", 2), ("x{{a.b.c}}", "x1"),
    ("{{a.b.c}}{{a.t}}", "1text"), ("{{a.yes}} {{a.f}}", "true 1.5"), (" {{a.b.c}}", " 1"), ("} {a} }}", "} {a} }}"),
    ('{{x.y | default: "d}}"}}', "d}}"), ("{{x | default: 1}}", 1), ("{{x|default:null}}", None),
    ("{{a.b.c | default: 9}}", 1), ("-{{x | default: true}}-", "-true-"), ("{{x | default: -1.5e3}}", -1500.0),
    ("{{a.none | default: 3}}", None), ("{{evil}}", "{{a.t}}"), ("<{{evil}}>", "<{{a.t}}>")])
def test_what_is_looked_up(text: str, value: object) -> None:
    found = filled(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("text", [
    "{{a.x}}", "{{x}}", "{{a.list.2}}", "{{a.list.-1}}", "{{a.list.00}}", "{{a.t.0}}", "{{a.t.upper}}",
    "{{a.list.append}}", "{{a.__class__}}", "{{a.b.__init__}}", "{{a.keys}}", "{{a.b.c.real}}", "<{{a.b}}>",
    "<{{a.list}}>", "<{{a.none}}>"])
def test_what_is_not_there_or_has_no_place_is_an_error(text: str) -> None:
    with pytest.raises(SandboxError) as caught:
        filled(text)
    assert caught.value.code == Code.TEMPLATE_FAILED


def test_templates_are_filled_in_wherever_a_value_stands() -> None:
    value = {"n": "{{a.b.c}}", "deep": [{"m": "{{a.t}}!"}, 5, None], "constant": {"x": [1]}}
    assert filled(value) == {"n": 1, "deep": [{"m": "text!"}, 5, None], "constant": {"x": [1]}}


def test_each_template_is_named_with_its_place() -> None:
    reader = Reader()
    found = reader.value({"a": ["{{x.y}}", "{{z}} {{w}}"]}, "$.payload")
    assert [(path, str(lookup)) for path, lookup in lookups(found, "$.payload")] == [
        ("$.payload.a[0]", "{{x.y}}"), ("$.payload.a[1]", "{{z}}"), ("$.payload.a[1]", "{{w}}")]


def test_output_is_bounded() -> None:
    reader = Reader()
    twice = reader.value("{{x}}{{x}}", "$")
    with pytest.raises(SandboxError) as caught:
        render(twice, {"x": "y" * (MAX_TEXT_CHARS // 2 + 1)})
    assert caught.value.code == Code.TEMPLATE_FAILED
    with pytest.raises(TemplateFault):
        compile_text("x" * (MAX_TEXT_CHARS + 1))


@given(st.text(alphabet="{}a.b_ |:\"'()[]0+defult", max_size=40))
def test_any_text_is_a_template_or_a_fault(text: str) -> None:
    """No other exception comes out of it."""
    with suppress(TemplateFault), suppress(SandboxError):
        render(compile_text(text), SCOPE)


@given(st.text(max_size=30))
def test_what_is_filled_in_stays_a_text_of_the_json(customer: str) -> None:
    """No quote, brace or template of a customer's becomes structure."""
    reader = Reader()
    payload = reader.value({"name": "{{who}}", "greeting": "Dear {{who}}"}, "$")
    told = json.loads(json.dumps(render(payload, {"who": customer, "session": "secret"})))
    assert told == {"name": customer, "greeting": f"Dear {customer}"}
