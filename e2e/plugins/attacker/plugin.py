"""A plugin that went past the guarded API: it forges messages with its runtime's own parts, and in a variant that
gives it the realm's JavaScript (module ``lab``) it takes every road there.
"""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from typing import Any

from pysandbox.core.envelope import TO_HOST, TO_PLUGIN, Binding, Sealer
from pysandbox.plugin import Context, handler

TICKING: list[asyncio.Task[None]] = []
CHUNK_BYTES = 1 << 19
MEMORY_BYTES = 480 << 16  # what every interpreter has; an honest plugin needs no more
NOTE = '{"event":"forged","data":null}'


class Wire:
    """The way out of this worker: seals as the runtime does, and posts whatever text."""

    def __init__(self, ctx: Any) -> None:
        runtime = ctx._services
        self.runtime = runtime
        self.binding: Binding = runtime._channel.binding
        self.sealer: Sealer = runtime._channel._sealer

    def post(self, text: str) -> None:
        self.runtime._world.post(text, ())

    def note(self, payload: str = NOTE) -> str:
        return self.sealer.seal("event", "", "", payload)

    def unsent(self, binding: Binding | None = None, side: str = TO_HOST, origin: str = "null") -> Sealer:
        """A sealer of another binding that stands where ours stands; what it seals is not counted as sent."""
        sealer = Sealer(binding or self.binding, side, origin)
        sealer.seq = self.sealer.seq
        return sealer


def forged_nonce(wire: Wire) -> list[str]:
    text = wire.unsent().seal("event", "", "", NOTE)
    return [text.replace(text[10:74], "0" * 64)]


def other_key(wire: Wire) -> list[str]:
    return [wire.unsent(wire.binding._replace(key=bytes(16))).seal("event", "", "", NOTE)]


def replayed(wire: Wire) -> list[str]:
    return [wire.note()] * 2


def reordered(wire: Wire) -> list[str]:
    first, second = wire.note(), wire.note()
    wire.sealer.seq -= 1  # the second will not have counted
    return [second, first]


def stale_generation(wire: Wire) -> list[str]:
    return [wire.unsent(wire.binding._replace(gen=wire.binding.gen - 1)).seal("event", "", "", NOTE)]


def next_generation(wire: Wire) -> list[str]:
    return [wire.unsent(wire.binding._replace(gen=wire.binding.gen + 1)).seal("event", "", "", NOTE)]


def other_session(wire: Wire) -> list[str]:
    return [wire.unsent(wire.binding._replace(sid="0" * 32)).seal("event", "", "", NOTE)]


def other_plugin(wire: Wire) -> list[str]:
    return [wire.unsent(wire.binding._replace(plugin="test.spine")).seal("event", "", "", NOTE)]


def other_direction(wire: Wire) -> list[str]:
    return [wire.unsent(side=TO_PLUGIN).seal("event", "", "", NOTE)]


def other_origin(wire: Wire) -> list[str]:
    return [wire.unsent(origin="http://127.0.0.1").seal("event", "", "", NOTE)]


def other_version(wire: Wire) -> list[str]:
    return [wire.unsent().seal("event", "", "", NOTE).replace('"v":1', '"v":2')]


def altered(wire: Wire) -> list[str]:
    return [wire.unsent().seal("event", "", "", NOTE).replace("forged", "forgot")]


FORGERIES = {
    function.__name__: function
    for function in (forged_nonce, other_key, replayed, reordered, stale_generation, next_generation, other_session,
                     other_plugin, other_direction, other_origin, other_version, altered)
}  # fmt: skip


@handler
def forge(payload: str, ctx: Context) -> str:
    wire = Wire(ctx)
    for text in FORGERIES[payload](wire):
        wire.post(text)
    return "sent"


@handler
def raw(payload: list[str], ctx: Context) -> str:
    """Posts each text as it is."""
    for text in payload:
        Wire(ctx).post(text)
    return "sent"


@handler
async def raw_and_wait(payload: list[str], ctx: Context) -> None:
    raw(payload, ctx)
    await ctx.sleep(15_000)


