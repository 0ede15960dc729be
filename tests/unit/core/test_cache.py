"""The bounded cache: time, entries and bytes each end an entry, and nothing else does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pysandbox.core.cache import BoundedCache


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def make(clock: Clock | None = None, *, entries: int = 3, size: int = 100) -> BoundedCache[bytes]:
    return BoundedCache(max_entries=entries, max_bytes=size, clock=clock or Clock(), size_of=len)


def test_a_value_is_there_until_its_time_is_up_and_not_at_that_moment() -> None:
    clock = Clock()
    cache = make(clock)
    cache.set("k", b"v", ttl_s=10)
    clock.now += 9.999
    assert cache.get("k") == b"v"
    clock.now = 110.0
    assert cache.get("k") is None
    assert (len(cache), cache.bytes_used) == (0, 0)


def test_reading_extends_a_sliding_entry_and_leaves_an_absolute_one_alone() -> None:
    clock = Clock()
    cache = make(clock)
    cache.set("slides", b"1", ttl_s=10, sliding=True)
    cache.set("fixed", b"2", ttl_s=10)
    clock.now += 8
    assert (cache.get("slides"), cache.get("fixed")) == (b"1", b"2")
    clock.now += 8
    assert (cache.get("slides"), cache.get("fixed")) == (b"1", None)
    clock.now += 10
    assert cache.get("slides") is None


def test_the_least_recently_used_entry_makes_room_and_reading_counts_as_use() -> None:
    cache = make(entries=2)
    cache.set("a", b"1", ttl_s=60)
    cache.set("b", b"2", ttl_s=60)
    assert cache.get("a") == b"1"
    cache.set("c", b"3", ttl_s=60)
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (b"1", None, b"3")


def test_expired_entries_make_room_before_living_ones() -> None:
    clock = Clock()
    cache = make(clock, entries=2)
    cache.set("oldest but alive", b"1", ttl_s=60)
    cache.set("newer but expired", b"2", ttl_s=1)
    clock.now += 2
    cache.set("c", b"3", ttl_s=60)
    assert cache.get("oldest but alive") == b"1"


def test_an_expired_entry_makes_room_though_it_was_used_last_and_a_longer_lived_one_was_set_after_it() -> None:
    clock = Clock()
    cache = make(clock, entries=2)
    cache.set("short", b"1", ttl_s=1)
    cache.set("long", b"2", ttl_s=60)
    assert cache.get("short") == b"1"
    clock.now += 2
    cache.set("c", b"3", ttl_s=60)
    assert cache.get("long") == b"2"


def test_an_entry_that_was_extended_by_reading_does_not_make_room_as_expired() -> None:
    clock = Clock()
    cache = make(clock, entries=2)
    cache.set("a", b"1", ttl_s=10, sliding=True)
    clock.now += 9
    assert cache.get("a") == b"1"
    cache.set("b", b"2", ttl_s=2)
    clock.now += 3  # past the first expiry of "a", and past that of "b"
    cache.set("c", b"3", ttl_s=10)
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (b"1", None, b"3")


def test_bytes_are_bounded_with_keys_counted_and_as_many_entries_go_as_needed() -> None:
    cache = make(entries=10, size=30)
    cache.set("a", b"x" * 9, ttl_s=60)
    cache.set("b", b"x" * 9, ttl_s=60)
    cache.set("c", b"x" * 9, ttl_s=60)
    assert cache.bytes_used == 30
    cache.set("d", b"x" * 10, ttl_s=60)
    assert (cache.get("a"), cache.get("b")) == (None, None)
    assert cache.bytes_used == 21


def test_the_bytes_of_a_key_are_counted_in_utf_8() -> None:
    cache = make()
    cache.set("é€", b"", ttl_s=60)
    assert cache.bytes_used == 5


def test_a_value_larger_than_the_cache_is_refused_and_throws_nobody_else_out() -> None:
    cache = make(size=10)
    cache.set("a", b"1", ttl_s=60)
    with pytest.raises(ValueError, match="11 bytes; the whole cache holds 10"):
        cache.set("b", b"x" * 10, ttl_s=60)
    assert cache.get("a") == b"1"
    cache.set("c", b"x" * 9, ttl_s=60)
    assert cache.get("c") == b"x" * 9


@pytest.mark.parametrize("ttl_s", [0, -1, float("nan"), float("inf")])
def test_a_ttl_that_is_no_span_of_time_is_refused_and_the_replaced_value_is_not_served(ttl_s: float) -> None:
    cache = make()
    cache.set("k", b"old", ttl_s=60)
    with pytest.raises(ValueError, match="ttl_s"):
        cache.set("k", b"new", ttl_s=ttl_s)
    assert cache.get("k") is None


def test_setting_a_key_again_replaces_value_size_and_time() -> None:
    clock = Clock()
    cache = make(clock)
    cache.set("k", b"long value", ttl_s=1)
    cache.set("k", b"v", ttl_s=60)
    clock.now += 30
    assert (cache.get("k"), cache.bytes_used, len(cache)) == (b"v", 2, 1)


def test_delete_says_whether_there_was_something_and_clear_frees_everything() -> None:
    cache = make()
    cache.set("k", b"v", ttl_s=60)
    assert (cache.delete("k"), cache.delete("k")) == (True, False)
    cache.set("k", b"v", ttl_s=60)
    cache.clear()
    assert (cache.get("k"), len(cache), cache.bytes_used) == (None, 0, 0)


def test_drop_expired_counts_what_it_dropped() -> None:
    clock = Clock()
    cache = make(clock)
    cache.set("a", b"1", ttl_s=1)
    cache.set("b", b"2", ttl_s=1)
    cache.set("c", b"3", ttl_s=5)
    clock.now += 2
    assert (cache.drop_expired(), len(cache)) == (2, 1)


@pytest.mark.parametrize(("entries", "size"), [(0, 1), (1, 0), (-1, 5)])
def test_a_cache_without_room_cannot_be_made(entries: int, size: int) -> None:
    with pytest.raises(ValueError, match="at least one"):
        make(entries=entries, size=size)


STEPS = st.lists(st.tuples(
    st.sampled_from(["set", "slide", "get", "delete", "wait", "drop"]), st.sampled_from("abcdef"), st.integers(1, 20)))


@given(STEPS)
def test_whatever_happens_the_bounds_hold_and_what_is_served_is_the_last_value_still_in_time(
    steps: list[tuple[str, str, int]],
) -> None:
    clock = Clock()
    cache = make(clock, entries=3, size=25)
    truth: dict[str, tuple[bytes, float, int | None]] = {}  # a model without bounds: value, expiry, sliding span
    for action, key, amount in steps:
        if action in ("set", "slide"):
            value = b"x" * amount
            cache.set(key, value, ttl_s=amount, sliding=action == "slide")
            truth[key] = (value, clock.now + amount, amount if action == "slide" else None)
        elif action == "get":
            served = cache.get(key)
            value, expires, span = truth.get(key, (b"", 0.0, None))
            assert served is None or (served == value and clock.now < expires)
            if served is None:
                truth.pop(key, None)
            elif span is not None:
                truth[key] = (value, clock.now + span, span)
        elif action == "delete":
            cache.delete(key)
            truth.pop(key, None)
        elif action == "wait":
            clock.now += amount
        else:
            cache.drop_expired()
        assert len(cache) <= 3
        assert cache.bytes_used <= 25
    cache.clear()
    assert cache.bytes_used == 0
