"""Passwords, API tokens, limits on failures; sessions know their browser, users their names.

Revision 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op

from dhq_auth.db import Timestamp

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add what accounts of our own need."""
    op.add_column("users", sa.Column("first_name", sa.Text))
    op.add_column("users", sa.Column("last_name", sa.Text))
    op.add_column("sessions", sa.Column("used_at", Timestamp))
    op.add_column("sessions", sa.Column("address", sa.String(64)))
    op.add_column("sessions", sa.Column("user_agent", sa.String(255)))
    op.create_index("ix_users_created_at_id", "users", ["created_at", "id"])
    op.create_index("ix_users_is_admin", "users", ["is_admin"])
    _make_passwords()
    _make_api_tokens()
    _make_limits()
    op.create_table(
        "setup",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("done_at", Timestamp, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_setup"),
    )


def _make_passwords() -> None:
    op.create_table(
        "passwords",
        sa.Column("user_id", sa.String(128), nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("email_key", sa.Text),
        sa.Column("changed_at", Timestamp, nullable=False),
        sa.Column("expires_at", Timestamp),
        sa.PrimaryKeyConstraint("user_id", name="pk_passwords"),
        _of_user("passwords"),
    )
    op.create_index("ix_passwords_email_key", "passwords", ["email_key"])


def _make_api_tokens() -> None:
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(128), nullable=False),
        sa.Column("developer_of", sa.String(128)),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("hint", sa.String(16), nullable=False),
        sa.Column("scopes", sa.JSON),
        sa.Column("created_at", Timestamp, nullable=False),
        sa.Column("expires_at", Timestamp),
        sa.Column("used_at", Timestamp),
        sa.Column("revoked_at", Timestamp),
        sa.PrimaryKeyConstraint("id", name="pk_api_tokens"),
        sa.UniqueConstraint("digest", name="uq_api_tokens_digest"),
        sa.UniqueConstraint("developer_of", name="uq_api_tokens_developer_of"),
        _of_user("api_tokens"),
    )
    op.create_index("ix_api_tokens_user_id", "api_tokens", ["user_id"])
    op.create_index("ix_api_tokens_expires_at", "api_tokens", ["expires_at"])
    op.create_index("ix_api_tokens_revoked_at", "api_tokens", ["revoked_at"])


def _make_limits() -> None:
    op.create_table(
        "rate_limits",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("hits", sa.Integer, nullable=False),
        sa.Column("expires_at", Timestamp, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_rate_limits"),
    )
    op.create_index("ix_rate_limits_expires_at", "rate_limits", ["expires_at"])


def _of_user(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["user_id"], ["users.id"], name=f"fk_{table}_user_id", ondelete="CASCADE"
    )
