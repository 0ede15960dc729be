"""`DenoInvoker`: each plugin in a Deno process of its own, under the broker that a browser's host worker has."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Self

from pysandbox.core.broker.registered import Registered
from pysandbox.core.errors import Code, SandboxError
from pysandbox.core.limits import default
from pysandbox.core.outcome import Outcome, failure
from pysandbox.invoker.assets import DEFAULT_DIST, load_assets
from pysandbox.invoker.jail import Walls, deno, dying_with_parent, without_network
from pysandbox.invoker.pool import Pool
from pysandbox.invoker.port import Runnable
from pysandbox.invoker.process import PluginProcess
from pysandbox.invoker.session import ServerSession
from pysandbox.invoker.tenancy import Loaded, Tenancy, Told
from pysandbox.invoker.world import ProcessWorld


def nobody_listens(_told: Told) -> None:
    """For whom outcomes are enough."""


def nothing_provided(plugin: Runnable) -> Tenancy:
    """All that was agreed to is granted, and this server provides none of it."""
    return Tenancy(grants=frozenset(plugin.grants))


class DenoInvoker:
    """An `Invoker`. Made inside a running loop, which it lives in.

    ``max_live``: plugins with a process, beside ``spares`` that wait for one. ``listen`` hears what plugins say.
    ``tenancy_of``: what a plugin is provided with that `invoke` loads.
    """

    def __init__(
        self, *, dist: Path = DEFAULT_DIST, spares: int = 1, max_live: int = default("maxLive"),
        listen: Callable[[Told], None] = nobody_listens,
        tenancy_of: Callable[[Runnable], Tenancy] = nothing_provided, walls: Walls = Walls(),  # noqa: B008 - it is immutable
    ) -> None:
        """Raises SandboxError ``RUNTIME_MISSING``."""
        deno()
        assets = load_assets(dist)
        js_memory_mb = default("jsMemoryMB")
        self._pool = Pool(lambda memory_mb: PluginProcess(assets, memory_mb, js_memory_mb, walls), spares)
        self._world = ProcessWorld(self._pool)
        self._session = ServerSession(self._world, listen, max_live)
        self._world.session = self._session
        self._tenancy_of = tenancy_of
        self._loads: dict[tuple[str, str, str], asyncio.Task[Loaded]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def load(self, registered: Registered, tenancy: Tenancy = Tenancy()) -> Loaded:  # noqa: B008 - immutable
        """Raises SandboxError where its import or on_load fails, or no process could be started."""
        for wall in (without_network, dying_with_parent):  # asked once, and remembered
            await asyncio.to_thread(wall)
        return await self._session.load(registered, tenancy)

    async def call(
        self, key: str, handler: str, payload: object = None, *, timeout_ms: int = 0, correlation_id: str = "",
    ) -> Outcome:  # fmt: skip
        """Call a handler of a plugin that was loaded. ``timeout_ms`` shortens the manifest's deadline; 0 means that.

        Without a ``correlation_id`` it gets one of its own. A caller that is cancelled aborts the invocation.
        """
        cid = correlation_id or f"ps-{secrets.token_hex(8)}"
        return await self._session.invoke(key, handler, payload, timeout_ms, cid)

    async def invoke(
        self, plugin: Runnable, handler: str, payload: str, *, timeout_ms: float, correlation_id: str
    ) -> Outcome:
        """See `Invoker`: the plugin is loaded by its first call, for its tenant alone, in that call's time."""
        ends_ms = self._world.now_ms() + timeout_ms - default("graceMs")
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                loaded = await asyncio.shield(self._loading(plugin))
        except TimeoutError:
            return failure(
                SandboxError(Code.PLUGIN_TIMEOUT, "the plugin was not loaded in time"), layer="hard",
                correlation_id=correlation_id, duration_ms=timeout_ms)
        except SandboxError as error:
            return failure(error, correlation_id=correlation_id)
        live = self._session.plugins.get(loaded.key)
        left_ms = int(ends_ms - self._world.now_ms())
        if live is None or left_ms <= 0:
            code = Code.PLUGIN_NOT_LOADED if live is None else Code.PLUGIN_TIMEOUT
            return failure(SandboxError(code), correlation_id=correlation_id, duration_ms=timeout_ms)
        name = handler or (loaded.handlers[0] if len(loaded.handlers) == 1 else "")
        return await self._session.invoke_text(live, name, payload, left_ms, correlation_id)

    async def prepare(self, plugin: Runnable) -> None:
        """Load it before its first `invoke`. Raises SandboxError as `load` does."""
        await asyncio.shield(self._loading(plugin))

    def _loading(self, plugin: Runnable) -> asyncio.Task[Loaded]:
        """One for each tenant and bundle; a load that failed is tried again by the next call."""
        key = (plugin.tenant, plugin.key, plugin.sha256)
        known = self._loads.get(key)
        if known is None or (known.done() and (known.cancelled() or known.exception() is not None)):
            registered = Registered(plugin.manifest, plugin.bundle, grants=frozenset(plugin.grants))
            known = asyncio.get_running_loop().create_task(self.load(registered, self._tenancy_of(plugin)))
            self._loads[key] = known
        return known

    @property
    def reserve(self) -> tuple[PluginProcess, ...]:
        """The processes that have run nobody's code yet."""
        return self._pool.reserve

    def warm(self, memory_mb: int) -> None:
        """Have a process of this memory class in reserve."""
        self._pool.refill(memory_mb)

    async def unload(self, plugin: str) -> None:
        """Let what runs end within the grace, run on_unload, end the process. Raises ``PLUGIN_NOT_LOADED``."""
        await self._session.unload(plugin)

    async def close(self) -> None:
        """End everything at once; what runs ends with ``SESSION_CLOSED``."""
        self._session.close()
        self._world.close()
        await self._pool.close()
        await asyncio.gather(*self._loads.values(), return_exceptions=True)  # each has ended, and was told so
