"""The pages of one's own account: for who is signed in, and by forms of our own alone."""

import asyncio
import re
from html import unescape
from typing import Any

import pytest

from tests.fakes.oidc_issuer import OidcIssuer
from tests.fixtures.service import FrozenClock, Service, Start, oidc
from tests.self_service.people import HTML, Person, is_known, is_signed_in, registered

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

SHOWN = (
    "/profile",
    "/profile/sessions",
    "/profile/tokens",
    "/profile/developer",
    "/profile/delete",
)
FORMS = {
    "/profile/tokens": {"title": "x", "expires_in": "never"},
    "/profile/tokens/revoke": {"all": "true"},
    "/profile/sessions/end": {"all": "true"},
    "/profile/developer": {},
    "/profile/developer/revoke": {},
    "/profile/delete": {"confirmation": "alice"},
    "/profile/names": {"name": "owned"},
}
VALUE = re.compile(r"6879-[0-9A-Za-z]{49}")


async def send(person: Person, path: str, status: int = 303, **fields: Any) -> str:
    """Post a form of our own; return the page, or where it leads."""
    own = {**HTML, "Origin": person.service.url, "Sec-Fetch-Site": "same-origin"}
    answer = await person.browser.post(path, data=fields, headers=own)
    assert answer.status == status, await answer.text()
    if status == 303:
        return answer.headers["Location"].removeprefix(person.service.url)
    return unescape(await answer.text())


def cookies_of(person: Person) -> list[str]:
    return [each.value for each in person.browser.session.cookie_jar]


async def page(person: Person, path: str) -> str:
    answer = await person.browser.get(path, headers=HTML)
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"
    return unescape(await answer.text())


@pytest.mark.parametrize("path", SHOWN)
async def test_who_is_not_signed_in_is_led_to_the_login(local: Service, path: str) -> None:
    answer = await local.browser.get(path, headers=HTML)
    assert answer.status in {302, 303}
    assert answer.headers["Location"] == f"{local.url}/login"


@pytest.mark.parametrize("path", FORMS)
async def test_a_form_of_another_site_does_nothing(alice: Person, path: str) -> None:
    made = await alice.make_token()
    await alice.call("POST", "/auth/developer-token")
    for foreign in (
        {"Origin": "http://localhost:3000"},
        {"Origin": "null"},
        {
            "Sec-Fetch-Site": "cross-site",
            "Sec-Fetch-Mode": "navigate",
            "Sec-Fetch-Dest": "document",
        },
        {"Sec-Fetch-Site": "same-site"},
    ):
        answer = await alice.browser.post(path, data=FORMS[path], headers={**HTML, **foreign})
        assert answer.headers["Location"] == f"{alice.service.url}/login"
        assert "Access-Control-Allow-Origin" not in answer.headers
    assert await is_signed_in(alice.browser)
    assert await is_known(alice.service, made["token"])
    assert len((await alice.call("GET", "/auth/tokens"))[1]["items"]) == 2
    assert (await alice.call("GET", "/auth/users/me"))[1]["name"] is None


@pytest.mark.parametrize("path", FORMS)
async def test_a_token_is_no_browser(alice: Person, path: str) -> None:
    answer = await alice.service.new_browser().post(
        path, data={**FORMS[path], "jwt": alice.token}, headers=HTML
    )
    assert answer.headers["Location"] == f"{alice.service.url}/login"
    assert await is_known(alice.service, alice.token)


async def test_the_profile_says_who_one_is_and_by_what(start: Start, issuer: OidcIssuer) -> None:
    service = await start(issuer, **oidc(issuer, TITLE="Acme & Sons"))
    await service.log_in("acme")
    shown = unescape(await (await service.browser.get("/profile", headers=HTML)).text())
    assert str(issuer.user["email"]) in shown
    assert "Acme & Sons" in shown
    assert "Set a password" in shown


async def test_where_nobody_has_a_password_none_is_asked_for(
    start: Start, issuer: OidcIssuer
) -> None:
    service = await start(issuer, **oidc(issuer), PASSWORD_LOGIN="off")
    await service.log_in("acme")
    shown = await (await service.browser.get("/profile", headers=HTML)).text()
    assert "Linked logins" in shown
    assert 'type="password"' not in shown


async def test_a_username_is_chosen_by_a_form_once(start: Start) -> None:
    mail = "ada@example.com"
    ada = await registered(await start(), mail, email=mail, username=None)
    refused = await send(ada, "/auth/update", 400, username="admin")
    assert "reserved" in refused
    assert await send(ada, "/auth/update", username="ada") == "/profile"
    assert "ada" in await page(ada, "/profile")
    assert "Cannot modify username" in await send(ada, "/auth/update", 400, username="other")


async def test_names_are_changed_by_a_form(alice: Person) -> None:
    sent = {"first_name": "Alice", "last_name": "", "name": "Al", "is_admin": "true"}
    assert await send(alice, "/profile/names", **sent) == "/profile"
    _, me = await alice.call("GET", "/auth/users/me")
    assert (me["first_name"], me["last_name"], me["name"], me["is_admin"]) == (
        *("Alice", None, "Al"),
        False,
    )


@pytest.mark.parametrize("bad", ["x" * 256, "a\tb", "x" * 9000], ids=["long", "tab", "huge"])
async def test_a_refused_name_is_shown_in_the_form_again(alice: Person, bad: str) -> None:
    shown = await send(alice, "/profile/names", 400, first_name=bad, name='"Al" <b>')
    assert "Your name" in shown
    assert f'value="{bad[:320]}"' in shown
    assert 'value=""Al" <b>"' in shown  # the test has undone the escapes
    assert 'id="error"' in shown
    assert (await alice.call("GET", "/auth/users/me"))[1]["name"] is None


