"""The store opens, migrates, and says so when it cannot. PostgreSQL's part is in tests/integration/gateway."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.store.database import Database
from pysandbox.gateway.store.tables import metadata, revisions


def difference(connection: sa.Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), metadata))



def test_the_migrations_make_the_tables_that_the_code_uses(tmp_path: Path) -> None:
    async def run() -> None:
        database = Database.open(f"sqlite:///{tmp_path}/below/gateway.db")
        await database.migrate()
        await database.migrate()  # nothing is done twice
        async with database.begin() as connection:
            assert await connection.run_sync(difference) == []
        await database.close()

    asyncio.run(run())


def test_control_a_table_that_no_migration_makes_is_noticed(tmp_path: Path) -> None:
    async def run() -> None:
        database = Database.open(f"sqlite:///{tmp_path}/gateway.db")
        await database.migrate()
        async with database.begin() as connection:
            await connection.run_sync(revisions.drop)
        async with database.begin() as connection:
            assert len(await connection.run_sync(difference)) == 1
        await database.close()

    asyncio.run(run())


async def write_and_fail(database: Database) -> None:
    async with database.begin() as connection:
        await connection.execute(revisions.insert().values(tenant="acme", revision=1))
        raise ZeroDivisionError


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    async def run() -> None:
        database = Database.open(f"sqlite:///{tmp_path}/gateway.db")
        await database.migrate()
        with pytest.raises(ZeroDivisionError):
            await write_and_fail(database)
        async with database.begin() as connection:
            assert (await connection.execute(sa.select(revisions))).all() == []
        await database.close()

    asyncio.run(run())


@pytest.mark.parametrize("url", ["mysql://host/db", "gateway.db", "", "sqlite://", "postgresql://"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(SandboxError) as refused:
        Database.open(url)
    assert refused.value.code is Code.INPUT_INVALID


def test_a_database_that_cannot_be_reached_is_a_coded_error(tmp_path: Path) -> None:
    (tmp_path / "gateway.db").mkdir()  # a folder is no file

    async def run() -> None:
        database = Database.open(f"sqlite:///{tmp_path}/gateway.db")
        try:
            await database.migrate()
        finally:
            await database.close()
            for thread in threading.enumerate():  # the driver's, which has a last word for this loop
                if thread is not threading.main_thread():
                    await asyncio.to_thread(thread.join, 5)

    with pytest.raises(SandboxError) as refused:
        asyncio.run(run())
    assert refused.value.code is Code.STATE_UNAVAILABLE
    assert str(tmp_path) not in refused.value.message
