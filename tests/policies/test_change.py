"""What becomes of a change whose policy is gone."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

import pytest

from dhq_auth.audit.store import latest
from dhq_auth.db import Database
from dhq_auth.errors import Conflict
from dhq_auth.events import Source
from dhq_auth.policies.change import Changes, make
from dhq_auth.policies.draft import Draft
from dhq_auth.policies.store import Policy, all_policies
from dhq_auth.work import Work


async def unheard(_events: object) -> None:
    """Hear nothing."""


@pytest.fixture
async def work(database_url: str) -> AsyncIterator[Work]:
    database = Database(database_url, pool=1, timeout=10)
    yield Work(database, lambda: datetime.now(UTC), unheard)
    await database.close()


async def test_a_policy_that_was_deleted_meanwhile_is_not_changed_and_nobody_is_told_so(
    work: Work,
) -> None:
    async def do(changes: Changes) -> Sequence[Policy]:
        return await work.transact(Source(), lambda tx: make(tx, changes, by=None))

    added = Draft(table_name="todos", action="read", expression="")
    [seen] = await do(Changes([added], [], []))
    await do(Changes([], [], [seen]))
    changed = Draft(table_name="todos", action="read", expression="false")
    with pytest.raises(Conflict, match="deleted meanwhile"):
        await do(Changes([], [(seen, changed)], []))
    async with work.read() as db:
        assert "todos" not in {policy.table_name for policy in await all_policies(db)}
        assert [entry["kind"] for entry in await latest(db, 10)] == [
            "policy.deleted",
            "policy.added",
        ]
