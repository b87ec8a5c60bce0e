"""Whoever can write to the database, but does not know the key of the seals, is found out."""

from collections.abc import Awaitable, Callable

import pytest

from dhq_auth.audit.chain import link
from dhq_auth.audit.check import Seen
from dhq_auth.audit.sealed import store
from tests.audit.conftest import Log

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
pytestmark = pytest.mark.slow

Tampering = Callable[[Log], Awaitable[object]]


def sql(statement: str) -> Tampering:
    return lambda log: log.sql(statement)


async def rewrite(log: Log) -> None:
    """Change a row, and put together anew all that follows it."""
    await log.sql("UPDATE audit_events SET user_id = 'somebody else' WHERE position = 2")
    async with log.database.write() as db:
        rows = await store.page(db, None, 100)
        last = rows[0]["hash"]
        for row in rows[1:]:
            row["hash"] = last = link(last, row)
        await store.chain(db, rows)


async def rewrite_with_seals(log: Log) -> None:
    await rewrite(log)
    await log.sql(
        "UPDATE audit_seals SET hash = (SELECT hash FROM audit_events"
        " WHERE audit_events.position = audit_seals.position)"
    )


async def swap(log: Log) -> None:
    await log.sql("UPDATE audit_events SET position = 99 WHERE position = 2")
    await log.sql("UPDATE audit_events SET position = 2 WHERE position = 3")
    await log.sql("UPDATE audit_events SET position = 3 WHERE position = 99")


async def insert_between(log: Log) -> None:
    """Make room for one more row, and put together anew all that follows it."""
    await log.sql("UPDATE audit_events SET position = -position WHERE position >= 3")
    await log.sql("UPDATE audit_events SET position = 1 - position WHERE position < 0")
    await log.sql(ANOTHER.format(position=3))
    async with log.database.write() as db:
        rows = await store.page(db, None, 100)
        last = rows[1]["hash"]
        for row in rows[2:]:
            row["hash"] = last = link(last, row)
        await store.chain(db, rows)


async def both(log: Log, where: str) -> None:
    await log.sql(f"DELETE FROM audit_events WHERE {where}")  # noqa: S608 - ours
    await log.sql(f"DELETE FROM audit_seals WHERE {where}")  # noqa: S608 - ours


async def as_if_old(log: Log) -> None:
    await log.sql("DELETE FROM audit_events WHERE position <= 4")
    await log.sql("UPDATE audit_seals SET pruned_at = sealed_at WHERE position = 4")


