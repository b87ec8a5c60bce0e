"""Keys that turn over, a feed of revocations, a sealed audit log, deliveries, hosts behind proxies.

Revision 0004, after 0003. It only adds: the version before runs beside it.
"""

import sqlalchemy as sa
from alembic import op

from dhq_auth.db import Timestamp

revision = "0004"
down_revision = "0003"
works_with = "0003"


def upgrade() -> None:
    """Add what several replicas need."""
    _extend_keys()
    _extend_audit()
    duties = op.create_table(
        "duties",
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("counter", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_duties"),
    )
    op.bulk_insert(duties, [{"name": name, "counter": 0} for name in ("audit", "revocations")])
    _make_revocation_feed()
    _make_permission_grants()
    _make_deliveries()
    _make_host_sessions()
    op.add_column("login_codes", sa.Column("handed_to", sa.String(300)))
    op.create_table(
        "compatibility",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("oldest", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_compatibility"),
    )


def _extend_keys() -> None:
    op.add_column("signing_keys", sa.Column("signs_from", Timestamp))
    op.add_column("signing_keys", sa.Column("longest_lifetime", sa.Integer))
    op.add_column("signing_keys", sa.Column("used_at", Timestamp))
    op.create_table(
        "given_keys",
        sa.Column("kid", sa.String(64), nullable=False),
        sa.Column("public_key", sa.Text, nullable=False),
        sa.Column("used_at", Timestamp, nullable=False),
        sa.Column("longest_lifetime", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("kid", name="pk_given_keys"),
    )
    op.create_table(
        "secrets",
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("created_at", Timestamp, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_secrets"),
    )


def _extend_audit() -> None:
    op.add_column("audit_events", sa.Column("actor", sa.String(128)))
    op.create_index("ix_audit_events_actor", "audit_events", ["actor"])
    op.add_column("audit_events", sa.Column("position", sa.BigInteger))
    op.add_column("audit_events", sa.Column("hash", sa.String(64)))
    op.create_index("uq_audit_events_position", "audit_events", ["position"], unique=True)
    unsealed = sa.text("position IS NULL")
    op.create_index(
        "ix_audit_events_unsealed",
        "audit_events",
        ["id"],
        sqlite_where=unsealed,
        postgresql_where=unsealed,
    )
    op.create_table(
        "audit_seals",
        sa.Column("position", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("previous", sa.BigInteger, nullable=False),
        sa.Column("sealed_at", Timestamp, nullable=False),
        sa.Column("pruned_at", Timestamp),
        sa.Column("mac", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_audit_seals"),
    )


def _make_revocation_feed() -> None:
    op.create_table(
        "revocation_feed",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("position", sa.BigInteger),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("value", sa.String(128), nullable=False),
        sa.Column("revoked_at", Timestamp, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_revocation_feed"),
    )
    op.create_index("uq_revocation_feed_position", "revocation_feed", ["position"], unique=True)
    op.create_index("ix_revocation_feed_revoked_at", "revocation_feed", ["revoked_at"])


def _make_permission_grants() -> None:
    op.create_table(
        "permission_grants",
        sa.Column("user_id", sa.String(128), nullable=False),
        sa.Column("service", sa.String(255), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("granted_at", Timestamp, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "service", name="pk_permission_grants"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_permission_grants_user_id", ondelete="CASCADE"
        ),
    )


def _make_deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("destination", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("made_at", Timestamp, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("tried_at", Timestamp, nullable=False),
        sa.Column("due_at", Timestamp),
        sa.Column("delivered_at", Timestamp),
        sa.Column("given_up_at", Timestamp),
        sa.Column("error", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
    )
    op.create_index("ix_deliveries_destination_due_at", "deliveries", ["destination", "due_at"])
    op.create_index("ix_deliveries_made_at", "deliveries", ["made_at"])


def _make_host_sessions() -> None:
    op.create_table(
        "host_sessions",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("session_id", sa.String(64), nullable=False),
        sa.Column("origin", sa.String(300), nullable=False),
        sa.Column("created_at", Timestamp, nullable=False),
        sa.Column("expires_at", Timestamp),
        sa.PrimaryKeyConstraint("digest", name="pk_host_sessions"),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name="fk_host_sessions_session_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_host_sessions_session_id", "host_sessions", ["session_id"])
    op.create_index("ix_host_sessions_expires_at", "host_sessions", ["expires_at"])
