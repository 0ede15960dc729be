"""The flows that a page has run: each with its plugins pinned and loaded, and one answer to the page.

Must not know: JavaScript, what blocks do (`pysandbox.core.flow`). A run is prepared first (its plugins are looked up
and loaded, as far as that goes within ``prepareMs``), then the flow's own time begins.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from pysandbox.core.broker.invocations import Invocation
from pysandbox.core.broker.plugin import LivePlugin
from pysandbox.core.errors import Code, SandboxError
from pysandbox.core.flow import effects
from pysandbox.core.flow.breakers import Breakers
from pysandbox.core.flow.driver import Ran, resume_flow, run_flow
from pysandbox.core.flow.journal import blocks_of
from pysandbox.core.flow.page import FLOWS, HAND_OVER_MS
from pysandbox.core.flow.registered import MAY_ROUTE, PluginView
from pysandbox.core.outcome import Outcome, coded
from pysandbox.host.flow_order import Order, read_flows, read_order
from pysandbox.host.flow_ports import ROUTE, FlowPorts
from pysandbox.host.world import World

_NOTHING_KNOWN: Final = PluginView((MAY_ROUTE,))
"""Of a plugin that could not be loaded. It is not called in this run, so it chooses nothing."""


class Session(Protocol):
    """What flows need of the page's session."""

    def provides(self, permission: str) -> bool: ...
    def granted(self, plugin: LivePlugin) -> tuple[str, ...]: ...
    def loaded(self, name: str) -> LivePlugin | None:
        """One that is loaded, by ``id@version``, or the one of this id that was loaded last."""
        ...

    async def newest(self, plugin_id: str) -> str:
        """The highest enabled version. Raises `SandboxError`."""
        ...

    async def register(self, name: str) -> LivePlugin:
        """A plugin that is not loaded yet. Raises `SandboxError`."""
        ...

    def bring_up(self, plugin: LivePlugin, told: Callable[[SandboxError | None], None]) -> None:
        """Load it, and say once whether it could be loaded."""
        ...


@dataclass(frozen=True, slots=True)
class Cast:
    """The plugins of a run, by what its calls name: a pinned ``id@version``, or the id where none could be pinned."""

    pins: Mapping[str, str]
    plugins: Mapping[str, LivePlugin | SandboxError]


