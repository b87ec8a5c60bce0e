"""The first schema; a database of dhq-auth 0.1.6 becomes one of ours, ids and usernames kept.

Revision 0001, after nothing.
"""

import secrets
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from dhq_auth.db import Timestamp
from dhq_auth.migrations import legacy

revision = "0001"
down_revision = None

_LEGACY = "users_of_0_1_6"

_BATCH = 1000


def upgrade() -> None:
    """Make the tables, and take over the users of 0.1.6 if there are any."""
    takes_over = legacy.holds_users(op.get_bind())
    if takes_over:
        op.rename_table("users", _LEGACY)
    _make_users()
    _make_sessions()
    _make_keys()
    _make_logins()
    _make_audit()
    if takes_over:
        _take_over()
        op.drop_table(_LEGACY)


def _make_users() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.String(128), nullable=False),
        sa.Column("idhash", sa.String(32), nullable=False),
        sa.Column("username", sa.Text),
        sa.Column("username_key", sa.Text),
        sa.Column("name", sa.Text),
        sa.Column("email", sa.Text),
        sa.Column("email_verified", sa.Boolean, nullable=False),
        sa.Column("verified_email_key", sa.Text),
        sa.Column("avatar_url", sa.Text),
        sa.Column("provider_id", sa.String(400)),
        sa.Column("is_admin", sa.Boolean, nullable=False),
        sa.Column("is_active", sa.Boolean, nullable=False),
        sa.Column("created_at", Timestamp, nullable=False),
        sa.Column("updated_at", Timestamp, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("username_key", name="uq_users_username_key"),
        sa.UniqueConstraint("verified_email_key", name="uq_users_verified_email_key"),
    )
    op.create_index("ix_users_provider_id", "users", ["provider_id"])
    op.create_table(
        "identities",
        sa.Column("issuer", sa.String(255), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("user_id", sa.String(128), nullable=False),
        sa.Column("provider", sa.String(32), nullable=False),
        sa.Column("linked_at", Timestamp, nullable=False),
        sa.Column("last_login_at", Timestamp, nullable=False),
        sa.PrimaryKeyConstraint("issuer", "subject", name="pk_identities"),
        _of_user("identities"),
    )
    op.create_index("ix_identities_user_id", "identities", ["user_id"])


def _make_sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(128), nullable=False),
        sa.Column("provider", sa.String(32), nullable=False),
        sa.Column("created_at", Timestamp, nullable=False),
        sa.Column("expires_at", Timestamp),
        sa.Column("keep_until", Timestamp),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sa.UniqueConstraint("digest", name="uq_sessions_digest"),
        _of_user("sessions"),
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])
    op.create_index("ix_sessions_keep_until", "sessions", ["keep_until"])


def _make_keys() -> None:
    op.create_table(
        "signing_keys",
        sa.Column("kid", sa.String(64), nullable=False),
        sa.Column("purpose", sa.String(16), nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("private_key", sa.Text, nullable=False),
        sa.Column("created_at", Timestamp, nullable=False),
        sa.PrimaryKeyConstraint("kid", name="pk_signing_keys"),
        sa.UniqueConstraint("purpose", "generation", name="uq_signing_keys_purpose_generation"),
    )
    op.create_table(
        "revocations",
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("value", sa.String(128), nullable=False),
        sa.Column("revoked_at", Timestamp, nullable=False),
        sa.Column("expires_at", Timestamp, nullable=False),
        sa.PrimaryKeyConstraint("kind", "value", name="pk_revocations"),
    )
    op.create_index("ix_revocations_expires_at", "revocations", ["expires_at"])


def _make_logins() -> None:
    op.create_table(
        "login_attempts",
        sa.Column("state_digest", sa.String(64), nullable=False),
        sa.Column("browser_digest", sa.String(64), nullable=False),
        sa.Column("provider", sa.String(32), nullable=False),
        sa.Column("next", sa.Text),
        sa.Column("code_challenge", sa.String(128)),
        sa.Column("expires_at", Timestamp, nullable=False),
        sa.PrimaryKeyConstraint("state_digest", name="pk_login_attempts"),
    )
    op.create_index("ix_login_attempts_expires_at", "login_attempts", ["expires_at"])
    op.create_table(
        "login_codes",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("session_id", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(128), nullable=False),
        sa.Column("code_challenge", sa.String(128), nullable=False),
        sa.Column("expires_at", Timestamp, nullable=False),
        sa.Column("spent_at", Timestamp),
        sa.PrimaryKeyConstraint("digest", name="pk_login_codes"),
        _of_user("login_codes"),
    )
    op.create_index("ix_login_codes_user_id", "login_codes", ["user_id"])
    op.create_index("ix_login_codes_expires_at", "login_codes", ["expires_at"])


def _make_audit() -> None:
    op.create_table(
        "audit_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("at", Timestamp, nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(128)),
        sa.Column("address", sa.String(64)),
        sa.Column("request_id", sa.String(64)),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_events"),
    )
    op.create_index("ix_audit_events_at", "audit_events", ["at"])
    op.create_index("ix_audit_events_user_id", "audit_events", ["user_id"])


def _of_user(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["user_id"], ["users.id"], name=f"fk_{table}_user_id", ondelete="CASCADE"
    )


def _take_over() -> None:
    """Copy the users of 0.1.6. Their emails count as unverified: 0.1.6 never asked."""
    db = op.get_bind()
    table = sa.MetaData()
    old = sa.Table(_LEGACY, table, autoload_with=db)
    new = sa.Table("users", table, autoload_with=db)
    new.c.created_at.type = new.c.updated_at.type = Timestamp()
    old.c.join_date.type = sa.DateTime()
    keys: set[str] = set()
    rows = db.execute(sa.select(old).order_by(old.c.join_date.nulls_last(), old.c.id)).mappings()
    for batch in rows.partitions(_BATCH):
        db.execute(sa.insert(new), [_upgraded(dict(row), keys) for row in batch])


def _upgraded(row: dict[str, Any], keys: set[str]) -> dict[str, Any]:
    # 0.1.6 wrote local time without saying so.
    joined = (row["join_date"] or datetime.now(UTC)).astimezone(UTC)
    return {
        **{name: row[name] for name in ("id", "provider_id", "username", "name", "avatar_url")},
        "email": row["email"] or None,
        "idhash": secrets.token_hex(16),
        "username_key": _username_key(row["username"], keys),
        "email_verified": False,
        "is_admin": False,
        "is_active": True,
        "created_at": joined,
        "updated_at": joined,
    }


def _username_key(username: str, taken: set[str]) -> str:
    """Return what *username* is found by.

    Where names differ in case alone, the oldest is found by any spelling, the others by theirs.
    """
    key = username.casefold()
    if key in taken:
        key = f"={username}"
    while key in taken:
        key = f"={key}"
    taken.add(key)
    return key
