"""Plugins that flood: their log, the page, the host, the file system."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from pysandbox.plugin import Context, handler

FOLDER = Path("/home/pyodide")
CHUNK = b"x" * (1 << 18)
ENOUGH = 1 << 10  # a file system that nobody bounds is the browser's memory: a bug shall not take the machine with it


@handler
def prints(_payload: Any, _ctx: Context) -> None:
    while True:
        print("and on")


@handler
def logs(_payload: Any, ctx: Context) -> None:
    while True:
        ctx.log.info("and on", n=1)


@handler
def events(_payload: Any, ctx: Context) -> None:
    while True:
        ctx.emit("note", {"text": "and on"})


@handler
async def events_and_waits(_payload: Any, ctx: Context) -> None:
    while True:
        ctx.emit("note", {"text": "and on"})
        await asyncio.sleep(0)


@handler
def large_events(_payload: Any, ctx: Context) -> None:
    while True:
        ctx.emit("note", "x" * 500_000)


@handler
def huge_event(_payload: Any, ctx: Context) -> None:
    ctx.emit("note", "x" * 4_000_000)


@handler
def progress(_payload: Any, ctx: Context) -> None:
    while True:
        ctx.progress(0.5, "and on")


@handler
async def calls_in_a_row(_payload: Any, ctx: Context) -> None:
    while True:
        await ctx.call("webchat:session:read")


@handler
async def calls_at_once(_payload: Any, ctx: Context) -> None:
    await asyncio.gather(*(ctx.call("webchat:session:read") for _ in range(1000)))


@handler
async def calls_that_catch(_payload: Any, ctx: Context) -> None:
    while True:
        try:
            await ctx.call("webchat:session:read")
        except BaseException:  # noqa: BLE001 - it refuses every request to stop
            await asyncio.sleep(0.001)


@handler
def one_huge_file(_payload: Any, _ctx: Context) -> None:
    with (FOLDER / "huge").open("wb") as file:
        for _ in range(ENOUGH):
            file.write(CHUNK)


@handler
def many_files(_payload: Any, _ctx: Context) -> None:
    n = 0
    while True:
        (FOLDER / f"file{n}").write_bytes(b"x")
        n += 1
