"""A tenant's proxy routes: kept as the bodies that were sent, read again by the same rules.

What the proxy works with is read at most once in `FRESH_MS`, so a change reaches every replica within that.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Final

import sqlalchemy as sa
import sqlalchemy.exc as sa_exc

from pysandbox.core.errors import Code, Problem, SandboxError
from pysandbox.gateway.audit import record
from pysandbox.gateway.auth.principal import Principal
from pysandbox.gateway.fresh import Fresh
from pysandbox.gateway.proxy.route import Route, parse_route
from pysandbox.gateway.store.database import Database
from pysandbox.gateway.store.tables import routes as table

FRESH_MS: Final = 2000
MAX_ROUTES: Final = 500
_MAX_TENANTS: Final = 1000


class RouteStore:
    """``allowlist``: the patterns that a route's own must lie within. ``now_ms()``: epoch milliseconds."""

    def __init__(self, database: Database, *, allowlist: Sequence[str], now_ms: Callable[[], int]) -> None:
        self._database = database
        self._allowlist = tuple(allowlist)
        self._now_ms = now_ms
        self._fresh = Fresh(
            self._usable, fresh_s=FRESH_MS / 1000, max_entries=_MAX_TENANTS, clock=lambda: now_ms() / 1000)

    async def routes(self, tenant: str) -> tuple[Route, ...]:
        """Every route of the tenant. One that the operator's allowlist no longer covers is not among them."""
        return await self._fresh.get(tenant)

    async def add(self, principal: Principal, body: object) -> dict[str, object]:
        """A new route. Raises `SandboxError` ``INPUT_INVALID`` with every problem."""
        route = parse_route(body, allowlist=self._allowlist)
        try:
            async with self._database.begin() as connection:
                count = (await connection.execute(sa.select(sa.func.count()).select_from(table).where(
                    table.c.tenant == principal.tenant))).scalar_one()
                if count >= MAX_ROUTES:
                    raise SandboxError(Code.RATE_LIMIT, f"a tenant has {MAX_ROUTES} routes at most: remove one")
                await connection.execute(table.insert().values(tenant=principal.tenant, **self._values(route)))
                await record(connection, principal, "route.add", route.name, self._now_ms(), _summary(route))
        except sa_exc.IntegrityError as error:
            raise SandboxError(Code.INPUT_INVALID, "a route of this name is there already", details=[
                Problem("$.name", "is taken", f"change it: PUT …/{route.name}, or take another name")]) from error
        self._fresh.forget(principal.tenant)
        return as_json(route)

    async def put(self, principal: Principal, name: str, body: object) -> dict[str, object]:
        """Replace the route ``name``. Raises `SandboxError` ``NOT_FOUND``, ``INPUT_INVALID`` with every problem."""
        route = parse_route(body, allowlist=self._allowlist)
        if route.name != name:
            raise SandboxError(Code.INPUT_INVALID, "a route keeps its name", details=[
                Problem("$.name", "is not the name in the address", f"send {name}, or add a route of the new name")])
        async with self._database.begin() as connection:
            changed = await connection.execute(
                sa.update(table).where(table.c.tenant == principal.tenant, table.c.name == name)
                .values(**self._values(route)))
            if changed.rowcount == 0:
                raise _unknown()
            await record(connection, principal, "route.change", name, self._now_ms(), _summary(route))
        self._fresh.forget(principal.tenant)
        return as_json(route)

    async def list(self, tenant: str) -> list[dict[str, object]]:
        """By name."""
        return [as_json(self._read(body)) for body in await self._bodies(tenant)]

    async def get(self, tenant: str, name: str) -> dict[str, object]:
        """Raises `SandboxError` ``NOT_FOUND``."""
        async with self._database.begin() as connection:
            body = (await connection.execute(sa.select(table.c.body).where(
                table.c.tenant == tenant, table.c.name == name))).scalar_one_or_none()
        if body is None:
            raise _unknown()
        return as_json(self._read(body))

    async def remove(self, principal: Principal, name: str) -> None:
        """Raises `SandboxError` ``NOT_FOUND``."""
        async with self._database.begin() as connection:
            gone = await connection.execute(
                sa.delete(table).where(table.c.tenant == principal.tenant, table.c.name == name))
            if gone.rowcount == 0:
                raise _unknown()
            await record(connection, principal, "route.remove", name, self._now_ms())
        self._fresh.forget(principal.tenant)

    async def _usable(self, tenant: str) -> tuple[Route, ...]:
        return tuple(route for route in map(self._still_good, await self._bodies(tenant)) if route is not None)

    async def _bodies(self, tenant: str) -> Sequence[str]:
        async with self._database.begin() as connection:
            return (await connection.execute(
                sa.select(table.c.body).where(table.c.tenant == tenant).order_by(table.c.name))).scalars().all()

    def _read(self, body: str) -> Route:
        """As it was accepted once: what the operator's allowlist covers now is asked where it is used."""
        return parse_route(json.loads(body), allowlist=("/proxy/*",))

    def _still_good(self, body: str) -> Route | None:
        try:
            return parse_route(json.loads(body), allowlist=self._allowlist)
        except SandboxError:
            return None

    def _values(self, route: Route) -> dict[str, object]:
        return {"name": route.name, "body": json.dumps(route.raw), "updated_at_ms": self._now_ms()}


def as_json(route: Route) -> dict[str, object]:
    """The body as it was sent, and its state: ``enabled``, ``disabled``, or ``upstreamMissing``."""
    return {**route.raw, "state": route.state}


def _summary(route: Route) -> dict[str, object]:
    upstream = None if route.upstream is None else route.upstream.base_url
    return {"pattern": str(route.raw.get("routePattern")), "upstream": upstream, "auth": route.auth.value,
            "state": route.state}  # fmt: skip


def _unknown() -> SandboxError:
    return SandboxError(Code.NOT_FOUND, "no route of this name is there")
