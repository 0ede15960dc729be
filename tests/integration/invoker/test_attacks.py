"""What a plugin that reached JavaScript in its process can do, with the walls and, as the control, without one.

Python's own roads to JavaScript are another wall, which is taken for broken here: the program that runs is the
attacker's, from its first line, in the process that plugins get.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pysandbox.core.errors import Code, SandboxError, Status
from pysandbox.invoker import jail
from pysandbox.invoker.assets import Assets
from pysandbox.invoker.jail import FLAGS, Walls, without_network
from pysandbox.invoker.process import PluginProcess
from tests.integration.invoker.lab import has_ended, in_loop, lab, registered

OPEN = Walls(("--quiet", "--no-config", "--no-lock", "--allow-all"), network_namespace=False, memory_limit=False)
SAY = """
const say = (text) => {
  const bytes = new TextEncoder().encode(text);
  const frame = new Uint8Array(8 + bytes.length);
  new DataView(frame.buffer).setUint32(0, bytes.length, true);
  frame.set(bytes, 8);
  Deno.stdout.writeSync(frame);
};
await Deno.stdin.read(new Uint8Array(1000)); // what an interpreter would start from
say("up");
await Deno.stdin.read(new Uint8Array(1000)); // what binds it
"""
LIMITS = {"credit": 20, "maxChars": 1000, "maxDepth": 10, "maxBuffers": 1, "maxBufferBytes": 1000}
WIDE = {name: 1000 * most for name, most in LIMITS.items()}


class Heard:
    """What came out of a process, and how it ended."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.rules: list[tuple[str, bool]] = []
        self.over = asyncio.Event()
        self.changed = asyncio.Event()

    def accepted(self, text: str, buffers: list[bytes]) -> None:
        del buffers
        self.said.append(text)
        self.changed.set()

    def refused(self, rule: str, fatal: bool) -> None:
        self.rules.append((rule, fatal))
        self.changed.set()

    def ended(self, code: Code, message: str) -> None:
        del code, message
        self.over.set()
        self.changed.set()


@asynccontextmanager
async def attack(
    tmp_path: Path, script: str, walls: Walls, js_memory_mb: int = 64, limits: dict[str, int] = LIMITS,
) -> AsyncGenerator[Heard, None]:  # fmt: skip
    """With ``script`` running where a plugin's program would, until it said something or ended."""
    path = tmp_path / "attack.js"
    path.write_text(SAY + script)
    process = PluginProcess(Assets(path, b"", b"", b""), 64, js_memory_mb, walls)
    heard = Heard()
    process.bind(heard, limits, "{}", needs_library=False)
    try:
        await asyncio.wait_for(heard.changed.wait(), 20)
        yield heard
    finally:
        process.kill()
        await process.gone()


@asynccontextmanager
async def listener() -> AsyncGenerator[tuple[int, list[bytes]], None]:
    """A server on the loopback, and the first line of everything that reaches it."""
    reached: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.append(await reader.readline())
        body = b"export default 1"
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/javascript\r\nconnection: close\r\n"
                     b"content-length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], reached
    finally:
        server.close()
        await server.wait_closed()


EGRESS = """
const roads = [
  () => fetch("http://127.0.0.1:PORT/fetch"),
  () => Deno.connect({ port: PORT }).then((c) => c.write(new TextEncoder().encode("GET /tcp\\n"))),
  () => import(["http:", "//127.0.0.1:PORT/import.js"].join("")),
  () => new Promise((ok, no) => { const w = new WebSocket("ws://127.0.0.1:PORT/ws"); w.onopen = ok; w.onerror = no; }),
];
for (const road of roads) await Promise.race([road().catch(() => {}), new Promise((ok) => setTimeout(ok, 1500))]);
say("tried");
"""


