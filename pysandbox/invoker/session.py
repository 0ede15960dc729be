"""The plugins of one invoker: what they may, what they ask for, what becomes of what they say.

Must not know: processes. The plugins' lives, budgets and messages are the broker's, as in a browser.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence, Sized
from typing import cast

from pysandbox.core import binary, permissions, strict_json
from pysandbox.core.broker.invocations import Invocation
from pysandbox.core.broker.plugin import LivePlugin, Report
from pysandbox.core.broker.proxying import Asker, Done, Proxy
from pysandbox.core.broker.registered import Registered
from pysandbox.core.broker.roster import Roster
from pysandbox.core.broker.world import World
from pysandbox.core.errors import Code, SandboxError
from pysandbox.core.outcome import Outcome, failure
from pysandbox.invoker.tenancy import Loaded, Tenancy, Told

ORIGIN = "https://invoker.invalid"  # what envelopes name; nothing is there


class NoProxy:
    """Where no proxy was given: no route is found."""

    def ask(self, asker: Asker, id: str, asked: object, left_ms: float, cid: str, done: Done) -> None:
        del asker, id, asked, left_ms, cid
        done(SandboxError(Code.ROUTE_NOT_FOUND, "this invoker has no proxy routes"))

    def hang_up(self, id: str) -> None:
        """Nothing is ever under way."""


class ServerSession(Roster):
    """``listen`` hears what plugins say outside of their outcomes."""

    def __init__(self, world: World, listen: Callable[[Told], None], max_live: int) -> None:
        super().__init__(max_live)
        self.world = world
        self.chaos = None
        self.origin = ORIGIN
        self.sid = world.random_hex(16)
        self._listen = listen
        self._tenancies: dict[str, Tenancy] = {}
        self._outcomes: dict[str, asyncio.Future[Outcome]] = {}
        self._calls: dict[str, asyncio.Task[None]] = {}
        self._no_proxy = NoProxy()
        self._next = 0

    # --- what the invoker does ---
    async def load(self, registered: Registered, tenancy: Tenancy) -> Loaded:
        """Raises SandboxError."""
        key = self.new_handle()
        loaded: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tenancies[key] = tenancy
        plugin = self.plugins[key] = LivePlugin(self, key, registered)

        def told(error: SandboxError | None) -> None:
            if error is None and not loaded.done():
                loaded.set_result(None)
            elif error is not None:
                self._forget(key)
                if not loaded.done():
                    loaded.set_exception(error)

        self.take_up(plugin, told)
        await loaded
        manifest = plugin.manifest
        return Loaded(key, manifest.plugin_id, manifest.version, tuple(plugin.handlers), self.granted(plugin))

    async def invoke(self, key: str, handler: str, payload: object, timeout_ms: int, cid: str) -> Outcome:
        """Exactly one outcome. ``timeout_ms`` 0 means the manifest's own deadline."""
        plugin = self.plugins.get(key)
        if plugin is None:
            return failure(SandboxError(Code.PLUGIN_NOT_LOADED), correlation_id=cid)
        try:
            text, buffers = binary.dumps(payload, limit=plugin.limit)
        except SandboxError as error:
            return failure(SandboxError(Code.INPUT_INVALID, f"the payload: {error.message}"), correlation_id=cid)
        return await self.invoke_text(plugin, handler, text, timeout_ms, cid, buffers)

    async def invoke_text(
        self, plugin: LivePlugin, handler: str, text: str, timeout_ms: int, cid: str, buffers: Sequence[bytes] = (),
    ) -> Outcome:  # fmt: skip
        """The same for a payload that is JSON already."""
        longest_ms = plugin.manifest.max_execution_time_ms
        deadline_ms = min(timeout_ms, longest_ms) if timeout_ms > 0 else longest_ms
        self._next += 1
        id = f"i{self._next}"
        outcome = self._outcomes[id] = asyncio.get_running_loop().create_future()
        plugin.invoke(Invocation(id, cid, handler, text, deadline_ms, self.world.now_ms(), buffers))
        try:
            return await outcome  # its own future: a shield around it would be one more turn of the loop
        except asyncio.CancelledError:
            plugin.abort(id)
            raise

    async def unload(self, key: str) -> Report:
        """What it left behind. Raises SandboxError for one that is not loaded."""
        plugin = self.plugins.get(key)
        if plugin is None:
            raise SandboxError(Code.PLUGIN_NOT_LOADED)
        gone: asyncio.Future[Report] = asyncio.get_running_loop().create_future()

        def done(report: Report) -> None:
            self._forget(key)
            if not gone.done():
                gone.set_result(report)

        plugin.unload(done)
        return await gone

    def close(self) -> None:
        """Everything ends at once."""
        self.closed = True
        self.waiting.clear()
        for plugin in list(self.plugins.values()):
            plugin.close(SandboxError(Code.SESSION_CLOSED))
        self.plugins.clear()

    def _forget(self, key: str) -> None:
        self.plugins.pop(key, None)
        self._tenancies.pop(key, None)

    # --- what plugins ask of their session ---
    def finish(self, plugin: LivePlugin, invocation: Invocation, outcome: Outcome, limits: Mapping[str, int]) -> None:
        del plugin, limits  # what was met of them is reported, too
        waiting = self._outcomes.pop(invocation.page_id)
        if not waiting.done():  # a caller that was cancelled waits no more
            waiting.set_result(outcome)

    def context_of(self, plugin: LivePlugin, /) -> Mapping[str, str]:
        return {"environment": "server", "queue": "", "locale": "en", **self._tenancies[plugin.handle].context}

    def proxy_of(self, plugin: LivePlugin, /) -> Proxy:
        return self._tenancies[plugin.handle].proxy or self._no_proxy

    def granted(self, plugin: LivePlugin) -> tuple[str, ...]:
        """Declared, granted, provided and not revoked."""
        tenancy = self._tenancies[plugin.handle]
        return tuple(sorted(permissions.effective(
            plugin.manifest.permissions, self._grants(plugin), frozenset(tenancy.capabilities), plugin.revoked)))

    def why_denied(self, plugin: LivePlugin, permission: str) -> str | None:
        provided = frozenset(self._tenancies[plugin.handle].capabilities)
        return permissions.denied_reason(
            permission, plugin.manifest.permissions, self._grants(plugin), provided, plugin.revoked)

    def _grants(self, plugin: LivePlugin) -> frozenset[str]:
        grants, consented = self._tenancies[plugin.handle].grants, plugin.registered.grants
        return grants if consented is None else grants & consented

    def ask_page(
        self, plugin: LivePlugin, id: str, permission: str, args: str, cid: str, buffers: Sequence[Sized],
    ) -> None:  # fmt: skip
        """A capability is asked. It is a function of the server's own here."""
        del cid
        value = binary.join(strict_json.loads(args), cast(Sequence[bytes], buffers))
        self._calls[id] = asyncio.get_running_loop().create_task(self._answer(plugin, id, permission, value))

    async def _answer(self, plugin: LivePlugin, id: str, permission: str, args: object) -> None:
        try:
            answer = await self._tenancies[plugin.handle].capabilities[permission](args)
            text, buffers = binary.dumps(answer, limit=plugin.limit)
        except Exception:  # noqa: BLE001 - whatever the server's function raises is told as its failure, and no more
            plugin.answer(id, "error", "null", ())
        else:
            plugin.answer(id, "result", text, buffers)
        finally:
            self._calls.pop(id, None)

    def report(self, kind: str, plugin: LivePlugin, cid: str, payload: str) -> None:
        if kind == "withdraw":  # nobody waits for the answer any more
            call = self._calls.pop(payload.strip('"'), None)
            if call is not None:
                call.cancel()
        else:
            self._listen(Told(kind, plugin.name, cid, payload))

    def alert(self, plugin: LivePlugin, code: Code, rule: str, evidence: str) -> None:
        self._listen(Told("alert", plugin.name, "", strict_json.dumps({
            "code": code.value, "rule": rule, "pluginId": plugin.manifest.plugin_id,
            "generation": plugin.generation, "evidence": evidence,
        })))  # fmt: skip
