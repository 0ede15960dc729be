"""A caller that hangs up takes its request along: nobody is left to read the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from starlette.types import Receive


class CallerGone(Exception):
    """Whoever asked has hung up, and what was being done for them has ended."""


async def while_there(receive: Receive, work: Awaitable[None], answered: Callable[[], bool]) -> None:
    """``work``, cancelled as soon as the caller hangs up: then raises `CallerGone`.

    ``receive`` has no more of the request's body to give. ``answered()``: whether all of the answer was handed over; a
    connection that ends after that, as servers tell it each time, is no reason to give anything up.
    """
    task = asyncio.current_task()
    gone = False

    async def listen() -> None:
        nonlocal gone
        while (await receive())["type"] != "http.disconnect":
            pass  # an empty rest of the body
        if task is not None and not answered():
            gone = True
            task.cancel()

    listening = asyncio.get_running_loop().create_task(listen())
    try:
        await work
    except asyncio.CancelledError:
        if not gone:
            raise
    finally:
        listening.cancel()
        if gone and task is not None:
            task.uncancel()
    if gone:
        raise CallerGone