@in_loop
async def _egress(tmp_path: Path, walls: Walls) -> None:
    async with listener() as (port, reached), attack(tmp_path, EGRESS.replace("PORT", str(port)), walls) as heard:
        assert heard.said == ["tried"]
        _REACHED[:] = [line.decode().split()[1] for line in reached if line]


_REACHED: list[str] = []
NO_NAMESPACE = replace(Walls(), network_namespace=False)
NAMESPACE_ALONE = replace(OPEN, network_namespace=True)


@pytest.mark.parametrize(
    ("walls", "roads"),
    [
        (OPEN, {"/fetch", "/tcp", "/import.js", "/ws"}), (Walls(), set[str]()), (NO_NAMESPACE, set[str]()),
        pytest.param(NAMESPACE_ALONE, set[str](), marks=pytest.mark.skipif(
            not without_network(), reason="this system lets nobody make a network namespace")),
    ], ids=["control", "walls", "permissions-alone", "namespace-alone"])
def test_nothing_of_the_network_is_reached(tmp_path: Path, walls: Walls, roads: set[str]) -> None:
    _egress(tmp_path, walls)
    assert set(_REACHED) == roads


READS = """
const found = {};
const roads = {
  file: () => Deno.readTextFile("SECRET"),
  // Not as a literal: Deno reads what stands in its program before that runs, and the program is ours.
  import: () => import(["file:", "//SECRET.js"].join("")).then((m) => m.default),
  data: () => import("data:text/javascript," + `export { default } from "${["file:", "//SECRET.js"].join("")}"`)
    .then((m) => m.default),
  text: () => import(["file:", "//SECRET"].join(""), { with: { type: "text" } }).then((m) => m.default),
  write: () => Deno.writeTextFile("SECRET.out", "x").then(() => "written"),
  environment: async () => Deno.env.get("PYSANDBOX_TEST_SECRET") ?? Deno.env.get("PATH") ?? Deno.env.get("HOME"),
  command: () => new Deno.Command("/bin/true").output().then(() => "run"),
  code: async () => eval("'evaluated'"),
};
for (const [name, road] of Object.entries(roads)) try { found[name] = await road(); } catch { /* refused */ }
say(JSON.stringify(found));
"""


@pytest.mark.parametrize("walls", [OPEN, Walls()], ids=["control", "walls"])
@in_loop
async def test_files_environment_and_programs_are_out_of_reach(tmp_path: Path, walls: Walls) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (tmp_path / "secret.js").write_text("export default 'secret'")
    async with attack(tmp_path, READS.replace("SECRET", str(secret)), walls) as heard:
        found: dict[str, Any] = json.loads(heard.said[0])
    if walls is OPEN:
        assert found.keys() >= {"file", "import", "write", "environment", "command", "code"}
        assert "PYSANDBOX_TEST_SECRET" not in os.environ
    else:
        assert found == {}


STORED = """
const before = localStorage.getItem("left") ?? "nothing";
localStorage.setItem("left", "by the one before");
say(before);
"""


@pytest.mark.parametrize("shared", [True, False], ids=["control", "walls"])
@in_loop
async def test_what_one_process_stores_the_next_one_does_not_find(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shared: bool
) -> None:
    if shared:  # the control: one cache for all of them
        monkeypatch.setattr(
            "pysandbox.invoker.process.environment", lambda _folder: jail.environment(tmp_path / "shared"))
    found: list[str] = []
    for _ in range(2):
        async with attack(tmp_path, STORED, Walls()) as heard:
            found += heard.said
    assert found == (["nothing", "by the one before"] if shared else ["nothing", "nothing"])


GREED = {
    "buffers": "for (;;) held.push(new Uint8Array(1 << 24).fill(1));",
    "shared": "for (;;) held.push(new Uint8Array(new SharedArrayBuffer(1 << 24)).fill(1));",
    "wasm": "for (;;) held.push(new Uint8Array(new WebAssembly.Memory({ initial: 256 }).buffer).fill(1));",
}


