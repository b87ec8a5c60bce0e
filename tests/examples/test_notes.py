"""The notes as two users, an administrator and a stranger meet them: by filters and by RLS.

Both ways answer the same. The service has one connection to its database, which all callers share.
"""

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, encode_basic_auth, web

from examples.notes.__main__ import service as make_service
from tests.fakes.postgres import PostgresServer
from tests.fixtures.service import Service, Start

ROOT = Path(__file__).parents[2]
PROGRAM = (sys.executable, "-c", "from dhq_auth.cli import main; main()")
PASSWORD = "the notes are not for everybody"
RULES = (
    ("read", "published or user_id = auth_user.id"),
    ("delete", "user_id = auth_user.id or auth_user.is_admin"),
)
GUARDS = ("filters", pytest.param("rls", marks=pytest.mark.postgres))
pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]


@dataclass
class Person:
    """Somebody who uses the notes: an id, and the headers that prove it."""

    id: str | None
    headers: dict[str, str]


class World:
    """dhq-auth, the notes behind it, and the people."""

    notes: str
    http: ClientSession

    def __init__(self, auth: Service, basic: str) -> None:
        self.auth = auth
        self.basic = basic
        self.people: dict[str, Person] = {"nobody": Person(None, {})}

    async def add_rule(self, action: str, expression: str) -> None:
        """Add a policy on the notes, as the administrator."""
        answer = await self.auth.browser.post(
            "/auth/policies",
            headers={"Authorization": self.basic},
            json={
                "service": "notes",
                "table_name": "notes",
                "action": action,
                "expression": expression,
            },
        )
        assert answer.status == 201, await answer.text()

    async def join(self, name: str, password: str, user_id: str) -> None:
        """Let *name* have a service token."""
        basic = encode_basic_auth(name, password)
        answer = await self.auth.browser.get(
            "/auth/authorize", params={"service": "notes"}, headers={"Authorization": basic}
        )
        token = (await answer.json())["token"]
        self.people[name] = Person(user_id, {"Authorization": f"Bearer {token}"})

    async def ask(self, who: str, method: str, query: str = "", **fields: Any) -> tuple[int, Any]:
        """Return the status, and the answer."""
        async with self.http.request(
            method,
            f"{self.notes}{query}",
            headers=self.people[who].headers,
            json=fields or None,
        ) as answer:
            is_json = answer.content_type.endswith("json")
            return answer.status, await (answer.json() if is_json else answer.text())

    async def titles(self, who: str, query: str = "") -> list[str]:
        """Return the titles that *who* can read."""
        status, found = await self.ask(who, "GET", query)
        assert status == 200, found
        return [note["title"] for note in found["items"]]


@pytest.fixture(params=GUARDS)
async def world(
    request: pytest.FixtureRequest, start: Start, database_url: str, tmp_path: Path
) -> AsyncIterator[World]:
    """The notes under either guard, with one note each of alice and of bob."""
    auth = await start(ALLOWED_SERVICES="notes:policies")
    answer = await auth.browser.post("/auth/setup")
    admin = await answer.json()
    basic = encode_basic_auth(admin["username"], admin["password"])
    world = World(auth, basic)
    for action, expression in RULES:
        await world.add_rule(action, expression)
    url = f"sqlite+aiosqlite:///{tmp_path}/notes.db"
    if request.param == "rls":
        url = await _secured(request.getfixturevalue("postgres"), database_url)
    app = make_service(url, auth.url, row_level_security=request.param == "rls", connections=1)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "localhost", 0)
    await site.start()
    port = runner.addresses[0][1]
    world.notes = f"http://localhost:{port}/notes"
    async with ClientSession() as world.http:
        await world.join(admin["username"], admin["password"], await _id(auth, basic))
        for name in ("alice", "bob"):
            answer = await auth.browser.post(
                "/auth/register", json={"username": name, "password": PASSWORD}
            )
            await world.join(name, PASSWORD, (await answer.json())["id"])
            status, _ = await world.ask(name, "POST", title=f"of {name}")
            assert status == 201
        yield world
    await runner.cleanup()


async def _id(auth: Service, basic: str) -> str:
    answer = await auth.browser.get("/auth/users/me", headers={"Authorization": basic})
    return str((await answer.json())["id"])


