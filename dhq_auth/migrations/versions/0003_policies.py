"""Policies, and the three that a database begins with.

Revision 0003, after 0002.
"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from dhq_auth.db import Timestamp
from dhq_auth.opaque import new_id

revision = "0003"
down_revision = "0002"

DEFAULTS = (
    ("auth_users", "auth_user.is_admin", "Administrators manage users."),
    ("auth_policies", "auth_user.is_admin", "Administrators manage policies."),
    ("all", "user_id = auth_user.id", "Everybody has the rows that name him as their user."),
)


def upgrade() -> None:
    """Make the table, and the defaults: without them an administrator could not begin."""
    policies = op.create_table(
        "policies",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("service", sa.String(128), nullable=False),
        sa.Column("table_name", sa.String(128), nullable=False),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("expression", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("created_at", Timestamp, nullable=False),
        sa.Column("updated_at", Timestamp, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_policies"),
        sa.UniqueConstraint(
            "service", "table_name", "action", name="uq_policies_service_table_name_action"
        ),
    )
    now = datetime.now(UTC)
    op.bulk_insert(
        policies,
        [
            {
                "id": new_id(),
                "service": "all",
                "table_name": table_name,
                "action": "all",
                "expression": expression,
                "description": description,
                "created_at": now,
                "updated_at": now,
            }
            for table_name, expression, description in DEFAULTS
        ],
    )
