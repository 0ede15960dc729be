"""Ten thousand invocations in one session: the ids of both sides are reconciled, and at the end nothing is left."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.unit.joined.lab import HEAD, Cell, Lab
from tests.unit.joined.virtual_time import in_virtual_time

TOTAL, AT_ONCE = 10_000, 25
KILL_EVERY, ABORT_EVERY, RAISE_EVERY, WAIT_EVERY = 1250, 90, 40, 10
SOURCE = HEAD + '''
@handler
def quick(payload, ctx): return payload
@handler
async def waits(payload, ctx):
    await ctx.sleep(3)
    return payload
@handler
def raises(payload, ctx): raise ValueError("no")
@handler
async def hangs(payload, ctx):
    for _ in range(9):
        try: await asyncio.sleep(3600)
        except BaseException: pass
'''
CALL = re.compile(r'"kind":"call","id":"([0-9]+)"')
REPLY = re.compile(r'"kind":"(?:result|error)","id":"([0-9]+)"')


def handler_of(number: int) -> str:
    for every, name in ((KILL_EVERY, "hangs"), (RAISE_EVERY, "raises"), (WAIT_EVERY, "waits"), (ABORT_EVERY, "waits")):
        if number % every == every - 1:
            return name
    return "quick"


def ids(pattern: re.Pattern[str], texts: list[str]) -> Counter[str]:
    return Counter(match[1] for text in texts if (match := pattern.search(text)))


@pytest.mark.timeout(240)
@in_virtual_time
async def test_ten_thousand_invocations_each_end_once_on_both_sides(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start()
        ended: Counter[str] = Counter()
        statuses: Counter[str] = Counter()
        for first in range(0, TOTAL, AT_ONCE):
            batch: list[asyncio.Future[tuple[str, dict[str, object]]]] = []
            for number in range(first, first + AT_ONCE):
                id, outcome = lab.begin_invoke(handler_of(number), number, cid=f"n{number}")
                batch.append(outcome)
                if number % ABORT_EVERY == ABORT_EVERY - 1:
                    lab.session.on_page("abort", id, "", "null", "p1", "", 0)
            for number, (kind, value) in enumerate(await asyncio.gather(*batch), first):
                assert (kind, value["correlationId"]) == ("outcome", f"n{number}")
                ended[f"n{number}"] += 1
                statuses[str(value["status"])] += 1
                if value["status"] == "ok":
                    assert value["value"] == number
        assert ended == Counter(f"n{number}" for number in range(TOTAL))
        assert set(statuses) - {"killed"} == {"ok", "error", "aborted", "timeout"}
        assert statuses["timeout"] == TOTAL // KILL_EVERY
        assert (await lab.invoke("quick", 1, cid="last"))["status"] == "ok", "after the last kill, too"
        await lab.settled()
        reconcile(list(lab.cells.values()))
        assert not lab.watchdog
        assert not lab.alerts
        assert lab.cell.runtime._running == {}  # pyright: ignore[reportPrivateUsage]
        assert 1 < len(lab.cells) <= 1 + TOTAL // KILL_EVERY
        assert [cell for cell in lab.cells.values() if not cell.ended] == [lab.cell]


def reconcile(cells: list[Cell]) -> None:
    """Every question went to one worker, once; each was answered there once, or its worker was killed."""
    asked: Counter[str] = Counter()
    for cell in cells:
        calls, replies = ids(CALL, cell.received), ids(REPLY, cell.sent)
        assert set(calls.values()) <= {1}
        assert set(replies.values()) <= {1}
        assert replies.keys() <= calls.keys()
        assert cell.ended or replies.keys() == calls.keys()
        asked += calls
    assert set(asked.values()) == {1}
    assert len(asked) <= TOTAL + 1
