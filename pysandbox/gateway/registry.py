"""The registry: which versions a tenant has, in which state, and which permissions an administrator agreed to.

A version never changes: registered again with another content it is refused, even after it was removed. Every change
and its audit row are one transaction. Must not know: HTTP, how a page asks.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import sqlalchemy as sa
import sqlalchemy.exc as sa_exc
from sqlalchemy.ext.asyncio import AsyncConnection

from pysandbox.core.errors import Code, Problem, SandboxError
from pysandbox.core.manifest import parse_manifest
from pysandbox.gateway.audit import record
from pysandbox.gateway.auth.principal import Principal
from pysandbox.gateway.folder import BuiltPlugin
from pysandbox.gateway.plugins import LATEST, precedence
from pysandbox.gateway.signatures import verify
from pysandbox.gateway.store.database import Database
from pysandbox.gateway.store.revisions import raise_revision
from pysandbox.gateway.store.tables import grants, plugins, publishers
from pysandbox.gateway.submission import Submission

_T = TypeVar("_T")
DRAFT, ENABLED, DISABLED, BLOCKED, REMOVED = "draft", "enabled", "disabled", "blocked", "removed"
STATES: Final = (ENABLED, DISABLED, BLOCKED)
"""What an administrator can set. A new version is a draft."""
_SHOWN: Final = (
    plugins.c.plugin_id, plugins.c.version, plugins.c.state, plugins.c.manifest, plugins.c.bundle_sha256,
    plugins.c.identity, plugins.c.publisher, plugins.c.created_at_ms, plugins.c.created_by)


@dataclass(frozen=True, slots=True)
class Published:
    """An enabled version as a page's session gets it. ``grants``: what was agreed to, of what its manifest asks for."""

    built: BuiltPlugin
    grants: tuple[str, ...]


def tell_nobody(_tenant: str, _plugin: str) -> None:
    """For a registry beside which nobody remembers plugins."""


