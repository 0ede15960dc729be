"""Flows, their executions, journals and messages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make them."""
    name, flow_id, text, number = sa.String(200), sa.String(128), sa.Text, sa.BigInteger
    op.create_table(
        "flows",
        sa.Column("tenant", name, primary_key=True),
        sa.Column("flow_id", flow_id, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("body", text, nullable=False),
        sa.Column("digest", sa.String(71), nullable=False),
        sa.Column("created_at_ms", number, nullable=False),
        sa.Column("created_by", name, nullable=False),
        sa.Column("removed_at_ms", number))
    op.create_table(
        "flow_executions",
        sa.Column("execution_id", sa.String(32), primary_key=True),
        sa.Column("tenant", name, nullable=False),
        sa.Column("flow_id", flow_id, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("called", text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("holder", sa.String(32), nullable=False),
        sa.Column("lease_until_ms", number, nullable=False),
        sa.Column("started_at_ms", number, nullable=False),
        sa.Column("ended_at_ms", number),
        sa.Column("error_code", sa.String(64)))
    op.create_index("flow_executions_by_lease", "flow_executions", ["state", "lease_until_ms"])
    op.create_index("flow_executions_by_holder", "flow_executions", ["state", "holder"])
    op.create_index("flow_executions_by_end", "flow_executions", ["ended_at_ms"])
    op.create_table(
        "flow_events",
        sa.Column("execution_id", sa.String(32), primary_key=True),
        sa.Column("n", sa.Integer, primary_key=True),
        sa.Column("body", text, nullable=False))
    op.create_table(
        "flow_messages",
        sa.Column("id", number().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("execution_id", sa.String(32), nullable=False),
        sa.Column("body", text, nullable=False))
    op.create_index("flow_messages_by_execution", "flow_messages", ["execution_id"])


def downgrade() -> None:
    """Drop them, and all that is in them."""
    for table in ("flow_messages", "flow_events", "flow_executions", "flows"):
        op.drop_table(table)
