"""Kill -9 of the gateway in the middle of five hundred flows, on SQLite and on PostgreSQL: each ends once, in a block
that its author wrote; no block runs twice; each journal is whole, and replays to itself."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

from pysandbox.core.flow.check import parse_flow
from pysandbox.core.flow.journal import replay
from pysandbox.gateway.server import GatewayServer
from pysandbox.gateway.settings import Settings
from tests.unit.gateway.fake_dist import write_dist
from tests.unit.gateway.flows.gateway_flows import call, flow
from tests.unit.gateway.registered import NAME, sent

FLOWS: Final = 500
LIMIT_S: Final = 60.0
SCOPES: Final = ("application:plugin:manage", "architect:flow:write", "architect:flow:run")
FLOW: Final = flow(call("a", "pause"), {"id": "pause", "type": "wait", "ms": 100, "next": "b"}, call("b", "good"))


@contextmanager
def gateway(environment: dict[str, str], calls: Path, hanging: int = 0) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and its origin; killed at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.gateway.flow_server", str(calls), str(hanging)], env=environment,
        stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        assert port, "it did not start"
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_each_of_five_hundred_flows_ends_once_after_the_gateway_was_killed(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    url = "" if kind == "sqlite" else request.getfixturevalue("postgres").url
    data, dist, calls = tmp_path / "data", write_dist(tmp_path / "dist"), tmp_path / "calls"
    environment = {
        **os.environ, "PYSANDBOX_PORT": "0", "PYSANDBOX_SANDBOX_PORT": "0", "PYSANDBOX_DATA_DIR": str(data),
        "PYSANDBOX_DIST": str(dist), "PYSANDBOX_DATABASE_URL": url, "PYSANDBOX_ACCESS_LOG": "false",
        "PYSANDBOX_FLOW_LEASE_S": "3"}
    with GatewayServer(Settings(
            port=0, sandbox_port=0, data_dir=data, dist=dist, database_url=url, access_log=False)) as near:
        token = near.token(*SCOPES, tenant=f"{kind}-kill")  # makes the development key
    with gateway(environment, calls, hanging=5) as (process, origin):
        ids = asyncio.run(begun(origin, token))
        until = time.monotonic() + LIMIT_S
        while len(called(calls)) < FLOWS + FLOWS // 5:  # some have ended, some are in a call
            assert time.monotonic() < until
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
    with gateway(environment, calls) as (_, origin):
        runs = asyncio.run(ended(origin, token, ids))
    judge(runs, Counter(called(calls)))


def called(calls: Path) -> list[str]:
    return calls.read_text().splitlines() if calls.exists() else []


def judge(runs: list[dict[str, Any]], counted: Counter[str]) -> None:
    parsed = parse_flow(FLOW)
    assert max(counted.values()) == 1, "a block ran twice"
    told: Counter[str] = Counter()
    for run in runs:
        journal = run["journal"]
        assert run["state"] == "ended"
        assert [event["event"] for event in journal].count("flowEnded") == 1
        assert replay(parsed, journal) == journal
        failures = run["terminal"]["summary"]["failures"]
        assert run["terminal"]["block"] == ("bad" if failures else "good")
        assert all(one["errorCode"] in ("INTERRUPTED", "STATE_UNAVAILABLE") for one in failures)
        told.update(one["errorCode"] for one in failures)
        ran = {event["block"] for event in journal if event["event"] == "blockEnded" and "value" in event.get(
            "outcome", {})}  # fmt: skip
        assert all(counted[f"{run['executionId']}.{event['n']}"] == 1 for event in journal
                   if event["event"] == "blockStarted" and event["block"] in ran)  # fmt: skip
    assert told["INTERRUPTED"], "nothing was in progress when it was killed"


async def begun(origin: str, token: str) -> list[str]:
    """The plugin and the flow are set up, and five hundred runs begun."""
    fields, some = {"Authorization": f"Bearer {token}"}, aiohttp.TCPConnector(limit=50)
    async with aiohttp.ClientSession(headers=fields, connector=some) as client:
        version = f"{origin}/api/v2/plugins/{NAME}/versions/2.1.0"
        for method, url, body in (
            ("POST", f"{origin}/api/v2/plugins", sent()), ("PATCH", version, {"state": "enabled"}),
            ("POST", f"{origin}/api/v2/flows", FLOW),
        ):  # fmt: skip
            async with client.request(method, url, data=json.dumps(body)) as answer:
                assert answer.status in (200, 201), await answer.text()

        async def begin() -> str:
            async with client.post(f"{origin}/api/v2/flows/risk/executions", json={}) as answer:
                assert answer.status == 202, await answer.text()
                return (await answer.json())["executionId"]

        return list(await asyncio.gather(*(begin() for _ in range(FLOWS))))


async def ended(origin: str, token: str, ids: list[str]) -> list[dict[str, Any]]:
    """Every run, when it has ended."""
    fields, few = {"Authorization": f"Bearer {token}"}, aiohttp.TCPConnector(limit=20)
    async with aiohttp.ClientSession(headers=fields, connector=few) as client, asyncio.timeout(LIMIT_S):

        async def one(execution_id: str) -> dict[str, Any]:
            while True:
                address = f"{origin}/api/v2/flows/risk/executions/{execution_id}?wait=10"
                async with client.get(address) as answer:
                    told = await answer.json()
                if answer.status == 200 and told["state"] != "running":
                    return told
                assert answer.status in (200, 503), told  # a busy database is asked again

        return list(await asyncio.gather(*map(one, ids)))


def test_control_a_block_that_ran_twice_is_noticed() -> None:
    with pytest.raises(AssertionError, match="ran twice"):
        judge([], Counter({"one": 2}))
