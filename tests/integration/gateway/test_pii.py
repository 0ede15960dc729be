"""People at a real gateway: a page that redacts nothing sends records, and a plugin proxies bodies with them in it.

Afterwards they are searched for in every file of the gateway's, in its log, in what went to an OpenTelemetry Collector
and to Splunk, and in what the command line exports.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import aiohttp
from aiohttp import web

from pysandbox.gateway.auth.principal import GatewaySession
from pysandbox.gateway.server import GatewayServer
from pysandbox.gateway.settings import Settings
from tests.integration.gateway.proxies import Host, route_body
from tests.integration.gateway.receivers import TOKEN, Authority, Receiver, receiving
from tests.integration.gateway.replicas import ROUTES, SCOPES, VERSION
from tests.integration.gateway.test_telemetry_kill import ready
from tests.integration.gateway.upstreams import upstream
from tests.integration.services import free_port
from tests.unit.gateway.fake_dist import write_dist
from tests.unit.gateway.registered import sent
from tests.unit.gateway.telemetry.records import failed, told
from tests.unit.joined.pii_corpus import Message, corpus

LIMIT_S: Final = 60.0
SEEDED: Final = corpus(half=99)[0]  # each kind in each encoding
PROXIED: Final = 40
READ: Final = "telemetry:records:read"


@dataclass
class Listening(Receiver):
    """Keeps every byte that it is sent."""

    def __post_init__(self) -> None:
        self.heard: list[bytes] = []

    async def otlp(self, request: web.Request) -> web.StreamResponse:
        self.heard.append(await request.read())
        return await super().otlp(request)

    async def splunk(self, request: web.Request) -> web.StreamResponse:
        self.heard.append(await request.read())
        return await super().splunk(request)


def records(messages: Sequence[Message], now_ms: int) -> list[dict[str, Any]]:
    """A log line and an error of each, as no browser of ours would send them."""
    found: list[dict[str, Any]] = []
    for at, message in enumerate(messages):
        text = message.payload["text"][:400]
        fields = {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in message.payload["fields"].items()}
        found.append(told(2 * at, now_ms, kind="log", log={"level": "error", "message": text, "fields": fields}))
        found.append(failed(2 * at + 1, now_ms, errorDetails={
            "code": "PLUGIN_ERROR", "message": f"ValueError: {text}"[:400], "layer": "plugin"}))
    return found


def found_in(everything: bytes, messages: Sequence[Message]) -> set[str]:
    """Which of the people's values are there: plain, as JSON escapes them, or as a hash without a key."""
    digests = {digest[:32] for digest in re.findall(rb"[0-9a-f]{32,64}", everything)}
    return {
        value for message in messages for value in message.values
        if any(form.encode() in everything for form in (value, json.dumps(value)[1:-1], quote(value, safe="")))
        or digests.intersection(hashlib.new(name, value.encode()).hexdigest()[:32].encode()
                                for name in ("md5", "sha1", "sha256"))}


def test_nobody_is_found_in_any_file_log_or_export_of_a_gateway(tmp_path: Path) -> None:
    everything, whole = asyncio.run(scenario(tmp_path))
    assert len(everything) > 100_000
    assert found_in(everything, SEEDED) == set()
    control = json.dumps(records(SEEDED, 0)).encode()
    assert len(found_in(control, SEEDED)) > len(SEEDED) / 2  # the search finds them where they are
    sent = {f"{number:032x}" for number in range(2 * len(SEEDED))}
    assert sent <= whole  # every record is in what was searched
    assert len(whole - sent) == PROXIED  # and the gateway's own of each request


