"""A policy as commands print it."""

from dataclasses import asdict
from typing import Any

from dhq_auth.policies.store import Policy


def record_of(policy: Policy) -> dict[str, Any]:
    """Return *policy* as JSON, as HTTP has it."""
    return asdict(policy)


def title_of(policy: Policy) -> str:
    """Return what an operator calls *policy*."""
    return f"{policy.id} ({policy.service} {policy.table_name} {policy.action})"
