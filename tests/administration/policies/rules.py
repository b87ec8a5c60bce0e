"""Policies as tests write them."""

from typing import Any

from tests.self_service.people import Person, registered

FIELDS = {
    *("id", "service", "table_name", "action", "expression", "description"),
    *("created_at", "updated_at"),
}
DEFAULTS = {
    ("all", "auth_users", "all"): "auth_user.is_admin",
    ("all", "auth_policies", "all"): "auth_user.is_admin",
    ("all", "all", "all"): "user_id = auth_user.id",
}
TODOS = {"table_name": "todos", "action": "all", "expression": "author_id = auth_user.id"}


async def add(admin: Person, table: str, action: str, expression: str, **more: Any) -> Any:
    """Add a policy, and return it."""
    sent = {"table_name": table, "action": action, "expression": expression, **more}
    status, made = await admin.call("POST", "/auth/policies", json=sent)
    assert status == 201, made
    return made


async def policies(who: Person) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Return every policy that *who* is shown, by what it is for."""
    status, page = await who.call("GET", "/auth/policies?limit=1000")
    assert status == 200, page
    return {(p["service"], p["table_name"], p["action"]): p for p in page["items"]}


async def policy_on(admin: Person, table: str, action: str = "all") -> dict[str, Any]:
    """Return the policy for *action* on *table* in every service."""
    return (await policies(admin))["all", table, action]


async def asked(who: Person, table: str, action: str, **more: Any) -> dict[str, Any]:
    """Return what *who* may do, as the service says."""
    sent = {"table": table, "action": action, **more}
    status, said = await who.call("POST", "/auth/policies/evaluate", json=sent)
    assert status == 200, said
    return said


async def promoted(admin: Person, name: str) -> Person:
    """Register *name*, who is made an administrator."""
    person = await registered(admin.service, name)
    where = f"/auth/users/{person.id}"
    status, said = await admin.call("PUT", where, json={"is_admin": True})
    assert status == 200, said
    return person
