"""A flow over plugins in Deno processes: what ``flow run`` does in a browser, where there is none."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Mapping, Sequence
from pathlib import Path
from typing import Final

from pysandbox.cli.browser_run import Report, as_outcome
from pysandbox.cli.deno_run import answering
from pysandbox.core.errors import Code, SandboxError
from pysandbox.core.flow.blocks import Flow
from pysandbox.core.flow.driver import run_flow
from pysandbox.core.flow.effects import Event, Invocation
from pysandbox.core.flow.journal import blocks_of
from pysandbox.core.outcome import Outcome
from pysandbox.gateway.flows.running import steady_clock
from pysandbox.gateway.folder import Resolver, build_folder, refuse_requirements
from pysandbox.invoker.assets import DEFAULT_DIST
from pysandbox.invoker.deno import DenoInvoker
from pysandbox.invoker.port import Runnable
from pysandbox.invoker.tenancy import Tenancy

WAY_BACK_MS: Final = 50
"""What an outcome takes from the process to the flow, on a machine that is busy."""


def run_flow_in_deno(
    flow: Flow, data: Mapping[str, object], folders: Sequence[Path], *, capabilities: Mapping[str, object],
    dist: Path | None = None, resolve: Resolver = refuse_requirements,
) -> Report:  # fmt: skip
    """Run ``flow`` once over the plugins in ``folders``; an outcome that is ok has the run as its value.

    Raises `SandboxError` for a folder that is no plugin, and ``RUNTIME_MISSING`` where there is nothing to run it in.
    """
    plugins = [Runnable("", built.manifest, built.bundle, built.sha256, built.manifest.permissions)
               for built in (build_folder(folder, resolve=resolve) for folder in folders)]  # fmt: skip
    return asyncio.run(_run(flow, data, plugins, capabilities, dist or DEFAULT_DIST))


async def _run(
    flow: Flow, data: Mapping[str, object], plugins: Sequence[Runnable], capabilities: Mapping[str, object], dist: Path
) -> Report:
    answers = answering(capabilities)

    def tenancy(plugin: Runnable) -> Tenancy:
        return Tenancy(grants=frozenset(plugin.grants), capabilities=answers)

    async with DenoInvoker(dist=dist, spares=1, tenancy_of=tenancy) as invoker:
        ports = _Ports(invoker, {plugin.key: plugin for plugin in plugins})
        try:
            for plugin in plugins:  # before the flow's own time begins, as in a page
                await invoker.prepare(plugin)
            ran = await run_flow(
                flow, data, ports, correlation_id=f"ps-{secrets.token_hex(8)}",
                pins={plugin.manifest.plugin_id: plugin.key for plugin in plugins})
        except SandboxError as error:
            return Report(as_outcome(error))
    journal = ports.journal
    value = {"ending": ran.ending.as_json(), "blocks": blocks_of(journal), "journal": journal}
    return Report({"status": "ok", "value": value})


class _Ports:
    """`Ports` over one invoker; nobody is there to be sent a message, so what is sent is in the journal alone."""

    def __init__(self, invoker: DenoInvoker, plugins: Mapping[str, Runnable]) -> None:
        self._invoker = invoker
        self._plugins = plugins
        self.clock_ms = steady_clock()
        self.journal: list[Event] = []

    def append(self, events: Sequence[Event]) -> None:
        self.journal += events

    def invoke(self, call: Invocation, timeout_ms: float) -> Awaitable[Outcome]:
        plugin = self._plugins.get(call.plugin)
        if plugin is None:
            raise SandboxError(Code.PLUGIN_NOT_LOADED, f"{call.plugin} is in none of the folders")
        return self._invoker.invoke(
            plugin, call.handler, call.payload, timeout_ms=max(1.0, timeout_ms - WAY_BACK_MS),
            correlation_id=call.correlation_id)

    async def send_message(self, to: str, text: str) -> None:
        """Taken; the journal has it."""

    def has_queue(self, queue_id: str) -> bool:  # noqa: ARG002  # `Ports`'
        return True
