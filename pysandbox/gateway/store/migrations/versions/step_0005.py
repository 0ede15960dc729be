"""Indexes of the few records that somebody looks for among all: what failed, and alerts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
INDEXES = {
    "telemetry_failed": ("status", "status NOT IN ('', 'ok')"), "telemetry_alerted": ("kind", "kind = 'alert'")}


def upgrade() -> None:
    """Make them."""
    for name, (column, of) in INDEXES.items():
        op.create_index(
            name, "telemetry_records", ["tenant", column, "seq"], sqlite_where=sa.text(of),
            postgresql_where=sa.text(of))


def downgrade() -> None:
    """Drop them."""
    for name in INDEXES:
        op.drop_index(name, "telemetry_records")
