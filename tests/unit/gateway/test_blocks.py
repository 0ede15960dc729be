"""Blocked versions: a revision for each change, told at once to whoever waits, whatever thread it came from."""

from __future__ import annotations

import asyncio
import threading

from pysandbox.gateway.blocks import BlockedVersions, Changes

KEY, OTHER = "com.vendor.one@1.0.0", "com.vendor.other@2.0.0"
FOREVER_S = 3600.0


def test_each_change_is_a_revision_and_what_changes_nothing_is_none() -> None:
    blocks = BlockedVersions()
    assert blocks.now() == Changes(1, ())
    blocks.set(OTHER, blocked=True)
    blocks.set(KEY, blocked=True)
    blocks.set(KEY, blocked=True)
    assert blocks.now() == Changes(3, (KEY, OTHER))
    blocks.set(OTHER, blocked=False)
    blocks.set(OTHER, blocked=False)
    assert blocks.now() == Changes(4, (KEY,))
    assert KEY in blocks
    assert OTHER not in blocks


def test_who_knows_another_revision_is_answered_at_once() -> None:
    blocks = BlockedVersions()
    for known in (0, 2, 99):
        assert asyncio.run(asyncio.wait_for(blocks.since(known, FOREVER_S), 5)) == Changes(1, ())


def test_who_knows_the_revision_waits_until_something_changes_in_any_thread() -> None:
    blocks = BlockedVersions()

    async def wait() -> list[Changes]:
        waiting = [asyncio.ensure_future(blocks.since(1, FOREVER_S)) for _ in range(3)]
        await asyncio.sleep(0)
        assert not any(task.done() for task in waiting)
        changer = threading.Thread(target=blocks.set, args=(KEY,), kwargs={"blocked": True})
        changer.start()
        answers = await asyncio.wait_for(asyncio.gather(*waiting), 5)
        changer.join()
        return answers

    assert asyncio.run(wait()) == [Changes(2, (KEY,))] * 3


def test_when_the_time_is_up_the_answer_is_what_it_was() -> None:
    assert asyncio.run(BlockedVersions().since(1, 0)) == Changes(1, ())


def test_a_server_that_stops_waits_for_nobody() -> None:
    blocks = BlockedVersions()

    async def wait() -> Changes:
        waiting = asyncio.ensure_future(blocks.since(1, FOREVER_S))
        await asyncio.sleep(0)
        blocks.close()
        await asyncio.wait_for(waiting, 5)
        return await asyncio.wait_for(blocks.since(1, FOREVER_S), 5)

    assert asyncio.run(wait()) == Changes(1, ())
