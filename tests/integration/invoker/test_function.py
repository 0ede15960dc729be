"""A plugin as a function: the process that the container starts, spoken to over HTTP, by `HttpInvoker` and by hand."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from pysandbox.core.bundle import build_bundle
from pysandbox.core.errors import Code, Status
from pysandbox.core.outcome import Outcome
from pysandbox.invoker.http import HttpInvoker
from pysandbox.invoker.port import Runnable
from tests.integration.documents import document
from tests.integration.invoker.lab import HEAD, PROXY, READ, in_loop, registered

ROOT = Path(__file__).parents[3]
CONTAINERFILE = ROOT / "examples" / "function" / "Containerfile"
TOKEN = "a-token-of-the-test"
WAIT_MS = 60_000
SOURCE = """
seen = 0
@handler
def count(payload, ctx):
    global seen
    seen += 1
    return [seen, payload]

@handler
def fail(payload, ctx):
    raise ValueError("mine")

@handler
def busy(payload, ctx):
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass

@handler
async def slow(payload, ctx):
    ctx.signal.add_listener(lambda: ctx.log.info("slow was told"))
    ctx.log.info("slow began")
    await asyncio.sleep(payload)
    return "slept"

@handler
async def guarded(payload, ctx):
    found = []
    for ask in (lambda: ctx.call("webchat:session:read"), lambda: ctx.proxy.get("/proxy/vendor/x")):
        try:
            await ask()
        except Exception as error:
            found.append(str(error.code))
    return found

@handler
def bytes_back(payload, ctx):
    return {"raw": b"abc"}
"""


def runnable(tenant: str = "acme") -> Runnable:
    manifest = registered("", maxExecutionTimeMs=30_000).manifest
    bundle = build_bundle({"manifest.json": json.dumps(manifest.raw).encode(), "plugin.py": (HEAD + SOURCE).encode()})
    return Runnable(tenant, manifest, bundle, hashlib.sha256(bundle).hexdigest(), (READ, PROXY))


def container_start(bundle: Path) -> tuple[list[str], dict[str, str]]:
    """What the recipe starts and under which variables, with this machine's places in place of the image's."""
    text = CONTAINERFILE.read_text("utf-8")
    [entry] = re.findall(r"^ENTRYPOINT (.*)$", text, re.MULTILINE)
    command = [str(bundle) if part == "/plugin.zip" else part for part in json.loads(entry)]
    assert command[0] == "pysandbox"
    env = dict(line.split("=", 1) for line in re.findall(r"^ENV (.*)$", text, re.MULTILINE))
    return [sys.executable, "-c", "from pysandbox.cli import main; main()", *command[1:]], env


class Running:
    """The process, and what it said on stderr so far."""

    def __init__(self, process: subprocess.Popen[str], origin: str) -> None:
        self.process = process
        self.origin = origin

    def until(self, pattern: str) -> str:
        """The next line that matches. The test's own timeout bounds the wait."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if re.search(pattern, line):
                return line
        raise AssertionError(f"it ended without {pattern}")

    def post(self, body: object, headers: dict[str, str], *, token: str = TOKEN) -> tuple[int, dict[str, str], object]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.origin, data, {"Authorization": f"Bearer {token}", **headers})
        try:
            with urllib.request.urlopen(request, timeout=WAIT_MS / 1000) as answer:
                return answer.status, {k.lower(): v for k, v in answer.headers.items()}, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, {}, json.loads(error.read())

    def get(self, path: str) -> tuple[int, object]:
        with urllib.request.urlopen(self.origin + path, timeout=WAIT_MS / 1000) as answer:
            return answer.status, json.loads(answer.read())


