# ruff: noqa: D103, INP001  # a plugin's folder, not a package; its functions' names say what they try
"""Messages that the runtime would not send, made with its own parts: it lives in this worker, so they are at hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pysandbox.core.envelope import TO_HOST, TO_PLUGIN, Binding, Sealer

NOTE = '{"event":"forged","data":null}'


class Wire:
    """The way out of this worker: seals as the runtime does, and posts whatever text."""

    def __init__(self, ctx: Any) -> None:
        self.runtime = ctx._services  # going past the guarded API is the point
        self.binding: Binding = self.runtime._channel.binding
        self.sealer: Sealer = self.runtime._channel._sealer

    def post(self, text: str) -> None:
        self.runtime._world.post(text, ())

    def note(self, payload: str = NOTE) -> str:
        return self.sealer.seal("event", "", "", payload)

    def unsent(self, side: str = TO_HOST, origin: str = "null", **changed: Any) -> Sealer:
        """A sealer of another binding that stands where ours stands; what it seals is not counted as sent."""
        sealer = Sealer(self.binding._replace(**changed), side, origin)
        sealer.seq = self.sealer.seq  # pyright: ignore[reportUnknownMemberType]  # an int: see `Sealer`
        return sealer

    def forged(self, **changed: Any) -> str:
        return self.unsent(**changed).seal("event", "", "", NOTE)


def honest(wire: Wire) -> list[str]:
    """The control: a message as it should be, which the page hears."""
    return [wire.note()]


def forged_nonce(wire: Wire) -> list[str]:
    text = wire.forged()
    return [text.replace(text[10:74], "0" * 64)]


def other_key(wire: Wire) -> list[str]:
    return [wire.forged(key=bytes(16))]


def altered(wire: Wire) -> list[str]:
    return [wire.forged().replace("null}", "true}")]


def other_plugin(wire: Wire) -> list[str]:
    return [wire.forged(plugin="com.pysandbox.witness")]


def other_direction(wire: Wire) -> list[str]:
    return [wire.forged(side=TO_PLUGIN)]


def replayed(wire: Wire) -> list[str]:
    return [wire.note()] * 2


def reordered(wire: Wire) -> list[str]:
    first, second = wire.note(), wire.note()
    wire.sealer.seq -= 1  # the second will not have counted
    return [second, first]


def stale_generation(wire: Wire) -> list[str]:
    return [wire.forged(gen=wire.binding.gen - 1)]


def next_generation(wire: Wire) -> list[str]:
    return [wire.forged(gen=wire.binding.gen + 1)]


def other_session(wire: Wire) -> list[str]:
    return [wire.forged(sid="0" * 32)]


def other_origin(wire: Wire) -> list[str]:
    return [wire.forged(origin="http://127.0.0.1")]


def other_version(wire: Wire) -> list[str]:
    return [wire.forged().replace('"v":1', '"v":2')]


FORGERIES: dict[str, Callable[[Wire], list[str]]] = {
    function.__name__: function
    for function in (
        honest, forged_nonce, other_key, altered, other_plugin, other_direction, replayed, reordered, stale_generation,
        next_generation, other_session, other_origin, other_version)
}


def send(ctx: Any, name: str, message: dict[str, Any]) -> str:
    """``name`` of `FORGERIES`; or ``sealed``: any kind, sealed as it should be; ``raw``: text as it is."""
    wire = Wire(ctx)
    if name == "raw":
        wire.post(message["text"])
    elif name == "sealed":
        wire.post(wire.sealer.seal(
            message["kind"], message.get("id", ""), "", message.get("payload", "null"),
            method=message.get("method", "")))
        wire.sealer.seq -= not message["counts"]
    elif name == "brackets":
        wire.post(wire.note("[" * message["count"] + "]" * message["count"]))
        wire.sealer.seq -= 1
    else:
        for text in FORGERIES[name](wire):
            wire.post(text)
    return "sent"


def answer_twice(ctx: Any) -> str:
    """Its own answer comes first; the runtime's is then the second to one call."""
    wire = Wire(ctx)
    wire.post(wire.sealer.seal("result", ctx._id, "", '"forged"'))
    return "second"
