"""What the plugins of one invoker may and are told: the session and its roster, where no process is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence, Sized
from typing import Any

import pytest

from pysandbox.core.broker.registered import Registered
from pysandbox.core.bundle import build_bundle
from pysandbox.core.envelope import TO_HOST, Binding, Opener, Sealer
from pysandbox.core.errors import Code, SandboxError, Status
from pysandbox.core.manifest import parse_manifest
from pysandbox.invoker.session import ServerSession
from pysandbox.invoker.tenancy import Tenancy, Told

READ = "webchat:session:read"


class Worker:
    """The other end of a slot: opens what it is sent, and answers as the test says."""

    def __init__(self, world: BareWorld, slot: int, binding: Binding) -> None:
        self.heard: list[Any] = []
        self._world, self._slot = world, slot
        self._sealer = Sealer(binding, TO_HOST, "null")
        self._opener = Opener(binding, "host>plugin", binding.origin, max_chars=10_000_000)

    def hear(self, text: str, buffers: Sequence[Sized]) -> None:
        envelope = self._opener.open(text, buffers)
        assert envelope is not None
        self.heard.append(envelope)

    def say(self, kind: str, id: str, payload: str = "null", **more: Any) -> None:
        self._world.session.on_plugin(self._slot, self._sealer.seal(kind, id, "", payload, **more))

    def last(self, kind: str) -> Any:
        return next(envelope for envelope in reversed(self.heard) if envelope.kind == kind)


class BareWorld:
    """`World` without processes: time stands, deadlines are armed and never pass."""

    session: ServerSession

    def __init__(self) -> None:
        self.workers: dict[int, Worker] = {}
        self.armed: dict[tuple[int, str], float] = {}

    def now_ms(self) -> float:
        return 1000.0

    def random_hex(self, count: int) -> str:
        return "5a" * count

    def later(self, delay_ms: float, run: Callable[[], None]) -> None:
        """Never: time stands."""

    def begin(self, work: Any) -> None:
        raise AssertionError(work)

    def to_plugin(self, slot: int, text: str, buffers: Sequence[Sized]) -> None:
        self.workers[slot].hear(text, buffers)

    def grant(self, slot: int, messages: int) -> None:
        """Nobody counts here."""

    def open_cell(
        self, slot: int, memory_mb: int, needs_library: bool, binding: Binding, gate: Mapping[str, int]) -> None:
        del memory_mb, needs_library, gate
        self.workers[slot] = Worker(self, slot, binding)

    def end_cell(self, slot: int) -> None:
        self.workers.pop(slot, None)

    def arm(self, slot: int, invocation: str, after_ms: float) -> None:
        self.armed[slot, invocation] = after_ms

    def disarm(self, slot: int, invocation: str) -> None:
        self.armed.pop((slot, invocation), None)

    def span(self, name: str, started_ms: float, cid: str) -> None:
        """There is no timeline."""


def plugin(*permissions: str) -> Registered:
    manifest = parse_manifest({
        "pluginId": "com.example.lab", "version": "1.0.0",
        "manifest": {
            "type": "webchat", "workerUrl": "https://cdn.example/lab-1.0.0.zip",
            "csp": "default-src 'none'; worker-src https://cdn.example", "permissions": list(permissions),
            "isolation": {"mode": "dedicated-worker", "memoryLimitMB": 64, "maxExecutionTimeMs": 1000}}})
    return Registered(manifest, build_bundle({"plugin.py": b""}), needs_library=False)


class Here:
    """A session with one plugin in it, whose worker the test plays."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.world = BareWorld()
        self.session = self.world.session = ServerSession(self.world, self.told.append, 4)
        self.key = ""

    async def load(self, tenancy: Tenancy, *permissions: str, answer: str = "loaded") -> Worker:
        loading = asyncio.ensure_future(self.session.load(plugin(*permissions), tenancy))
        await asyncio.sleep(0)
        [worker] = self.world.workers.values()
        worker.say("ready", "")
        failed = '{"code":"PLUGIN_IMPORT_FAILED","message":"m"}'
        worker.say(answer, "load", '{"handlers":["go"]}' if answer == "loaded" else failed)
        self.key = (await loading).key
        return worker


