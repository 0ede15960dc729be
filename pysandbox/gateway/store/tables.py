"""Every table. Times are epoch milliseconds; JSON is kept as text, so both databases hold the same bytes.

Changing one means a new file in `migrations/versions`; a test compares the two.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

metadata: Final = sa.MetaData()


def _name(length: int = 200) -> sa.String:
    return sa.String(length)


plugins: Final = sa.Table(
    "plugins", metadata,
    sa.Column("tenant", _name(), primary_key=True),
    sa.Column("plugin_id", _name(), primary_key=True),
    sa.Column("version", _name(), primary_key=True),
    sa.Column("state", _name(16), nullable=False),
    sa.Column("manifest", sa.Text, nullable=False),
    sa.Column("bundle", sa.LargeBinary, nullable=False),
    sa.Column("bundle_sha256", _name(64), nullable=False),
    sa.Column("identity", _name(64), nullable=False),  # of manifest and bundle: what consent is bound to
    sa.Column("publisher", _name()),
    sa.Column("created_at_ms", sa.BigInteger, nullable=False),
    sa.Column("created_by", _name(), nullable=False),
)
publishers: Final = sa.Table(
    "publishers", metadata,
    sa.Column("tenant", _name(), primary_key=True),
    sa.Column("name", _name(), primary_key=True),
    sa.Column("public_key", _name(64), nullable=False),  # Ed25519, hex
    sa.Column("created_at_ms", sa.BigInteger, nullable=False),
)
grants: Final = sa.Table(
    "grants", metadata,
    sa.Column("tenant", _name(), primary_key=True),
    sa.Column("plugin_id", _name(), primary_key=True),
    sa.Column("version", _name(), primary_key=True),
    sa.Column("identity", _name(64), nullable=False),
    sa.Column("permissions", sa.Text, nullable=False),
    sa.Column("granted_at_ms", sa.BigInteger, nullable=False),
    sa.Column("granted_by", _name(), nullable=False),
)
routes: Final = sa.Table(
    "routes", metadata,
    sa.Column("tenant", _name(), primary_key=True),
    sa.Column("name", _name(), primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("updated_at_ms", sa.BigInteger, nullable=False),
)
sessions: Final = sa.Table(
    "sessions", metadata,
    sa.Column("token_sha256", _name(64), primary_key=True),
    sa.Column("tenant", _name(), nullable=False),
    sa.Column("session_id", _name(32), nullable=False),
    sa.Column("subject", _name(), nullable=False),
    sa.Column("grants", sa.Text, nullable=False),
    sa.Column("nonce_seed", _name(64), nullable=False),
    sa.Column("allowed_origins", sa.Text, nullable=False),
    sa.Column("created_at_ms", sa.BigInteger, nullable=False),
    sa.Column("used_at_ms", sa.BigInteger, nullable=False),
    sa.Column("expires_at_ms", sa.BigInteger, nullable=False),
    sa.Index("sessions_by_id", "tenant", "session_id"),
    sa.Index("sessions_by_end", "expires_at_ms"),
)
audit: Final = sa.Table(
    "audit", metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("tenant", _name(), nullable=False),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
    sa.Column("actor", _name(), nullable=False),
    sa.Column("action", _name(64), nullable=False),
    sa.Column("target", sa.String(500), nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Index("audit_by_target", "tenant", "target"),
)
revisions: Final = sa.Table(
    "revisions", metadata,
    sa.Column("tenant", _name(), primary_key=True),
    sa.Column("revision", sa.BigInteger, nullable=False),
)
