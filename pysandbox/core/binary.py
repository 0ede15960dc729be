"""Bytes inside a JSON value: each stands in the text as ``{"$bytes": i}`` and travels beside it as the i-th buffer.

A buffer is handed from realm to realm as it is, never written into text. An object whose only key is ``$bytes`` is
therefore nobody's own value.

Must not know: what a buffer is in a realm. On the way through the host it is only something with a length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Sized
from typing import Any, Final, cast

from pysandbox.core import strict_json
from pysandbox.core.errors import Code, ProtocolViolation, SandboxError
from pysandbox.core.limits import default

KEY: Final = "$bytes"
_STARTS: Final = f'{{"{KEY}":'  # outside of strings in compact JSON, and nowhere else: a string's quotes are escaped

Buffer = bytes | bytearray | memoryview
Limit = Callable[[str], int]


def dumps(
    value: object, *, max_chars: int = strict_json.MAX_CHARS, limit: Limit = default
) -> tuple[str, tuple[bytes, ...]]:
    """JSON of ``value``, whose ``bytes``, ``bytearray`` and ``memoryview`` are taken out of it, and these.

    Raises `SandboxError` as `strict_json.dumps` does, ``RESULT_NOT_JSON`` also for somebody's own ``$bytes``, and
    ``MESSAGE_LIMIT`` where the buffers are more or larger than ``limit`` says.
    """
    try:
        text = strict_json.dumps(value, max_chars=max_chars)
        if _STARTS not in text:
            return text, ()
    except SandboxError as error:
        if error.code is not Code.RESULT_NOT_JSON:
            raise
    # The long way: only for what has bytes in it, and for what is refused.
    taken: list[bytes] = []
    text = strict_json.dumps(_Taker(taken, max_chars).without("$", value, 0), max_chars=max_chars)
    fault = too_large(taken, limit)
    if fault is not None:
        raise SandboxError(Code.MESSAGE_LIMIT, f"the value's bytes: {fault[1]}")
    return text, tuple(taken)


def too_large(buffers: Sequence[Sized], limit: Limit) -> tuple[str, str] | None:
    """Which limit ``buffers`` break, and in which words; None where they break none."""
    if len(buffers) > limit("messageBuffers"):
        name, figures = "messageBuffers", f"{len(buffers)} buffers, {limit('messageBuffers')} at most"
    elif (size := sum(map(len, buffers))) > limit("bufferBytes"):
        name, figures = "bufferBytes", f"{size} bytes, {limit('bufferBytes')} at most"
    else:
        return None
    return name, f"{figures}: see isolation.limits.{name}"


def check(value: object, buffers: Sequence[Sized]) -> None:
    """Raises `ProtocolViolation` unless each buffer stands in ``value`` exactly once, and none that is not there."""
    if not buffers:
        return  # then a ``$bytes`` is plain data, because nobody looks for buffers
    found = [index for _, _, index in _places([value])]
    if len(found) != len(buffers) or set(found) != set(range(len(buffers))):
        raise ProtocolViolation("bytes-places", "the text does not name each of the buffers beside it once")


def join(value: object, buffers: Sequence[Any]) -> object:
    """``value``, freshly read and changed in place, with its bytes in it again. Raises as `check` does."""
    check(value, buffers)
    root = [value]
    if buffers:
        for holder, key, index in list(_places(root)):
            holder[key] = buffers[index]
    return root[0]


def _places(root: list[object]) -> Iterator[tuple[Any, Any, int]]:
    """Where bytes belong, as (holder, key, index of the buffer). ``root`` was read from JSON: no cycle, not deep."""
    level: list[Any] = [root]
    while level:
        below: list[Any] = []
        for holder in level:
            children = cast(dict[Any, Any], holder).items() if isinstance(holder, dict) else enumerate(holder)
            for key, child in children:
                if isinstance(child, dict) and child.keys() == {KEY}:
                    index = cast(dict[str, object], child)[KEY]
                    if type(index) is not int:
                        raise ProtocolViolation("bytes-places", f"{KEY} is a whole number")
                    yield holder, key, index
                elif isinstance(child, (dict, list)):
                    below.append(child)
        level = below


class _Taker:
    """Copies a value without its bytes, which it collects. Bounded as `strict_json` bounds a value."""

    def __init__(self, taken: list[bytes], max_nodes: int) -> None:
        self._taken = taken
        self._nodes_left = max_nodes

    def without(self, path: str, value: object, depth: int) -> object:
        self._nodes_left -= 1
        if depth > strict_json.MAX_DEPTH + 1 or self._nodes_left < 0:
            raise SandboxError(Code.MESSAGE_LIMIT, "the value is larger or deeper than a message can be")
        if isinstance(value, (bytes, bytearray, memoryview)):
            self._taken.append(bytes(cast(Buffer, value)))
            return {KEY: len(self._taken) - 1}
        if isinstance(value, dict):
            items = cast(dict[object, object], value)
            if items.keys() == {KEY}:
                raise SandboxError(
                    Code.RESULT_NOT_JSON, f"{path} is an object whose only key is {KEY!r}, which stands for bytes: "
                    "give it another name")
            return {key: self.without(f"{path}.{str(key)[:40]}", child, depth + 1) for key, child in items.items()}
        if isinstance(value, (list, tuple)):
            children = cast(Sequence[object], value)
            return [self.without(f"{path}[{i}]", child, depth + 1) for i, child in enumerate(children)]
        return value
