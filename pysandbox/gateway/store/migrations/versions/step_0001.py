"""The first tables: registry, grants, routes, sessions, audit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make them."""
    name, text, number = sa.String(200), sa.Text, sa.BigInteger
    op.create_table(
        "plugins",
        sa.Column("tenant", name, primary_key=True),
        sa.Column("plugin_id", name, primary_key=True),
        sa.Column("version", name, primary_key=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("manifest", text, nullable=False),
        sa.Column("bundle", sa.LargeBinary, nullable=False),
        sa.Column("bundle_sha256", sa.String(64), nullable=False),
        sa.Column("identity", sa.String(64), nullable=False),
        sa.Column("publisher", name),
        sa.Column("created_at_ms", number, nullable=False),
        sa.Column("created_by", name, nullable=False))
    op.create_table(
        "publishers",
        sa.Column("tenant", name, primary_key=True),
        sa.Column("name", name, primary_key=True),
        sa.Column("public_key", sa.String(64), nullable=False),
        sa.Column("created_at_ms", number, nullable=False))
    op.create_table(
        "grants",
        sa.Column("tenant", name, primary_key=True),
        sa.Column("plugin_id", name, primary_key=True),
        sa.Column("version", name, primary_key=True),
        sa.Column("identity", sa.String(64), nullable=False),
        sa.Column("permissions", text, nullable=False),
        sa.Column("granted_at_ms", number, nullable=False),
        sa.Column("granted_by", name, nullable=False))
    op.create_table(
        "routes",
        sa.Column("tenant", name, primary_key=True),
        sa.Column("name", name, primary_key=True),
        sa.Column("body", text, nullable=False),
        sa.Column("updated_at_ms", number, nullable=False))
    op.create_table(
        "sessions",
        sa.Column("token_sha256", sa.String(64), primary_key=True),
        sa.Column("tenant", name, nullable=False),
        sa.Column("session_id", sa.String(32), nullable=False),
        sa.Column("subject", name, nullable=False),
        sa.Column("grants", text, nullable=False),
        sa.Column("nonce_seed", sa.String(64), nullable=False),
        sa.Column("allowed_origins", text, nullable=False),
        sa.Column("created_at_ms", number, nullable=False),
        sa.Column("used_at_ms", number, nullable=False),
        sa.Column("expires_at_ms", number, nullable=False))
    op.create_index("sessions_by_id", "sessions", ["tenant", "session_id"])
    op.create_index("sessions_by_end", "sessions", ["expires_at_ms"])
    op.create_table(
        "audit",
        sa.Column("id", number().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("tenant", name, nullable=False),
        sa.Column("at_ms", number, nullable=False),
        sa.Column("actor", name, nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("target", sa.String(500), nullable=False),
        sa.Column("detail", text, nullable=False))
    op.create_index("audit_by_target", "audit", ["tenant", "target"])
    op.create_table(
        "revisions",
        sa.Column("tenant", name, primary_key=True),
        sa.Column("revision", number, nullable=False))


def downgrade() -> None:
    """Drop them, and all that is in them."""
    for table in ("revisions", "audit", "sessions", "routes", "grants", "publishers", "plugins"):
        op.drop_table(table)
