"""A registry over SQLite in a folder, and plugin versions to put into it."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from pysandbox.core.bundle import build_bundle
from pysandbox.gateway.auth.principal import Principal
from pysandbox.gateway.registry import Registry
from pysandbox.gateway.store.database import Database
from tests.unit.gateway.fake_plugin import MANIFEST, SOURCE

T = TypeVar("T")
ADMIN = Principal("ada", "acme", frozenset({"application:plugin:manage", "integration:edit"}), 2_000_000_000_000)
OTHER = Principal("eve", "other", ADMIN.scopes, ADMIN.expires_at_ms)
NAME = "com.vendor.risk-scoring"
NOW_MS = 1_700_000_000_000


@asynccontextmanager
async def database(folder: Path) -> AsyncGenerator[Database]:
    opened = Database.open(f"sqlite:///{folder}/gateway.db")
    await opened.migrate()
    try:
        yield opened
    finally:
        await opened.close()


def with_database(folder: Path, work: Callable[[Database], Awaitable[T]]) -> T:
    async def run() -> T:
        async with database(folder) as opened:
            return await work(opened)

    return asyncio.run(run())


def with_registry(folder: Path, work: Callable[[Registry, Database], Awaitable[T]]) -> T:
    return with_database(folder, lambda opened: work(Registry(opened, now_ms=lambda: NOW_MS), opened))


def sent(version: str = "2.1.0", source: str = SOURCE, **more: Any) -> dict[str, Any]:
    """The body of a registration. ``more`` replaces its keys."""
    manifest = {**MANIFEST, "version": version}
    bundle = build_bundle({"manifest.json": json.dumps(manifest).encode(), "plugin.py": source.encode()})
    return {"manifest": manifest, "bundle": base64.b64encode(bundle).decode(), **more}
