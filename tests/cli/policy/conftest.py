"""A database with an administrator, a user, and policies; some of them written straight into it."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from dhq_auth.db import Database
from dhq_auth.policies.store import Policy, add_policies
from tests.cli.conftest import Cli, Ended

WriteStraight = Callable[..., None]


class Policies:
    """The commands of `policy`, on the database of this test."""

    def __init__(self, cli: Cli) -> None:
        self.cli = cli

    def __call__(self, *arguments: str, stdin: str | bytes | None = None, **env: str) -> Ended:
        return self.cli("policy", *arguments, stdin=stdin, **env)

    def done(self, *arguments: str, stdin: str | bytes | None = None) -> Ended:
        """Run a command that must succeed."""
        ended = self(*arguments, stdin=stdin)
        assert ended.code == 0, ended.err
        return ended

    def there(self) -> dict[tuple[str, str, str], str]:
        """Return all expressions by what they are for."""
        items = self.done("list", "--json").json["items"]
        return {
            (each["service"], each["table_name"], each["action"]): each["expression"]
            for each in items
        }

    def id_of(self, table: str, action: str = "all", service: str = "all") -> str:
        """Return the id of a policy."""
        items = self.done("list", "--json").json["items"]
        (found,) = [
            each["id"]
            for each in items
            if (each["service"], each["table_name"], each["action"]) == (service, table, action)
        ]
        return str(found)


@pytest.fixture
def policy(on_database: Cli) -> Policies:
    """`dhq-auth policy`, on a database with the administrator `root` and the user `ada`."""
    for name, options in (("root", ["--admin"]), ("ada", [])):
        ended = on_database(
            *("user", "add", name, "--email", f"{name}@example.com", "--no-password"), *options
        )
        assert ended.code == 0, ended.err
    return Policies(on_database)


@pytest.fixture
def write_straight(database_url: str) -> WriteStraight:
    """A function that writes a policy into the table, past everything that would refuse it."""

    def write(table: str, action: str, expression: str, service: str = "all", id: str = "") -> None:  # noqa: A002 - its name
        now = datetime.now(UTC)
        policy = Policy(
            id=id or f"{service}-{table}-{action}",
            service=service,
            table_name=table,
            action=action,
            expression=expression,
            description="",
            created_at=now,
            updated_at=now,
        )
        asyncio.run(_added(database_url, policy))

    return write


async def _added(url: str, policy: Policy) -> None:
    database = Database(url, pool=1, timeout=10)
    try:
        async with database.write() as db:
            await add_policies(db, [policy])
    finally:
        await database.close()