@pytest.mark.parametrize("kind", GREED)
@in_loop
async def test_memory_outside_of_the_interpreter_is_bounded(tmp_path: Path, kind: str) -> None:
    async with attack(tmp_path, "const held = [];\n" + GREED[kind], Walls()) as heard:
        assert (heard.over.is_set(), heard.said) == (True, [])


@pytest.mark.parametrize("kind", ["buffers", "wasm"])
@in_loop
async def test_without_the_limit_the_same_memory_is_had(tmp_path: Path, kind: str) -> None:
    script = "const held = [];\n" + GREED[kind].replace("for (;;)", "while (held.length < 40)") + "\nsay('had');"
    async with attack(tmp_path, script, replace(Walls(), memory_limit=False)) as heard:
        assert heard.said == ["had"]
    async with attack(tmp_path, script, Walls()) as heard:
        assert heard.over.is_set()


MESSAGES = {
    "flood": ("for (;;) say('x');", "overdraft"),
    "giant": ("Deno.stdout.writeSync(new Uint8Array([255, 255, 255, 127, 0, 0, 0, 0]));", "too-long"),
    "garbage": ("Deno.stdout.writeSync(new TextEncoder().encode('not a frame at all'));", "too-long"),
    "long": ("say('x'.repeat(5000));", "too-long"),
    "deep": ("say('['.repeat(900)); await new Promise(() => {});", "too-deep"),
    "buffers": ("Deno.stdout.writeSync(new Uint8Array([1, 0, 0, 0, 9, 0, 0, 0]));", "too-many-buffers"),
}


@pytest.mark.parametrize("kind", MESSAGES)
@in_loop
async def test_a_message_that_no_honest_process_sends_is_refused(tmp_path: Path, kind: str) -> None:
    script, rule = MESSAGES[kind]
    async with attack(tmp_path, script + "\nawait new Promise(() => setTimeout(() => {}, 1e6));", Walls()) as heard:
        while not heard.rules:
            heard.changed.clear()
            await asyncio.wait_for(heard.changed.wait(), 20)
        assert heard.rules[0][0] == rule
        assert len(heard.said) <= LIMITS["credit"]


@pytest.mark.parametrize(("kind", "most"), [("flood", LIMITS["credit"]), ("long", 0), ("deep", 0)])
@in_loop
async def test_control_a_wider_gate_lets_the_same_message_in(tmp_path: Path, kind: str, most: int) -> None:
    async with attack(tmp_path, MESSAGES[kind][0], Walls(), limits=WIDE) as heard:
        while len(heard.said) <= most:
            heard.changed.clear()
            await asyncio.wait_for(heard.changed.wait(), 20)
    assert len(heard.said[0]) == {"flood": 1, "long": 5000, "deep": 900}[kind]


NAMES = """
const sought = ["document", "window", "parent", "top", "opener", "frames", "frameElement", "open", "postMessage"];
say(JSON.stringify(sought.filter((name) => name in globalThis)));
"""


@in_loop
async def test_no_name_of_a_window_is_there_and_nobody_to_post_to(tmp_path: Path) -> None:
    async with attack(tmp_path, NAMES, OPEN) as heard:
        assert json.loads(heard.said[0]) == []


@pytest.mark.parametrize("wider", [
    {"sandbox": "allow-same-origin"}, {"flags": ["--allow-net"]}, {"permissions": ["net"]}, {"memoryLimitMB": 100_000},
    {"mode": "none"}, {"maxExecutionTimeMs": 10**9}],
    ids=lambda wider: next(iter(wider)))
def test_a_manifest_that_asks_for_wider_walls_starts_no_process(wider: dict[str, object]) -> None:
    registered("")  # the same manifest without it is one
    with pytest.raises(SandboxError) as refused:
        registered("", **wider)
    assert refused.value.code is Code.MANIFEST_INVALID
    assert [problem.path for problem in refused.value.details] == [f"$.manifest.isolation.{next(iter(wider))}"]


