"""Runs executions, so many at once and so many of a tenant; goes on with those of processes that died.

A process that stops lets its runs end for a while, then leaves them to whoever comes next. Must not know: HTTP, SQL.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections import Counter, OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

from pysandbox.core.breaker import Resting
from pysandbox.core.errors import Code, SandboxError
from pysandbox.core.flow.blocks import Flow
from pysandbox.core.flow.breakers import Breakers
from pysandbox.core.flow.driver import resume_flow
from pysandbox.core.flow.effects import Start
from pysandbox.core.flow.engine import execute
from pysandbox.core.flow.ports import LostExecution
from pysandbox.gateway.flows.catalog import FlowCatalog, Ready
from pysandbox.gateway.flows.executions import Claimed, Execution, ExecutionStore
from pysandbox.gateway.flows.figures import FlowFigures
from pysandbox.gateway.flows.ports import ExecutionPorts, World

log = logging.getLogger(__name__)
T = TypeVar("T")
CLAIMED_AT_ONCE: Final = 100
_FORGET_EVERY_S: Final = 600.0
_MAX_TENANTS: Final = 1000
_AGAIN_S: Final = 0.5
_RENEWALS: Final = 3
"""In one lease: so many must fail in a row before it is lost."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """``alone``: no other process can hold executions of this database."""

    runs: int
    tenant_runs: int
    lease_s: float
    keep_s: float
    drain_s: float
    alone: bool


class Runner:
    """``jitter()`` gives a number from 0 to 1. Inside of `running`, on one event loop."""

    def __init__(
        self, store: ExecutionStore, catalog: FlowCatalog, world: World, bounds: Bounds,
        jitter: Callable[[], float], figures: FlowFigures,
    ) -> None:  # fmt: skip
        self._store = store
        self._catalog = catalog
        self._world = world
        self._bounds = bounds
        self._jitter = jitter
        self._figures = figures
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._of_tenant: Counter[str] = Counter()
        self._breakers: OrderedDict[str, Breakers] = OrderedDict()
        self._stop_by: float | None = None

    @property
    def count(self) -> int:
        """How many run here."""
        return self._of_tenant.total()

    def resting(self, tenant: str) -> list[Resting]:
        """The tenant's plugins that flows do not call freely now."""
        breakers = self._breakers.get(tenant)
        return [] if breakers is None else breakers.resting(self._world.clock_ms())

    async def begin(self, tenant: str, flow_id: str, data: Mapping[str, object], version: int = 0) -> str:
        """Start a run; its id. From here on it ends, whatever becomes of this process.

        Raises `SandboxError` ``FLOW_NOT_FOUND``, ``INPUT_INVALID``, ``RATE_LIMIT``, ``STATE_UNAVAILABLE``.
        """
        self._take_place(tenant)
        try:
            claimed, ready = await self._prepared(tenant, flow_id, data, version)
            await self._world.writer.begin(claimed.execution, claimed.journal[0])
        except BaseException:
            self._give_place(tenant)
            raise
        self._spawn(claimed, ready.flow, ready.flows)
        return claimed.execution.execution_id

    async def ended(self, execution_id: str, within_s: float) -> bool:
        """Whether the run has ended here; waits for it. False at once for one that does not run here."""
        task = self._tasks.get(execution_id)
        if task is None:
            return False
        await asyncio.wait((task,), timeout=within_s)
        return task.done()

    def stop(self) -> None:
        """Begin nothing more; runs have `Bounds.drain_s` to end from now on. From any thread; twice does no harm."""
        if self._stop_by is None:
            self._stop_by = time.monotonic() + self._bounds.drain_s

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Runs of dead processes are gone on with while the block runs; at its end what is left has its time."""
        keeping = asyncio.create_task(self._keep())
        try:
            yield
        finally:
            self.stop()
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            await self._drain()

    # --- one run ---
    async def _prepared(
        self, tenant: str, flow_id: str, data: Mapping[str, object], version: int
    ) -> tuple[Claimed, Ready]:
        ready = await self._catalog.ready(tenant, flow_id, version)
        pins = await self._world.plugins.pins(tenant, ready.plugin_ids)
        execution_id, now_ms = secrets.token_hex(16), self._world.clock_ms()
        steps = execute(ready.flow, Start(execution_id, now_ms, data, pins), ready.flows)
        first = next(steps).events[0]
        steps.close()
        execution = Execution(execution_id, tenant, flow_id, ready.version, ready.called, round(now_ms))
        return Claimed(execution, (first,)), ready

    def _spawn(self, claimed: Claimed, flow: Flow | None = None, flows: Mapping[str, Flow] | None = None) -> None:
        execution_id = claimed.execution.execution_id
        task = asyncio.create_task(self._run(claimed, flow, flows))
        self._tasks[execution_id] = task

        def over(_task: asyncio.Task[None]) -> None:
            self._tasks.pop(execution_id, None)
            self._give_place(claimed.execution.tenant)

        task.add_done_callback(over)

    async def _run(self, claimed: Claimed, flow: Flow | None, flows: Mapping[str, Flow] | None) -> None:
        execution = claimed.execution
        ports = ExecutionPorts(self._world, execution.tenant, execution.execution_id)
        try:
            if flow is None or flows is None:
                flow, flows = await self._flows_of(execution)
            ran = await resume_flow(
                flow, claimed.journal, ports, flows=flows, breakers=self._breakers_of(execution.tenant))
            self._figures.ended(ran.ending)
            if ran.unstored:  # until it is, the end is not told
                await _until_stored(lambda: ports.append(ran.unstored))
        except LostExecution:
            log.warning("execution %s goes on elsewhere", execution.execution_id)
        except Exception as error:
            log.exception("execution %s cannot be gone on with", execution.execution_id)
            self._figures.broken()
            code = error.code if isinstance(error, SandboxError) else Code.INTERNAL_ERROR
            await _until_stored(lambda: self._store.fail(execution.execution_id, code))

    async def _flows_of(self, execution: Execution) -> tuple[Flow, Mapping[str, Flow]]:
        """Its flow and those that it may be handed on to, in the versions that it began with."""
        versions = {**execution.called, execution.flow_id: execution.version}
        found = await _until_stored(lambda: self._catalog.of_run(execution.tenant, versions))
        if execution.flow_id not in found:
            raise SandboxError(Code.FLOW_NOT_FOUND, "the flow of this execution is gone")
        return found[execution.flow_id], found

    def _breakers_of(self, tenant: str) -> Breakers:
        found = self._breakers.get(tenant)
        if found is None:
            found = self._breakers[tenant] = Breakers(self._jitter)
            if len(self._breakers) > _MAX_TENANTS:
                self._breakers.popitem(last=False)
        self._breakers.move_to_end(tenant)
        return found

    # --- places ---
    def _take_place(self, tenant: str) -> None:
        if self._stop_by is not None:
            raise SandboxError(Code.STATE_UNAVAILABLE, "this server is stopping: ask again")
        if self.count >= self._bounds.runs:
            raise SandboxError(Code.RATE_LIMIT, f"{self._bounds.runs} flows run here already: try again")
        if self._of_tenant[tenant] >= self._bounds.tenant_runs:
            raise SandboxError(
                Code.RATE_LIMIT, f"{self._bounds.tenant_runs} flows of this tenant run here already: try again")
        self._of_tenant[tenant] += 1
        self._figures.running.set(self.count)

    def _give_place(self, tenant: str) -> None:
        self._of_tenant[tenant] -= 1
        if not self._of_tenant[tenant]:
            del self._of_tenant[tenant]
        self._figures.running.set(self.count)

    # --- the process ---
    async def _keep(self) -> None:
        """Renew leases, take over what nobody renews, forget what is old."""
        loop = asyncio.get_running_loop()
        forget_at, first = 0.0, True
        while True:
            try:
                await self._store.renew(list(self._tasks))
                await self._claim(everything=first and self._bounds.alone)
                first = False
                if loop.time() >= forget_at:
                    await self._store.forget(round(self._world.clock_ms() - self._bounds.keep_s * 1000))
                    forget_at = loop.time() + _FORGET_EVERY_S
            except SandboxError as error:  # the database is away: leases hold for a while without it
                log.warning("leases of flows were not renewed: %s", error.message)
            await asyncio.sleep(self._bounds.lease_s / _RENEWALS)

    async def _claim(self, *, everything: bool) -> None:
        while (room := self._bounds.runs - self.count) > 0:
            claimed = await self._store.claim(min(room, CLAIMED_AT_ONCE), everything=everything)
            for one in claimed:
                if one.execution.execution_id in self._tasks:  # its lease was over, and nobody had taken it
                    continue
                self._of_tenant[one.execution.tenant] += 1
                self._figures.running.set(self.count)
                self._spawn(one)
            if len(claimed) < min(room, CLAIMED_AT_ONCE):
                return
            await asyncio.sleep(0)

    async def _drain(self) -> None:
        if self._tasks and self._stop_by is not None:
            await asyncio.wait(list(self._tasks.values()), timeout=max(0.0, self._stop_by - time.monotonic()))
        left = list(self._tasks.values())
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        try:
            await self._store.release()
        except SandboxError as error:
            log.warning("flows that run were not handed over: %s", error.message)


async def _until_stored(work: Callable[[], Awaitable[T]]) -> T:
    """What ``work`` gives, tried again as long as the database is away."""
    while True:
        try:
            return await work()
        except SandboxError as error:
            if error.code is not Code.STATE_UNAVAILABLE:
                raise
        await asyncio.sleep(_AGAIN_S)
