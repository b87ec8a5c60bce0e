"""What is done to accounts, passwords, sessions and tokens stands in the audit log, once each."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from dhq_auth.audit import store as audit
from dhq_auth.db import Database
from dhq_auth.opaque import is_id
from tests.self_service.people import (
    BETTER,
    GOOD,
    Person,
    ask,
    basic,
    logged_in,
    registered,
)

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

Row = tuple[str, dict[str, Any]]


@dataclass
class House:
    """An administrator, and Alice with an API token and a developer token."""

    admin: Person
    alice: Person
    token: str
    token_id: str
    developer_id: str


@pytest.fixture
async def house(admin: Person, alice: Person) -> House:
    made = await alice.make_token()
    _, developer = await alice.call("POST", "/auth/developer-token")
    return House(admin, alice, made["token"], made["token_id"], developer["token_id"])


async def log_of(house: House) -> list[dict[str, Any]]:
    database = Database(house.admin.service.settings.database_url.value, pool=1, timeout=10)
    async with database.read() as db:
        rows = await audit.latest(db, 1000)
    await database.close()
    return rows[::-1]


Deed = Callable[[House], Awaitable[object]]


def by_alice(method: str, path: str, **sent: Any) -> Deed:
    return lambda house: house.alice.call(method, path, json=sent)


def by_admin(method: str, path: str = "", **sent: Any) -> Deed:
    return lambda house: house.admin.call(method, f"/auth/users/{house.alice.id}{path}", json=sent)


def anonymous(path: str, **sent: Any) -> Deed:
    return lambda house: ask(house.alice.service, "POST", path, json=sent)


async def leak(house: House) -> None:
    for _ in range(2):
        await ask(house.alice.service, "POST", "/auth/token-leaked", json={"token": house.token})


async def end_twice(house: House) -> None:
    for _ in range(2):
        await ask(house.alice.service, "DELETE", "/auth/sessions", headers=basic("alice"))


async def choose_twice(house: House) -> None:
    service, mail = house.alice.service, "carol@example.com"
    carol = await registered(service, mail, username=None, email=mail)
    for name in ("carol", "other"):
        await carol.call("POST", "/auth/update", json={"username": name})


def token_ends(how: str, *tokens: str) -> list[Row]:
    return [("token.revoked", {"token_id": each, "how": how}) for each in tokens]


ALL_SESSIONS: Row = ("logout", {"session_id": None, "everywhere": True})
WRONG: Row = ("login.refused", {"provider": "password", "reason": "wrong_password"})
ONE, DEV, ANY = "the token", "the developer token", "another id"
DEEDS: dict[str, tuple[Deed, list[Row]]] = {
    "register": (
        anonymous("/auth/register", username="bob", password=GOOD),
        [("user.created", {"provider": "password", "is_admin": False})],
    ),
    "log in": (
        lambda house: logged_in(house.alice.service, "alice"),
        [("login.succeeded", {"provider": "password", "session_id": ANY})],
    ),
    "a wrong password": (anonymous("/auth/login", username="alice", password="x"), [WRONG]),
    "nobody": (anonymous("/auth/login", username="nobody", password="x"), [WRONG]),
    "a wrong password by Basic": (
        lambda house: ask(
            house.alice.service, "GET", "/auth/sessions", headers=basic("alice", "x")
        ),
        [WRONG],
    ),
    "log out": (
        by_alice("POST", "/auth/logout"),
        [("logout", {"session_id": ANY, "everywhere": False})],
    ),
    "log out everywhere": (
        by_alice("POST", "/auth/logout", all=True),
        [ALL_SESSIONS, *token_ends("everywhere", ONE, DEV)],
    ),
    "end all sessions": (by_alice("DELETE", "/auth/sessions"), [ALL_SESSIONS]),
    "end all sessions, and again when there are none": (end_twice, [ALL_SESSIONS]),
    "choose a username, and another one": (
        choose_twice,
        [
            ("user.created", {"provider": "password", "is_admin": False}),
            ("login.succeeded", {"provider": "password", "session_id": ANY}),
            ("username.chosen", {"username": "carol"}),
        ],
    ),
    "make a token": (
        by_alice("POST", "/auth/tokens"),
        [("token.made", {"token_id": ANY, "developer": False})],
    ),
    "make the developer token again": (
        by_alice("POST", "/auth/developer-token"),
        [
            *token_ends("replaced", DEV),
            ("token.made", {"token_id": ANY, "developer": True}),
        ],
    ),
    "revoke all tokens": (by_alice("DELETE", "/auth/tokens"), token_ends("revoked", ONE, DEV)),
    "revoke the developer token": (
        by_alice("DELETE", "/auth/developer-token"),
        token_ends("revoked", DEV),
    ),
    "a token that leaked, told twice": (leak, token_ends("leaked", ONE)),
    "change the password": (
        by_alice(*("POST", "/auth/users/me/password"), current_password=GOOD, new_password=BETTER),
        [
            ALL_SESSIONS,
            *token_ends("password_changed", ONE, DEV),
            ("password.changed", {"by": "user"}),
            ("login.succeeded", {"provider": "password", "session_id": ANY}),
        ],
    ),
    "change the own name": (
        by_alice("PUT", "/auth/users/me", name="Al"),
        [("user.changed", {"changes": ["name"], "by": ANY})],
    ),
    "change nothing": (by_alice("PUT", "/auth/users/me", is_admin=True), []),
    "make an administrator": (
        by_admin("PUT", is_admin=True),
        [("user.changed", {"changes": ["is_admin"], "by": ANY})],
    ),
    "disable": (
        by_admin("PUT", is_active=False),
        [
            ALL_SESSIONS,
            *token_ends("user_disabled", ONE, DEV),
            ("user.changed", {"changes": ["is_active"], "by": ANY}),
        ],
    ),
    "delete": (
        by_admin("DELETE"),
        [
            ALL_SESSIONS,
            *token_ends("user_deleted", ONE, DEV),
            ("user.deleted", {"by": ANY}),
        ],
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("deed", DEEDS)
async def test_each_deed_is_in_the_audit_log_once(house: House, deed: str) -> None:
    do, expected = DEEDS[deed]
    before = len(await log_of(house))
    await do(house)
    rows = (await log_of(house))[before:]
    names = {house.token_id: ONE, house.developer_id: DEV}

    def named(value: Any) -> Any:
        return names.get(value, ANY) if isinstance(value, str) and is_id(value) else value

    told = [(row["kind"], {k: named(v) for k, v in row["detail"].items()}) for row in rows]
    assert sorted(told, key=str) == sorted(expected, key=str)
