"""What the spine's tests call: one handler for each way an invocation can end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
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
