"""A tenant's revision: a number that grows whenever what is blocked changes, so that pages can ask what is new."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as insert_postgres
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from pysandbox.gateway.store.tables import revisions


async def revision(connection: AsyncConnection, tenant: str) -> int:
    """1 where nothing ever changed."""
    found = await connection.execute(sa.select(revisions.c.revision).where(revisions.c.tenant == tenant))
    return found.scalar_one_or_none() or 1


async def raise_revision(connection: AsyncConnection, tenant: str) -> None:
    """By one; whoever does so at the same time waits."""
    insert = insert_sqlite if connection.dialect.name == "sqlite" else insert_postgres
    await connection.execute(insert(revisions).values(tenant=tenant, revision=2).on_conflict_do_update(
        index_elements=[revisions.c.tenant], set_={"revision": revisions.c.revision + 1}))
