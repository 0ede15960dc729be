"""Takes and gives bytes."""

from __future__ import annotations

import hashlib
from typing import Any

from pysandbox.plugin import Context, handler


@handler
def echo(payload: Any, _ctx: Context) -> Any:
    return payload


@handler
def digest(payload: bytes, _ctx: Context) -> dict[str, Any]:
    return {"type": type(payload).__name__, "length": len(payload), "sha256": hashlib.sha256(payload).hexdigest()}


@handler
def counts_up(length: int, _ctx: Context) -> dict[str, Any]:
    return {"data": bytearray(i % 251 for i in range(length)), "empty": b""}


@handler
async def asks(payload: Any, ctx: Context) -> Any:
    answer = await ctx.call("lab:page:bytes", {"data": bytes(payload)})
    return {**answer, "got": type(answer["bytes"]).__name__}


@handler
def own_key(_payload: Any, _ctx: Context) -> Any:
    return {"a": {"$bytes": 0}}
