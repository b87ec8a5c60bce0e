"""What is granted is told when it is new, and when it is other than before."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from dhq_auth.accounts.store import add_user, delete_user, new_user
from dhq_auth.audit import store
from dhq_auth.audit.store import Wanted
from dhq_auth.db import Database
from dhq_auth.errors import InvalidCredential
from dhq_auth.events import Event, Source
from dhq_auth.hookspecs import Grant
from dhq_auth.permissions.granted import Grants, digest_of
from dhq_auth.revocations.memory import Memory
from dhq_auth.work import Work
from tests.fixtures.service import FrozenClock

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
READ = Grant({"read": True})
WRITE = Grant({"read": True, "write": True, "delete": False})


@pytest.fixture
async def work(database_url: str, clock: FrozenClock) -> Any:
    database = Database(database_url, pool=5, timeout=20)

    async def nobody(_events: Sequence[Event]) -> None:
        return None

    yield Work(database, clock, nobody)
    await database.close()


async def remember(work: Work, user_id: str, service: str, grant: Grant) -> None:
    """Note *grant* as a process does that has just started, and remembers nothing."""
    grants = Grants(work, Memory())
    await grants.note(Source(), user_id, service, grant, digest_of(grant))


async def somebody(work: Work) -> str:
    user = new_user(work.now())
    async with work.database.write() as db:
        await add_user(db, user)
    return user.id


async def told(work: Work) -> list[tuple[str, bool, list[str]]]:
    async with work.read() as db:
        rows = await store.latest(db, 100, Wanted(kind="permissions.granted"))
    details = [row["detail"] for row in rows[::-1]]
    return [(each["service"], each["first"], each["permissions"]) for each in details]


async def test_the_first_grant_and_each_other_one_is_told_once(work: Work) -> None:
    ada = await somebody(work)
    for grant in (READ, READ, WRITE, WRITE, READ):
        await remember(work, ada, "notes", grant)
    await remember(work, ada, "shop", READ)
    await remember(work, await somebody(work), "notes", READ)
    assert await told(work) == [
        ("notes", True, ["read"]),
        ("notes", False, ["read", "write"]),
        ("notes", False, ["read"]),
        ("shop", True, ["read"]),
        ("notes", True, ["read"]),
    ]


@SQLITE
async def test_what_the_order_of_names_is_and_how_old_the_answer_does_not_matter(
    work: Work,
) -> None:
    ada = await somebody(work)
    await remember(work, ada, "notes", Grant({"a": 1, "b": {"c": 2, "d": 3}}))
    fresh = Grant({"b": {"d": 3, "c": 2}, "a": 1}, fresh_for=timedelta(minutes=5))
    await remember(work, ada, "notes", fresh)
    assert len(await told(work)) == 1
    await remember(work, ada, "notes", Grant({"a": 1, "b": {"c": 2, "d": 4}}))
    await remember(work, ada, "notes", Grant({"a": 1, "b": {"c": 2, "d": 4}}, filters={}))
    assert len(await told(work)) == 3


async def test_of_many_first_grants_at_once_one_is_told(work: Work) -> None:
    ada = await somebody(work)
    for grant in (READ, WRITE):
        await asyncio.gather(*(remember(work, ada, "notes", grant) for _ in range(12)))
    assert [first for _, first, _ in await told(work)] == [True, False]


async def test_who_is_deleted_meanwhile_is_granted_nothing(work: Work) -> None:
    ada = await somebody(work)
    await remember(work, ada, "notes", READ)
    async with work.database.write() as db:
        await delete_user(db, ada)
        left = (await db.execute(text("SELECT count(*) FROM permission_grants"))).scalar_one()
    assert left == 0
    with pytest.raises(InvalidCredential):
        await remember(work, ada, "notes", READ)
    assert len(await told(work)) == 1


@SQLITE
async def test_of_very_many_names_the_first_hundred_are_told_and_none_is_long(work: Work) -> None:
    names = {f"{number:03}{'x' * 500}": True for number in range(300)}
    await remember(work, await somebody(work), "notes", Grant(names))
    ((_, _, found),) = await told(work)
    assert (len(found), max(map(len, found)), found[-1][:3]) == (100, 80, "099")
