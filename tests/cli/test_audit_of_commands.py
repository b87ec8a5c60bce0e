"""What operators do is told as theirs."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from dhq_auth.audit import store
from dhq_auth.cli import COMMANDS
from dhq_auth.cli.program import load
from dhq_auth.db import Database
from tests.cli.conftest import Cli

pytestmark = [
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.slow,
]

# A command, and the kinds that it leaves, the first of them first. Bob is there, with a token.
COMMANDS_TOLD: dict[str, tuple[Sequence[str], str, list[str]]] = {
    "setup": ((), "", ["user.created", "setup.done"]),
    "user add": (("ada", "--no-password"), "", ["user.created"]),
    "create-user": (("ada", "--no-password"), "", ["user.created"]),
    "user set-password": (
        ("bob", "--password-stdin"),
        "a new password of many words",
        ["token.revoked", "password.changed"],
    ),
    "user set-admin": (("bob", "on"), "", ["user.changed"]),
    "user disable": (("bob",), "", ["token.revoked", "user.changed"]),
    "user delete": (("bob",), "", ["token.revoked", "user.deleted"]),
    "user import": (("-",), '{"username": "carol"}\n{"username": "dave"}', ["user.created"] * 2),
    "token create": (("bob",), "", ["token.made"]),
    "token revoke": (("bob", "--all"), "", ["token.revoked"]),
    "policy add": (("notes", "read", ""), "", ["policy.added"]),
}
ELSEWHERE = {  # in tests of their own
    "user enable",
    "user link",
    "session revoke",
    "policy update",
    "policy delete",
}
ELSEWHERE |= {"policy apply", "keys rotate", "keys revoke"}
CHANGES_NO_FACT = {
    *("serve", "doctor", "healthcheck", "config show", "config check", "user list", "user show"),
    *("token list", "session list", "policy list", "policy evaluate", "policy test"),
    *("policy diff", "policy rls", "keys generate", "keys list", "db upgrade", "db check"),
    *("webhook list", "webhook retry", "audit list", "audit verify", "audit export", "prune"),
}


def commands() -> set[str]:
    return {
        f"{name} {below}" if below else name
        for name in COMMANDS
        for below in getattr(load(name), "commands", {"": None})
    }


async def rows(url: str) -> list[dict[str, Any]]:
    database = Database(url, pool=1, timeout=10)
    async with database.read() as db:
        found = await store.latest(db, 100)
    await database.close()
    return found[::-1]


def test_every_command_that_changes_anything_is_here(database_url: str) -> None:
    assert commands() == COMMANDS_TOLD.keys() | ELSEWHERE | CHANGES_NO_FACT


@pytest.mark.parametrize("command", COMMANDS_TOLD)
async def test_what_a_command_does_is_the_operator_s(
    database_url: str, on_database: Cli, command: str
) -> None:
    arguments, stdin, kinds = COMMANDS_TOLD[command]
    if command != "setup":
        made = await on_database.aside("user", "add", "bob", "--no-password", "--json")
        await on_database.aside("token", "create", "bob")
        bob = json.loads(made.out)["id"]
    before = len(await rows(database_url))
    ended = await on_database.aside(*command.split(), *arguments, stdin=stdin)
    assert ended.code == 0, ended.err
    told = (await rows(database_url))[before:]
    assert [row["kind"] for row in told] == kinds
    assert {(row["actor"], row["address"], row["request_id"]) for row in told} == {
        ("operator", None, None)
    }
    if "bob" in arguments:
        assert {row["user_id"] for row in told} == {bob}