LASTING = """
import time

@handler
def spins(payload, ctx):
    end = time.monotonic() + payload
    while time.monotonic() < end:
        try:
            while time.monotonic() < end:
                pass
        except BaseException:
            pass
    return "done"

@handler
def sleeps(payload, ctx):
    time.sleep(payload)
    return "done"

@handler
async def waits(payload, ctx):
    end = time.monotonic() + payload
    while time.monotonic() < end:
        try:
            await asyncio.sleep(0.01)
        except BaseException:
            pass
    return "done"

@handler
def hoards(payload, ctx):
    held = [bytearray(1 << 20) for _ in range(payload)]
    return "done"
"""
LASTS_S, HOARD_MB = 1.5, 60


@pytest.mark.parametrize(
    ("timeout_ms", "memory_mb", "ends"), [
        (300, 64, {Code.PLUGIN_TIMEOUT, Code.MEMORY_LIMIT}), (20_000, 256, set[Code]()),
    ], ids=["walls", "control"])  # fmt: skip
@in_loop
async def test_time_and_memory_end_it_and_with_more_of_both_it_is_done(
    timeout_ms: int, memory_mb: int, ends: set[Code]
) -> None:
    async with lab(LASTING, memoryLimitMB=memory_mb) as here:
        hoarded = await here.invoke("hoards", HOARD_MB)
        lasting = [await here.invoke(name, LASTS_S, timeout_ms=timeout_ms) for name in ("spins", "sleeps", "waits")]
    assert {outcome.error.code for outcome in (hoarded, *lasting) if outcome.error} == ends
    assert [json.loads(outcome.value) for outcome in (hoarded, *lasting) if not outcome.error] == (
        [] if ends else ["done"] * 4)


GREEDY = """
import sys
held = []

@handler
def heap(payload, ctx):
    while True:
        held.append(bytearray(1 << 20))

@handler
def deep(payload, ctx):
    def go():
        return go()
    return go()

@handler
def spin(payload, ctx):
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass

@handler
def regex(payload, ctx):
    import re
    return bool(re.match("(a+)+$", "a" * 40 + "b"))

@handler
async def endless(payload, ctx):
    while True:
        await asyncio.sleep(0.01)

@handler
def fine(payload, ctx):
    return "fine"

@handler
def root(payload, ctx):
    found = []
    for name in ("js", "pyodide_js"):
        try:
            __import__(name)
            found.append(name)
        except BaseException:
            pass
    return found
"""


@in_loop
async def test_greed_in_python_ends_the_call_and_nothing_else() -> None:
    async with lab(GREEDY, maxExecutionTimeMs=2000) as here:
        assert await here.value("root") == []
        full = await here.invoke("heap")
        assert full.error is not None
        assert full.error.code in (Code.MEMORY_LIMIT, Code.PLUGIN_TIMEOUT, Code.PLUGIN_KILLED)
        deep = await here.invoke("deep")
        assert deep.status in (Status.ERROR, Status.KILLED, Status.TIMEOUT)  # its worker may have been replaced first
        for handler in ("spin", "regex", "endless"):
            late = await here.invoke(handler, timeout_ms=300)
            assert late.status is Status.TIMEOUT, handler
        assert (await here.invoke("fine")).status in (Status.OK, Status.UNAVAILABLE)


@in_loop
async def test_nothing_of_a_killed_process_is_left(tmp_path: Path) -> None:
    script = "say(String(Deno.pid));\nfor (;;) {}"
    async with attack(tmp_path, script, OPEN) as heard:
        pid = int(heard.said[0])
        assert not has_ended(pid)
    assert has_ended(pid)


def test_the_flags_are_those_that_the_documents_name() -> None:
    text = (Path(__file__).parents[3] / "docs" / "server-side.md").read_text()
    assert [flag for flag in FLAGS if flag not in text] == []
