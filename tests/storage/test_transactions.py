"""The unit of work: nothing is lost, half done, or announced before it holds."""

import asyncio
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, select, text, update
from sqlalchemy.exc import DBAPIError

from dhq_auth.access.codes.store import LoginCode, add_code, redeem_code
from dhq_auth.accounts.identities.store import add_identity
from dhq_auth.accounts.store import add_user, choose_username, new_user, user_by_id
from dhq_auth.audit.store import latest
from dhq_auth.db import Database, Timestamp
from dhq_auth.errors import Conflict
from dhq_auth.events import Event, Source, UsernameChosen
from dhq_auth.opaque import digest
from dhq_auth.sessions import store as sessions
from dhq_auth.work import Transaction, Work
from tests.fixtures.process import kill
from tests.fixtures.service import FrozenClock

ROOT = Path(__file__).parents[2]
counters = Table("counters", MetaData(), Column("n", Integer))


async def add(work: Work, **known: Any) -> str:
    """Add a user and return the id."""
    user = new_user(work.now(), **known)
    await work.transact(Source(), lambda tx: add_user(tx.db, user))
    return user.id


@pytest.mark.slow
async def test_no_update_of_many_at_once_is_lost(work: Work) -> None:
    """Read, then write what was read plus one: only a lock keeps that whole."""
    async with work.database.write() as db:
        await db.run_sync(counters.create)
        await db.execute(counters.insert().values(n=0))

    async def increment(tx: Transaction) -> None:
        n = (await tx.db.execute(select(counters.c.n).with_for_update())).scalar_one()
        await asyncio.sleep(0)
        await tx.db.execute(update(counters).values(n=n + 1))

    await asyncio.gather(*(work.transact(Source(), increment) for _ in range(100)))
    async with work.read() as db:
        assert (await db.execute(select(counters.c.n))).scalar_one() == 100


@pytest.mark.slow
async def test_of_a_hundred_choices_of_a_username_one_is_made(work: Work) -> None:
    user_id = await add(work)

    async def choose(number: int) -> bool:
        return await work.transact(
            Source(), lambda tx: choose_username(tx.db, user_id, f"name{number}", tx.now)
        )

    chosen = await asyncio.gather(*(choose(number) for number in range(100)))
    assert chosen.count(True) == 1
    async with work.read() as db:
        user = await user_by_id(db, user_id)
    assert user is not None
    assert user.username == f"name{chosen.index(True)}"


async def test_of_many_who_want_a_username_one_gets_it(work: Work) -> None:
    users = [await add(work) for _ in range(10)]

    async def choose(user_id: str, spelling: str) -> bool:
        return await work.transact(
            Source(), lambda tx: choose_username(tx.db, user_id, spelling, tx.now)
        )

    spellings = ["ada", "Ada", "ADA", "aDa", "adA"] * 2
    outcomes = await asyncio.gather(*map(choose, users, spellings), return_exceptions=True)
    assert outcomes.count(True) == 1
    assert [type(each) for each in outcomes].count(Conflict) == 9


async def test_of_many_who_bring_a_code_one_redeems_it(work: Work) -> None:
    user_id = await add(work)
    code = LoginCode(
        digest=digest("code"),
        session_id="session",
        user_id=user_id,
        code_challenge="challenge",
        expires_at=work.now() + timedelta(minutes=1),
    )
    await work.transact(Source(), lambda tx: add_code(tx.db, code))

    async def redeem(tx: Transaction) -> bool:
        return await redeem_code(tx.db, code.digest, tx.now) is not None

    redeemed = await asyncio.gather(*(work.transact(Source(), redeem) for _ in range(20)))
    assert redeemed.count(True) == 1


async def test_a_failure_undoes_the_change_and_its_audit_and_announces_nothing(
    work: Work, announced: list[Event]
) -> None:
    user_id = await add(work)

    async def fail(tx: Transaction) -> None:
        await choose_username(tx.db, user_id, "ada", tx.now)
        tx.emit(UsernameChosen(user_id=user_id, username="ada"))
        raise RuntimeError("after the change")

    with pytest.raises(RuntimeError):
        await work.transact(Source(), fail)
    async with work.read() as db:
        user = await user_by_id(db, user_id)
        assert user is not None
        assert user.username is None
        assert await latest(db, 10) == []
    assert announced == []


async def test_a_change_is_audited_with_it_and_announced_after_it(
    work: Work, clock: FrozenClock, announced: list[Event]
) -> None:
    user_id = await add(work)
    source = Source("192.0.2.1", "request")

    async def change(tx: Transaction) -> None:
        tx.emit(UsernameChosen(user_id=user_id, username="ada"))
        assert announced == []

    await work.transact(source, change)
    assert announced == [UsernameChosen(user_id=user_id, username="ada", source=source)]
    async with work.read() as db:
        (row,) = await latest(db, 10)
    expected = {
        "at": clock(),
        "kind": "username.chosen",
        "user_id": user_id,
        "address": "192.0.2.1",
        "request_id": "request",
        "actor": None,
        "detail": {"username": "ada"},
    }
    assert expected.items() <= row.items()


async def test_a_reader_cannot_write(database: Database) -> None:
    async def write() -> None:
        async with database.read() as db:
            await db.execute(text("DELETE FROM users"))

    with pytest.raises(Exception, match=r"read-?only|does not answer"):
        await write()


async def test_a_reader_sees_one_state_whatever_is_committed_meanwhile(work: Work) -> None:
    count = text("SELECT count(*) FROM users")
    async with work.read() as db:
        before = (await db.execute(count)).scalar_one()
        await add(work)
        assert (await db.execute(count)).scalar_one() == before
    async with work.read() as db:
        assert (await db.execute(count)).scalar_one() == before + 1


