"""The store over a real PostgreSQL."""

from __future__ import annotations

import asyncio

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.store.database import Database
from pysandbox.gateway.store.tables import metadata
from tests.integration.services import Service


def test_two_replicas_migrate_at_once(postgres: Service) -> None:
    async def run() -> None:
        replicas = [Database.open(postgres.url) for _ in range(2)]
        await asyncio.gather(*(replica.migrate() for replica in replicas))
        async with replicas[0].begin() as connection:
            assert await connection.run_sync(
                lambda sync: compare_metadata(MigrationContext.configure(sync), metadata)) == []
        for replica in replicas:
            await replica.close()

    asyncio.run(run())


def test_a_server_that_is_gone_is_a_coded_error_until_it_is_back(postgres: Service) -> None:
    async def run() -> None:
        database = Database.open(postgres.url)
        await database.migrate()
        postgres.stop()
        with pytest.raises(SandboxError) as refused:
            await database.migrate()
        assert refused.value.code is Code.STATE_UNAVAILABLE
        postgres.start()
        await database.migrate()
        await database.close()

    asyncio.run(run())