async def _secured(server: PostgresServer, database_url: str) -> str:
    """Make the table and its policies as the README says; return how the service connects."""
    name = server.create()
    server.execute((ROOT / "examples/notes/schema.sql").read_text(), name)
    server.execute("ALTER ROLE notes_app PASSWORD 'only-for-tests'", name)
    arguments = ("policy", "rls", "--table", "notes", "--service", "notes")
    process = await asyncio.create_subprocess_exec(
        *(*PROGRAM, *arguments), env={"DATABASE_URL": database_url}, stdout=PIPE, stderr=PIPE
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    for _ in range(2):  # it may be run again at any time
        server.execute(out.decode(), name)
    return f"postgresql+asyncpg://notes_app:only-for-tests@127.0.0.1:{server.port}/{name}"


async def test_everybody_reads_their_own_notes_and_what_is_published(world: World) -> None:
    assert await world.titles("alice") == ["of alice"]
    assert await world.titles("bob") == ["of bob"]
    assert await world.titles("nobody") == []
    status, changed = await world.ask("bob", "PUT", "?title=eq.of bob", published=True)
    assert (status, len(changed["items"])) == (200, 1)
    assert await world.titles("alice") == ["of alice", "of bob"]
    assert await world.titles("nobody") == ["of bob"]
    assert await world.titles("alice", "?mine") == ["of alice"]
    assert await world.titles("admin") == ["of bob"]


async def test_who_is_not_known_may_not_ask_for_his_own_nor_write(world: World) -> None:
    for method, query, fields in (
        ("GET", "?mine", {}),
        ("POST", "", {"title": "x"}),
        ("PUT", "?title=eq.of bob", {"title": "x"}),
        ("DELETE", "?title=eq.of bob", {}),
    ):
        status, problem = await world.ask("nobody", method, query, **fields)
        assert (status, problem["status"]) == (401, 401), (method, query)
    assert await world.titles("bob") == ["of bob"]


async def test_a_note_is_made_for_oneself_whatever_the_client_sends(world: World) -> None:
    bob, alice = world.people["bob"].id, world.people["alice"].id
    status, made = await world.ask("alice", "POST", title="for bob?", user_id=bob)
    assert (status, made["user_id"]) == (201, alice)
    assert await world.titles("bob") == ["of bob"]


async def test_a_note_is_not_given_away(world: World) -> None:
    bob = world.people["bob"].id
    status, _ = await world.ask("alice", "PUT", "?title=eq.of alice", user_id=bob, title="gift")
    assert status == 403
    assert await world.titles("bob") == ["of bob"]
    assert await world.titles("alice") == ["of alice"]


async def test_nobody_changes_or_deletes_the_notes_of_others(world: World) -> None:
    await world.ask("bob", "PUT", "?title=eq.of bob", published=True)  # alice can read it now
    for method, fields in (("PUT", {"title": "mine now"}), ("DELETE", {})):
        status, touched = await world.ask("alice", method, "?published=eq.true", **fields)
        assert (status, touched["items"]) == (200, []), method
    assert await world.titles("bob") == ["of bob"]


async def test_one_change_of_many_touches_only_ones_own(world: World) -> None:
    status, changed = await world.ask("alice", "PUT", "?published=eq.false", text="changed")
    assert (status, [note["title"] for note in changed["items"]]) == (200, ["of alice"])
    status, gone = await world.ask("alice", "DELETE", "?published=eq.false")
    assert (status, [note["title"] for note in gone["items"]]) == (200, ["of alice"])
    assert await world.titles("bob") == ["of bob"]


async def test_an_administrator_may_what_the_rules_say_and_no_more(world: World) -> None:
    status, changed = await world.ask("admin", "PUT", "?title=eq.of bob", title="x")
    assert (status, changed["items"]) == (200, [])
    status, gone = await world.ask("admin", "DELETE", "?title=eq.of bob")
    assert (status, len(gone["items"])) == (200, 1)
    assert await world.titles("bob") == []


async def test_callers_who_take_turns_on_one_connection_never_see_anothers_rows(
    world: World,
) -> None:
    names = ["alice", "bob", "nobody", "admin"] * 15
    seen = await asyncio.gather(*(world.titles(name) for name in names))
    own = {"alice": ["of alice"], "bob": ["of bob"], "nobody": [], "admin": []}
    assert seen == [own[name] for name in names]


async def test_writers_who_take_turns_on_one_connection_write_their_own_rows(world: World) -> None:
    async def turn(name: str, number: int) -> None:
        status, made = await world.ask(name, "POST", title=f"{name} {number}")
        assert (status, made["user_id"]) == (201, world.people[name].id)
        status, changed = await world.ask(name, "PUT", f"?title=eq.{name} {number}", text="t")
        assert (status, len(changed["items"])) == (200, 1)
        status, _ = await world.ask(
            name, "PUT", f"?title=eq.{name} {number}", user_id=world.people["admin"].id
        )
        assert status == 403

    await asyncio.gather(*(turn(name, number) for number in range(8) for name in ("alice", "bob")))
    for name in ("alice", "bob"):
        expected = sorted([f"of {name}", *(f"{name} {number}" for number in range(8))])
        assert sorted(await world.titles(name, "?mine")) == expected
    assert await world.titles("admin") == []


REFUSED: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("GET", "?title=x", {}),
    ("GET", "?titel=eq.x", {}),
    ("GET", "?published=eq.maybe", {}),
    ("PUT", "", {"title": "x"}),
    ("DELETE", "", {}),
    ("POST", "", {"id": "x"}),
    ("POST", "", {"title": 1}),
    ("POST", "", {"title": "\x00"}),
    ("POST", "", {"title": "\ud800"}),
    ("POST", "", {"published": "yes"}),
    ("POST", "", {"title": "x" * 10_001}),
    ("PUT", "?title=eq.of alice", {"user_id": "u" * 129}),
    ("POST", "", {}),
)


async def test_what_cannot_be_understood_is_refused(
    world: World, subtests: pytest.Subtests
) -> None:
    for number, (method, query, fields) in enumerate(REFUSED):
        with subtests.test(number=number):
            status, said = await world.ask("alice", method, query, **fields)
            assert status == 400, said
    assert await world.titles("alice") == ["of alice"]


async def test_a_bad_token_is_not_anonymous(world: World) -> None:
    world.people["mallory"] = Person(None, {"Authorization": "Bearer not.a.token"})
    status, problem = await world.ask("mallory", "GET")
    assert (status, problem["status"]) == (401, 401)


async def test_a_note_of_a_stranger_is_nobodys_where_everybody_may_write(world: World) -> None:
    await world.add_rule("create", "")
    status, made = await world.ask("nobody", "POST", title="from outside")
    if status == 401:  # PostgreSQL goes by the rules as they were when it was told them
        return
    assert (status, made["user_id"]) == (201, "")
    assert await world.titles("nobody") == []