@contextmanager
def function(folder: Path) -> Iterator[Running]:
    bundle, token = folder / "plugin.zip", folder / "token"
    bundle.write_bytes(runnable().bundle)
    token.write_text(TOKEN + "\n")
    command, env = container_start(bundle)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    own = {"PATH": path, "PORT": "0", "PYSANDBOX_FUNCTION_HOST": "127.0.0.1", "PYSANDBOX_FUNCTION_TENANT": "acme",
           "PYSANDBOX_FUNCTION_SPARES": "0", "PYSANDBOX_FUNCTION_TOKEN_FILE": str(token)}  # fmt: skip
    process = subprocess.Popen(
        command, env={**os.environ, **env, **own}, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        running = Running(process, "")
        running.origin = re.findall(r"http://\S+", running.until(" answers on "))[0]
        yield running
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with function(tmp_path_factory.mktemp("function")) as running:
        yield running


EVENT = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/test", "ce-type": "test",
         "content-type": "application/json"}  # fmt: skip


def test_an_event_is_answered_by_one_in_its_own_mode(here: Running) -> None:
    assert here.get("/healthz") == (200, {"status": "ok"})
    assert here.get("/readyz") == (200, {"status": "ready", "plugin": "com.example.lab@1.0.0"})
    status, headers, outcome = here.post({"a": "ü"}, {**EVENT, "ce-handler": "count"})
    assert (status, headers["ce-type"], headers["ce-outcome"]) == (200, "pysandbox.plugin.outcome", "ok")
    assert isinstance(outcome, dict)
    assert outcome["value"][1] == {"a": "ü"}
    assert outcome["correlationId"] == "1"
    event = {"specversion": "1.0", "id": "2", "source": "/test", "type": "test", "handler": "fail",
             "correlationid": "c-7", "data": [1]}  # fmt: skip
    status, headers, told = here.post(event, {"content-type": "application/cloudevents+json"})
    assert status == 200, "it was invoked: whoever delivers events must not deliver it again"
    assert headers["content-type"].startswith("application/cloudevents+json")
    assert isinstance(told, dict)
    assert (told["outcome"], told["data"]["error"]["code"]) == ("error", "PLUGIN_ERROR")
    assert told["data"]["correlationId"] == "c-7"


@pytest.mark.parametrize(("headers", "body", "status", "code"), [
    ({"content-type": "application/json"}, None, 400, Code.INPUT_INVALID),
    ({**EVENT, "content-type": "text/plain"}, None, 400, Code.INPUT_INVALID),
    ({"content-type": "application/cloudevents-batch+json"}, [], 400, Code.INPUT_INVALID),
    (EVENT, b"{", 400, Code.INPUT_INVALID),
    (EVENT, b"[" * 5000, 413, Code.MESSAGE_LIMIT),
    (EVENT, b" " * 1_200_000, 413, Code.MESSAGE_LIMIT),
    ({**EVENT, "ce-timeoutms": "-1"}, None, 400, Code.INPUT_INVALID),
    ({**EVENT, "ce-correlationid": "gr%C3%BC%C3%9Fe"}, None, 400, Code.INPUT_INVALID),
    ({**EVENT, "ce-tenant": "another"}, None, 403, Code.PERMISSION_DENIED),
    ({**EVENT, "ce-plugin": "another@1.0.0"}, None, 404, Code.PLUGIN_NOT_FOUND),
    ({**EVENT, "origin": "http://127.0.0.1:1"}, None, 403, Code.ORIGIN_NOT_ALLOWED),
    ({**EVENT, "authorization": "Bearer wrong"}, None, 401, Code.SESSION_INVALID),
])  # fmt: skip
def test_what_is_no_invocation_of_its_own_is_refused_in_the_envelope(
    here: Running, headers: dict[str, str], body: object, status: int, code: Code
) -> None:
    got, _, told = here.post(body, headers)
    assert isinstance(told, dict)
    assert (got, told["error"]["code"]) == (status, code.value)
    assert told["error"].keys() >= {"message", "details", "retryable", "correlationId"}


