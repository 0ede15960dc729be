"""The page's session: what the page asks for, and what it is told.

Must not know: JavaScript. Messages of the page's port come in through `on_page`; the page is trusted with its own
session, yet every shape is checked, because a mistake there should name itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Sized
from typing import Any, cast

from pysandbox.core import permissions, strict_json
from pysandbox.core.broker.invocations import Invocation
from pysandbox.core.broker.plugin import LivePlugin, Report
from pysandbox.core.broker.proxied import span_of
from pysandbox.core.broker.proxying import Proxy
from pysandbox.core.broker.roster import Roster
from pysandbox.core.chaos import Chaos
from pysandbox.core.errors import Code, SandboxError
from pysandbox.core.flow.page import FLOWS
from pysandbox.core.lifecycle import State
from pysandbox.core.outcome import Outcome, failure
from pysandbox.host.flows import Flows
from pysandbox.host.gateway_client import GatewayClient, Session
from pysandbox.host.proxy import GatewayProxy
from pysandbox.host.renewal import Renewal, end
from pysandbox.host.telemetry import Ran, Telemetry
from pysandbox.host.world import World

CHANGES_AGAIN_MS = 2000  # after a failure to hear of changes; doubled up to the next
CHANGES_AGAIN_AT_MOST_MS = 30_000


class HostSession(Roster):
    """One page, one session, its plugins; at most ``maxLive`` of them hold a worker.

    ``chaos``: what goes wrong at their ports on purpose, for QA.
    """

    def __init__(self, world: World, origin: str, chaos: Chaos | None = None) -> None:
        super().__init__()
        self.world = self._world = world
        self.chaos = chaos
        self.origin = origin
        self.sid = world.random_hex(16)
        self.page_context: Mapping[str, str] = {}
        self._provided: frozenset[str] = frozenset()
        self._session: Session | None = None
        self._telemetry: Telemetry | None = None
        self._gateway: GatewayClient | None = None
        self._salt = world.random_hex(16)
        self.proxy = GatewayProxy(world, self._open_session, self._salt)
        self._flows = Flows(world, self)
        self._revision = 0  # of the gateway's list of blocked versions

    # --- the page's port ---
    def on_page(
        self, kind: str, id: str, cid: str, payload: str, to: str, method: str, deadline_ms: int,
        buffers: Sequence[Sized] = (),
    ) -> None:  # fmt: skip
        """One message of the page's port. ``buffers``: the bytes of its payload."""
        if to == FLOWS:
            self._flows.on_page(kind, id, cid, payload)
        elif kind == "invoke":
            self._invoke(id, cid, payload, to, method, deadline_ms, buffers)
        elif kind in ("result", "error") and to in self.plugins:
            self.plugins[to].answer(id, kind, payload, buffers)
        elif kind == "abort" and to in self.plugins:
            self.plugins[to].abort(id)
        elif kind == "revoke" and to in self.plugins:
            self.plugins[to].revoke(method)
            self._reply(id, cid, {})
        elif kind == "unload" and to in self.plugins:
            self.plugins[to].unload(lambda report: self._unloaded(to, id, cid, report))
        elif kind == "memory":
            self._world.to_page("memory", id, cid, strict_json.dumps(self._memory()))
        elif kind == "open":
            self._world.begin(self._open(id, cid, payload))
        elif kind == "load":
            self._world.begin(self._load(id, cid, method, payload))
        elif kind == "close":
            self._end_all()
            self._world.begin(self._close(id, cid))
        elif kind not in ("result", "error", "abort"):  # these ask nothing, and their plugin is gone
            self._refuse(id, cid, SandboxError(Code.PLUGIN_NOT_LOADED))

    async def _open(self, id: str, cid: str, payload: str) -> None:
        try:
            told = cast(dict[str, Any], strict_json.loads(payload))
            self._provided = frozenset(map(str, told["capabilities"]))
            self.page_context = {name: str(told[name]) for name in ("environment", "queue", "locale")}
            self._gateway = GatewayClient(self._world, str(told["sessionToken"]))
            self._take(await self._gateway.open_session())
            self.sid = self._open_session().id
        except SandboxError as error:
            self._refuse(id, cid, error)
        except (KeyError, TypeError) as error:
            self._refuse(id, cid, SandboxError(Code.INPUT_INVALID, f"the page's \"open\" is not usable: {error!r}"))
        else:
            session = self._open_session()
            if self.closed:  # while the gateway was opening it
                await end(self._world, self._gateway, session)
            self._telemetry = self._told_by(self._gateway, session)
            self._reply(id, cid, {"grants": list(session.grants), "expiresAt": session.expires_at_ms})
            self._world.begin(self._hear_changes(self._gateway, CHANGES_AGAIN_MS))
            Renewal(self._world, self._gateway, self._take).after(session)

    def _told_by(self, gateway: GatewayClient, session: Session) -> Telemetry | None:
        if not session.telemetry_key:
            return None
        return Telemetry(
            self._world, gateway.send_telemetry, self._world.hold, lambda: self.page_context,
            key=session.telemetry_key, ahead_ms=session.ahead_ms)

    def _take(self, session: Session) -> bool:
        """Go on with it; whether there is any going on."""
        self._session = session
        if session.renewable and not self.closed:
            self._world.leave_behind(session.token)
        return not self.closed

    def _end_all(self) -> None:
        self.closed = True
        self.waiting.clear()
        self._flows.close()
        for plugin in list(self.plugins.values()):
            plugin.close(SandboxError(Code.SESSION_CLOSED))
        self.plugins.clear()

    async def _close(self, id: str, cid: str) -> None:
        """The page is told once the gateway has ended the session, so that it may take the frame away."""
        if self._telemetry is not None:
            await self._telemetry.flush()
        if self._gateway is not None and self._session is not None:
            await end(self._world, self._gateway, self._session)
        self._reply(id, cid, {})

    async def _load(self, id: str, cid: str, name: str, payload: str = "null") -> None:
        """``payload``: what is revoked from the start, for a page that loads a plugin again after the host's death."""
        try:
            plugin = await self.register(name)
        except SandboxError as error:
            self._refuse(id, cid, error)
            return
        told_revoked = cast(dict[str, Any], strict_json.loads(payload) or {}).get("revoked", ())
        plugin.revoked.update(map(str, told_revoked))

        def told(error: SandboxError | None) -> None:
            if error is not None:
                self._refuse(id, cid, error)
                return
            manifest = plugin.manifest
            self._reply(id, cid, {
                "handle": plugin.handle, "pluginId": manifest.plugin_id, "version": manifest.version,
                "handlers": list(plugin.handlers), "permissions": list(self.granted(plugin)),
                "maxExecutionTimeMs": manifest.max_execution_time_ms, "memoryLimitMB": manifest.memory_limit_mb,
            })  # fmt: skip

        self.bring_up(plugin, told)

    async def register(self, name: str) -> LivePlugin:
        """A plugin of the gateway's that is not loaded yet. Raises `SandboxError`."""
        registered = await self._open_gateway().fetch_plugin(name)
        if self.closed:
            raise SandboxError(Code.SESSION_CLOSED)
        return LivePlugin(self, self.new_handle(), registered)

    def bring_up(self, plugin: LivePlugin, told: Callable[[SandboxError | None], None]) -> None:
        """Load it, and say once whether it could be loaded."""
        def ended(error: SandboxError | None) -> None:
            if error is not None:
                self.plugins.pop(plugin.handle, None)
            told(error)

        self.plugins[plugin.handle] = plugin
        self.take_up(plugin, ended)

    def loaded(self, name: str) -> LivePlugin | None:
        """The one of this ``id@version``, or of this id, that was loaded last and can be called."""
        return next((
            plugin for plugin in reversed(self.plugins.values()) if name in (plugin.name, plugin.manifest.plugin_id)
            and plugin.on_loaded is None and plugin.state is not State.UNLOADED), None)

    async def newest(self, plugin_id: str) -> str:
        """The highest version of it that is enabled. Raises `SandboxError`."""
        return await self._open_gateway().newest(plugin_id)

    def _open_gateway(self) -> GatewayClient:
        if self._gateway is None or self._session is None:
            raise SandboxError(Code.SESSION_INVALID, "the session is not open")
        return self._gateway

    def _unloaded(self, handle: str, id: str, cid: str, report: Report) -> None:
        self.plugins.pop(handle, None)
        self._reply(id, cid, report)

    async def _hear_changes(self, gateway: GatewayClient, again_ms: int) -> None:
        """What was blocked while the page is open ends within seconds. Each answer asks the next question."""
        try:
            changes = await gateway.changes(self._revision)
        except SandboxError:
            later_ms = min(2 * again_ms, CHANGES_AGAIN_AT_MOST_MS)
            if not self.closed:
                self._world.later(again_ms, lambda: self._world.begin(self._hear_changes(gateway, later_ms)))
            return
        if self.closed or changes is None:
            return
        self._revision = changes.revision
        for plugin in list(self.plugins.values()):
            if plugin.name not in changes.blocked:
                plugin.unblock()
            elif plugin.state is not State.FAILED:
                plugin.block()
        self._world.begin(self._hear_changes(gateway, CHANGES_AGAIN_MS))

    def _invoke(
        self, id: str, cid: str, payload: str, to: str, method: str, deadline_ms: int, buffers: Sequence[Sized],
    ) -> None:  # fmt: skip
        plugin = self.plugins.get(to)
        if plugin is None:
            self._world.to_page("outcome", id, cid, failure(
                SandboxError(Code.PLUGIN_NOT_LOADED), correlation_id=cid).to_json())  # fmt: skip
            return
        longest = plugin.manifest.max_execution_time_ms
        deadline_ms = min(deadline_ms, longest) if deadline_ms > 0 else longest
        plugin.invoke(Invocation(id, cid, method, payload, deadline_ms, self._world.now_ms(), buffers))

    def finish(self, plugin: LivePlugin, invocation: Invocation, outcome: Outcome, limits: Mapping[str, int]) -> None:
        if not self._flows.ended(invocation, outcome):
            self._world.to_page("outcome", invocation.page_id, invocation.cid, outcome.to_json(), outcome.buffers)
        if self._telemetry is not None:
            self._telemetry.ran(plugin, Ran(
                invocation.cid, invocation.method, invocation.payload, outcome, limits, invocation.proxied,
                invocation.network_ms, span_of(self._salt, f"{plugin.handle}.{invocation.id}")))

    def _memory(self) -> list[dict[str, object]]:
        """What each plugin with a worker uses, as its worker last told; JavaScript adds what it alone can see."""
        return [
            {"slot": plugin.slot_number, "pluginId": plugin.manifest.plugin_id, "generation": plugin.generation,
             "usedBytes": plugin.memory.bytes, "peakBytes": plugin.memory.peak_bytes}
            for plugin in self.plugins.values() if plugin.slot_number]

    def _reply(self, id: str, cid: str, value: object) -> None:
        self._world.to_page("result", id, cid, strict_json.dumps(value))

    def _refuse(self, id: str, cid: str, error: SandboxError) -> None:
        self._world.to_page("error", id, cid, strict_json.dumps(error.as_json()))

    # --- what plugins and flows ask of their session ---
    def context_of(self, _plugin: LivePlugin, /) -> Mapping[str, str]:
        """The same for all plugins of the page."""
        return self.page_context

    def proxy_of(self, _plugin: LivePlugin, /) -> Proxy:
        """The session's."""
        return self.proxy

    def provides(self, permission: str) -> bool:
        """Whether the page gave a function for it."""
        return permission in self._provided

    def granted(self, plugin: LivePlugin) -> tuple[str, ...]:
        """Declared in the manifest, granted by the session, provided by the page, and not revoked."""
        return tuple(sorted(permissions.effective(
            plugin.manifest.permissions, self._grants(plugin), self._provided, plugin.revoked)))  # fmt: skip

    def why_denied(self, plugin: LivePlugin, permission: str) -> str | None:
        return permissions.denied_reason(
            permission, plugin.manifest.permissions, self._grants(plugin), self._provided, plugin.revoked)

    def _open_session(self) -> Session:
        assert self._session is not None  # a plugin asks, so it was loaded, so there is one
        return self._session

    def _grants(self, plugin: LivePlugin) -> frozenset[str]:
        """The user's, of those that an administrator granted to this plugin."""
        session = frozenset(self._session.grants if self._session else ())
        consented = plugin.registered.grants
        return session if consented is None else session & consented

    def report(self, kind: str, plugin: LivePlugin, cid: str, payload: str) -> None:
        self._world.to_page(kind, plugin.handle, cid, payload)
        if kind == "log" and self._telemetry is not None:
            self._telemetry.logged(plugin, cid, payload)

    def ask_page(
        self, plugin: LivePlugin, id: str, permission: str, args: str, cid: str, buffers: Sequence[Sized]
    ) -> None:
        owner = plugin.manifest.plugin_id
        body = f'{{"to":"{plugin.handle}","pluginId":"{owner}","permission":"{permission}","args":{args}}}'
        self._world.to_page("call", id, cid, body, buffers)

    def alert(self, plugin: LivePlugin, code: Code, rule: str, evidence: str) -> None:
        self._world.to_page("alert", plugin.handle, "", strict_json.dumps({
            "code": code.value, "rule": rule, "pluginId": plugin.manifest.plugin_id,
            "generation": plugin.generation, "evidence": evidence,
        }))  # fmt: skip
        if self._telemetry is not None:
            self._telemetry.alerted(plugin, code.value, rule, evidence)
