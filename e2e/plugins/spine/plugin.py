"""What the spine's tests call: one handler for each way an invocation can end."""

from __future__ import annotations

import asyncio
import errno
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pysandbox.plugin import Context, handler

NOT_JSON: dict[str, Callable[[], Any]] = {
    "set": lambda: {1, 2},
    "object": object,
    "nan": lambda: float("nan"),
    "infinity": lambda: [float("-inf")],
    "surrogate": lambda: "\ud800",
    "surrogate-key": lambda: {"\udfff": 1},
    "number-key": lambda: {1: "one"},
    "endless": lambda: 10**400,
}


@handler
def echo(payload: Any, _ctx: Context) -> Any:
    return payload


@handler
def about(_payload: Any, ctx: Context) -> dict[str, Any]:
    return {
        "environment": ctx.environment, "queue": ctx.queue, "locale": ctx.locale, "plugin": ctx.plugin_id,
        "correlation": ctx.correlation_id, "remaining": ctx.remaining_ms, "permissions": list(ctx.permissions),
    }  # fmt: skip


@handler
def raises(payload: dict[str, str], _ctx: Context) -> None:
    raise LookupError(payload["message"])


@handler
def exits(_payload: Any, _ctx: Context) -> None:
    raise SystemExit(3)


@handler
def recurses(_payload: Any, _ctx: Context) -> int:
    def down(n: int) -> int:
        return down(n + 1) + 1

    return down(0)


@handler
def not_json(payload: str, _ctx: Context) -> Any:
    return NOT_JSON[payload]()


@handler
def nested(payload: int, _ctx: Context) -> Any:
    value: Any = 0
    for _ in range(payload):
        value = [value]
    return value


@handler
def cyclic(_payload: Any, _ctx: Context) -> Any:
    value: list[Any] = []
    value.append(value)
    return value


@handler
def hog(_payload: Any, _ctx: Context) -> int:
    hoard: list[bytearray] = []
    while True:
        hoard.append(bytearray(1 << 20))


@handler
def spin(_payload: Any, _ctx: Context) -> None:
    while True:
        try:
            while True:
                pass
        except BaseException:  # noqa: BLE001 - it refuses every request to stop
            continue


@handler
async def wait(_payload: Any, ctx: Context) -> None:
    """Waits until it is aborted, tells that it was, and lets the error through."""
    try:
        await ctx.sleep(60_000)
    except BaseException as error:
        print(f"stopped by {type(error).__name__}")
        raise


@handler
async def stubborn(_payload: Any, _ctx: Context) -> None:
    """Awaits for ever and listens to no signal."""
    while True:  # noqa: ASYNC110 - it waits for nothing
        await asyncio.sleep(0.01)


@handler
async def ask(payload: dict[str, Any], ctx: Context) -> Any:
    return await ctx.call(payload["permission"], payload.get("args"))


@handler
async def ask_for_ever(_payload: Any, ctx: Context) -> None:
    """Always another call outside, whatever comes of it."""
    while True:
        try:
            await ctx.call("webchat:session:read")
        except BaseException:  # noqa: BLE001 - it refuses every request to stop
            await asyncio.sleep(0.001)


@handler
async def ask_and_catch(payload: dict[str, Any], ctx: Context) -> dict[str, str]:
    try:
        await ctx.call(payload["permission"])
    except Exception as error:  # noqa: BLE001 - what it is, is the answer
        return {"type": type(error).__name__, "code": getattr(error, "code", ""), "text": str(error)}
    return {}


@handler
async def proxy(payload: dict[str, Any], ctx: Context) -> Any:
    return (await ctx.proxy.post(payload["path"], json={"a": 1})).status


@handler
def tell(_payload: Any, ctx: Context) -> None:
    ctx.emit("note", {"n": 1})
    ctx.progress(0.5, "half")
    ctx.log.info("a line", colour="blue")
    print("printed")


@contextmanager
def full() -> Iterator[None]:
    """What is done inside has to meet the end of the disk."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            return
        raise
    raise AssertionError("there was room")


@handler
def files(most: dict[str, int], _ctx: Context) -> list[str]:
    """Uses the file system to its limits and back, many ways; what held."""
    held = ["written"]
    with tempfile.TemporaryDirectory() as name:
        folder, half = Path(name), b"x" * (most["bytes"] // 2)
        one, two = folder / "one", folder / "two"
        one.write_bytes(half)
        two.write_bytes(half)
        with full():
            (folder / "three").write_bytes(b"x")
        one.unlink()
        one.write_bytes(half)
        held.append("deleted makes room")
        one.replace(two)
        one.write_bytes(half)
        held.append("replaced makes room")
        os.truncate(one, 10)
        with full():
            os.truncate(one, most["bytes"])
        held.append("truncated makes room, and takes it")
        with one.open("r+b", buffering=0) as file, full():
            file.seek(10 * most["bytes"])
            file.write(b"x")
        held.append("a hole is not free")
        two.unlink()
        with one.open("wb", buffering=0) as file:
            file.write(half)
            one.unlink()
            two.write_bytes(half)
            with full():
                two.with_name("four").write_bytes(b"xx")
        held.append("deleted while open still counts")
    with tempfile.TemporaryDirectory() as name, full():
        for number in range(most["files"] + 1):
            (Path(name) / str(number)).mkdir()
    held.append("so many files")
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "again").symlink_to("nowhere")
    held.append("removed makes room")
    return held
