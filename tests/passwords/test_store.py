"""The row of a password: one for each user, replaced as a whole, gone with the user."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from dhq_auth.accounts.store import add_user, new_user, users
from dhq_auth.errors import Conflict
from dhq_auth.passwords.store import (
    StoredPassword,
    password_of,
    passwords,
    remove_password,
    replace_hash,
    set_password,
)
from dhq_auth.work import Work


async def add(work: Work) -> str:
    """Add a user and return the id."""
    user = new_user(work.now())
    async with work.database.write() as db:
        await add_user(db, user)
    return user.id


async def put(
    work: Work, user_id: str, hashed: str, email_key: str | None = None, **how: Any
) -> None:
    now = work.now()
    await work.database.transact(
        lambda db: set_password(db, user_id, hashed, now, email_key=email_key, **how)
    )


async def get(work: Work, user_id: str) -> StoredPassword | None:
    async with work.read() as db:
        return await password_of(db, user_id)


async def emails(work: Work) -> dict[str, str | None]:
    async with work.read() as db:
        rows = await db.execute(passwords.select())
        return {row.user_id: row.email_key for row in rows}


async def test_a_password_replaces_the_one_before_as_a_whole(work: Work, clock: Any) -> None:
    user, other = await add(work), await add(work)
    assert await get(work, user) is None
    end = clock.now + timedelta(days=7)
    await put(work, user, "first", "ada@example.com", expires_at=end)
    await put(work, other, "other")
    assert await get(work, user) == StoredPassword("first", clock.now, end)
    before = clock.now
    clock.advance(days=1)
    await put(work, user, "second")
    assert await get(work, user) == StoredPassword("second", clock.now, None)
    assert await get(work, other) == StoredPassword("other", before, None)
    assert await emails(work) == {user: None, other: None}


async def test_each_password_has_its_own_time_though_the_clock_stands_or_goes_back(
    work: Work, clock: Any
) -> None:
    """By its time a login sees that the password was changed, and service tokens name it."""
    user, times = await add(work), []
    for step in (0, 0, -1):
        clock.advance(days=step)
        await put(work, user, "another")
        stored = await get(work, user)
        assert stored
        times.append(stored.changed_at)
    assert times == sorted(set(times))


async def test_an_email_that_nobody_verified_is_nobody_s_alone(work: Work) -> None:
    """Who registers must not learn whether another did with the same email."""
    user, other = await add(work), await add(work)
    await put(work, user, "one", "ada@example.com")
    await put(work, other, "other", "ada@example.com")
    await put(work, user, "two", "countess@example.com")
    assert await emails(work) == {user: "countess@example.com", other: "ada@example.com"}


async def test_nobody_has_no_password(work: Work) -> None:
    with pytest.raises(Conflict):
        await put(work, "0" * 32, "hash")
    assert await get(work, "0" * 32) is None


async def test_a_hash_made_anew_is_the_same_password(work: Work, clock: Any) -> None:
    user = await add(work)
    end = clock.now + timedelta(days=7)
    await put(work, user, "old", "ada@example.com", expires_at=end)
    made = clock.now
    clock.advance(days=1)
    async with work.database.write() as db:
        assert await replace_hash(db, user, "old", "new") is True
    assert await get(work, user) == StoredPassword("new", made, end)
    assert await emails(work) == {user: "ada@example.com"}


async def test_a_password_that_was_changed_meanwhile_stays_changed(work: Work) -> None:
    user = await add(work)
    await put(work, user, "old")
    await put(work, user, "changed")
    async with work.database.write() as db:
        assert await replace_hash(db, user, "old", "old, dearer") is False
    assert (await get(work, user)).hash == "changed"


async def test_of_logins_that_hash_anew_at_once_one_does(work: Work) -> None:
    user, other = await add(work), await add(work)
    await put(work, user, "old")
    await put(work, other, "old")

    async def renew(number: int) -> bool:
        return await work.database.transact(
            lambda db: replace_hash(db, user, "old", f"new {number}")
        )

    outcomes = await asyncio.gather(*map(renew, range(10)))
    assert outcomes.count(True) == 1
    assert (await get(work, user)).hash == f"new {outcomes.index(True)}"
    assert (await get(work, other)).hash == "old"


async def test_passwords_set_at_once_leave_one_whole_row(work: Work) -> None:
    user = await add(work)
    await asyncio.gather(*(put(work, user, f"{n}", f"{n}@example.com") for n in range(10)))
    async with work.read() as db:
        (row,) = await db.execute(passwords.select())
    assert row.email_key == f"{row.hash}@example.com"


async def test_a_password_is_removed_once(work: Work) -> None:
    user, other = await add(work), await add(work)
    await put(work, user, "hash", "ada@example.com")
    await put(work, other, "hash")
    for there in (True, False):
        async with work.database.write() as db:
            assert await remove_password(db, user, work.now()) is there
        assert await get(work, user) is None
    assert await get(work, other) is not None


async def test_a_password_goes_with_its_user(work: Work) -> None:
    user, other = await add(work), await add(work)
    await put(work, user, "hash", "ada@example.com")
    await put(work, other, "hash")
    async with work.database.write() as db:
        await db.execute(users.delete().where(users.c.id == user))
    async with work.read() as db:
        assert [row.user_id for row in await db.execute(passwords.select())] == [other]


async def test_a_hash_is_not_shown_by_what_holds_it(clock: Any) -> None:
    assert "$argon2id$" not in repr(StoredPassword("$argon2id$…", clock.now, None))
