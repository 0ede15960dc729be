"""Alembic's entry: runs the migrations on the connection that `Database.migrate` brings."""

from __future__ import annotations

from alembic import context

from pysandbox.gateway.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
