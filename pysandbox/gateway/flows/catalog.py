"""A tenant's flows: checked before they are kept, every version as it was sent, none ever changed.

A flow's id is its ``name``. Sent again with the same content it is the version that is there.
Must not know: HTTP, runs.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

import sqlalchemy as sa
import sqlalchemy.exc as sa_exc
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.concurrency import run_in_threadpool

from pysandbox.core.cache import BoundedCache
from pysandbox.core.errors import Code, FlowError, Problem, SandboxError
from pysandbox.core.flow.blocks import Flow
from pysandbox.core.flow.check import MAX_FLOW_CHARS, check_flow, parse_flow
from pysandbox.core.flow.registered import PluginView, View
from pysandbox.gateway.audit import record
from pysandbox.gateway.auth.principal import Principal
from pysandbox.gateway.registry import ENABLED, Registry
from pysandbox.gateway.store.database import Database
from pysandbox.gateway.store.tables import flows as table

MAX_FLOWS: Final = 500
MAX_BODY_BYTES: Final = MAX_FLOW_CHARS
FRESH_S: Final = 2.0
"""How old what a run begins with may be: another replica's change holds after that."""
_MAX_PARSED: Final = 1000
_PARSED_S: Final = 3600.0
_NONE: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Kept:
    """One version of a flow. ``body``: its JSON, as text."""

    flow_id: str
    version: int
    digest: str
    created_at_ms: int
    created_by: str
    body: str = field(repr=False)

    def as_json(self, flow: Flow, *, whole: bool) -> dict[str, object]:
        told: dict[str, object] = {
            "flowId": self.flow_id, "version": self.version, "digest": self.digest, "slaMs": flow.sla_ms,
            "worstMs": flow.worst_ms, "createdAt": self.created_at_ms, "createdBy": self.created_by}
        return {**told, "flow": json.loads(self.body)} if whole else told


@dataclass(frozen=True, slots=True)
class Ready:
    """What a run begins with: the flow, those that it may be handed on to and their versions, and the plugins' ids."""

    flow: Flow
    version: int
    flows: Mapping[str, Flow]
    called: Mapping[str, int]
    plugin_ids: frozenset[str]


