"""Telemetry: records, and what is counted of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make them."""
    name, number = sa.String(200), sa.BigInteger
    op.create_table(
        "telemetry_records",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("tenant", name, nullable=False),
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("received_ms", number, nullable=False),
        sa.Column("at_ms", number, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("plugin_id", name, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("duration_ms", sa.Float, nullable=False),
        sa.Column("correlation_id", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(76), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sqlite_autoincrement=True)
    op.create_index("telemetry_by_id", "telemetry_records", ["tenant", "id"], unique=True)
    op.create_index("telemetry_by_time", "telemetry_records", ["tenant", "at_ms"])
    op.create_index("telemetry_by_plugin", "telemetry_records", ["tenant", "plugin_id", "at_ms"])
    op.create_index("telemetry_by_correlation", "telemetry_records", ["tenant", "correlation_id"])
    op.create_index("telemetry_by_subject", "telemetry_records", ["tenant", "subject"])
    op.create_index("telemetry_by_age", "telemetry_records", ["at_ms"])
    op.create_table(
        "telemetry_counts",
        sa.Column("tenant", name, primary_key=True),
        sa.Column("step_s", sa.Integer, primary_key=True),
        sa.Column("at_s", number, primary_key=True),
        sa.Column("plugin_id", name, primary_key=True),
        sa.Column("queue", sa.String(128), primary_key=True),
        sa.Column("environment", sa.String(64), primary_key=True),
        sa.Column("context", sa.String(16), primary_key=True),
        sa.Column("measure", sa.String(80), primary_key=True),
        sa.Column("bucket", sa.Integer, primary_key=True),
        sa.Column("vendor", name, nullable=False),
        sa.Column("count", number, nullable=False),
        sa.Column("total", sa.Float, nullable=False),
        sqlite_with_rowid=False)
    op.create_index("telemetry_counts_by_age", "telemetry_counts", ["step_s", "at_s"])
    op.create_table(
        "telemetry_alerts",
        sa.Column("tenant", name, primary_key=True),
        sa.Column("rule", sa.String(64), primary_key=True),
        sa.Column("grp", name, primary_key=True),
        sa.Column("since_s", number, nullable=False),
        sa.Column("value", sa.Float, nullable=False),
        sa.Column("ended_s", number),
        sa.Column("told", sa.Boolean, nullable=False))