class Registry:
    """``now_ms()``: epoch milliseconds. ``changed(tenant, id@version)`` hears of each change of state or grant."""

    def __init__(
        self, database: Database, *, now_ms: Callable[[], int], changed: Callable[[str, str], None] = tell_nobody
    ) -> None:
        self._database = database
        self._now_ms = now_ms
        self._changed = changed

    async def add(self, principal: Principal, sent: Submission) -> tuple[dict[str, object], bool]:
        """Register a version as a draft; the same content again changes nothing. The version, and whether it is new.

        Raises `SandboxError` ``VERSION_EXISTS``, ``SIGNATURE_INVALID``.
        """
        return await _again_if_raced(lambda: self._add(principal, sent))

    async def _add(self, principal: Principal, sent: Submission) -> tuple[dict[str, object], bool]:
        key = (principal.tenant, sent.manifest.plugin_id, sent.manifest.version)
        async with self._database.begin() as connection:
            await self._check_signature(connection, principal.tenant, sent)
            known = await _row(connection, *key)
            if known is not None and known.identity != sent.identity:
                raise SandboxError(Code.VERSION_EXISTS)
            if known is None:
                await connection.execute(plugins.insert().values(
                    tenant=key[0], plugin_id=key[1], version=key[2], state=DRAFT,
                    manifest=json.dumps(sent.manifest.raw), bundle=sent.bundle, bundle_sha256=sent.bundle_sha256,
                    identity=sent.identity, publisher=sent.publisher or None, created_at_ms=self._now_ms(),
                    created_by=principal.subject))
            elif known.state == REMOVED:
                await connection.execute(_update(*key).values(state=DRAFT, bundle=sent.bundle))
            is_new = known is None or known.state == REMOVED
            if is_new:
                await record(connection, principal, "plugin.add", sent.manifest.key, self._now_ms(), {
                    "identity": sent.identity, "publisher": sent.publisher})
            return await self._shown(connection, *key), is_new

    async def list(self, tenant: str) -> list[dict[str, object]]:
        """Every version that was not removed, by id and by version, the highest first."""
        async with self._database.begin() as connection:
            rows = (await connection.execute(
                sa.select(*_SHOWN).where(plugins.c.tenant == tenant, plugins.c.state != REMOVED))).all()
            agreed = await _grants(connection, tenant)
        ordered = sorted(rows, key=lambda row: precedence(row.version), reverse=True)
        return [_as_json(row, agreed) for row in sorted(ordered, key=lambda row: row.plugin_id)]

    async def get(self, tenant: str, plugin_id: str, version: str) -> dict[str, object]:
        """Raises `SandboxError` ``PLUGIN_NOT_FOUND``."""
        async with self._database.begin() as connection:
            return await self._shown(connection, tenant, plugin_id, version)

    async def set_state(self, principal: Principal, plugin_id: str, version: str, state: str) -> dict[str, object]:
        """Enable, disable or block. Raises `SandboxError` ``PLUGIN_NOT_FOUND``, ``INPUT_INVALID``."""
        if state not in STATES:
            raise SandboxError(Code.INPUT_INVALID, "a version's state cannot be set so", details=[
                Problem("$.state", f"is not one of {', '.join(STATES)}", f'send {{"state": "{ENABLED}"}} or another')])
        key = (principal.tenant, plugin_id, version)
        async with self._database.begin() as connection:
            before = await _present(connection, *key)
            await connection.execute(_update(*key).values(state=state))
            if BLOCKED in (before.state, state) and before.state != state:
                await raise_revision(connection, principal.tenant)
            await record(connection, principal, f"plugin.{state}", f"{plugin_id}@{version}", self._now_ms(), {
                "before": before.state})
            shown = await self._shown(connection, *key)
        self._changed(principal.tenant, f"{plugin_id}@{version}")
        return shown

    async def remove(self, principal: Principal, plugin_id: str, version: str) -> None:
        """Its bundle goes, its identity stays, so that nothing else can come under its name.

        Raises `SandboxError` ``PLUGIN_NOT_FOUND``, and ``INPUT_INVALID`` for one that is enabled or blocked.
        """
        key = (principal.tenant, plugin_id, version)
        async with self._database.begin() as connection:
            before = await _present(connection, *key)
            if before.state not in (DRAFT, DISABLED):
                raise SandboxError(Code.INPUT_INVALID, f"a version that is {before.state} cannot be removed", details=[
                    Problem("$.state", f"is {before.state}", 'disable it first: PATCH {"state": "disabled"}')])
            await connection.execute(_update(*key).values(state=REMOVED, bundle=b""))
            await connection.execute(sa.delete(grants).where(
                grants.c.tenant == key[0], grants.c.plugin_id == plugin_id, grants.c.version == version))
            await record(connection, principal, "plugin.remove", f"{plugin_id}@{version}", self._now_ms())
        self._changed(principal.tenant, f"{plugin_id}@{version}")

    async def grant(
        self, principal: Principal, plugin_id: str, version: str, permissions: Sequence[str], identity: str
    ) -> dict[str, object]:
        """Agree to these permissions of exactly this manifest and bundle; it replaces what was agreed to before.

        Raises `SandboxError` ``PLUGIN_NOT_FOUND``, ``CONSENT_STALE``, ``INPUT_INVALID`` for what it does not ask for.
        """
        return await _again_if_raced(lambda: self._grant(principal, plugin_id, version, permissions, identity))

    async def _grant(
        self, principal: Principal, plugin_id: str, version: str, permissions: Sequence[str], identity: str
    ) -> dict[str, object]:
        key = (principal.tenant, plugin_id, version)
        async with self._database.begin() as connection:
            row = await _present(connection, *key)
            if row.identity != identity:
                raise SandboxError(Code.CONSENT_STALE)
            declared = parse_manifest(json.loads(row.manifest)).permissions
            if undeclared := sorted(set(permissions) - set(declared)):
                raise SandboxError(Code.INPUT_INVALID, "the manifest does not ask for all of this", details=[
                    Problem("$.permissions", f"{name} is not in the manifest", "grant what it declares")
                    for name in undeclared])
            await connection.execute(sa.delete(grants).where(
                grants.c.tenant == key[0], grants.c.plugin_id == plugin_id, grants.c.version == version))
            await connection.execute(grants.insert().values(
                tenant=key[0], plugin_id=plugin_id, version=version, identity=identity,
                permissions=json.dumps(sorted(permissions)), granted_at_ms=self._now_ms(),
                granted_by=principal.subject))
            await record(connection, principal, "plugin.grant", f"{plugin_id}@{version}", self._now_ms(), {
                "permissions": sorted(permissions), "identity": identity})
            shown = await self._shown(connection, *key)
        self._changed(principal.tenant, f"{plugin_id}@{version}")
        return shown

    async def published(self, tenant: str, plugin_id: str, version: str) -> Published:
        """What a page loads: this enabled version, or the highest one for ``latest``.

        Raises `SandboxError` ``PLUGIN_NOT_FOUND`` or ``PLUGIN_BLOCKED``.
        """
        async with self._database.begin() as connection:
            rows = (await connection.execute(sa.select(plugins.c.version, plugins.c.state).where(
                plugins.c.tenant == tenant, plugins.c.plugin_id == plugin_id))).all()
            asked = [row for row in rows if version in (LATEST, row.version)]
            enabled = [row.version for row in asked if row.state == ENABLED]
            if not enabled:
                if any(row.state == BLOCKED for row in asked):
                    raise SandboxError(Code.PLUGIN_BLOCKED, f"{plugin_id}@{version} is blocked: load another version")
                raise SandboxError(Code.PLUGIN_NOT_FOUND, "no plugin of this id and version is enabled here")
            row = await _present(connection, tenant, plugin_id, max(enabled, key=precedence))
            agreed = await _grants(connection, tenant)
        manifest = parse_manifest(json.loads(row.manifest))
        granted = agreed.get((plugin_id, row.version, row.identity), ())
        built = BuiltPlugin(manifest, bytes(row.bundle), row.bundle_sha256)
        return Published(built, tuple(name for name in manifest.permissions if name in granted))

    async def permissions(self, tenant: str) -> tuple[str, ...]:
        """Every permission that was agreed to for some enabled version: what a session of the tenant may hold."""
        async with self._database.begin() as connection:
            rows = await connection.execute(
                sa.select(grants.c.permissions)
                .join(plugins, sa.and_(*(
                    plugins.c[name] == grants.c[name] for name in ("tenant", "plugin_id", "version", "identity"))))
                .where(plugins.c.tenant == tenant, plugins.c.state == ENABLED))
            return tuple(sorted({name for row in rows for name in json.loads(row.permissions)}))

    async def _check_signature(self, connection: AsyncConnection, tenant: str, sent: Submission) -> None:
        if not sent.publisher:
            return
        key = (await connection.execute(sa.select(publishers.c.public_key).where(
            publishers.c.tenant == tenant, publishers.c.name == sent.publisher))).scalar_one_or_none()
        if key is None:
            raise SandboxError(Code.INPUT_INVALID, "the publisher is not registered", details=[
                Problem("$.publisher", "is no registered publisher", "register its key: POST /api/v2/publishers")])
        verify(key, sent.signature, sent.identity)

    async def _shown(self, connection: AsyncConnection, tenant: str, plugin_id: str, version: str) -> dict[str, object]:
        row = await _present(connection, tenant, plugin_id, version)
        return _as_json(row, await _grants(connection, tenant))


