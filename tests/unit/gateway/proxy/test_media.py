"""Content types and what they announce."""

from __future__ import annotations

import pytest

from pysandbox.gateway.proxy.media import MediaKind, charset_fault, kind_of, media_type


@pytest.mark.parametrize(("content_type", "kind"), [
    ("application/json", MediaKind.JSON), ("Application/Problem+JSON ; charset=utf-8", MediaKind.JSON),
    ("application/x-ndjson", MediaKind.JSON_LINES), ("application/jsonl", MediaKind.JSON_LINES),
    ("application/x-www-form-urlencoded", MediaKind.FORM), ("", MediaKind.OTHER), ("text/jsonp", MediaKind.OTHER),
    ("text/html; x=application/json", MediaKind.OTHER), ("application/json text/html", MediaKind.OTHER)])
def test_the_kind_is_told_by_the_media_type_alone(content_type: str, kind: MediaKind) -> None:
    assert kind_of(content_type) == kind


def test_parameters_and_case_are_no_part_of_a_media_type() -> None:
    assert media_type(" Text/HTML ; charset=x") == "text/html"


@pytest.mark.parametrize(("content_type", "fault"), [
    ("application/json", False), ("application/json; charset=UTF-8", False), ('text/plain;charset="utf8"', False),
    ("text/plain; CHARSET = utf-16", True), ("text/plain; charset=utf-8; charset=utf-7", True)])
def test_another_charset_than_utf_8_is_a_fault(content_type: str, fault: bool) -> None:
    assert charset_fault(content_type) is fault