async def test_what_is_there_already_or_no_longer_is_a_conflict(work: Work) -> None:
    user_id = await add(work)

    async def identity(of: str) -> None:
        async with work.database.write() as db:
            now = work.now()
            await add_identity(db, user_id=of, issuer="i", subject="s", provider="p", now=now)

    with pytest.raises(Conflict):
        await identity("of nobody")
    await identity(user_id)
    with pytest.raises(Conflict):
        await identity(user_id)


async def test_a_fault_of_ours_is_no_conflict(work: Work) -> None:
    async def forget_a_column(tx: Transaction) -> None:
        await tx.db.execute(text("INSERT INTO users (id) VALUES ('x')"))

    with pytest.raises(DBAPIError):
        await work.transact(Source(), forget_a_column)


async def test_a_fault_of_ours_is_no_absence(work: Work) -> None:
    async def mistype() -> None:
        async with work.read() as db:
            await db.execute(text("SELECT no_such_column FROM users"))

    with pytest.raises(DBAPIError):
        await mistype()


async def test_times_come_back_as_they_were(work: Work) -> None:
    moments = Table("moments", MetaData(), Column("at", Timestamp))
    there = datetime(2026, 3, 29, 2, 30, 0, 123456, tzinfo=timezone(timedelta(hours=5, minutes=45)))
    async with work.database.write() as db:
        await db.run_sync(moments.create)
        await db.execute(moments.insert().values(at=there))
    async with work.read() as db:
        back = (await db.execute(select(moments.c.at))).scalar_one()
        later = select(moments.c.at).where(moments.c.at > there - timedelta(microseconds=1))
        assert (await db.execute(later)).scalar_one() == there
    assert back == there
    assert back.tzinfo is UTC or back.utcoffset() == timedelta(0)


async def test_who_was_read_is_there_when_the_database_is_not(
    work: Work, database: Database
) -> None:
    """A user is a plain value: nothing is fetched late, when the transaction is over or undone."""
    user_id = await add(work, username="ada", email="ada@example.com")
    async with work.read() as db:
        read = await user_by_id(db, user_id)
    with suppress(LookupError):
        async with work.database.write() as db:
            undone = await user_by_id(db, user_id)
            raise LookupError
    await database.close()
    assert read == undone
    assert read is not None
    assert (read.id, read.username, read.email) == (user_id, "ada", "ada@example.com")


async def test_users_go_with_all_that_is_theirs_but_the_log(work: Work, database: Database) -> None:
    user_id = await add(work)

    async def begin(tx: Transaction) -> None:
        await add_identity(
            tx.db, user_id=user_id, issuer="i", subject="s", provider="p", now=tx.now
        )
        await sessions.begin(
            tx.db, user_id=user_id, provider="p", now=tx.now, expires_at=None, keep_until=None
        )
        tx.emit(UsernameChosen(user_id=user_id, username="ada"))

    await work.transact(Source(), begin)
    async with database.write() as db:
        await db.execute(text("DELETE FROM users"))
    async with work.read() as db:
        for table in ("identities", "sessions"):
            assert (await db.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one() == 0  # noqa: S608
        assert len(await latest(db, 10)) == 1


@pytest.mark.slow
async def test_no_login_slips_through_while_all_sessions_are_ended(
    work: Work, database: Database
) -> None:
    """A session that was begun before, and is committed during, goes too."""
    user_id = await add(work)
    begun, may_commit = asyncio.Event(), asyncio.Event()

    async def begin(tx: Transaction) -> None:
        await sessions.begin(
            tx.db, user_id=user_id, provider="p", now=tx.now, expires_at=None, keep_until=None
        )
        begun.set()
        await may_commit.wait()

    async def end_all(tx: Transaction) -> int:
        return await sessions.end_all(tx.db, user_id, tx.now)

    login = asyncio.create_task(work.transact(Source(), begin))
    await begun.wait()
    farewell = asyncio.create_task(work.transact(Source(), end_all))
    await asyncio.wait({farewell}, timeout=0.2)
    may_commit.set()
    await login
    assert await farewell == 1
    async with work.read() as db:
        assert (await db.execute(text("SELECT count(*) FROM sessions"))).scalar_one() == 0


KILLED = """
import asyncio, sys
from dhq_auth.clock import utcnow
from dhq_auth.accounts.store import choose_username
from dhq_auth.db import Database
from dhq_auth.events import Source, UsernameChosen
from dhq_auth.work import Work

async def announce(event): pass

async def main(url, user_id):
    async def choose(tx):
        assert await choose_username(tx.db, user_id, "ada", tx.now)
        tx.emit(UsernameChosen(user_id=user_id, username="ada"))
        print("inside", flush=True)
        await asyncio.Event().wait()

    await Work(Database(url, pool=1, timeout=20), utcnow, announce).transact(Source(), choose)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.process
async def test_a_process_that_is_killed_inside_a_change_leaves_no_trace(
    work: Work, database_url: str
) -> None:
    user_id = await add(work)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", KILLED, database_url, user_id), cwd=ROOT, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"inside\n"
    await kill(process)
    async with work.database.write() as db:  # the right to choose is not used up, nor locked
        assert await latest(db, 10) == []
        assert await choose_username(db, user_id, "Ada", work.now())
        if db.dialect.name == "sqlite":
            check = await db.exec_driver_sql("PRAGMA integrity_check")
            assert check.scalar_one() == "ok"
