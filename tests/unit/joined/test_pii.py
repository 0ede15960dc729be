"""Two thousand messages through logs, fields, errors, payloads and proxy bodies: nobody is found at the end of them."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from pathlib import Path
from typing import Any

from pysandbox.gateway.store.database import Database
from pysandbox.gateway.telemetry.intake import Sender, read_batch
from pysandbox.gateway.telemetry.store import TelemetryStore
from pysandbox.host import telemetry
from tests.unit.gateway.telemetry.records import KEYS
from tests.unit.joined.lab import HEAD, Lab
from tests.unit.joined.pii_corpus import Message, corpus
from tests.unit.joined.stand_in import proxy_session
from tests.unit.joined.virtual_time import in_virtual_time

SOURCE = HEAD + """
@handler
def log(payload, ctx):
    ctx.log.warning(payload["text"], **payload["fields"])

@handler("fields")
def fields_(payload, ctx):
    ctx.log.info(payload["text"], **payload["fields"])

@handler("raise")
def raise_(payload, ctx):
    raise ValueError(payload["text"])

@handler
async def proxy(payload, ctx):
    answer = await ctx.proxy.post("/proxy/vendor/risk", json=payload)
    ctx.log.info(answer.text)
    return answer.text
"""
DIGESTS = ("md5", "sha1", "sha256")
CLEAN_MASKED_AT_MOST = 0.15
"""Of the words of clean messages. What is not known to be safe is masked, so some harmless ones are."""


def told(folder: Path, messages: list[Message]) -> list[dict[str, Any]]:
    """What the gateway is sent of them."""
    found: list[dict[str, Any]] = []

    @in_virtual_time
    async def run() -> None:
        found.extend(await sent(folder, messages))

    run()
    return found


async def sent(folder: Path, messages: list[Message]) -> list[dict[str, Any]]:
    async with Lab(folder, SOURCE) as lab:
        lab.gateway.session.update(proxy_session(telemetryKey="cd" * 32, expiresAt=10**15))
        lab.gateway.registered["logWords"] = ["called", "split"]
        lab.proxy.after_ms = 1
        await lab.start()
        for at, message in enumerate(messages):
            lab.proxy.answer = lambda outgoing: (
                200, {"content-type": "application/json", "pysandbox-outcome": "upstream"}, outgoing.body)
            await lab.invoke(message.how, message.payload, cid=f"c-{at}")
            await asyncio.sleep(0.2)  # log lines have a rate
        await asyncio.sleep(telemetry.SEND_MS / 1000 * 3)
        return [one for _, _, body in lab.posted for one in body["records"]]


async def kept(folder: Path, records: list[dict[str, Any]]) -> None:
    database = Database.open(f"sqlite:///{folder}/kept.db")
    await database.migrate()
    sender = Sender("acme", "ada", lambda _plugin, _version: frozenset({"called", "split"}))
    now_ms = 1_000_000_000
    for at in range(0, len(records), 100):
        rows, _ = read_batch({"records": records[at:at + 100]}, sender, KEYS, now_ms)
        assert await TelemetryStore(database).keep("acme", rows, 0, now_ms) == len(rows)
    await database.close()


def at_rest(folder: Path, records: list[dict[str, Any]]) -> bytes:
    asyncio.run(kept(folder, records))
    return b"".join(file.read_bytes() for file in sorted(folder.glob("kept.db*")))


def forms(value: str) -> list[str]:
    """How ``value`` might stand somewhere: as it is, or as JSON escapes it."""
    return [value, json.dumps(value)[1:-1]]


def hashes(value: str) -> list[str]:
    """What an unkeyed hash of it begins with: the guide's own is cut to 32 digits."""
    return [hashlib.new(name, value.encode()).hexdigest()[:32] for name in DIGESTS]


def test_nobody_is_found_in_any_record_or_in_the_database(tmp_path: Path) -> None:
    seeded, _ = corpus()
    records = told(tmp_path, seeded)
    assert len([one for one in records if one["kind"] == "invocation"]) == len(seeded)
    assert len([one for one in records if one["kind"] == "log"]) >= len(seeded) * 3 // 5
    everything = json.dumps(records, ensure_ascii=False) + at_rest(tmp_path, records).decode(errors="replace")
    assert everything.count("com.example.lab") > 2 * len(records)
    everything = "\n".join(set(re.split('","|[\x00-\x1f]', everything)))  # what is there many times is searched once
    digests = {one[:32] for one in re.findall("[0-9a-f]{32,64}", everything)}

    values = {value for message in seeded for value in message.values}
    found = [form for value in values for form in forms(value) if form in everything]
    found += [value for value in values if digests.intersection(hashes(value))]

    assert found == []


def test_the_search_finds_them_where_nothing_is_redacted() -> None:
    seeded, _ = corpus(half=50)
    raw = json.dumps([message.payload for message in seeded], ensure_ascii=False)

    assert all(any(form in raw for value in message.values for form in forms(value)) for message in seeded)


def test_most_of_what_is_clean_is_still_there(tmp_path: Path) -> None:
    _, clean = corpus()
    lines = [one["log"]["message"] for one in told(tmp_path, clean) if one["kind"] == "log"]

    assert len(lines) == len(clean)
    words = sum(len(message.payload["text"].split()) for message in clean)
    kept_whole = sum(line.count("[redacted]") for line in lines)
    print(f"clean messages: {kept_whole} of {words} words were masked ({kept_whole / words:.1%})")
    assert kept_whole / words <= CLEAN_MASKED_AT_MOST
