"""A permission provider that signs what a test has put here."""

from typing import Any

from dhq_auth import Grant, GrantContext

filters: dict[str, Any] = {}


def grant(context: GrantContext) -> Grant:
    """Allow reading, and what `filters` says, `USER` standing for the id of the user."""
    rules: Any = _filled(filters, context.user["id"])
    return Grant({"read": True}, filters=rules or None)


def _filled(value: Any, user_id: str) -> Any:
    match value:
        case dict():
            return {name: _filled(each, user_id) for name, each in value.items()}
        case list():
            return [_filled(each, user_id) for each in value]
        case "USER":
            return user_id
    return value
