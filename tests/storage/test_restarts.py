"""A service that is stopped, or killed in the middle: what people have goes on, or was never so."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import ClientError

from tests.fixtures.process import PATIENCE, Serve, ServedProcess
from tests.fixtures.service import Browser
from tests.self_service.people import BETTER, GOOD, basic

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]

HELD = 0.2
"""Seconds for which a lock is held only by who does not let go."""


@dataclass
class Alice:
    """Somebody with everything that one can come in with."""

    served: ServedProcess
    browser: Browser
    jwt: str = field(repr=False)
    api_token: str = field(repr=False)
    developer_token: str = field(repr=False)

    async def is_known(self) -> dict[str, bool]:
        """Say of all that she has whether it is believed."""
        bearers = {
            "login token": self.jwt,
            "API token": self.api_token,
            "developer token": self.developer_token,
        }
        found = {name: await self._known(_bearer(token)) for name, token in bearers.items()}
        answer = await self.browser.get("/auth/check")
        return {"session": (await answer.json())["authenticated"], **found}

    async def may_log_in(self, password: str) -> bool:
        """Whether name and password are believed."""
        return await self._known(basic("alice@example.com", password))

    async def _known(self, headers: dict[str, str]) -> bool:
        answer = await self.served.new_browser().get("/auth/check", headers=headers)
        assert answer.status == 200
        known: bool = (await answer.json())["authenticated"]
        return known


EVERYTHING = {"session": True, "login token": True, "API token": True, "developer token": True}
NOTHING = dict.fromkeys(EVERYTHING, False)


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def post(browser: Browser, path: str, status: int, **sent: Any) -> dict[str, Any]:
    answer = await browser.post(path, json=sent)
    said: dict[str, Any] = await answer.json()
    assert answer.status == status, said
    return said


async def arrived(served: ServedProcess) -> Alice:
    """Start the service, and let Alice register without a username and take all there is."""
    await served.start()
    browser = served.new_browser()
    account = {"email": "alice@example.com", "password": GOOD}
    await post(browser, "/auth/register", 201, **account)
    login = await post(browser, "/auth/login", 200, **account)
    api = await post(browser, "/auth/tokens", 201, title="kept")
    developer = await post(browser, "/auth/developer-token", 201)
    alice = Alice(served, browser, login["token"], api["token"], developer["token"])
    assert await alice.is_known() == EVERYTHING
    return alice


@pytest.fixture
async def alice(serve: Serve) -> Alice:
    """Alice at a service of which no extension knows."""
    return await arrived(serve())


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_what_people_have_outlives_the_process(alice: Alice, end: str) -> None:
    await getattr(alice.served, end)()
    await alice.served.start()
    assert await alice.is_known() == EVERYTHING
    # And the restart has forgotten nothing of what ends it, either.
    for token in (alice.api_token, alice.developer_token):
        await post(alice.served.new_browser(), "/auth/token-leaked", 200, token=token)
    await post(alice.browser, "/auth/logout", 200)
    await alice.served.kill()
    await alice.served.start()
    assert await alice.is_known() == NOTHING


async def test_who_guesses_is_not_forgiven_by_a_restart(alice: Alice) -> None:
    wrong = {"email": "alice@example.com", "password": BETTER}
    stranger = alice.served.new_browser()
    for _ in range(3):
        await post(stranger, "/auth/login", 401, **wrong)
    await alice.served.kill()
    await alice.served.start()
    for _ in range(2):
        await post(stranger, "/auth/login", 401, **wrong)
    await post(stranger, "/auth/login", 429, **wrong)
    await post(stranger, "/auth/login", 429, email="alice@example.com", password=GOOD)
    await alice.served.kill()
    await alice.served.start()
    await post(stranger, "/auth/login", 429, **wrong)


class Database:
    """The file, in which a change can be made to stand still in the middle."""

    def __init__(self, url: str) -> None:
        self._file = url.removeprefix("sqlite:///")

    def stand_still(self, change: str) -> None:
        """Let whoever makes *change*, such as `UPDATE ON users`, never come to its end."""
        self._run(
            "CREATE VIEW endless AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
            " SELECT max(i) AS i FROM n",
            f"CREATE TRIGGER stand_still AFTER {change} BEGIN SELECT i FROM endless; END",  # noqa: S608
        )

    async def is_in_the_middle(self) -> None:
        """Wait until somebody has begun a change and does not end it."""
        async with asyncio.timeout(PATIENCE):
            while not await asyncio.to_thread(self._is_held):
                pass

    def mend(self) -> None:
        """Let changes come to their end; what was begun and not committed must be gone."""
        self._run("DROP TRIGGER stand_still", "DROP VIEW endless")
        assert self._run("PRAGMA integrity_check") == [("ok",)]
        assert self._run("PRAGMA foreign_key_check") == []

    def _is_held(self) -> bool:
        try:
            self._run("BEGIN IMMEDIATE", "ROLLBACK", timeout=HELD)
        except sqlite3.OperationalError:
            return True
        return False

    def _run(self, *statements: str, timeout: float = 5) -> list[Any]:
        db = sqlite3.connect(self._file, timeout=timeout, isolation_level=None)
        try:
            rows = [db.execute(statement).fetchall() for statement in statements]
        finally:
            db.close()
        return rows[-1]


@pytest.fixture
def file(database_url: str) -> Database:
    return Database(database_url)


async def killed_in_the_middle(
    served: ServedProcess, file: Database, change: str, act: Callable[[], Awaitable[object]]
) -> None:
    """Kill the process while it does *act*, after *change* and before the commit; start it anew."""
    file.stand_still(change)
    acting = asyncio.create_task(_unanswered(act))
    await file.is_in_the_middle()
    await served.kill()
    await acting
    file.mend()
    await served.start()


async def _unanswered(act: Callable[[], Awaitable[object]]) -> None:
    with suppress(ClientError):
        await act()
        pytest.fail("it was answered")


def change_of(alice: Alice) -> Callable[[], Awaitable[object]]:
    sent = {"current_password": GOOD, "new_password": BETTER}
    return lambda: alice.browser.post("/auth/users/me/password", json=sent)


@pytest.mark.parametrize("change", ["DELETE ON sessions", "INSERT ON audit_events"])
async def test_a_change_of_the_password_that_is_cut_off_has_not_begun(
    alice: Alice, file: Database, change: str
) -> None:
    await killed_in_the_middle(alice.served, file, change, change_of(alice))
    assert await alice.is_known() == EVERYTHING
    assert not await alice.may_log_in(BETTER)
    assert await alice.may_log_in(GOOD)


@pytest.mark.parametrize("change", ["UPDATE ON users"])
async def test_a_username_whose_choice_is_cut_off_can_still_be_chosen(
    alice: Alice, file: Database, change: str
) -> None:
    def choose(name: str) -> Callable[[], Awaitable[Any]]:
        return lambda: post(alice.browser, "/auth/update", 200, username=name)

    await killed_in_the_middle(alice.served, file, change, choose("ada"))
    me = await (await alice.browser.get("/auth/users/me")).json()
    assert me["username"] is None
    # Neither the right to choose nor the name is used up.
    assert await choose("ada")() == {"success": True}


@pytest.mark.parametrize("change", ["INSERT ON setup", "INSERT ON passwords"])
async def test_a_setup_that_is_cut_off_can_be_done_again(
    serve: Serve, file: Database, change: str
) -> None:
    served = serve()
    await served.start()
    browser = served.new_browser()
    await killed_in_the_middle(served, file, change, lambda: post(browser, "/auth/setup", 201))
    made = await post(browser, "/auth/setup", 201)
    await post(browser, "/auth/login", 200, **made)
    users = await (await browser.get("/auth/users")).json()
    assert [user["username"] for user in users["items"]] == [made["username"]]


def doomed(serve: Serve, kind: str) -> ServedProcess:
    """Return a service that dies when it has committed an event of *kind*, before it answers."""
    extension = "tests.storage.deadly"
    return serve(INSTALLED_EXTENSIONS=extension, EXTENSION_TESTS_STORAGE_DEADLY_KIND=kind)


async def died_of(served: ServedProcess, act: Callable[[], Awaitable[object]]) -> None:
    """Do *act*, of which the process dies, and start it anew."""
    await _unanswered(act)
    await served.ended()
    await served.start()


async def test_a_change_of_the_password_that_nobody_was_told_of_is_done(serve: Serve) -> None:
    alice = await arrived(doomed(serve, "password.changed"))
    await died_of(alice.served, change_of(alice))
    assert await alice.is_known() == NOTHING
    assert not await alice.may_log_in(GOOD)
    assert await alice.may_log_in(BETTER)


async def test_a_username_whose_choice_nobody_was_told_of_is_chosen(serve: Serve) -> None:
    alice = await arrived(doomed(serve, "username.chosen"))
    await died_of(
        alice.served, lambda: alice.browser.post("/auth/update", json={"username": "ada"})
    )
    me = await (await alice.browser.get("/auth/users/me")).json()
    assert me["username"] == "ada"
    again = await post(alice.browser, "/auth/update", 200, username="alice")
    assert again["success"] is False


async def test_a_setup_whose_password_nobody_saw_is_done(serve: Serve) -> None:
    served = doomed(serve, "user.created")
    await served.start()
    browser = served.new_browser()
    await died_of(served, lambda: browser.post("/auth/setup"))
    await post(browser, "/auth/setup", 409)
