"""A policy as the contract describes it, as JSON."""

from typing import Any

from dhq_auth.clock import rfc3339
from dhq_auth.policies.store import Policy


def record_of(policy: Policy) -> dict[str, Any]:
    """Return the record of *policy*; times as in RFC 3339."""
    return {
        "id": policy.id,
        "service": policy.service,
        "table_name": policy.table_name,
        "action": policy.action,
        "expression": policy.expression,
        "description": policy.description,
        "created_at": rfc3339(policy.created_at),
        "updated_at": rfc3339(policy.updated_at),
    }
