"""Counts of times that are over, packed; and indexes in the order in which records are read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
BEFORE = {"telemetry_by_time": ("tenant", "at_ms"), "telemetry_by_plugin": ("tenant", "plugin_id", "at_ms")}
AFTER = {"telemetry_by_tenant": ("tenant", "seq"), "telemetry_by_plugin": ("tenant", "plugin_id", "seq")}


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "telemetry_packed",
        sa.Column("tenant", sa.String(200), primary_key=True),
        sa.Column("step_s", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("of", sa.String(16), primary_key=True),
        sa.Column("at_s", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("name", sa.String(2000), primary_key=True),
        sa.Column("body", sa.Text, nullable=False))
    op.create_index("telemetry_packed_by_age", "telemetry_packed", ["step_s", "at_s"])
    _replace(BEFORE, AFTER)


def downgrade() -> None:
    """Drop them, and the figures of times that are over with them."""
    _replace(AFTER, BEFORE)
    op.drop_table("telemetry_packed")


def _replace(old: dict[str, tuple[str, ...]], new: dict[str, tuple[str, ...]]) -> None:
    for name in old:
        op.drop_index(name, "telemetry_records")
    for name, columns in new.items():
        op.create_index(name, "telemetry_records", list(columns))