async def test_a_session_is_ended_on_its_page(alice: Person) -> None:
    elsewhere = await alice.again()
    shown = await page(alice, "/profile/sessions")
    assert shown.count('class="current"') == 1
    ids = re.findall(r'name="id" value="([0-9a-f]{32})"', shown)
    assert len(ids) == 2
    assert await send(alice, "/profile/sessions/end", id=ids[1]) == "/profile/sessions"
    assert not await is_signed_in(elsewhere.browser)
    await send(alice, "/profile/sessions/end", 404, id=ids[1])
    assert await send(alice, "/profile/sessions/end", id=ids[0]) == "/signed-out"
    assert not await is_signed_in(alice.browser)
    assert cookies_of(alice) == []


async def test_all_are_ended_there(alice: Person) -> None:
    elsewhere = await alice.again()
    assert await send(alice, "/profile/sessions/end", all="true") == "/signed-out"
    assert not await is_signed_in(alice.browser)
    assert not await is_signed_in(elsewhere.browser)


async def test_a_token_is_shown_once_in_the_answer_to_its_form(
    alice: Person, clock: FrozenClock
) -> None:
    shown = await send(
        alice, "/profile/tokens", 201, title="<b>ci</b>", expires_in="30", scopes="profile admin"
    )
    (value,) = VALUE.findall(shown)
    assert "<b>ci</b>" in shown, "unescaped by the test: see below"
    assert await is_known(alice.service, value)
    listed = await alice.browser.get("/profile/tokens", headers=HTML)
    text = await listed.text()
    assert not VALUE.search(text)
    assert "&lt;b&gt;ci" in text
    assert "Set-Cookie" not in listed.headers
    clock.advance(days=30)
    assert not await is_known(alice.service, value)
    assert "ci" in await page(await alice.again(), "/profile/tokens")


@pytest.mark.slow
async def test_no_token_of_a_form_outlives_a_sign_out_everywhere_at_the_same_moment(
    local: Service,
) -> None:
    for turn in range(8):
        person = await registered(local, f"user-{turn}")
        post = person.browser.post
        forms = [
            post(path, data={"title": "x"}, headers=HTML)
            for path in ("/profile/tokens", "/profile/developer") * 3
        ]
        leaving = asyncio.create_task(person.call("POST", "/auth/logout", json={"all": True}))
        answers = await asyncio.gather(*forms)
        assert (await leaving)[0] == 200
        assert {answer.status for answer in answers} <= {201, 303, 401}
        made = [value for each in answers for value in VALUE.findall(await each.text())]
        for value in made:
            assert not await is_known(local, value)


@pytest.mark.parametrize(
    "fields",
    [
        {"title": "x" * 256, "expires_in": "7"},
        {"title": "x", "expires_in": "8"},
        {"title": "x", "expires_in": "-7"},
        {"title": "x", "expires_in": "7", "scopes": "root"},
    ],
)
async def test_what_is_wrong_with_a_token_stands_above_its_form(
    alice: Person, fields: dict[str, str]
) -> None:
    assert 'role="alert"' in await send(alice, "/profile/tokens", 400, **fields)


@pytest.mark.slow
async def test_tokens_are_revoked_on_their_page(alice: Person, bob: Person) -> None:
    one, two = await alice.make_token(), await alice.make_token()
    other = await bob.make_token()
    _, developer = await alice.call("POST", "/auth/developer-token")
    revoke = "/profile/tokens/revoke"
    assert await send(alice, revoke, token_id=one["token_id"]) == "/profile/tokens"
    assert not await is_known(alice.service, one["token"])
    for wrong in (one["token_id"], other["token_id"], "x", ""):
        await send(alice, revoke, 404, token_id=wrong)
    assert await send(alice, revoke, all="true") == "/profile/tokens"
    assert not await is_known(alice.service, two["token"])
    assert await is_known(alice.service, other["token"])
    assert await is_known(alice.service, developer["token"]), "it is on a page of its own"
    assert developer["token_id"] not in await page(alice, "/profile/tokens")


async def test_the_developer_token_is_made_shown_once_and_revoked(alice: Person) -> None:
    assert "Generate" in await page(alice, "/profile/developer")
    values = []
    for _ in range(2):
        values += VALUE.findall(await send(alice, "/profile/developer", 201))
    assert len(set(values)) == 2
    assert [await is_known(alice.service, value) for value in values] == [False, True]
    shown = await page(alice, "/profile/developer")
    assert values[1][-4:] in shown
    assert not VALUE.search(shown)
    assert await send(alice, "/profile/developer/revoke") == "/profile/developer"
    assert not await is_known(alice.service, values[1])
    assert await send(alice, "/profile/developer/revoke") == "/profile/developer"


@pytest.mark.slow
async def test_an_account_is_deleted_by_who_types_its_name(alice: Person, bob: Person) -> None:
    made = await alice.make_token()
    for typed in ("", "bob", "Alice"):
        assert 'role="alert"' in await send(alice, "/profile/delete", 400, confirmation=typed)
    assert await send(alice, "/profile/delete", confirmation=" alice ") == "/signed-out"
    assert cookies_of(alice) == []
    for dead in (alice.token, made["token"]):
        assert not await is_known(alice.service, dead)
    assert not await is_signed_in(alice.browser)
    assert await is_known(alice.service, bob.token)
    await registered(alice.service, "alice")


async def test_an_account_is_deleted_by_who_has_just_logged_in(
    alice: Person, clock: FrozenClock
) -> None:
    clock.advance(minutes=10, seconds=1)
    shown = await send(alice, "/profile/delete", 403, confirmation="alice")
    assert "log in again" in shown
    assert await is_known(alice.service, alice.token)
