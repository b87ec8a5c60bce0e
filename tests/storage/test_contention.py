"""A change that meets another one is done again, as a whole, and told of once."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest
from sqlalchemy import select, text, update

from dhq_auth.accounts.store import add_user, new_user, user_by_id, users
from dhq_auth.audit.store import latest
from dhq_auth.clock import Clock
from dhq_auth.db import Contention, Database, Db
from dhq_auth.errors import StartRefused, Unavailable
from dhq_auth.events import Event, Source, UsernameChosen
from dhq_auth.work import Transaction, Work
from tests.fakes.proxy import Proxy
from tests.storage.test_transactions import (
    test_no_login_slips_through_while_all_sessions_are_ended as no_login_slips_through,
)

pytestmark = pytest.mark.postgres
DATABASE_TIMEOUT = 0.5
LEVEL = "default_transaction_isolation"
SERIALIZABLE = {
    "the database": "",
    "an option of ours": f"?{LEVEL}=serializable",
    "the options of libpq": f"?options=-c%20{LEVEL}%3Dserializable",
}
Meet = Callable[[Db, Db], Awaitable[None]]


@pytest.fixture
def database_url(serializable_url: str) -> str:
    """The DATABASE_URL of a database whose transactions are SERIALIZABLE."""
    return serializable_url


@pytest.fixture
async def hasty(database_url: str) -> AsyncIterator[Database]:
    """The same database, for which nobody waits for long."""
    database = Database(database_url, pool=2, timeout=DATABASE_TIMEOUT)
    yield database
    await database.close()


async def add(work: Work, *names: str) -> list[str]:
    """Add users and return their ids."""
    made = [new_user(work.now(), name=name) for name in names]
    async with work.database.write() as db:
        for user in made:
            await add_user(db, user)
    return [user.id for user in made]


async def rename(db: Db, user_id: str, name: str) -> None:
    await db.execute(update(users).where(users.c.id == user_id).values(name=name))


async def name_of(db: Db, user_id: str) -> str | None:
    user = await user_by_id(db, user_id)
    assert user is not None
    return user.name


async def overtaken(database: Database, db: Db, user_id: str, name: str) -> None:
    """Give the user a name in *db*, and before that another one in another transaction."""
    await name_of(db, user_id)  # what is seen from now on is what was there now
    async with database.write() as other:
        await rename(other, user_id, "somebody else's")
    await rename(db, user_id, name)


@pytest.mark.parametrize("options", SERIALIZABLE.values(), ids=SERIALIZABLE)
async def test_changes_are_as_isolated_as_the_operator_says(
    serializable_url: str, database_url: str, options: str
) -> None:
    database = Database(f"{database_url}{options}", pool=1, timeout=20)
    level = text("SHOW transaction_isolation")
    for _ in range(2):  # the connection is the reader's in between
        async with database.write() as db:
            assert (await db.execute(level)).scalar_one() == "serializable"
        async with database.read() as db:
            assert (await db.execute(level)).scalar_one() == "repeatable read"
    await database.close()


@pytest.mark.parametrize("level", ["read%20committed", "read%20uncommitted"])
async def test_an_address_says_more_than_the_database(database_url: str, level: str) -> None:
    database = Database(f"{database_url}?{LEVEL}={level}", pool=1, timeout=20)
    for _ in range(2):
        async with database.write() as db:
            shown = await db.execute(text("SHOW transaction_isolation"))
            assert shown.scalar_one() == level.replace("%20", " ")
    await database.close()


async def test_an_isolation_at_which_changes_get_lost_is_refused(database_url: str) -> None:
    """Who waited for a lock would go on with what was there before, and nothing would notice."""
    database = Database(f"{database_url}?{LEVEL}=repeatable%20read", pool=1, timeout=20)
    with pytest.raises(StartRefused, match=f"{LEVEL}.*serializable"), database.needed_to_start():
        await database.ping()
    await database.close()


async def test_a_change_that_was_overtaken_is_done_again_and_told_once(
    work: Work, announced: list[Event]
) -> None:
    [user_id] = await add(work, "ada")
    transactions: list[Transaction] = []

    async def change(tx: Transaction) -> str | None:
        transactions.append(tx)
        tx.emit(UsernameChosen(user_id=user_id, username=f"try{len(transactions)}"))
        before = await name_of(tx.db, user_id)
        if len(transactions) == 1:
            await overtaken(work.database, tx.db, user_id, "lost")
        await rename(tx.db, user_id, "kept")
        return before

    assert await work.transact(Source(), change) == "somebody else's"
    assert len(transactions) == 2
    assert announced == [UsernameChosen(user_id=user_id, username="try2", source=Source())]
    async with work.read() as db:
        assert await name_of(db, user_id) == "kept"
        assert [row["detail"] for row in await latest(db, 10)] == [{"username": "try2"}]


async def test_what_cannot_be_put_in_order_shows_at_the_commit_and_is_done_again(
    work: Work, database: Database
) -> None:
    """Each of two reads what the other changes: no lock is in the way, and no order fits."""
    one, other = await add(work, "one", "other")
    tries = 0

    async def change(tx: Transaction) -> None:
        nonlocal tries
        tries += 1
        seen = await name_of(tx.db, one)
        await rename(tx.db, other, f"after {seen}")
        if tries == 1:
            async with database.write() as db:
                await rename(db, one, f"after {await name_of(db, other)}")

    await work.transact(Source(), change)
    assert tries == 2
    async with work.read() as db:
        assert await name_of(db, one) == "after other"
        assert await name_of(db, other) == "after after other"


@pytest.mark.slow
async def test_a_sign_out_that_waited_for_a_login_ends_it(work: Work, database: Database) -> None:
    """It began before the login could be seen, and a lock alone would not show it."""
    await no_login_slips_through(work, database)


async def test_of_two_who_wait_for_each_other_both_get_through(
    work: Work, database_url: str, clock: Clock
) -> None:
    """At READ COMMITTED: the server ends one of them (40P01)."""
    database = Database(f"{database_url}?{LEVEL}=read%20committed", pool=2, timeout=20)
    rows = await add(work, "one", "other")
    both, tries = asyncio.Barrier(2), 0

    async def change(tx: Transaction, order: Sequence[str], name: str) -> None:
        nonlocal tries
        tries += 1
        first, second = order
        await rename(tx.db, first, name)
        if tries <= 2:  # each has one row, and goes for the other's
            await both.wait()
        await rename(tx.db, second, name)

    async def announce(_events: object) -> None:
        pass

    async def run(order: Sequence[str], name: str) -> None:
        patient = Work(database, clock, announce)
        await patient.transact(Source(), lambda tx: change(tx, order, name))

    await asyncio.gather(run(rows, "forwards"), run(rows[::-1], "backwards"))
    assert tries == 3
    async with work.read() as db:
        names = {await name_of(db, user_id) for user_id in rows}
    assert len(names) == 1
    await database.close()


@pytest.mark.slow
async def test_there_is_one_deadline_for_all_tries(work: Work, hasty: Database) -> None:
    [user_id] = await add(work, "ada")
    tries = 0

    async def change(db: Db) -> None:
        nonlocal tries
        tries += 1
        await overtaken(work.database, db, user_id, "never")

    began = time.monotonic()
    with pytest.raises(Contention) as caught:
        await hasty.transact(change)
    assert time.monotonic() - began < 3 * DATABASE_TIMEOUT
    assert tries > 1
    assert (caught.value.status, caught.value.code) == (503, "unavailable")
    assert caught.value.retry_after > 0
    async with work.read() as db:
        assert await name_of(db, user_id) == "somebody else's"


async def test_a_listener_who_meets_contention_has_nothing_done_twice(
    database: Database, clock: Clock
) -> None:
    tries = 0

    async def announce(_events: object) -> None:
        raise Contention("in a transaction of the listener's own")

    async def change(tx: Transaction) -> None:
        nonlocal tries
        tries += 1
        tx.emit(UsernameChosen(user_id="ada", username="ada"))

    with pytest.raises(Contention):
        await Work(database, clock, announce).transact(Source(), change)
    assert tries == 1
    async with database.read() as db:
        assert len(await latest(db, 10)) == 1


TAKE_TIME = """
CREATE FUNCTION take_time() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_sleep(0.1); RETURN NULL; END $$
"""
AT_COMMIT = """
CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON users DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION take_time()
"""


@pytest.mark.slow
async def test_what_may_have_been_committed_is_not_done_again(
    database: Database, database_url: str, clock: Clock, proxy: Proxy
) -> None:
    """The connection is lost after COMMIT was sent, and before the answer came."""
    async with database.write() as db:
        await db.execute(text(TAKE_TIME))
        await db.execute(text(AT_COMMIT))
    head, _, name = database_url.rpartition("/")
    behind = Database(f"{head.rpartition(':')[0]}:{proxy.port}/{name}", pool=1, timeout=20)
    user, tries = new_user(clock(), name="ada"), 0

    async def change(db: Db) -> None:
        nonlocal tries
        tries += 1
        await add_user(db, user)

    committing = asyncio.create_task(behind.transact(change))
    await until(database, text("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"))
    await proxy.cut()
    with pytest.raises(Unavailable) as caught:
        await committing
    assert not isinstance(caught.value, Contention)
    assert tries == 1
    await until(database, select(users.c.id).where(users.c.id == user.id))
    await behind.close()


async def until(database: Database, question: object) -> None:
    """Wait until *question* has an answer."""
    async with asyncio.timeout(10):
        while True:
            async with database.read() as db:
                if (await db.execute(question)).first():  # type: ignore[call-overload]
                    return