ANOTHER = (
    "INSERT INTO audit_events (at, kind, detail, position, hash) VALUES"
    " ('2026-01-01 00:00:00', 'user.deleted', '{{}}', {position}, 'abc')"
)
CHANGED = {
    "id": "id = 99",
    "at": "at = '2026-01-01 00:00:00'",
    "kind": "kind = 'logout'",
    "user_id": "user_id = 'x'",
    "user_id, to nobody": "user_id = NULL",
    "actor": "actor = NULL",
    "address": "address = '198.51.100.7'",
    "request_id": "request_id = ''",
    "detail": """detail = '{"username":"eve"}'""",
    "hash": "hash = 'abc'",
    "hash, to nothing": "hash = NULL",
}
TAMPERINGS: dict[str, tuple[Tampering, list[tuple[int, str]]]] = {
    "the first row is deleted": (
        sql("DELETE FROM audit_events WHERE position = 1"),
        [(1, "missing")],
    ),
    "a row is deleted": (sql("DELETE FROM audit_events WHERE position = 3"), [(3, "missing")]),
    "the first batch is deleted with its seal": (
        lambda log: both(log, "position <= 4"),
        [(1, "missing"), (4, "seal_missing")],
    ),
    "the last row is deleted": (sql("DELETE FROM audit_events WHERE position = 6"), [(6, "cut")]),
    "the end is deleted with its seal": (
        lambda log: both(log, "position > 4"),
        [(5, "cut")],
    ),
    "everything is deleted": (lambda log: both(log, "position > 0"), [(1, "cut")]),
    "a row is added at the end": (
        sql(ANOTHER.format(position=7)),
        [(7, "changed"), (7, "seal_missing")],
    ),
    "a row is added before the first": (sql(ANOTHER.format(position=0)), [(0, "added")]),
    "a row is added between": (
        insert_between,
        [(1, "rewritten"), (5, "rewritten"), (7, "seal_missing")],
    ),
    "two rows are swapped": (swap, [(2, "changed"), (3, "changed"), (4, "changed")]),
    "a row is to be sealed once more": (
        sql("UPDATE audit_events SET position = NULL WHERE position = 3"),
        [(3, "missing"), (7, "unsealed")],
    ),
    "all hashes are made anew": (rewrite, [(1, "rewritten"), (5, "rewritten")]),
    "all hashes are made anew, seals too": (rewrite_with_seals, [(4, "forged"), (6, "forged")]),
    "a seal is deleted": (
        sql("DELETE FROM audit_seals WHERE position = 4"),
        [(4, "seal_missing")],
    ),
    "the last seal is deleted": (
        sql("DELETE FROM audit_seals WHERE position = 6"),
        [(5, "seal_missing")],
    ),
    "all seals are deleted": (sql("DELETE FROM audit_seals"), [(1, "seal_missing")]),
    "a seal is made an anchor": (
        sql("UPDATE audit_seals SET pruned_at = sealed_at WHERE position = 4"),
        [(4, "forged")],
    ),
    "the beginning is deleted as if it were old": (
        as_if_old,
        [(1, "missing"), (4, "forged")],
    ),
    "a seal is of another time": (
        sql("UPDATE audit_seals SET sealed_at = '2020-01-01 00:00:00' WHERE position = 4"),
        [(4, "forged")],
    ),
    "a seal has no mac": (sql("UPDATE audit_seals SET mac = ''"), [(4, "forged"), (6, "forged")]),
    "a seal is put where no row is": (
        sql(
            "INSERT INTO audit_seals (position, hash, previous, sealed_at, mac)"
            " VALUES (9, 'x', 6, '2026-01-01 00:00:00', 'ä')"
        ),
        [(7, "cut")],
    ),
    "a row is put where no other can follow": (
        sql("UPDATE audit_events SET position = 9223372036854775807 WHERE position = 3"),
        [(3, "missing"), (7, "missing")],
    ),
    "the counter is further on": (
        sql("UPDATE duties SET counter = 8 WHERE name = 'audit'"),
        [(7, "cut")],
    ),
}


async def test_a_log_that_nobody_touched_fits(log: Log) -> None:
    assert await log.faults() == []
    await log.batches(4, 2)
    check = await log.check()
    assert (check.faults, check.rows, check.seals, check.position) == ([], 6, 2, 6)


@pytest.mark.parametrize("column", CHANGED)
async def test_a_changed_row_is_found(log: Log, column: str) -> None:
    await log.batches(4, 2)
    await log.sql(f"UPDATE audit_events SET {CHANGED[column]} WHERE position = 3")  # noqa: S608
    faults = await log.faults()
    assert faults[0] == (3, "changed")
    assert len(faults) == (2 if "hash" in column else 1)


@pytest.mark.parametrize("name", TAMPERINGS)
async def test_whatever_is_done_to_the_log_shows(log: Log, name: str) -> None:
    tamper, expected = TAMPERINGS[name]
    await log.batches(4, 2)
    await tamper(log)
    assert await log.faults() == expected


@SQLITE
@pytest.mark.parametrize("name", TAMPERINGS)
async def test_what_was_done_still_shows_when_more_is_sealed(log: Log, name: str) -> None:
    tamper, _ = TAMPERINGS[name]
    await log.batches(4, 2)
    await tamper(log)
    await log.write(sealed=False)
    assert await log.seal() > 0
    await log.write(3)
    assert await log.faults() != []


@SQLITE
async def test_after_a_fault_the_rest_is_looked_at_too(log: Log) -> None:
    await log.batches(4, 2, 3)
    await log.sql("DELETE FROM audit_events WHERE position = 3")
    await log.sql("UPDATE audit_events SET kind = 'logout' WHERE position = 8")
    assert await log.faults() == [(3, "missing"), (8, "changed")]


