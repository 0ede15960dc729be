"""Content coding and conditional requests follow RFC 9110."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pysandbox.gateway.dist import Variant
from pysandbox.gateway.negotiate import choose, not_modified

VARIANTS = [Variant(b"plain", '"i"'), Variant(b"b", '"b"', "br"), Variant(b"g", '"g"', "gzip")]


@pytest.mark.parametrize(
    ("header", "encoding"),
    [(None, ""), ("", ""), ("br", "br"), ("gzip", "gzip"), ("x-gzip", "gzip"), ("gzip, deflate, br", "br"),
     ("GZIP", "gzip"), ("br;q=0.5, gzip;q=0.8", "gzip"), ("br;q=0, gzip", "gzip"), ("br;q=0", ""), ("*", "br"),
     ("*;q=0", ""), ("*;q=0, gzip", "gzip"), ("*, br;q=0", "gzip"), ("identity;q=1, br;q=0.1", ""),
     ("deflate", ""), ("br;q=banana", ""), ("br ; q=0.3 , gzip ; q=0.2", "br"), ("identity;q=0", ""),
     ("gzip;q=nan", ""), ("zstd, gzip;q=0.9", "gzip")])
def test_the_best_acceptable_coding_is_chosen(header: str | None, encoding: str) -> None:
    assert choose(VARIANTS, header).encoding == encoding


def test_a_coding_that_is_not_there_is_not_chosen() -> None:
    assert choose(VARIANTS[:1], "br, gzip").encoding == ""


@given(st.text(max_size=60))
def test_any_header_gets_some_variant(header: str) -> None:
    assert choose(VARIANTS, header) in VARIANTS


@pytest.mark.parametrize(
    ("header", "same"),
    [(None, False), ("", False), ('"a"', True), ('W/"a"', True), ('"x", "a"', True), ('"x"', False), ("*", True),
     ("a", False), ('"A"', False)])
def test_an_etag_is_compared_weakly(header: str | None, same: bool) -> None:
    assert not_modified('"a"', header) is same
