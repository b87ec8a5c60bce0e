"""Extensions hear of every way in and out: once each, after the commit."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from dhq_auth.opaque import s256
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fixtures.service import NEXT, Service, Start, oidc
from tests.self_service import ears
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

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

Way = Callable[[Person], Awaitable[object]]


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    yield
    for each in (ears.heard, ears.rows_then, ears.database):
        each.clear()


@pytest.fixture
async def listened(start: Start, issuer: OidcIssuer) -> Service:
    return await start(issuer, **oidc(issuer), INSTALLED_EXTENSIONS="tests.self_service.ears")


def own(person: Person) -> dict[str, str]:
    return {**HTML, "Origin": person.service.url}


async def test_who_registers_with_a_program_is_new_and_not_in_yet(listened: Service) -> None:
    sent = {"username": "alice", "password": GOOD}
    await ask(listened, "POST", "/auth/register", json=sent)
    assert ears.heard == [("new", "alice")]
    await logged_in(listened, "alice")
    assert ears.heard == [("new", "alice"), ("in", "alice")]


async def test_who_registers_with_a_form_is_new_and_in(listened: Service) -> None:
    sent = {"username": "alice", "password": GOOD}
    answer = await listened.browser.post("/auth/register", data=sent, headers=HTML)
    assert answer.status == 303
    assert ears.heard == [("new", "alice"), ("in", "alice")]


async def test_who_comes_from_a_provider_is_new_once(listened: Service, issuer: OidcIssuer) -> None:
    name = str(issuer.user["name"])
    await listened.log_in("acme")
    await listened.log_in("acme", browser=listened.new_browser())
    assert ears.heard == [("new", name), ("in", name), ("in", name)]


async def test_one_who_goes_on_is_in_already(listened: Service) -> None:
    alice = await registered(listened)
    ears.heard.clear()
    await alice.browser.post("/login/continue", data={"next": NEXT})
    await ask(listened, "POST", "/auth/tokens", json={"username": "alice", "password": GOOD})
    await ask(listened, "GET", "/auth/sessions", headers=basic("alice"))
    assert ears.heard == []


async def the_session(person: Person) -> str:
    items = (await person.call("GET", "/auth/sessions"))[1]["items"]
    return next(str(each["id"]) for each in items if each["current"])


async def end_one(person: Person) -> None:
    await person.call("DELETE", f"/auth/sessions/{await the_session(person)}")


async def end_on_page(person: Person) -> None:
    sent = {"id": await the_session(person)}
    await person.browser.post("/profile/sessions/end", data=sent, headers=own(person))


WAYS_OUT: dict[str, Way] = {
    "logout by token": lambda p: p.call("POST", "/auth/logout"),
    "logout by cookie": lambda p: p.in_browser("DELETE", "/auth/logout"),
    "logout by form": lambda p: p.browser.post("/auth/logout", headers=own(p)),
    "logout everywhere": lambda p: p.call("POST", "/auth/logout", json={"all": True}),
    "everywhere, by name and password": lambda p: ask(
        p.service, "POST", "/auth/logout", json={"all": True}, headers=basic("alice")
    ),
    "a session": end_one,
    "all sessions": lambda p: p.call("DELETE", "/auth/sessions"),
    "a session on its page": end_on_page,
    "all on the page": lambda p: p.browser.post(
        "/profile/sessions/end", data={"all": "true"}, headers=own(p)
    ),
    "a leaked login token": lambda p: ask(
        p.service, "POST", "/auth/token-leaked", json={"token": p.token}
    ),
    "the account deleted": lambda p: p.browser.post(
        "/profile/delete", data={"confirmation": "alice"}, headers=own(p)
    ),
}


@pytest.mark.parametrize("way", WAYS_OUT)
async def test_each_way_out_is_heard_once(listened: Service, way: str) -> None:
    alice = await registered(listened)
    ears.heard.clear()
    await WAYS_OUT[way](alice)
    assert ears.heard == [("out", "alice")]
    await alice.call("POST", "/auth/logout")  # already over
    assert ears.heard == [("out", "alice")]


async def test_a_new_password_is_a_way_out_and_in_again(listened: Service) -> None:
    alice = await registered(listened)
    await alice.again()
    ears.heard.clear()
    sent = {"current_password": GOOD, "new_password": BETTER}
    assert (await alice.call("POST", "/auth/users/me/password", json=sent))[0] == 200
    assert ears.heard == [("out", "alice"), ("in", "alice")]


async def test_a_login_that_ends_since_its_code_came_twice_is_a_way_out(
    listened: Service, issuer: OidcIssuer
) -> None:
    name, verifier = str(issuer.user["name"]), "v" * 43
    wanted = {"response_mode": "code", "code_challenge": s256(verifier)}
    back = await listened.callback("acme", **wanted)
    code = parse_qs(urlsplit(back.headers["Location"]).query)["code"][0]
    ears.heard.clear()
    for _ in range(3):
        sent = {"code": code, "code_verifier": verifier}
        await ask(listened, "POST", "/auth/exchange", json=sent)
    assert ears.heard == [("out", name)]


async def test_many_at_once_are_heard_once(listened: Service) -> None:
    alice = await registered(listened)
    ears.heard.clear()
    await asyncio.gather(*(alice.call("POST", "/auth/logout") for _ in range(4)))
    assert ears.heard == [("out", "alice")]


async def test_what_does_not_happen_is_not_heard(listened: Service) -> None:
    alice = await registered(listened)
    ears.heard.clear()
    sent = {"username": "alice", "password": GOOD}
    assert (await ask(listened, "POST", "/auth/register", json=sent))[0] == 409
    assert (await ask(listened, "POST", "/auth/login", json={**sent, "password": "x"}))[0] == 401
    await alice.call("DELETE", f"/auth/sessions/{'0' * 32}")
    wrong = {"current_password": "x", "new_password": BETTER}
    await alice.call("POST", "/auth/users/me/password", json=wrong)
    made = await alice.make_token()
    await alice.call("DELETE", f"/auth/tokens/{made['token_id']}")
    assert ears.heard == []


async def test_they_are_told_after_the_commit(listened: Service) -> None:
    ears.database.append(listened.settings.database_url.value.removeprefix("sqlite:///"))
    alice = await registered(listened)
    await alice.call("POST", "/auth/logout")
    assert ears.rows_then == [1, 2, 3]
