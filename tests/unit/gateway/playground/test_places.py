"""Each path of a manifest is found at its line, however the file is laid out."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from pysandbox.gateway.playground.places import line_of, lines_of

TEXT = """{
  "pluginId": "com.a",
  "manifest": {
    "permissions": [
      "a:b:c", {"x":
        [1, 2]},
      "d \\" , ] }"
    ],
    "odd key": null
  },
  "after": 1
}
"""


def test_members_and_elements_have_their_lines() -> None:
    assert lines_of(TEXT) == {
        "$": 1, "$.pluginId": 2, "$.manifest": 3, "$.manifest.permissions": 4, "$.manifest.permissions[0]": 5,
        "$.manifest.permissions[1]": 5, "$.manifest.permissions[1].x": 5, "$.manifest.permissions[1].x[0]": 6,
        "$.manifest.permissions[1].x[1]": 6, "$.manifest.permissions[2]": 7, '$.manifest["odd key"]': 9, "$.after": 11}


def test_what_is_missing_belongs_where_its_object_is() -> None:
    assert line_of("$.manifest.csp", TEXT) == 3
    assert line_of('$.manifest["no key"].deeper[3]', TEXT) == 3
    assert line_of("nonsense", TEXT) == 1


def test_no_json_is_located_by_its_fault() -> None:
    assert line_of("$", '{\n  "a": 1,\n}') == 3
    assert line_of("$", "[" * 100_000) == 1


@settings(max_examples=40)
@given(st.recursive(
    st.none() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3), max_leaves=8))
def test_any_json_has_a_line_for_each_line_that_begins_a_value(value: object) -> None:
    text = json.dumps(value, indent=1)
    closing = sum(line.strip().rstrip(",") in ("}", "]") for line in text.splitlines())
    assert len(set(lines_of(text).values())) == len(text.splitlines()) - closing


@given(st.text(alphabet='{}[],:" a\\\n1'))
def test_any_text_is_survived(text: str) -> None:
    assert line_of("$.a", text) >= 1