async def _again_if_raced(work: Callable[[], Awaitable[_T]]) -> _T:
    """``work``, once more where another wrote the same row between its look and its own write."""
    try:
        return await work()
    except sa_exc.IntegrityError:
        return await work()


def _update(tenant: str, plugin_id: str, version: str) -> sa.Update:
    return sa.update(plugins).where(
        plugins.c.tenant == tenant, plugins.c.plugin_id == plugin_id, plugins.c.version == version)


async def _row(connection: AsyncConnection, tenant: str, plugin_id: str, version: str) -> sa.Row[Any] | None:
    return (await connection.execute(sa.select(plugins).where(
        plugins.c.tenant == tenant, plugins.c.plugin_id == plugin_id, plugins.c.version == version))).one_or_none()


async def _present(connection: AsyncConnection, tenant: str, plugin_id: str, version: str) -> sa.Row[Any]:
    row = await _row(connection, tenant, plugin_id, version)
    if row is None or row.state == REMOVED:
        raise SandboxError(Code.PLUGIN_NOT_FOUND, "no plugin of this id and exact version is registered")
    return row


_Agreed = dict[tuple[str, str, str], tuple[str, ...]]


async def _grants(connection: AsyncConnection, tenant: str) -> _Agreed:
    """By id, version and identity: an agreement to other bytes is none."""
    rows = await connection.execute(sa.select(grants).where(grants.c.tenant == tenant))
    return {(row.plugin_id, row.version, row.identity): tuple(json.loads(row.permissions)) for row in rows}


def _as_json(row: sa.Row[*tuple[Any, ...]], agreed: _Agreed) -> dict[str, object]:
    manifest = parse_manifest(json.loads(row.manifest))
    granted = agreed.get((row.plugin_id, row.version, row.identity))
    return {
        "pluginId": row.plugin_id, "version": row.version, "state": row.state, "bundleSha256": row.bundle_sha256,
        "identity": row.identity, "publisher": row.publisher, "createdAt": row.created_at_ms,
        "createdBy": row.created_by, "permissions": list(manifest.permissions),
        "granted": None if granted is None else list(granted)}
