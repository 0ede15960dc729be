"""ctx.cache: copies in, copies out, within its bytes."""

from __future__ import annotations

from typing import Any, cast

import pytest

from pysandbox.core.errors import Code, SandboxError
from pysandbox.plugin.cache import PluginCache
from pysandbox.plugin.context import Cache


def make(**limits: int) -> PluginCache:
    return PluginCache(lambda: 0.0, **limits)


def test_it_is_what_the_context_promises() -> None:
    cache: Cache = make()
    cache.set("k", {"a": [1, None, "é"]}, ttl_s=5)
    assert cache.get("k") == {"a": [1, None, "é"]}
    assert cache.get("none", "default") == "default"
    assert cache.delete("k")


def test_a_cached_none_is_a_value_and_not_the_default() -> None:
    cache = make()
    cache.set("k", None, ttl_s=5)
    assert cache.get("k", "default") is None


def test_changing_a_value_after_set_or_after_get_changes_nothing_in_the_cache() -> None:
    cache, value = make(), [1]
    cache.set("k", value, ttl_s=5)
    value.append(2)
    cache.get("k").append(3)
    assert cache.get("k") == [1]


def test_bytes_are_kept_as_bytes_and_detached_from_their_source() -> None:
    cache, source = make(), bytearray(b"abc")
    cache.set("k", source, ttl_s=5)
    source[0] = 0
    assert cache.get("k") == b"abc"
    cache.set("k", memoryview(b"xyz"), ttl_s=5)
    assert cache.get("k") == b"xyz"


@pytest.mark.parametrize("value", [{1, 2}, float("nan"), {1: 2}, object(), chr(0xD800)])
def test_what_is_no_json_is_refused_and_the_replaced_value_is_gone(value: Any) -> None:
    cache = make()
    cache.set("k", "old", ttl_s=5)
    with pytest.raises(SandboxError) as caught:
        cache.set("k", value, ttl_s=5)
    assert caught.value.code is Code.RESULT_NOT_JSON
    assert cache.get("k") is None


def test_utf_8_bytes_are_counted_not_characters() -> None:
    cache = make(max_bytes=20)
    cache.set("k", "€€", ttl_s=5)
    assert cache.bytes_used == 1 + 2 + 6
    with pytest.raises(ValueError, match="whole cache"):
        cache.set("k", "€€€€€€", ttl_s=5)


def test_a_key_that_is_no_text_is_refused() -> None:
    with pytest.raises(TypeError, match="str, not int"):
        make().set(cast(str, 7), 1, ttl_s=5)


def test_clear_forgets_everything() -> None:
    cache = make()
    cache.set("k", 1, ttl_s=5)
    cache.clear()
    assert (cache.get("k"), cache.bytes_used, cache.drop_expired()) == (None, 0, 0)
