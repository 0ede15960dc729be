"""How far each destination of telemetry's export has got."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "telemetry_exports",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("gap", sa.BigInteger, nullable=False),
        sa.Column("holder", sa.String(32), nullable=False),
        sa.Column("lease_until_ms", sa.BigInteger, nullable=False))


def downgrade() -> None:
    """Drop it: every destination begins with what comes from then on."""
    op.drop_table("telemetry_exports")