class FlowCatalog:
    """``queues``: those that flows may name, empty where nobody knows them. ``now_ms()``: epoch milliseconds."""

    def __init__(
        self, database: Database, registry: Registry, *, queues: frozenset[str] = _NONE, now_ms: Callable[[], int]
    ) -> None:
        self._database = database
        self._registry = registry
        self._queues = queues
        self._now_ms = now_ms
        self._parsed: BoundedCache[Flow] = BoundedCache(
            max_entries=_MAX_PARSED, max_bytes=64 << 20, clock=lambda: now_ms() / 1000,
            size_of=lambda flow: 2000 * len(flow.blocks))
        self._ready: BoundedCache[Ready] = BoundedCache(
            max_entries=_MAX_PARSED, max_bytes=1 << 20, clock=lambda: now_ms() / 1000, size_of=lambda _ready: 0)
        self._reading = asyncio.Lock()

    async def add(self, principal: Principal, body: bytes) -> tuple[dict[str, object], bool]:
        """Keep a flow as its newest version. What is kept, and whether it is new.

        Raises `FlowError` with every problem, against what is registered too; ``RATE_LIMIT``.
        """
        view = await self._view(principal.tenant)
        flow = await run_in_threadpool(_checked, body, view)
        try:
            kept, is_new = await self._keep(principal, flow, body)
        except sa_exc.IntegrityError:  # another kept a version at the same time
            kept, is_new = await self._keep(principal, flow, body)
        self._ready.clear()
        return kept.as_json(flow, whole=True), is_new

    async def list(self, tenant: str) -> list[dict[str, object]]:
        """The newest version of each flow, by id."""
        return [kept.as_json(self.parsed(kept), whole=False) for kept in await self._newest(tenant)]

    async def get(self, tenant: str, flow_id: str, version: int = 0) -> Kept:
        """This version, or the newest. Raises `SandboxError` ``FLOW_NOT_FOUND``."""
        async with self._database.begin() as connection:
            row = await _row(connection, tenant, flow_id, version)
        if row is None or row.removed_at_ms is not None:
            raise SandboxError(Code.FLOW_NOT_FOUND, "no flow of this id and version is here")
        return _kept(row)

    async def remove(self, principal: Principal, flow_id: str) -> None:
        """Every version; runs in progress go on. Raises `SandboxError` ``FLOW_NOT_FOUND``."""
        async with self._database.begin() as connection:
            gone = await connection.execute(sa.update(table).where(
                table.c.tenant == principal.tenant, table.c.flow_id == flow_id, table.c.removed_at_ms.is_(None),
            ).values(removed_at_ms=self._now_ms()))
            if gone.rowcount == 0:
                raise SandboxError(Code.FLOW_NOT_FOUND, "no flow of this id is here")
            await record(connection, principal, "flow.remove", flow_id, self._now_ms())
        self._ready.clear()

    async def ready(self, tenant: str, flow_id: str, version: int = 0) -> Ready:
        """What a run begins with. Raises `SandboxError` ``FLOW_NOT_FOUND``."""
        key = f"{tenant}\n{flow_id}\n{version}"
        known = self._ready.get(key)
        if known is None:
            async with self._reading:  # a thousand runs that begin at once read it once
                known = self._ready.get(key)
                if known is None:
                    known = await self._read_ready(tenant, flow_id, version)
                    self._ready.set(key, known, ttl_s=FRESH_S)
        return known

    async def _read_ready(self, tenant: str, flow_id: str, version: int) -> Ready:
        kept = await self.get(tenant, flow_id, version)
        flow = self.parsed(kept)
        called = await self._called(tenant, flow)
        flows = {name: self.parsed(other) for name, other in called.items()}
        return Ready(
            flow, kept.version, flows, {name: other.version for name, other in called.items()},
            flow.plugin_ids.union(*(other.plugin_ids for other in flows.values())))

    async def _called(self, tenant: str, flow: Flow) -> dict[str, Kept]:
        """The newest version of each flow that a run of ``flow`` can be handed on to, as far as there is one."""
        if not flow.flow_ids:
            return {}
        newest = {kept.flow_id: kept for kept in await self._newest(tenant)}
        found: dict[str, Kept] = {}
        left = list(flow.flow_ids)
        while left:
            flow_id = left.pop()
            if flow_id in newest and flow_id not in found:
                found[flow_id] = newest[flow_id]
                left += self.parsed(newest[flow_id]).flow_ids
        return found

    async def of_run(self, tenant: str, versions: Mapping[str, int]) -> dict[str, Flow]:
        """These versions, removed or not."""
        found: dict[str, Flow] = {}
        async with self._database.begin() as connection:
            for flow_id, version in versions.items():
                row = await _row(connection, tenant, flow_id, version)
                if row is not None:
                    found[flow_id] = self.parsed(_kept(row))
        return found

    def parsed(self, kept: Kept) -> Flow:
        """The flow of a body that was good when it was kept. Raises `FlowError` if the language has changed since."""
        flow = self._parsed.get(kept.digest)
        if flow is None:
            flow = parse_flow(kept.body)
            self._parsed.set(kept.digest, flow, ttl_s=_PARSED_S)
        return flow

    async def _keep(self, principal: Principal, flow: Flow, body: bytes) -> tuple[Kept, bool]:
        async with self._database.begin() as connection:
            newest = await _row(connection, principal.tenant, flow.name)
            if newest is not None and newest.removed_at_ms is None and newest.digest == flow.digest:
                return _kept(newest), False
            if newest is None or newest.removed_at_ms is not None:
                await self._room(connection, principal.tenant)
            version = 1 if newest is None else newest.version + 1
            kept = Kept(
                flow.name, version, flow.digest, self._now_ms(), principal.subject, json.dumps(json.loads(body)))
            await connection.execute(table.insert().values(
                tenant=principal.tenant, flow_id=kept.flow_id, version=version, body=kept.body, digest=kept.digest,
                created_at_ms=kept.created_at_ms, created_by=kept.created_by))
            await record(connection, principal, "flow.add", flow.name, self._now_ms(), {
                "version": version, "digest": flow.digest})
        return kept, True

    async def _room(self, connection: AsyncConnection, tenant: str) -> None:
        count = (await connection.execute(sa.select(sa.func.count(sa.distinct(table.c.flow_id))).where(
            table.c.tenant == tenant, table.c.removed_at_ms.is_(None)))).scalar_one()
        if count >= MAX_FLOWS:
            raise SandboxError(Code.RATE_LIMIT, f"a tenant has {MAX_FLOWS} flows at most: remove one")

    async def _newest(self, tenant: str) -> list[Kept]:
        latest = sa.select(table.c.flow_id, sa.func.max(table.c.version).label("version")).where(
            table.c.tenant == tenant, table.c.removed_at_ms.is_(None)).group_by(table.c.flow_id).subquery()
        async with self._database.begin() as connection:
            rows = await connection.execute(sa.select(table).join(latest, sa.and_(
                table.c.flow_id == latest.c.flow_id, table.c.version == latest.c.version,
            )).where(table.c.tenant == tenant).order_by(table.c.flow_id))
            return [_kept(row) for row in rows]

    async def _view(self, tenant: str) -> View:
        plugins: dict[str, PluginView] = {}
        for shown in await self._registry.list(tenant):  # of each plugin the highest version first
            if shown["state"] == ENABLED:
                view = PluginView(frozenset(cast(list[str], shown["granted"] or [])))
                plugins[f"{shown['pluginId']}@{shown['version']}"] = view
                plugins.setdefault(str(shown["pluginId"]), view)
        flows = {kept.flow_id: self.parsed(kept) for kept in await self._newest(tenant)}
        return View(plugins, self._queues or None, flows)


def _checked(body: bytes, view: View) -> Flow:
    found = check_flow(body, view)
    problems = list(found.problems)
    if found.flow is not None and not found.flow.name:
        problems.append(Problem("$.name", "is missing", 'Add "name": it is the id that the flow is kept under.'))
    if found.flow is None or problems:
        raise FlowError(problems)
    return found.flow


async def _row(connection: AsyncConnection, tenant: str, flow_id: str, version: int = 0) -> sa.Row[Any] | None:
    chosen = sa.select(table).where(table.c.tenant == tenant, table.c.flow_id == flow_id)
    if version:
        chosen = chosen.where(table.c.version == version)
    return (await connection.execute(chosen.order_by(table.c.version.desc()).limit(1))).one_or_none()


def _kept(row: sa.Row[*tuple[Any, ...]]) -> Kept:
    return Kept(row.flow_id, row.version, row.digest, row.created_at_ms, row.created_by, row.body)