@in_loop
async def test_the_invoker_is_told_the_plugins_outcomes(here: Running) -> None:
    plugin = runnable()
    async with HttpInvoker(lambda _plugin: here.origin, token=TOKEN) as invoker:

        async def outcome(handler: str, payload: str = "null", timeout_ms: float = WAIT_MS) -> Outcome:
            return await invoker.invoke(plugin, handler, payload, timeout_ms=timeout_ms, correlation_id="g-1")

        ok = await outcome("count", '{"a":[1,"ü"]}')
        assert ok.error is None, ok.error
        assert (ok.status, json.loads(ok.value)[1], ok.correlation_id) == (Status.OK, {"a": [1, "ü"]}, "g-1")
        failed = await outcome("fail")
        assert failed.error is not None
        assert (failed.status, failed.error.code) == (Status.ERROR, Code.PLUGIN_ERROR)
        assert json.loads((await outcome("guarded")).value) == ["PERMISSION_DENIED", "ROUTE_NOT_FOUND"]
        raw = await outcome("bytes_back")
        assert raw.error is not None
        assert raw.error.code is Code.RESULT_NOT_JSON
        for other, code in (
            (replace(plugin, tenant="another"), Code.PERMISSION_DENIED),
            (replace(plugin, sha256="0" * 64), Code.PLUGIN_NOT_FOUND),
        ):
            refused = await invoker.invoke(other, "count", "null", timeout_ms=WAIT_MS, correlation_id="")
            assert refused.error is not None
            assert refused.error.code is code
        late = await outcome("busy", timeout_ms=1500)
        assert late.status is Status.TIMEOUT
        assert (await outcome("count")).status is Status.OK, "a new process took the place of the one that was killed"


@in_loop
async def test_a_caller_that_is_cancelled_ends_what_runs_there(here: Running) -> None:
    async with HttpInvoker(lambda _plugin: here.origin, token=TOKEN) as invoker:

        def call(handler: str, payload: str) -> asyncio.Task[Outcome]:
            return asyncio.ensure_future(
                invoker.invoke(runnable(), handler, payload, timeout_ms=WAIT_MS, correlation_id=""))

        waiting = call("slow", "10000")
        await asyncio.to_thread(here.until, "slow began")
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        began_s = time.monotonic()
        await asyncio.to_thread(here.until, 'slow was told|"reason":"timeout"')
        assert time.monotonic() - began_s < 25, "at 30 s its own deadline ends it"


@in_loop
async def test_where_no_function_is_the_outcome_says_so() -> None:
    async def noise(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = b'{"status":"ok","error":{"code":"X","message":"y"}}'
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(noise, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        for address in (f"http://127.0.0.1:{port}", "http://127.0.0.1:1", "no address"):
            async with HttpInvoker(lambda _plugin, address=address: address) as invoker:
                outcome = await invoker.invoke(runnable(), "", "null", timeout_ms=WAIT_MS, correlation_id="c")
            assert outcome.error is not None
            assert (outcome.status, outcome.error.code) == (Status.UNAVAILABLE, Code.FUNCTION_FAILED), address
            assert outcome.correlation_id == "c"


def test_told_to_stop_it_lets_what_runs_end_and_then_ends(tmp_path: Path) -> None:
    with function(tmp_path) as running, ThreadPoolExecutor() as threads:
        answer = threads.submit(running.post, 1, {**EVENT, "ce-handler": "slow"})
        running.until("slow began")
        running.process.send_signal(signal.SIGTERM)
        status, _, outcome = answer.result()
        assert isinstance(outcome, dict)
        assert (status, outcome["value"]) == (200, "slept")
        running.until("stopped")
        assert running.process.wait(WAIT_MS / 1000) == 0


def test_the_documents_first_call_works_as_printed() -> None:
    [block] = [block for block in document("docs/functions.md").blocks if block.info == "sh function"]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-eu", "-c", "trap 'kill $(jobs -p); wait' EXIT\n" + block.text.replace("8080", str(port))], cwd=ROOT,
        env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"] == "ok"