def run(test: Callable[[Here], Any]) -> None:
    async def whole() -> None:
        await test(Here())

    asyncio.run(whole())


def test_an_invocation_goes_out_under_its_deadline_and_comes_back_as_its_outcome() -> None:
    async def inner(here: Here) -> None:
        worker = await here.load(Tenancy())
        invoking = asyncio.ensure_future(here.session.invoke(here.key, "go", {"a": 1}, 400, "c-1"))
        await asyncio.sleep(0)
        call = worker.last("call")
        assert (call.method, call.payload, call.deadline_ms, call.cid) == ("go", '{"a":1}', 400, "c-1")
        assert list(here.world.armed.values()) == [500]
        worker.say("result", call.id, "[2]", memory=(1, 2))
        outcome = await invoking
        assert (outcome.status, outcome.value, outcome.correlation_id) == (Status.OK, "[2]", "c-1")
        assert not here.world.armed

    run(inner)


def test_a_caller_that_was_cancelled_aborts_and_its_outcome_harms_nobody() -> None:
    async def inner(here: Here) -> None:
        worker = await here.load(Tenancy())
        invoking = asyncio.ensure_future(here.session.invoke(here.key, "go", None, 0, ""))
        await asyncio.sleep(0)
        call = worker.last("call")
        invoking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await invoking
        assert worker.last("abort").id == call.id
        worker.say("error", call.id, json.dumps({"code": "PLUGIN_ABORTED", "message": "told"}))
        assert [told.kind for told in here.told if told.kind == "alert"] == []
        again = asyncio.ensure_future(here.session.invoke(here.key, "go", None, 0, ""))
        await asyncio.sleep(0)
        worker.say("result", worker.last("call").id, "1")
        assert (await again).status is Status.OK

    run(inner)


def test_what_is_not_loaded_or_no_json_is_an_outcome() -> None:
    async def inner(here: Here) -> None:
        missing = await here.session.invoke("nothing", "go", None, 0, "c")
        assert missing.error is not None
        assert missing.error.code is Code.PLUGIN_NOT_LOADED
        await here.load(Tenancy())
        refused = await here.session.invoke(here.key, "go", object(), 0, "c")
        assert refused.error is not None
        assert refused.error.code is Code.INPUT_INVALID
        with pytest.raises(SandboxError):
            await here.session.unload("nothing")

    run(inner)


def test_a_load_that_fails_says_why_and_leaves_nothing() -> None:
    async def inner(here: Here) -> None:
        with pytest.raises(SandboxError) as caught:
            await here.load(Tenancy(), answer="error")
        assert caught.value.code is Code.PLUGIN_IMPORT_FAILED
        assert not here.session.plugins

    run(inner)


def test_a_permission_is_in_force_where_all_four_agree() -> None:
    async def provided(args: object) -> object:
        return args

    async def inner(here: Here) -> None:
        await here.load(Tenancy(grants=frozenset({READ}), capabilities={READ: provided}), READ)
        live = here.session.plugins[here.key]
        assert here.session.granted(live) == (READ,)
        assert here.session.why_denied(live, READ) is None
        for tenancy in (Tenancy(grants=frozenset({READ})), Tenancy(capabilities={READ: provided})):
            other = Here()
            await other.load(tenancy, READ)
            assert other.session.granted(other.session.plugins[other.key]) == ()

    run(inner)


def test_a_close_ends_what_runs() -> None:
    async def inner(here: Here) -> None:
        await here.load(Tenancy())
        invoking = asyncio.ensure_future(here.session.invoke(here.key, "go", None, 0, ""))
        await asyncio.sleep(0)
        here.session.close()
        outcome = await invoking
        assert outcome.error is not None
        assert outcome.error.code is Code.SESSION_CLOSED
        assert not here.world.workers

    run(inner)