class Flows:
    """All runs of one page."""

    def __init__(self, world: World, session: Session) -> None:
        self.world = world
        self._session = session
        self._breakers = Breakers(lambda: int(self.world.random_hex(4), 16) / 2**32)
        self._runs: dict[str, asyncio.Task[dict[str, object]]] = {}  # by the page's id
        self._ends: dict[str, SandboxError] = {}  # why a run is being given up, by the page's id
        self._outcomes: dict[str, asyncio.Future[Outcome]] = {}
        self._asked: dict[str, asyncio.Future[None]] = {}
        self._loading: dict[str, asyncio.Future[LivePlugin]] = {}
        self._next = 0
        self._closed = False
        self._epoch_ms = self.world.epoch_ms() - self.world.now_ms()

    # --- the page's port ---
    def on_page(self, kind: str, id: str, cid: str, payload: str) -> None:
        """A message for flows: an order to run one, to give one up, or the page's answer to `ask_page`."""
        if kind == "run":
            run = self._runs[id] = asyncio.get_running_loop().create_task(self._run(id, cid, payload))
            run.add_done_callback(lambda ended: self._tell(id, cid, ended))
            if self._closed:
                self._give_up(id, SandboxError(Code.SESSION_CLOSED))
        elif kind == "abort":
            self._give_up(id, SandboxError(Code.FLOW_ABORTED))
        elif id in self._asked and not self._asked[id].done():
            if kind == "error":
                told = json.loads(payload)
                self._asked[id].set_exception(coded(str(told["code"]), str(told["message"])))
            else:
                self._asked[id].set_result(None)

    def ended(self, invocation: Invocation, outcome: Outcome) -> bool:
        """Whether the invocation was a flow's; then this was its outcome."""
        waiting = self._outcomes.get(invocation.page_id)
        if waiting is not None and not waiting.done():
            waiting.set_result(outcome)
        return invocation.page_id.startswith(FLOWS)

    def close(self) -> None:
        """Every run ends now."""
        self._closed = True
        for id in list(self._runs):
            self._give_up(id, SandboxError(Code.SESSION_CLOSED))

    def _give_up(self, id: str, why: SandboxError) -> None:
        if id in self._runs:
            self._ends.setdefault(id, why)
            self._runs[id].cancel()

    def _tell(self, id: str, cid: str, ended: asyncio.Task[dict[str, object]]) -> None:
        """The page's one answer."""
        del self._runs[id]
        why = self._ends.pop(id, None)
        error = (why or SandboxError(Code.FLOW_ABORTED)) if ended.cancelled() else ended.exception()
        if error is None:
            self.world.to_page("result", id, cid, json.dumps(ended.result()))
            return
        if not isinstance(error, SandboxError):  # a fault of ours: its text is for nobody's eyes
            error = SandboxError(Code.INTERNAL_ERROR, type(error).__name__)
        self.world.to_page("error", id, cid, json.dumps(error.as_json()))

    # --- one run ---
    async def _run(self, id: str, cid: str, payload: str) -> dict[str, object]:
        order = read_order(payload, cid)
        flows = read_flows(order)
        cast = await self._prepare(flows.plugin_ids, order)
        flows = read_flows(order, self._views(cast, flows.plugin_ids), flows.others)
        ports = FlowPorts(self, id, cid, cast.plugins, order.queues, order.journal)
        began_ms = self.world.now_ms()
        if order.journal:
            ran = await resume_flow(
                flows.flow, order.journal, ports, flows=flows.others, breakers=self._breakers)
        else:
            ran = await run_flow(
                flows.flow, order.data, ports, correlation_id=cid, pins=cast.pins, flows=flows.others,
                breakers=self._breakers)
        self.world.span(f"pysandbox flow {flows.flow.name}".rstrip(), began_ms, cid)
        return {
            "ending": ran.ending.as_json(), "blocks": blocks_of(ports.journal), "journal": ports.journal,
            **await self._hand_over(ran, cid)}

    async def _hand_over(self, ran: Ran, cid: str) -> dict[str, object]:
        """Have the page route, if it does that by a capability: how that went."""
        ending = ran.ending
        if ending.type != "routeToQueue" or ending.error_code or not self.provides(ROUTE):
            return {}
        try:
            await asyncio.wait_for(self.ask_page(ROUTE, ending.as_json(), cid), HAND_OVER_MS / 1000)
        except TimeoutError:
            late = SandboxError(Code.CAPABILITY_FAILED, f"the page's {ROUTE} did not answer in {HAND_OVER_MS} ms")
            return {"routed": {"status": "error", "error": late.as_json()}}
        except SandboxError as error:
            return {"routed": {"status": "error", "error": error.as_json()}}
        return {"routed": {"status": "ok"}}

    # --- its plugins ---
    async def _prepare(self, plugin_ids: Iterable[str], order: Order) -> Cast:
        """The plugins as far as they are there in time. Those of a run that is resumed were pinned when it began."""
        pinned: Mapping[str, str] = order.journal[0].get("pins", {}) if order.journal else {}
        looking = {id: asyncio.ensure_future(self._find(pinned.get(id, id))) for id in plugin_ids}
        try:
            if looking:
                await asyncio.wait(looking.values(), timeout=order.prepare_ms / 1000)
        finally:
            for task in looking.values():
                task.cancel()
        pins: dict[str, str] = {}
        plugins: dict[str, LivePlugin | SandboxError] = {}
        for id, task in looking.items():
            found = _found(task, order.prepare_ms)
            name = found.name if isinstance(found, LivePlugin) else pinned.get(id, id)
            plugins[name] = found
            if name != id:
                pins[id] = name
        return Cast(pins, plugins)

    async def _find(self, wanted: str) -> LivePlugin:
        name = wanted if "@" in wanted else await self._pinned(wanted)
        plugin = self._session.loaded(name)
        if plugin is not None:
            return plugin
        loading = self._loading.get(name)
        if loading is None:
            loading = self._loading[name] = asyncio.ensure_future(self._load(name))
            loading.add_done_callback(lambda ended: self._loaded(name, ended))
        return await asyncio.shield(loading)

    async def _pinned(self, plugin_id: str) -> str:
        """``id@version`` of the highest enabled version; while no gateway answers, of the one that is loaded."""
        try:
            return f"{plugin_id}@{await self._session.newest(plugin_id)}"
        except SandboxError as error:
            plugin = self._session.loaded(plugin_id)
            if plugin is None or error.code is not Code.BOOT_FAILED:
                raise
            return plugin.name

    async def _load(self, name: str) -> LivePlugin:
        plugin = await self._session.register(name)
        loaded: asyncio.Future[SandboxError | None] = asyncio.get_running_loop().create_future()
        self._session.bring_up(plugin, loaded.set_result)
        error = await loaded
        if error is not None:
            raise error
        return plugin

    def _loaded(self, name: str, ended: asyncio.Future[LivePlugin]) -> None:
        """Nobody may be waiting for it any more, so its failure is taken note of here."""
        del self._loading[name]
        if not ended.cancelled():
            ended.exception()

    def _views(self, cast: Cast, plugin_ids: Iterable[str]) -> dict[str, PluginView]:
        """What is known of who may choose a queue. That a plugin or a handler is not there is no fault of the flow:
        its call ends with a code, and the flow goes on as its author declared."""
        views: dict[str, PluginView] = {}
        for id in plugin_ids:
            plugin = cast.plugins[cast.pins.get(id, id)]
            views[id] = PluginView(self._session.granted(plugin)) if isinstance(plugin, LivePlugin) else _NOTHING_KNOWN
        return views

    # --- Roads of its ports ---
    def now_ms(self) -> float:
        return self._epoch_ms + self.world.now_ms()

    def provides(self, permission: str) -> bool:
        return self._session.provides(permission)

    async def call(self, plugin: LivePlugin, call: effects.Invocation, handler: str, deadline_ms: int) -> Outcome:
        id = self._new_id()
        waiting = self._outcomes[id] = asyncio.get_running_loop().create_future()
        try:
            plugin.invoke(Invocation(id, call.correlation_id, handler, call.payload, deadline_ms, self.world.now_ms()))
            return await waiting
        except asyncio.CancelledError:
            plugin.abort(id)
            raise
        finally:
            del self._outcomes[id]

    async def ask_page(self, permission: str, args: object, cid: str) -> None:
        id = self._new_id()
        waiting = self._asked[id] = asyncio.get_running_loop().create_future()
        body = {"to": FLOWS, "pluginId": "", "permission": permission, "args": args}
        self.world.to_page("call", id, cid, json.dumps(body))
        try:
            await waiting
        except asyncio.CancelledError:
            self.world.to_page("withdraw", FLOWS, cid, json.dumps(id))
            raise
        finally:
            del self._asked[id]

    def _new_id(self) -> str:
        self._next += 1
        return f"{FLOWS}{self._next}"


def _found(task: asyncio.Future[LivePlugin], prepare_ms: float) -> LivePlugin | SandboxError:
    if not task.done() or task.cancelled():
        return SandboxError(Code.PLUGIN_NOT_LOADED, f"it was not loaded within the run's prepareMs, {prepare_ms:.0f}")
    error = task.exception()
    if error is None:
        return task.result()
    if isinstance(error, SandboxError):
        return error
    raise error
