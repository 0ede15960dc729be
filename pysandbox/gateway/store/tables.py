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
telemetry_records: Final = sa.Table(
    "telemetry_records", metadata,
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("tenant", _name(), nullable=False),
    sa.Column("id", _name(32), nullable=False),
    sa.Column("received_ms", sa.BigInteger, nullable=False),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
    sa.Column("kind", _name(16), nullable=False),
    sa.Column("plugin_id", _name(), nullable=False),
    sa.Column("status", _name(16), nullable=False),
    sa.Column("duration_ms", sa.Float, nullable=False),
    sa.Column("correlation_id", _name(64), nullable=False),
    sa.Column("subject", _name(76), nullable=False),  # hashed
    sa.Column("body", sa.Text, nullable=False),
    sa.Index("telemetry_by_id", "tenant", "id", unique=True),
    sa.Index("telemetry_by_tenant", "tenant", "seq"),
    sa.Index("telemetry_by_plugin", "tenant", "plugin_id", "seq"),
    sa.Index("telemetry_by_correlation", "tenant", "correlation_id"),
    sa.Index("telemetry_by_subject", "tenant", "subject"),
    sa.Index("telemetry_by_age", "at_ms"),
    *(sa.Index(name, "tenant", column, "seq", sqlite_where=sa.text(of), postgresql_where=sa.text(of))
      for name, column, of in (
          ("telemetry_failed", "status", "status NOT IN ('', 'ok')"), ("telemetry_alerted", "kind", "kind = 'alert'"))),
    sqlite_autoincrement=True,  # a seq is never used again, so that whoever reads on behind one misses nothing
)
telemetry_exports: Final = sa.Table(
    "telemetry_exports", metadata,
    sa.Column("name", _name(64), primary_key=True),
    sa.Column("seq", sa.BigInteger, nullable=False),  # up to which the destination has everything
    sa.Column("gap", sa.BigInteger, nullable=False),  # dropped because it was too far behind, and not told yet
    sa.Column("holder", _name(32), nullable=False),  # the process that sends
    sa.Column("lease_until_ms", sa.BigInteger, nullable=False),
)
telemetry_counts: Final = sa.Table(
    "telemetry_counts", metadata,
    sa.Column("tenant", _name(), primary_key=True),
    sa.Column("step_s", sa.Integer, primary_key=True),  # how long the time is that is counted together
    sa.Column("at_s", sa.BigInteger, primary_key=True),  # when it began
    sa.Column("plugin_id", _name(), primary_key=True),
    sa.Column("queue", _name(128), primary_key=True),
    sa.Column("environment", _name(64), primary_key=True),
    sa.Column("context", _name(16), primary_key=True),
    sa.Column("measure", _name(80), primary_key=True),
    sa.Column("bucket", sa.Integer, primary_key=True),  # of a sketch; 0 for what is only counted
    sa.Column("vendor", _name(), nullable=False),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Column("total", sa.Float, nullable=False),
    sa.Index("telemetry_counts_by_age", "step_s", "at_s"),
    sqlite_with_rowid=False,  # read in the order of the key, which then is the table
)
telemetry_packed: Final = sa.Table(
    "telemetry_packed", metadata,
    sa.Column("tenant", _name(), primary_key=True),
    sa.Column("step_s", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("of", _name(16), primary_key=True),  # by what it is grouped
    sa.Column("at_s", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("name", _name(2000), primary_key=True),  # of the group
    sa.Column("body", sa.Text, nullable=False),  # totals and counts by bucket of each measure, as JSON
    sa.Index("telemetry_packed_by_age", "step_s", "at_s"),
)
telemetry_alerts: Final = sa.Table(
    "telemetry_alerts", metadata,
    sa.Column("tenant", _name(), primary_key=True),
    sa.Column("rule", _name(64), primary_key=True),
    sa.Column("grp", _name(), primary_key=True),
    sa.Column("since_s", sa.BigInteger, nullable=False),
    sa.Column("value", sa.Float, nullable=False),
    sa.Column("ended_s", sa.BigInteger),  # null while it fires
    sa.Column("told", sa.Boolean, nullable=False),  # whether the webhook has taken the last change
)
flows: Final = sa.Table(
    "flows", metadata,
    sa.Column("tenant", _name(), primary_key=True),
    sa.Column("flow_id", _name(128), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("digest", _name(71), nullable=False),
    sa.Column("created_at_ms", sa.BigInteger, nullable=False),
    sa.Column("created_by", _name(), nullable=False),
    sa.Column("removed_at_ms", sa.BigInteger),  # runs that began before still need it
)
flow_executions: Final = sa.Table(
    "flow_executions", metadata,
    sa.Column("execution_id", _name(32), primary_key=True),
    sa.Column("tenant", _name(), nullable=False),
    sa.Column("flow_id", _name(128), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("called", sa.Text, nullable=False),  # versions of the flows that callFlow can name
    sa.Column("state", _name(16), nullable=False),
    sa.Column("holder", _name(32), nullable=False),  # the process that runs it
    sa.Column("lease_until_ms", sa.BigInteger, nullable=False),
    sa.Column("started_at_ms", sa.BigInteger, nullable=False),
    sa.Column("ended_at_ms", sa.BigInteger),
    sa.Column("error_code", _name(64)),
    sa.Index("flow_executions_by_lease", "state", "lease_until_ms"),
    sa.Index("flow_executions_by_holder", "state", "holder"),
    sa.Index("flow_executions_by_end", "ended_at_ms"),
)
flow_events: Final = sa.Table(
    "flow_events", metadata,
    sa.Column("execution_id", _name(32), primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
)
flow_messages: Final = sa.Table(
    "flow_messages", metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("execution_id", _name(32), nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Index("flow_messages_by_execution", "execution_id"),
)