@SQLITE
async def test_a_log_put_back_to_an_earlier_day_is_another_than_was_seen(log: Log) -> None:
    """Nothing in a database says that all of it is of yesterday."""
    await log.batches(4)
    yesterday = await log.check()
    await log.batches(2)
    today = await log.check()
    for statement in (
        "DELETE FROM audit_events WHERE position > 4",
        "DELETE FROM audit_seals WHERE position > 4",
        "UPDATE duties SET counter = 4 WHERE name = 'audit'",
    ):
        await log.sql(statement)
    assert await log.faults() == []
    for seen, kinds in ((yesterday, []), (today, ["cut"])):
        check = await log.check(seen=Seen(seen.position, seen.hash or ""))
        assert [fault.kind for fault in check.faults] == kinds
    await log.batches(2)
    check = await log.check(seen=Seen(today.position, today.hash or ""))
    assert [(fault.position, fault.kind) for fault in check.faults] == [(6, "not_seen")]


@SQLITE
async def test_another_key_has_made_none_of_the_seals(log: Log) -> None:
    await log.batches(4, 2)
    assert await log.faults("another key") == [(4, "forged"), (6, "forged")]


@SQLITE
@pytest.mark.parametrize(
    "garbage",
    [
        *("at = 'when?'", "at = x'ff'", "detail = '{'", 'detail = \'{"a":1,"a":2}\''),
        *("detail = x'00'", "kind = x'ff'", "position = 'x'", "position = 2.5", "hash = 7"),
        "detail = '" + "[" * 100_000 + "'",
    ],
    ids=lambda garbage: garbage[:20],
)
async def test_what_is_no_value_at_all_is_found(log: Log, garbage: str) -> None:
    """SQLite keeps anything anywhere."""
    await log.batches(4, 2)
    written = garbage.replace(":", "\\:")  # or it would be a parameter
    await log.sql(f"UPDATE audit_events SET {written} WHERE position = 3")  # noqa: S608 - ours
    assert (await log.faults())[0][0] == 3
    await log.sql(f"UPDATE audit_seals SET {_in_seal(garbage)}")  # noqa: S608
    assert (await log.faults())[0][0] == 3
    await log.write(sealed=False)
    assert await log.seal() == 1


def _in_seal(garbage: str) -> str:
    column, _, value = garbage.partition(" = ")
    names = {"at": "sealed_at", "hash": "hash", "position": "previous"}
    return f"{names.get(column, 'mac')} = {value}".replace(":", "\\:")


@SQLITE
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_seals SET position = 9223372036854775807 WHERE position = 6",
        "UPDATE duties SET counter = 9223372036854775807 WHERE name = 'audit'",
    ],
)
async def test_a_last_position_of_all_does_not_keep_others_from_being_sealed(
    log: Log, statement: str
) -> None:
    await log.batches(4, 2)
    await log.sql(statement)
    assert (7, "cut") in await log.faults()
    await log.write(2)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("when", ["20000-01-01", "infinity", "-infinity", "0044-03-15 BC"])
async def test_a_time_that_python_does_not_know_is_found_and_stops_nothing(
    log: Log, when: str
) -> None:
    log.clock.advance(microseconds=123_457)
    await log.batches(4, 2)
    assert await log.faults() == []
    await log.write(2, sealed=False)
    await log.sql(f"UPDATE audit_events SET at = '{when}' WHERE id = 8")  # noqa: S608 - ours
    assert await log.seal() == 2
    assert await log.faults() == []  # it is sealed as it lies there
    await log.sql(f"UPDATE audit_events SET at = '{when}' WHERE position = 3")  # noqa: S608
    assert await log.faults() == [(3, "changed")]
    await log.sql(f"UPDATE audit_seals SET sealed_at = '{when}' WHERE position = 4")  # noqa: S608
    assert await log.faults() == [(3, "changed"), (4, "forged")]
    await log.write(1)