@handler
def brackets(payload: dict[str, Any], ctx: Context) -> str:
    """Deep text, bare or as the payload of an envelope that is sealed as it should be."""
    wire = Wire(ctx)
    deep = "[" * payload["count"] + "]" * payload["count"]
    if payload["sealed"]:
        wire.post(wire.note(deep))
        if payload.get("refused", True):
            wire.sealer.seq -= 1
    else:
        wire.post("[" * payload["count"])
    return "sent"


@handler
def sealed(payload: dict[str, Any], ctx: Context) -> str:
    """An envelope of any kind, id, method and payload text, sealed as it should be. ``counts``: it is accepted."""
    wire = Wire(ctx)
    wire.post(wire.sealer.seal(
        payload["kind"], payload.get("id", ""), payload.get("cid", ""), payload.get("payload", "null"),
        method=payload.get("method", "")))
    if not payload["counts"]:
        wire.sealer.seq -= 1
    return "sent"


@handler
def answer_twice(_payload: Any, ctx: Any) -> str:
    """Its own answer comes first; the runtime's is then the second to one call."""
    wire = Wire(ctx)
    wire.post(wire.sealer.seal("result", ctx._id, "", '"mine"'))
    return "second"


@handler
def flood(payload: dict[str, Any], ctx: Context) -> str:
    """Sealed events without a look at credit."""
    wire = Wire(ctx)
    for text in [wire.note() for _ in range(payload["count"])]:
        wire.post(text)
    return "sent"


@handler
def never_stop_sending(_payload: Any, ctx: Context) -> None:
    """Sends sealed events at a pace that credit allows, and listens to nobody."""
    wire = Wire(ctx)
    while True:
        with suppress(BaseException):  # around the loop: the one exception that comes finds no gap between two rounds
            while True:
                wire.post(wire.note())
                end = time.perf_counter() + 0.008
                while time.perf_counter() < end:
                    pass


@handler
def ticks_for_ever(_payload: Any, ctx: Context) -> str:
    """A task that its runtime does not see: it sends on when its invocation is over."""
    wire = Wire(ctx)

    async def tick() -> None:
        while True:
            wire.post(wire.note())
            await asyncio.sleep(0.02)

    TICKING.append(asyncio.Task(tick(), loop=asyncio.get_running_loop()))
    return "ticking"


@handler
def pollute(payload: Any, ctx: Context) -> Any:
    """Names of every object's prototype, wherever names go."""
    ctx.emit("__proto__", payload)
    ctx.log.info("constructor", __proto__={"polluted": 1}, constructor=1)
    return payload


@handler
def emits(payload: list[str], ctx: Context) -> str:
    """Events of any name, with the name in their data."""
    for name in payload:
        ctx.emit(name, {"name": name})
    return "sent"


@handler
def memory_holds(payload: list[str], _ctx: Context) -> int:
    """How often its interpreter's memory holds a text.

    It is told the text's first half and a hash of the second, so that looking for it does not put it there.
    """
    import ctypes
    import hashlib

    half, digest, length = payload[0].encode(), payload[1], int(payload[2])
    found = 0
    for at in range(CHUNK_BYTES, MEMORY_BYTES - CHUNK_BYTES, CHUNK_BYTES):
        chunk = ctypes.string_at(at, CHUNK_BYTES + 4096)
        place = chunk.find(half)
        while 0 <= place < CHUNK_BYTES:
            rest = chunk[place + len(half) : place + len(half) + length]
            found += hashlib.sha256(rest).hexdigest() == digest
            place = chunk.find(half, place + 1)
    return found


@handler
async def ask(payload: str, ctx: Context) -> Any:
    return await ctx.call(payload, {"__proto__": {"polluted": 1}})


@handler
async def take(payload: list[Any], _ctx: Context) -> Any:
    """A function of the realm's JavaScript, with its arguments."""
    import lab  # pyright: ignore[reportMissingImports]

    name, *args = payload
    found = getattr(lab, name)
    value = found(*args) if callable(found) else found
    if hasattr(value, "then"):
        value = await value
    return json.loads(value) if isinstance(value, str) and value[:1] in "[{" else value


@handler
async def echo(payload: Any, _ctx: Context) -> Any:
    await asyncio.sleep(0)
    return payload