async def scenario(folder: Path) -> tuple[bytes, set[str]]:
    """All that is left of it, and the ids that both receivers, and the command line, had of the records."""
    data, dist, port, authority = folder / "data", write_dist(folder / "dist"), free_port(), Authority(folder / "pki")
    otlp, splunk = Listening(), Listening()
    with GatewayServer(Settings(port=0, sandbox_port=0, data_dir=data, dist=dist, access_log=False)) as near:
        token = near.token(*SCOPES, READ)  # makes the development key
    (folder / "token").write_text(token)
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        urls = [(await enter(receiving(one, authority, kind))).url.replace("http:", "https:")
                for one, kind in ((otlp, "otlp"), (splunk, "splunk"))]
        vendor = await enter(upstream(echo))
        client = await enter(aiohttp.ClientSession(
            f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {token}"}))
        files = authority.certificates()
        environment = {
            **os.environ, "PYSANDBOX_PORT": str(port), "PYSANDBOX_SANDBOX_PORT": "0", "PYSANDBOX_DATA_DIR": str(data),
            "PYSANDBOX_DIST": str(dist), "PYSANDBOX_EXPORT_OTLP_URL": urls[0], "PYSANDBOX_EXPORT_SPLUNK_URL": urls[1],
            "PYSANDBOX_EXPORT_SPLUNK_TOKEN": TOKEN, "PYSANDBOX_EXPORT_CA_FILE": str(files.authorities),
            "PYSANDBOX_EXPORT_CERTIFICATE_FILE": str(files.certificate), "PYSANDBOX_EXPORT_KEY_FILE": str(files.key)}
        with (folder / "log").open("wb") as log:
            process = await pysandbox("serve", environment=environment, stdout=log, stderr=log)
        try:
            async with asyncio.timeout(LIMIT_S):
                while not await ready(client):  # noqa: ASYNC110  # another process
                    await asyncio.sleep(0.05)
            await leave_people_behind(client, port, vendor.url)
            async with asyncio.timeout(LIMIT_S):
                while any(len(set(one.ids)) < 2 * len(SEEDED) + PROXIED for one in (otlp, splunk)):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            exported = await told_by_the_command_line(folder, port)
            kept = b"".join(file.read_bytes() for file in sorted(data.rglob("*")) if file.is_file())
        finally:
            process.kill()
            await process.wait()
    ids = {json.loads(line)["id"] for line in exported.splitlines()}
    lines = (folder / "log").read_bytes()
    assert lines.count(b'"route":"/proxy/') >= PROXIED  # each proxied request has a line
    return b"\n".join([kept, lines, exported, *otlp.heard, *splunk.heard]), ids & set(otlp.ids) & set(splunk.ids)


async def leave_people_behind(client: aiohttp.ClientSession, port: int, vendor_url: str) -> None:
    """Records that nobody has redacted, and bodies, queries and refusals along a route."""
    async with client.post("/api/v2/plugins", json=sent()) as answer:
        shown = await answer.json()
    consent = {"permissions": shown["permissions"], "identity": shown["identity"]}
    for method, path, body in (
        ("PUT", f"{VERSION}/grant", consent), ("PATCH", VERSION, {"state": "enabled"}),
        ("POST", ROUTES, route_body(vendor_url)),
    ):  # fmt: skip
        async with client.request(method, path, json=body) as answer:
            assert answer.status in {200, 201}, await answer.text()
    async with client.post("/api/v2/sessions") as answer:
        opened = await answer.json()
    everyone = records(SEEDED, opened["now"])
    for first in range(0, len(everyone), 100):
        async with client.post(
            "/api/v2/telemetry", json={"records": everyone[first:first + 100]},
            headers={"Authorization": f"Bearer {opened['token']}"},
        ) as answer:  # fmt: skip
            assert answer.status == 200, await answer.text()
    session = GatewaySession(
        opened["sessionId"], opened["tenant"], "developer", frozenset(opened["grants"]), opened["nonceSeed"],
        opened["expiresAt"])
    host = Host(f"http://127.0.0.1:{port}", session, opened["token"])
    for message in SEEDED[:PROXIED]:
        body = json.dumps(message.payload).encode()
        answer = await host.send(client, query=f"who={quote(message.payload['text'], safe='')}", body=body)
        assert answer.status in {200, 502}, answer.body


async def echo(request: web.Request) -> web.StreamResponse:
    """What came, with a failure now and then."""
    body = await request.read()
    return web.Response(body=body, status=502 if len(body) % 5 == 0 else 200, content_type="application/json")


async def told_by_the_command_line(folder: Path, port: int) -> bytes:
    process = await pysandbox(
        "telemetry", "export", "--url", f"http://127.0.0.1:{port}", "--token-file", str(folder / "token"),
        environment=dict(os.environ), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    out, problems = await asyncio.wait_for(process.communicate(), LIMIT_S)
    assert process.returncode == 0, problems
    return out


async def pysandbox(*arguments: str, environment: dict[str, str], **streams: Any) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from pysandbox.cli import main; main()", *arguments, env=environment, **streams)
