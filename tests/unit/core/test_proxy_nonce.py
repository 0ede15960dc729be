"""Attacks 66 to 68, 86 and 97: a nonce is good for one request of one session, for a short while."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pysandbox.core.errors import Code, SandboxError
from pysandbox.core.proxy_nonce import Bound, Nonce, check, make

SEED = "0f" * 32
NOW_MS = 1_700_000_000_000
BOUND = Bound(
    "5e" * 16, "com.vendor.risk-scoring@2.1.0", "POST", "/proxy/vendor/risk/evaluate", "tier=gold", "application/json",
    "", "eyJhIjoiYiJ9", b'{"tier":"gold"}')


def made(bound: Bound = BOUND, *, seed: str = SEED, counter: int = 7, lives_ms: int = 10_000) -> str:
    return make(seed, bound, counter=counter, expires_at_ms=NOW_MS + lives_ms)


def rejected(text: str, bound: Bound = BOUND, *, seed: str = SEED, now_ms: int = NOW_MS) -> str:
    with pytest.raises(SandboxError) as caught:
        check(text, seed, bound, now_ms=now_ms)
    assert caught.value.code == Code.NONCE_REJECTED
    return caught.value.message


def test_a_nonce_is_good_for_the_request_it_was_made_for() -> None:
    assert check(made(), SEED, BOUND, now_ms=NOW_MS) == Nonce(7, NOW_MS + 10_000)


@pytest.mark.parametrize("change", [
    {"session_id": "5f" * 16}, {"plugin": "com.vendor.other@2.1.0"}, {"plugin": "com.vendor.risk-scoring@2.1.1"},
    {"method": "PUT"}, {"path": "/proxy/vendor/risk/delete"}, {"path": "/proxy/vendor/risk/%65valuate"},
    {"query": "tier=gold&admin=1"}, {"query": ""}, {"content_type": "text/plain"}, {"content_encoding": "gzip"},
    {"headers": ""}, {"body": b'{"tier":"gold"} '}, {"body": b""}], ids=str)
def test_it_is_good_for_no_other_request(change: dict[str, Any]) -> None:
    rejected(made(), replace(BOUND, **change))


def test_what_moves_from_one_part_to_the_next_is_another_request() -> None:
    rejected(made(), replace(BOUND, path=BOUND.path + BOUND.query, query=""))


def test_it_is_worth_nothing_under_another_seed() -> None:
    rejected(made(seed="1f" * 32))


@pytest.mark.parametrize("part", [1, 2])
def test_counter_and_expiry_cannot_be_changed(part: int) -> None:
    parts = made().split(".")
    parts[part] = str(int(parts[part]) + 1)
    rejected(".".join(parts))


def test_an_old_one_is_refused_once_the_clocks_may_no_longer_differ_so_much() -> None:
    text = made(lives_ms=0)
    assert check(text, SEED, BOUND, now_ms=NOW_MS + 5000)
    assert "too old" in rejected(text, now_ms=NOW_MS + 5001)


def test_one_that_would_live_too_long_is_refused() -> None:
    assert check(made(lives_ms=35_000), SEED, BOUND, now_ms=NOW_MS)
    assert "too long" in rejected(made(lives_ms=35_001))


@pytest.mark.parametrize("text", [
    "", "1", "1.7.8", "2" + made()[1:], made() + " ", made() + "\n", made().upper(), "1.٧" + made()[3:],
    "1.07" + made()[3:], made()[:-1], made()[:-1] + "é", made()[:-1] + "\ud800", "1." + "9" * 5000 + ".1." + "0" * 64])
def test_what_has_not_the_form_is_refused_before_anything_is_compared(text: str) -> None:
    assert "form" in rejected(text)


def test_the_test_vector() -> None:
    """The vector of the documentation; it changes only with the version in front."""
    assert made() == "1.7.1700000010000.ae82d899151091c17a7b7091827266bf5f29012057f21251122a55e6a4da7bd6"


def test_the_body_does_not_show_in_a_repr() -> None:
    assert "gold\"" not in repr(BOUND)


def test_a_seed_of_another_form_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="64"):
        made(seed="0F" * 32)


def test_parts_that_are_absent_are_the_same_as_empty_ones() -> None:
    short = Bound(BOUND.session_id, BOUND.plugin, "GET", "/proxy/vendor/risk")
    assert check(made(short), SEED, replace(
        short, query="", content_type="", content_encoding="", headers="", body=b""), now_ms=NOW_MS)


def test_a_path_with_half_a_character_is_bound_like_any_other() -> None:
    half = replace(BOUND, path="/proxy/vendor/\ud800")
    assert check(made(half), SEED, half, now_ms=NOW_MS)
    rejected(made(half), replace(BOUND, path="/proxy/vendor/\ud801"))
