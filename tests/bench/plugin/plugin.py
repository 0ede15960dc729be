"""The handlers of the benchmark as a pysandbox plugin."""

from __future__ import annotations

from typing import Any

from pysandbox.plugin import Context, handler


@handler
def add(payload: dict[str, Any], _ctx: Context) -> dict[str, Any]:
    """The first result that every subject is asked for."""
    return {"sum": payload["a"] + payload["b"]}


@handler
def echo(payload: dict[str, Any], _ctx: Context) -> dict[str, Any]:
    """The round trip."""
    return {"echo": payload}


@handler
def compute(_payload: dict[str, Any], _ctx: Context) -> dict[str, Any]:
    """A busy loop that lets the soft deadline's exception through."""
    n = 0
    while True:
        n += 1


@handler
def spin(_payload: dict[str, Any], _ctx: Context) -> dict[str, Any]:
    """A busy loop that swallows the soft deadline's exception, so that only the hard kill ends it."""
    while True:
        try:
            while True:
                pass
        except BaseException:  # noqa: BLE001 - the soft deadline is what it is meant to catch
            continue
