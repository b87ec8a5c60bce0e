"""Reading the audit log, checking it, and taking it elsewhere."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dhq_auth.audit.sealing import seal
from dhq_auth.cli.audit.verify import seal_key
from dhq_auth.clock import rfc3339
from dhq_auth.db import Database
from dhq_auth.events import Event, LoginRefused, Source, UsernameChosen
from dhq_auth.settings import from_environ
from dhq_auth.work import Work
from tests.audit.conftest import Log
from tests.cli.conftest import Cli
from tests.fixtures.service import FrozenClock, Start
from tests.self_service.people import registered

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def remember(url: str, clock: FrozenClock, *events: Event) -> None:
    """Write *events* as the service does, a second apart."""

    async def nobody(*_events: object) -> None:
        return None

    database = Database(url, pool=1, timeout=5)
    work = Work(database, clock, nobody)
    for event in events:
        await work.tell(Source("192.0.2.1", "a-request", "somebody"), event)
        clock.advance(seconds=1)
    await database.close()


async def seal_all(url: str, clock: FrozenClock) -> None:
    """Seal as the service does."""
    settings = from_environ({"DATABASE_URL": url})
    database = Database(url, pool=1, timeout=5)
    while await seal(database, await seal_key(database, settings), clock()):
        pass
    await database.close()


async def sql(url: str, clock: FrozenClock, statement: str) -> None:
    database = Database(url, pool=1, timeout=5)
    await Log(database, clock).sql(statement)
    await database.close()


def refused(user: str | None = None, reason: str = "cancelled") -> LoginRefused:
    return LoginRefused(user_id=user, provider="acme", reason=reason)


def chosen(user: str, username: str = "ada") -> UsernameChosen:
    return UsernameChosen(user_id=user, username=username)


@pytest.mark.slow
async def test_the_newest_is_listed_first_with_all_that_is_known(
    database_url: str, on_database: Cli, clock: FrozenClock
):
    began = clock.now
    await remember(database_url, clock, refused(), chosen("u1"))
    last, first = (await on_database.aside("audit", "list", "--json")).json["items"]
    assert last["kind"] == "username.chosen"
    assert first["id"] < last["id"]
    assert {name: first[name] for name in first if name != "id"} == {
        "at": rfc3339(began),
        "kind": "login.refused",
        "user_id": None,
        "actor": "somebody",
        "address": "192.0.2.1",
        "request_id": "a-request",
        "detail": {"provider": "acme", "reason": "cancelled"},
        "position": None,
    }


@pytest.mark.slow
async def test_it_can_be_narrowed_by_user_kind_and_number(
    database_url: str, on_database: Cli, clock: FrozenClock
):
    await remember(database_url, clock, refused("u1"), refused("u2"), chosen("u1"), chosen("u2"))

    async def found(*options: str) -> list[tuple[str, str]]:
        items = (await on_database.aside("audit", "list", "--json", *options)).json["items"]
        return [(item["kind"], item["user_id"]) for item in items]

    mine = [("username.chosen", "u1"), ("login.refused", "u1")]
    assert await found("--user", "u1") == mine
    assert len(await found("--user", "somebody")) == 4  # who did it
    assert await found("--kind", "login.refused") == [
        ("login.refused", "u2"),
        ("login.refused", "u1"),
    ]
    assert await found("--kind", "login") == await found("--kind", "login.refused")
    assert await found("--kind", "login.") == await found("--kind", "login.refused")
    assert await found("--kind", "log") == []
    assert await found("--kind", "%") == []
    assert await found("--user", "u1", "--kind", "login") == mine[1:]
    assert await found("--limit", "1") == [("username.chosen", "u2")]
    assert await found("--user", "' or 1=1 --") == []


@pytest.mark.slow
async def test_it_can_be_narrowed_by_time(database_url: str, on_database: Cli, clock: FrozenClock):
    clock.now = clock.now.replace(year=2026, month=3, day=31, hour=23, minute=59, second=59)
    await remember(database_url, clock, *(chosen(f"u{number}") for number in range(3)))

    async def found(*options: str) -> list[str]:
        items = (await on_database.aside("audit", "list", "--json", *options)).json["items"]
        return [item["user_id"] for item in items]

    assert await found("--since", "2026-04-01") == ["u2", "u1"]
    assert await found("--until", "2026-04-01") == ["u0"]
    assert await found(
        "--since", "2026-04-01T02:00:00+02:00", "--until", "2026-04-01T00:00:01"
    ) == ["u1"]
    assert await found("--since", "9999-12-31") == []


@SQLITE
async def test_long_ago_is_counted_from_now(
    database_url: str, on_database: Cli, clock: FrozenClock
):
    clock.now -= timedelta(hours=3)
    await remember(database_url, clock, chosen("u1"))
    for options, count in ((("--since", "4h"), 1), (("--since", "2h"), 0), (("--until", "2h"), 1)):
        ended = await on_database.aside("audit", "list", "--json", *options)
        assert len(ended.json["items"]) == count


@SQLITE
@pytest.mark.parametrize("when", ["yesterday", "2026-13-01", "7w", "-1d", "0001-01-01T00:00+14:00"])
def test_what_is_no_time_is_refused(on_database: Cli, when: str):
    ended = on_database("audit", "list", f"--since={when}")
    assert ended.code == 2
    assert "is no time" in ended.err


@SQLITE
@pytest.mark.parametrize("command", ["list", "export"])
@pytest.mark.parametrize("option", ["--user", "--kind"])
def test_what_is_no_text_is_refused(on_database: Cli, command: str, option: str):
    """What a shell hands over may be bytes that are no UTF-8."""
    for text in ("\udcff", "a\x1bb"):
        done = on_database("audit", command, option, text)
        assert (done.code, "is nobody's id" in done.err) == (2, True)


@SQLITE
@pytest.mark.parametrize("number", ["99999999999999999999", "-1", "0"])
def test_what_is_no_number_of_a_row_is_refused(on_database: Cli, number: str):
    assert on_database("audit", "list", "--before", number).code == 2


@SQLITE
async def test_pages_hold_every_row_once(database_url: str, on_database: Cli, clock: FrozenClock):
    await remember(database_url, clock, *(chosen(f"u{number}") for number in range(5)))
    found, more = [], ()
    while True:
        page = await on_database.aside("audit", "list", "--json", "--limit", "2", *more)
        found += [item["user_id"] for item in page.json["items"]]
        if page.json["next"] is None:
            break
        more = ("--before", str(page.json["next"]))
    assert found == ["u4", "u3", "u2", "u1", "u0"]
    ended = await on_database.aside("audit", "list", "--limit", "2")
    assert "there is more: --before" in ended.err


@SQLITE
async def test_what_users_wrote_cannot_play_with_the_terminal(
    database_url: str, on_database: Cli, clock: FrozenClock
):
    await remember(database_url, clock, chosen("u1", "\x1b[2J[red]ada[/red]\u202e\nu2"))
    ended = await on_database.aside("audit", "list")
    assert r"username=\x1b[2J[red]ada[/red]\u202e\nu2" in ended.out
    assert len(ended.out.splitlines()) == 3
    await seal_all(database_url, clock)
    ended = await on_database.aside("audit", "export")
    assert ended.out.isascii()
    assert ended.out.count("\n") == 1
    assert "\x1b" not in ended.out


@SQLITE
def test_an_empty_log_is_no_fault(on_database: Cli):
    assert on_database("audit", "list", "--json").json == {"items": [], "next": None}
    assert on_database("audit", "list").code == 0
    assert on_database("audit", "export").out == ""
    assert on_database("audit", "export", "--json").json == {"items": []}
    assert on_database("audit", "verify").code == 0


@pytest.mark.slow
async def test_a_log_that_nobody_touched_fits_and_one_that_somebody_did_does_not(
    database_url: str, on_database: Cli, clock: FrozenClock
):
    clock.now -= timedelta(hours=1)
    await remember(database_url, clock, *(chosen(f"u{number}") for number in range(4)))
    waits = await on_database.aside("audit", "verify", "--json")
    assert (waits.code, waits.json["waiting"], waits.json["rows"]) == (1, 4, 0)
    await seal_all(database_url, clock)
    fits = await on_database.aside("audit", "verify", "--json")
    assert (fits.code, fits.json["ok"], fits.json["rows"]) == (0, True, 4)
    head = (await on_database.aside("audit", "verify")).out.splitlines()[-1]
    assert head == f"4:{fits.json['hash']}"

    await sql(database_url, clock, "UPDATE audit_events SET user_id = 'eve' WHERE position = 2")
    does_not = await on_database.aside("audit", "verify", "--json")
    assert (does_not.code, does_not.json["ok"]) == (1, False)
    assert [(each["position"], each["kind"]) for each in does_not.json["faults"]] == [
        (2, "changed")
    ]
    told = await on_database.aside("audit", "verify")
    assert told.code == 1
    assert told.out.startswith("at 2: row ")


@SQLITE
async def test_what_was_seen_before_must_be_there(
    database_url: str, on_database: Cli, clock: FrozenClock
):
    await remember(database_url, clock, chosen("u1"), chosen("u2"))
    await seal_all(database_url, clock)
    head = (await on_database.aside("audit", "verify")).out.splitlines()[-1]
    assert (await on_database.aside("audit", "verify", "--seen", head)).code == 0
    other = f"2:{'0' * 64}"
    ended = await on_database.aside("audit", "verify", "--seen", other)
    assert (ended.code, ended.out.splitlines()[0]) == (
        1,
        "at 2: this is another row than was seen there",
    )
    for wrong in ("2", "2:abc", "x:y"):
        assert (await on_database.aside("audit", "verify", "--seen", wrong)).code == 2


@SQLITE
async def test_without_the_key_nothing_is_taken_for_checked(
    database_url: str, on_database: Cli, clock: FrozenClock, tmp_path: Path
):
    await remember(database_url, clock, chosen("u1"))
    await seal_all(database_url, clock)
    (tmp_path / "dhq-auth.db.secret-key").write_text("A" * 43)
    ended = await on_database.aside("audit", "verify")
    assert (ended.code, ended.out) == (1, "")
    assert "SECRET_KEY" in ended.err


async def exported(on_database: Cli, *options: str) -> list[dict[str, Any]]:
    ended = await on_database.aside("audit", "export", *options)
    assert ended.code == 0
    return [json.loads(line) for line in ended.out.splitlines()]


@pytest.mark.slow
async def test_an_export_is_checked_without_the_database(
    database_url: str, on_database: Cli, cli: Cli, clock: FrozenClock
):
    await remember(
        database_url, clock, refused("u1"), chosen("u1", "ä☃"), refused("u2"), chosen("u2")
    )
    await seal_all(database_url, clock)
    await remember(database_url, clock, chosen("late"))
    whole = await on_database.aside("audit", "export")
    assert "not sealed yet, so not in the export: 1" in whole.err
    rows = [json.loads(line) for line in whole.out.splitlines()]
    assert [row["position"] for row in rows] == [1, 2, 3, 4]
    assert (await on_database.aside("audit", "export", "--json")).json == {"items": rows}

    def checked(lines: list[dict[str, Any]], *options: str) -> tuple[int, list[tuple[int, str]]]:
        text = "".join(f"{json.dumps(line)}\n" for line in lines)
        ended = cli("audit", "verify", "--file", "-", "--json", *options, stdin=text)
        return ended.code, [(each["position"], each["kind"]) for each in ended.json["faults"]]

    assert checked(rows) == (0, [])
    assert checked(rows[2:]) == (0, [])  # from the third on
    assert checked([rows[0], *rows[2:]]) == (1, [(2, "missing")])
    assert checked([rows[0], *rows[2:]], "--some") == (0, [])
    assert checked([rows[0], {**rows[1], "user_id": "eve"}, *rows[2:]]) == (1, [(2, "changed")])
    assert checked([{**rows[0], "previous": "1" * 64}, *rows[1:]])[0] == 1
    assert checked([*rows, rows[1]]) == (1, [(2, "added")])
    assert checked(rows, "--seen", f"4:{rows[3]['hash']}") == (0, [])
    assert checked(rows, "--seen", f"4:{'0' * 64}") == (1, [(4, "not_seen")])
    assert checked(rows[:3], "--seen", f"4:{rows[3]['hash']}") == (1, [(4, "cut")])

    some = await exported(on_database, "--kind", "login")
    assert [row["position"] for row in some] == [1, 3]
    assert checked(some) == (1, [(2, "missing")])
    assert checked(some, "--some") == (0, [])
    assert checked([some[0], {**some[1], "kind": "logout"}], "--some") == (1, [(3, "changed")])
    assert [row["user_id"] for row in await exported(on_database, "--user", "u2")] == ["u2", "u2"]


@pytest.mark.parametrize(
    "text",
    [
        *("x", "[]", "{}", "7", "[" * 100_000, "\xff", '{"position": 1}', "\x00"),
        json.dumps(dict.fromkeys(("position", "hash"), 1)),
    ],
    ids=range(9),
)
def test_what_is_no_export_is_refused(cli: Cli, text: str):
    ended = cli("audit", "verify", "--file", "-", stdin=text.encode("latin-1"))
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("line 1 ")


def test_some_is_about_an_export(cli: Cli):
    assert cli("audit", "verify", "--some").code == 2


@pytest.mark.slow
async def test_a_service_that_runs_seals_what_it_does(start: Start, on_database: Cli):
    service = await start()
    alice = await registered(service)
    async with asyncio.timeout(30):
        while (ended := await on_database.aside("audit", "verify", "--json")).json["waiting"]:
            pass
    assert (ended.code, ended.json["rows"], ended.json["seals"]) == (0, 2, 1)
    rows = await exported(on_database, "--user", alice.id)
    assert [row["kind"] for row in rows] == ["user.created", "login.succeeded"]
