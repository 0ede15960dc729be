"""Kill -9 of the gateway while records come in and go out: what it acknowledged is kept once, counted once and
exported, and what it did not is sent again by its browser. Ids are reconciled, in the store and at the receiver."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp

from pysandbox.gateway.server import GatewayServer
from pysandbox.gateway.settings import Settings
from tests.integration.gateway.receivers import Authority, Receiver, receiving
from tests.integration.services import Service, free_port
from tests.unit.gateway.fake_dist import write_dist
from tests.unit.gateway.registered import NAME, sent
from tests.unit.gateway.telemetry.records import told

BATCHES: Final = 30
RECORDS: Final = 20
LIMIT_S: Final = 60.0
SCOPES: Final = ("application:plugin:manage", "webchat:session:read", "telemetry:records:read")
SEND: Final = "/api/v2/telemetry"


@asynccontextmanager
async def gateway(
    environment: dict[str, str], client: aiohttp.ClientSession,
) -> AsyncIterator[asyncio.subprocess.Process]:  # fmt: skip
    """The process, once it answers; killed at the end of the block, whatever it is doing."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from pysandbox.cli import main; main()", "serve", env=environment,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL)
    try:
        async with asyncio.timeout(LIMIT_S):
            while not await ready(client):
                assert process.returncode is None
                await asyncio.sleep(0.05)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def ready(client: aiohttp.ClientSession) -> bool:
    try:
        async with client.get("/readyz") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


def test_what_was_acknowledged_survives_and_nothing_is_doubled(tmp_path: Path) -> None:
    asyncio.run(scenario(tmp_path, {}))


def test_so_it_is_with_postgresql(tmp_path: Path, postgres: Service) -> None:
    asyncio.run(scenario(tmp_path, {"PYSANDBOX_DATABASE_URL": postgres.url}))


async def scenario(folder: Path, more: dict[str, str]) -> None:
    data, dist, port = folder / "data", write_dist(folder / "dist"), free_port()
    receiver, authority = Receiver(), Authority(folder / "pki")
    with GatewayServer(Settings(port=0, sandbox_port=0, data_dir=data, dist=dist, access_log=False)) as near:
        token = near.token(*SCOPES, tenant="killed")  # makes the development key
    async with receiving(receiver, authority, "otlp") as server, aiohttp.ClientSession(
            f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {token}"}) as client:  # fmt: skip
        files = authority.certificates()
        environment = {
            **os.environ, "PYSANDBOX_PORT": str(port), "PYSANDBOX_SANDBOX_PORT": "0", "PYSANDBOX_DATA_DIR": str(data),
            "PYSANDBOX_DIST": str(dist), "PYSANDBOX_ACCESS_LOG": "false",
            "PYSANDBOX_EXPORT_OTLP_URL": server.url.replace("http:", "https:"),
            "PYSANDBOX_EXPORT_CA_FILE": str(files.authorities),
            "PYSANDBOX_EXPORT_CERTIFICATE_FILE": str(files.certificate), "PYSANDBOX_EXPORT_KEY_FILE": str(files.key),
            **more}
        waiting, acknowledged = list(range(BATCHES)), set[int]()
        async with gateway(environment, client) as process:
            session, now_ms = await opened(client)
            await send(client, session, now_ms, waiting, acknowledged, process, after=BATCHES // 3)
        assert 0 < len(acknowledged) < BATCHES
        async with gateway(environment, client) as process:
            assert await kept(client) >= acknowledged_ids(acknowledged)
            await send(client, session, now_ms, waiting, acknowledged, process, after=BATCHES * 2 // 3)
        async with gateway(environment, client) as process:
            await send(client, session, now_ms, waiting, acknowledged, process, after=BATCHES + 1)
            everything = acknowledged_ids(range(BATCHES))
            assert acknowledged == set(range(BATCHES))
            assert await kept(client) == everything
            groups = (await asked(client, f"{SEND}/health?minutes=60"))["groups"]
            assert groups[NAME]["count"] == len(everything)  # counted once, however often it came
            async with asyncio.timeout(LIMIT_S):
                while set(receiver.ids) != everything:  # noqa: ASYNC110  # another task changes it
                    await asyncio.sleep(0.05)


async def send(
    client: aiohttp.ClientSession, session: str, now_ms: int, waiting: list[int], acknowledged: set[int],
    process: asyncio.subprocess.Process, after: int,
) -> None:  # fmt: skip
    """What waits, three batches at a time; the process is killed when ``after`` of all are acknowledged, in the middle
    of the others. Batches without an answer wait again."""
    async def one() -> None:
        while waiting and process.returncode is None:
            number = waiting.pop(0)
            try:
                async with client.post(
                    SEND, json={"records": batch(number, now_ms)}, headers={"Authorization": f"Bearer {session}"},
                ) as answer:  # fmt: skip
                    assert answer.status == 200, await answer.text()
                acknowledged.add(number)
            except (aiohttp.ClientError, ConnectionError):
                waiting.insert(0, number)
                return
            if len(acknowledged) == after:
                process.kill()

    await asyncio.gather(*(one() for _ in range(3)))


def batch(number: int, now_ms: int) -> list[dict[str, Any]]:
    return [told(number * RECORDS + at, now_ms) for at in range(RECORDS)]


def acknowledged_ids(batches: Any) -> set[str]:
    return {f"{number * RECORDS + at:032x}" for number in batches for at in range(RECORDS)}


async def opened(client: aiohttp.ClientSession) -> tuple[str, int]:
    """A plugin, and a session of a page: its token, and the gateway's time."""
    async with client.post("/api/v2/plugins", json=sent()) as answer:
        assert answer.status == 201, await answer.text()
    async with client.patch(f"/api/v2/plugins/{NAME}/versions/2.1.0", json={"state": "enabled"}) as answer:
        assert answer.status == 200, await answer.text()
    async with client.post("/api/v2/sessions") as answer:
        assert answer.status == 200, await answer.text()
        session = await answer.json()
    return session["token"], session["now"]


async def asked(client: aiohttp.ClientSession, path: str) -> dict[str, Any]:
    async with client.get(path) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def kept(client: aiohttp.ClientSession) -> set[str]:
    """The ids of every record in the store; none is there twice."""
    found: list[str] = []
    last = 0
    while page := (await asked(client, f"{SEND}/records?after={last}&limit=500"))["records"]:
        found += [one["id"] for one in page]
        last = page[-1]["seq"]
    assert len(found) == len(set(found))
    return set(found)
