"""A plugin that breaks every rule on purpose: one handler for each way, and one that behaves.

Call it from the demo page's "Misbehave" menu, or with `pysandbox run examples/misbehaving --call loop --input
examples/misbehaving/input.json`. Do not call `loop` or `hog` in plain CPython: nothing stops them there.
"""

from __future__ import annotations

from roads import forge_roads, network_roads, try_each

from pysandbox.plugin import Context, handler


@handler
def answer(_payload: dict[str, object], ctx: Context) -> dict[str, object]:
    """The call that behaves: what the page calls to see whether the plugin works again."""
    return {"text": "at your service", "environment": ctx.environment}


@handler
def loop(_payload: dict[str, object], _ctx: Context) -> None:
    """Spin for ever, never await, and swallow whatever is raised to stop it: only a kill from outside ends this."""
    while True:
        try:
            while True:
                pass
        except BaseException:  # noqa: BLE001 - refusing every request to stop is the point
            continue


@handler
def hog(_payload: dict[str, object], _ctx: Context) -> int:
    """Take memory, a mebibyte at a time, until there is none. The MemoryError is let through to the caller."""
    hoard: list[bytearray] = []
    while True:
        hoard.append(bytearray(1 << 20))


@handler
async def forge(_payload: dict[str, object], _ctx: Context) -> dict[str, object]:
    """Try to send messages past the guarded API, as if the sandbox itself had sent them."""
    return {"attempts": await try_each(forge_roads())}


@handler("fetch")
async def fetch_url(payload: dict[str, object], _ctx: Context) -> dict[str, object]:
    """Try to reach ``payload["url"]`` by every road that Python has to the network."""
    return {"attempts": await try_each(network_roads(str(payload.get("url", "https://example.com/"))))}
