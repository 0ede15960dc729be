"""Plugins that take memory, recurse, or build what nobody can hold."""

from __future__ import annotations

import gc
import json
import zlib
from typing import Any

import kept
from pyodide.ffi import to_js

from pysandbox.plugin import Context, handler


@handler
def growing_list(_payload: Any, _ctx: Context) -> None:
    hoard: list[bytes] = []
    while True:
        hoard.append(bytes(1 << 16))


@handler
def growing_bytes(_payload: Any, _ctx: Context) -> None:
    hoard = b"x"
    while True:
        hoard += hoard


@handler
def growing_dict(_payload: Any, _ctx: Context) -> None:
    hoard: dict[int, str] = {}
    while True:
        hoard[len(hoard)] = "x" * 10_000 + str(len(hoard))


@handler
def growing_text(_payload: Any, _ctx: Context) -> int:
    return len("x" * (1 << 30))


class Node:
    """Half of a cycle."""

    def __init__(self) -> None:
        self.other = self
        self.ballast = bytes(1 << 16)


@handler
def uncollected_cycles(_payload: Any, _ctx: Context) -> None:
    gc.disable()
    while True:
        Node()


@handler
def hoard_kept(_payload: Any, _ctx: Context) -> None:
    """Catches its own MemoryError and keeps what it has."""
    hoard: list[bytes] = []
    vars(kept)["hoard"] = hoard
    while True:
        try:
            hoard.append(bytes(1 << 16))
        except MemoryError:
            continue


@handler
def decompression_bomb(_payload: Any, _ctx: Context) -> int:
    """A deflate stream of 1 GiB, made from one block repeated."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return len(zlib.decompress(block * 1024 + b"\x03\x00", -15))


@handler
def recursion(_payload: Any, _ctx: Context) -> int:
    def down(n: int) -> int:
        return down(n + 1) + 1

    return down(0)


@handler
def recursion_without_limit(_payload: Any, _ctx: Context) -> int:
    import sys

    sys.setrecursionlimit(2**30)

    def down(n: int) -> int:
        return max([n], key=lambda m: down(m + 1))

    return down(0)


class Endless:
    """Its repr asks for itself."""

    def __repr__(self) -> str:
        return f"<{self!r}>"


@handler
def recursion_in_repr(_payload: Any, _ctx: Context) -> str:
    return repr(Endless())


@handler
def recursion_in_sorting(_payload: Any, _ctx: Context) -> int:
    def key(n: int) -> int:
        return max([n, n + 1], key=key)

    return sorted([1, 2], key=key)[1]


def nested(depth: int) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = [value]
    return value


@handler
def deep_repr(_payload: Any, _ctx: Context) -> int:
    return len(repr(nested(100_000)))


@handler
def deep_json(_payload: Any, _ctx: Context) -> int:
    return len(json.dumps(nested(100_000)))


@handler
def deep_json_read(_payload: Any, _ctx: Context) -> int:
    return len(json.loads("[" * 100_000 + "]" * 100_000))


@handler
def deep_result(_payload: Any, _ctx: Context) -> Any:
    return nested(100_000)


@handler
def deep_garbage(_payload: Any, _ctx: Context) -> str:
    nested(100_000)
    return "dropped"


@handler
def deep_exception(_payload: Any, _ctx: Context) -> None:
    raise ValueError(nested(100_000))


@handler
def huge_result(_payload: Any, _ctx: Context) -> str:
    return "x" * 4_000_000


@handler
def not_a_number(_payload: Any, _ctx: Context) -> float:
    return float("nan")


@handler
def not_json(_payload: Any, _ctx: Context) -> Any:
    return {1, 2, 3}


@handler
def buffers_outside(mib: int, _ctx: Context) -> int:
    """Holds JavaScript's own memory, which no cap of WebAssembly counts."""
    chunk = bytes(1 << 20)
    kept.held.extend(to_js(chunk) for _ in range(mib))
    return len(kept.held)
