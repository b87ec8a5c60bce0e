"""Whoever changes anything leaves a trace: what, about whom, by whom, from where."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from dhq_auth.app import create_app
from dhq_auth.audit import store
from dhq_auth.db import Database
from dhq_auth.settings import from_environ
from tests.administration.setting_up import ELSEWHERE, code_of
from tests.fixtures.service import Service, Start
from tests.self_service.people import (
    BETTER,
    GOOD,
    HTML,
    Person,
    ask,
    basic,
    logged_in,
    registered,
)

pytestmark = [
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.slow,
]

Trace = tuple[str, str | None, str | None]
"""A kind, whom it is about, and who did it."""


@dataclass
class House:
    """An administrator, Alice with an API token and a developer token, and a policy."""

    service: Service
    admin: Person
    alice: Person
    token: dict[str, Any]
    policy_id: str

    async def rows(self) -> list[dict[str, Any]]:
        database = Database(self.service.settings.database_url.value, pool=1, timeout=10)
        async with database.read() as db:
            rows = await store.latest(db, 1000)
        await database.close()
        return rows[::-1]


@pytest.fixture
async def house(start: Start) -> House:
    service = await start(PASSWORD_CHECKS="100000", ALLOWED_SERVICES="notes:policies")
    status, made = await ask(service, "POST", "/auth/setup")
    assert status == 201
    admin = await logged_in(service, made["username"], made["password"])
    alice = await registered(service, "alice")
    token = await alice.make_token()
    await alice.call("POST", "/auth/developer-token")
    policies = (await admin.call("GET", "/auth/policies"))[1]["items"]
    return House(service, admin, alice, token, policies[-1]["id"])


Deed = Callable[[House], Awaitable[object]]


def alice(method: str, path: str, **sent: Any) -> Deed:
    return lambda house: house.alice.call(method, path, json=sent)


def anybody(method: str, path: str, **sent: Any) -> Deed:
    return lambda house: ask(house.service, method, path, json=sent)


def admin(method: str, path: str, **sent: Any) -> Deed:
    def do(house: House) -> Awaitable[object]:
        place = path.format(alice=house.alice.id, policy=house.policy_id)
        return house.admin.call(method, place, json=sent)

    return do


def in_browser(path: str, **sent: Any) -> Deed:
    async def do(house: House) -> None:
        own = {**HTML, "Origin": house.service.url, "Sec-Fetch-Site": "same-origin"}
        fields = {name: value.format(**house.token) for name, value in sent.items()}
        answer = await house.alice.browser.post(path, data=fields, headers=own)
        assert answer.status in {200, 201, 303}, await answer.text()

    return do


async def one_session(house: House) -> None:
    _, listed = await house.alice.call("GET", "/auth/sessions")
    await house.alice.call("DELETE", f"/auth/sessions/{listed['items'][0]['id']}")


async def one_token(house: House) -> None:
    await house.alice.call("DELETE", f"/auth/tokens/{house.token['token_id']}")


async def leaked(house: House) -> None:
    await ask(house.service, "POST", "/auth/token-leaked", json={"token": house.token["token"]})


async def by_token(house: House) -> None:
    sent = {"username": "alice_the_second"}
    await ask(house.service, "PUT", "/auth/users/me", bearer=house.token["token"], json=sent)
    await ask(
        house.service, "PUT", "/auth/users/me", bearer=house.token["token"], json={"name": "Al"}
    )


async def username(house: House) -> None:
    mail = "carol@example.com"
    carol = await registered(house.service, mail, username=None, email=mail)
    await carol.call("POST", "/auth/update", json={"username": "carol"})


async def authorize(house: House) -> None:
    for _ in range(3):
        await house.alice.call("GET", "/auth/authorize", params={"service": "notes"})


WHO = ("alice", "alice")
OUT: Trace = ("logout", *WHO)
ENDED: Trace = ("token.revoked", *WHO)
MADE: Trace = ("token.made", *WHO)
POLICY = {"table_name": "notes", "action": "read", "expression": "auth_user.is_admin"}
DEEDS: dict[str, tuple[Deed, list[Trace]]] = {
    "POST /auth/login": (
        anybody("POST", "/auth/login", username="alice", password=GOOD),
        [("login.succeeded", "alice", None)],
    ),
    "POST /auth/login, refused": (
        anybody("POST", "/auth/login", username="alice", password="wrong"),
        [("login.refused", "alice", None)],
    ),
    "POST /auth/login, nobody": (
        anybody("POST", "/auth/login", username="nobody", password="wrong"),
        [("login.refused", None, None)],
    ),
    "POST /auth/register": (
        anybody("POST", "/auth/register", username="dora", password=GOOD),
        [("user.created", "another", None)],
    ),
    "POST /auth/update": (
        username,
        [
            ("user.created", "another", None),
            ("login.succeeded", "another", None),
            ("username.chosen", "another", "another"),
        ],
    ),
    "POST /profile/names": (in_browser("/profile/names", name="Al"), [("user.changed", *WHO)]),
    "POST /auth/users/me/password": (
        alice("POST", "/auth/users/me/password", current_password=GOOD, new_password=BETTER),
        [OUT, ENDED, ENDED, ("password.changed", *WHO), ("login.succeeded", *WHO)],
    ),
    "POST /auth/logout": (alice("POST", "/auth/logout"), [OUT]),
    "POST /auth/logout, all": (alice("POST", "/auth/logout", all=True), [OUT, ENDED, ENDED]),
    "DELETE /auth/logout": (alice("DELETE", "/auth/logout"), [OUT]),
    "DELETE /auth/sessions": (alice("DELETE", "/auth/sessions"), [OUT]),
    "DELETE /auth/sessions, by name and password": (
        lambda house: ask(house.service, "DELETE", "/auth/sessions", headers=basic("alice")),
        [OUT],
    ),
    "DELETE /auth/sessions/{id}": (one_session, [OUT]),
    "POST /profile/sessions/end": (in_browser("/profile/sessions/end", all="true"), [OUT]),
    "POST /auth/tokens": (alice("POST", "/auth/tokens"), [MADE]),
    "POST /auth/tokens, by name and password": (
        anybody("POST", "/auth/tokens", username="alice", password=GOOD),
        [MADE],
    ),
    "DELETE /auth/tokens": (alice("DELETE", "/auth/tokens"), [ENDED, ENDED]),
    "POST /auth/tokens/revoke": (alice("POST", "/auth/tokens/revoke"), [ENDED, ENDED]),
    "DELETE /auth/tokens/{id}": (one_token, [ENDED]),
    "POST /auth/developer-token": (alice("POST", "/auth/developer-token"), [ENDED, MADE]),
    "DELETE /auth/developer-token": (alice("DELETE", "/auth/developer-token"), [ENDED]),
    "POST /profile/tokens": (in_browser("/profile/tokens", title="x", expires_in="never"), [MADE]),
    "POST /profile/tokens/revoke": (
        in_browser("/profile/tokens/revoke", token_id="{token_id}"),
        [ENDED],
    ),
    "POST /profile/developer": (in_browser("/profile/developer"), [ENDED, MADE]),
    "POST /profile/developer/revoke": (in_browser("/profile/developer/revoke"), [ENDED]),
    "POST /auth/token-leaked": (leaked, [("token.revoked", "alice", None)]),
    "POST /profile/delete": (
        in_browser("/profile/delete", confirmation="alice"),
        [OUT, ENDED, ENDED, ("user.deleted", *WHO)],
    ),
    "PUT /auth/users/me": (alice("PUT", "/auth/users/me", name="Al"), [("user.changed", *WHO)]),
    "PUT /auth/users/me, by an API token": (by_token, [("user.changed", *WHO)]),
    "DELETE /auth/users/me": (
        alice("DELETE", "/auth/users/me"),
        [OUT, ENDED, ENDED, ("user.deleted", *WHO)],
    ),
    "POST /auth/users": (
        admin("POST", "/auth/users", username="dora", password=GOOD),
        [("user.created", "another", "admin")],
    ),
    "PUT /auth/users/{id}": (
        admin("PUT", "/auth/users/{alice}", is_active=False),
        [
            ("logout", "alice", "admin"),
            *[("token.revoked", "alice", "admin")] * 2,
            ("user.changed", "alice", "admin"),
        ],
    ),
    "DELETE /auth/users/{id}": (
        admin("DELETE", "/auth/users/{alice}"),
        [
            ("logout", "alice", "admin"),
            *[("token.revoked", "alice", "admin")] * 2,
            ("user.deleted", "alice", "admin"),
        ],
    ),
    "POST /auth/policies": (
        admin("POST", "/auth/policies", **POLICY),
        [("policy.added", "admin", "admin")],
    ),
    "PUT /auth/policies/{id}": (
        admin("PUT", "/auth/policies/{policy}", description="another"),
        [("policy.changed", "admin", "admin")],
    ),
    "DELETE /auth/policies/{id}": (
        admin("DELETE", "/auth/policies/{policy}"),
        [("policy.deleted", "admin", "admin")],
    ),
    "GET /auth/authorize": (authorize, [("permissions.granted", *WHO)]),
}
IN_OTHER_TESTS = {
    "POST /auth/exchange",
    "POST /auth/setup",
    "POST /.dhq-auth/sign_out",
}
NOTHING_CHANGES = {"POST /auth/policies/evaluate", "POST /login/continue"}


def test_every_route_that_changes_anything_is_here(database_url: str) -> None:
    app = create_app(from_environ({"DATABASE_URL": database_url}))
    routes = {
        f"{route.method} {route.resource.canonical}"
        for route in app.router.routes()
        if route.resource and not route.resource.canonical.endswith("/")
    }
    changing = {route for route in routes if not route.startswith(("GET ", "HEAD ", "OPTIONS "))}
    told = {name.partition(",")[0] for name in DEEDS} - {"GET /auth/authorize"}
    assert told | IN_OTHER_TESTS | NOTHING_CHANGES == {
        route for route in changing if not route.startswith("*")
    }


@pytest.mark.parametrize("name", DEEDS)
async def test_each_change_is_told_once_about_whom_by_whom_and_from_where(
    house: House, name: str
) -> None:
    do, expected = DEEDS[name]
    before = len(await house.rows())
    await do(house)
    rows = (await house.rows())[before:]
    people = {None: None, house.alice.id: "alice", house.admin.id: "admin"}

    def named(user_id: str | None) -> str | None:
        return people.get(user_id, "another")

    told = [(row["kind"], named(row["user_id"]), named(row["actor"])) for row in rows]
    assert sorted(told, key=str) == sorted(expected, key=str)
    assert {row["address"] for row in rows} == {"127.0.0.1"}
    assert all(len(row["request_id"]) > 10 for row in rows)


async def test_a_setup_is_told_and_a_wrong_code_costs_no_row(start: Start) -> None:
    service = await start(EXTERNAL_ADDRESS=ELSEWHERE, SECRET_KEY="k" * 43)
    for code, status in (("wrong" * 9, 403), (code_of(service), 201), ("wrong" * 9, 409)):
        assert (await ask(service, "POST", "/auth/setup", json={"code": code}))[0] == status
    database = Database(service.settings.database_url.value, pool=1, timeout=10)
    async with database.read() as db:
        rows = (await store.latest(db, 10))[::-1]
    await database.close()
    assert [row["kind"] for row in rows] == ["user.created", "setup.done"]
    assert rows[0]["detail"]["is_admin"]
    assert rows[0]["user_id"] == rows[1]["user_id"]
