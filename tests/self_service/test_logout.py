"""Logout ends what is presented, cookie and token both, and nothing else."""

import asyncio

import pytest
from yarl import URL

from dhq_auth.audit import store as audit
from dhq_auth.db import Database
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fixtures.service import Browser, Service, Start, oidc
from tests.self_service import farewells
from tests.self_service.people import Person, ask, basic

BROWSER = {"Accept": "text/html,application/xhtml+xml"}


async def known(service: Service, token: str) -> bool:
    return bool((await service.check(token))["authenticated"])


async def signed_in(browser: Browser) -> bool:
    return (await (await browser.get("/auth/check")).json())["authenticated"]


async def out(browser: Browser, token: str = "", **request: object) -> int:
    headers = {"Auth-Token": token}
    return (await browser.post("/auth/logout", headers=headers, **request)).status


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_logout_ends_the_token_and_its_session(service: Service, method: str) -> None:
    token = await service.log_in("acme")
    answer = await service.new_browser().request(
        method, "/auth/logout", headers={"Auth-Token": token}
    )
    assert (answer.status, await answer.json()) == (200, {})
    refused = await service.check(token)
    assert refused["reason"] == "revoked"
    assert not await signed_in(service.browser), "the cookie of the same login"


async def test_logout_by_cookie_ends_the_token_of_that_login(service: Service) -> None:
    token = await service.log_in("acme")
    answer = await service.browser.post("/auth/logout")
    assert answer.status == 200
    assert answer.cookies["session"]["max-age"] == "0"
    assert not await known(service, token)


async def test_a_second_logout_is_refused(service: Service) -> None:
    token = await service.log_in("acme")
    old = service.browser.session.cookie_jar.filter_cookies(URL(service.url))["session"].value
    assert await out(service.browser, token) == 200
    assert await out(service.new_browser(), token) == 401
    stolen = {"Cookie": f"session={old}"}
    assert (await service.new_browser().post("/auth/logout", headers=stolen)).status == 401


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_without_a_credential_there_is_nothing_to_end(service: Service) -> None:
    answer = await service.browser.post("/auth/logout")
    assert answer.status == 401
    assert (await answer.json())["code"] == "missing_credential"
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="dhq-auth"'


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_name_and_password_have_no_session_and_can_but_end_all(alice: Person) -> None:
    headers = basic("alice")
    assert (await ask(alice.service, "POST", "/auth/logout", headers=headers))[0] == 400
    assert await known(alice.service, alice.token)
    sent = {"headers": headers, "json": {"all": True}}
    for _ in range(2):  # it is no login that ends
        assert await ask(alice.service, "POST", "/auth/logout", **sent) == (200, {})
    assert not await known(alice.service, alice.token)


async def test_of_two_logouts_at_once_one_is_remembered(service: Service) -> None:
    token = await service.log_in("acme")
    browsers = [service.new_browser() for _ in range(4)]
    statuses = await asyncio.gather(*(out(browser, token) for browser in browsers))
    assert statuses.count(200) == 1
    assert statuses.count(401) == 3
    database = Database(service.settings.database_url.value, pool=1, timeout=5)
    async with database.read() as db:
        rows = await audit.latest(db, 20)
    await database.close()
    assert [row["kind"] for row in rows].count("logout") == 1


async def test_other_sessions_live_on(service: Service) -> None:
    token = await service.log_in("acme")
    elsewhere = service.new_browser()
    other = await service.log_in("acme", browser=elsewhere)
    assert await out(service.browser, token) == 200
    assert await known(service, other)
    assert await signed_in(elsewhere)


@pytest.mark.slow
@pytest.mark.parametrize("body", [{"json": {"all": True}}, {"data": {"all": "true"}}])
@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_all_ends_every_session_and_token_of_the_user_alone(
    service: Service, issuer: OidcIssuer, method: str, body: dict[str, object]
) -> None:
    tokens = [await service.log_in("acme", browser=service.new_browser()) for _ in range(3)]
    issuer.user |= {"sub": "2002", "email": "bob@example.com"}
    bob = await service.log_in("acme")
    answer = await service.new_browser().request(
        method, "/auth/logout", headers={"Auth-Token": tokens[0]}, **body
    )
    assert answer.status == 200
    assert [await known(service, token) for token in tokens] == [False] * 3
    assert await known(service, bob)
    assert await signed_in(service.browser)


@pytest.mark.slow
@pytest.mark.parametrize("everything", ["true", "false"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_token_of_one_and_the_cookie_of_another_end_both(
    service: Service, issuer: OidcIssuer, everything: str
) -> None:
    ada = await service.log_in("acme", browser=service.new_browser())
    issuer.user |= {"sub": "2002", "email": "bob@example.com"}
    bob = await service.log_in("acme")
    bob_elsewhere = await service.log_in("acme", browser=service.new_browser())
    assert await out(service.browser, ada, data={"all": everything}) == 200
    assert not await known(service, ada)
    assert not await known(service, bob)
    assert await known(service, bob_elsewhere), "`all` speaks for the token's user"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_bad_token_ends_nothing_though_the_cookie_is_good(service: Service) -> None:
    await service.log_in("acme")
    assert await out(service.browser, "bad") == 401
    assert await signed_in(service.browser)


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_all_that_is_neither_true_nor_false_ends_nothing(
    service: Service, subtests: pytest.Subtests
) -> None:
    for flag in ["yes", "1", "TRUE", 1, [], {}, "\x00"]:
        with subtests.test(flag=flag):
            token = await service.log_in("acme")
            assert await out(service.browser, token, json={"all": flag}) == 400
            assert await known(service, token)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_form_is_led_to_the_farewell(service: Service) -> None:
    await service.log_in("acme")
    own = {**BROWSER, "Origin": service.url, "Sec-Fetch-Site": "same-origin"}
    answer = await service.browser.post("/auth/logout", headers=own)
    assert answer.status == 303
    assert answer.headers["Location"] == f"{service.url}/signed-out"
    assert not await signed_in(service.browser)


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_page_elsewhere_signs_nobody_out_by_a_token_of_its_own(
    service: Service, issuer: OidcIssuer
) -> None:
    await service.log_in("acme")
    issuer.user |= {"sub": "666", "email": "mallory@example.com"}
    for origin in ("https://evil.example", "http://localhost:3000", "null"):
        theirs = await service.log_in("acme", browser=service.new_browser())
        form = {**BROWSER, "Origin": origin}
        answer = await service.browser.post("/auth/logout", headers=form, data={"jwt": theirs})
        assert answer.status == 303
        assert "Set-Cookie" not in answer.headers
        assert await signed_in(service.browser)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_extensions_hear_of_one_logout_for_each(start: Start, issuer: OidcIssuer) -> None:
    farewells.heard.clear()
    extension = {"INSTALLED_EXTENSIONS": "tests.self_service.farewells"}
    service = await start(issuer, **oidc(issuer), **extension)
    token = await service.log_in("acme")
    await service.log_in("acme", browser=service.new_browser())
    assert await out(service.browser, token, data={"all": "true"}) == 200
    assert [user["email"] for user in farewells.heard] == ["ada@example.com"]
