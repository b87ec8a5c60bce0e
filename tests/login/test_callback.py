"""The way back: one state, one browser, one provider, once."""

import asyncio

import pytest

from dhq_auth.opaque import new_secret
from tests.fakes.oauth import refusal
from tests.fakes.server import ABSENT
from tests.fixtures.service import NEXT, oidc
from tests.login.steps import (
    PAGE,
    Links,
    altered,
    carries_a_token,
    code_of,
    query_of,
    sent_back,
)

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def refused(service, url, browser=None):
    answer = await (browser or service.browser).go(url)
    assert (answer.status, await code_of(answer)) == (400, "login_failed")
    assert not carries_a_token(answer)


@sqlite
async def test_a_state_is_spent_by_the_first_callback(service, issuer):
    url = await sent_back(service)
    assert (await service.browser.go(url)).status == 302
    await refused(service, url)
    assert issuer.asked["token"] == 1


async def test_of_many_callbacks_with_one_state_one_logs_in(service, issuer):
    url = await sent_back(service)
    answers = await asyncio.gather(*(service.browser.go(url) for _ in range(5)))
    assert sorted(answer.status for answer in answers) == [302, 400, 400, 400, 400]
    assert issuer.asked["token"] == 1


@sqlite
async def test_a_login_begun_in_another_browser_is_refused_and_over(service, issuer):
    url = await sent_back(service)
    await refused(service, url, service.new_browser())
    await refused(service, url)
    assert issuer.asked["token"] == 0


@sqlite
async def test_a_browser_with_a_login_of_its_own_cannot_take_up_that_of_another(service, issuer):
    theirs, victim = await sent_back(service), service.new_browser()
    own = await sent_back(service, browser=victim)
    await refused(service, theirs, victim)
    assert issuer.asked["token"] == 0  # an issuer that knows no PKCE would not refuse it for us
    assert (await victim.go(own)).status == 302


@sqlite
@pytest.mark.parametrize("cookie", ["", "x", "é" * 43, "A" * 43, "A" * 44, "A" * 4000])
async def test_a_cookie_that_is_not_the_browsers_binds_nothing(service, issuer, cookie):
    url = await sent_back(service)
    answer = await service.new_browser().session.get(
        url, headers={"Cookie": f"dhq_auth_login={cookie}"}, allow_redirects=False
    )
    assert (answer.status, await code_of(answer)) == (400, "login_failed")
    assert issuer.asked["token"] == 0


@sqlite
async def test_a_login_that_took_too_long_is_refused_with_a_way_back(service, issuer, clock):
    url = await sent_back(service)
    clock.advance(minutes=10)
    answer = await service.browser.get(url, headers=PAGE)
    assert answer.status == 400
    [back] = Links(await answer.text()).found
    assert query_of(back) == {"next": NEXT}
    assert issuer.asked["token"] == 0


@sqlite
async def test_a_login_that_took_nearly_too_long_goes_through(service, clock):
    url = await sent_back(service)
    clock.advance(minutes=9, seconds=59)
    assert (await service.browser.go(url)).status == 302


@sqlite
async def test_the_tabs_of_one_browser_log_in_beside_each_other(service):
    urls = [await sent_back(service, next=f"{NEXT}/{tab}") for tab in range(3)]
    for tab, url in reversed(list(enumerate(urls))):
        answer = await service.browser.go(url)
        assert answer.headers["Location"].startswith(f"{NEXT}/{tab}?jwt=")


@sqlite
@pytest.mark.parametrize(
    "query",
    [
        "",
        "code=x",
        "state=",
        "state=x&code=x",
        "state=" + "A" * 43,
        "state=" + "A" * 43 + "%00",
        "state=%ED%A0%80",
        "state=%C3%A9",
        "state=a&state=b",
        "code=" + "x" * 9000,
        "error=access_denied",
        "state[]=x",
        "%ff",
    ],
)
async def test_a_callback_of_no_login_is_refused(service, issuer, query):
    answer = await service.browser.go(f"/auth/oauth_callback?{query}")
    assert 400 <= answer.status < 500
    assert not carries_a_token(answer)
    assert not issuer.asked


@sqlite
@pytest.mark.parametrize(
    "changes",
    [
        {"code": ABSENT},
        {"code": ""},
        {"code": "never given"},
        {"code": "é\n\t"},
        refusal(),
        refusal("temporarily_unavailable"),
        refusal("\U0001f4a9" * 50, "x"),
        {"error": "access_denied"},
        {"iss": ABSENT},
        {"iss": ""},
        {"iss": "https://evil.example.com"},
    ],
    ids=str,
)
async def test_a_provider_that_refuses_or_answers_oddly_logs_nobody_in(service, issuer, changes):
    issuer.lies.authorization = changes
    url = await sent_back(service)
    await refused(service, url)
    issuer.lies.authorization = {}
    await refused(service, url)
    assert await service.log_in("acme")


@sqlite
async def test_an_issuer_that_announces_no_iss_may_leave_it_out(service, issuer):
    issuer.lies.discovery = {"authorization_response_iss_parameter_supported": ABSENT}
    issuer.lies.authorization = {"iss": ABSENT}
    assert await service.log_in("acme")


@sqlite
async def test_an_iss_that_is_there_counts_though_none_was_announced(service, issuer):
    issuer.lies.discovery = {"authorization_response_iss_parameter_supported": ABSENT}
    issuer.lies.authorization = {"iss": "https://evil.example.com"}
    await refused(service, await sent_back(service))


@sqlite
@pytest.mark.parametrize("silent", [False, True])
async def test_the_answer_of_one_provider_is_no_answer_of_another(
    start, issuer, other_issuer, silent
):
    """Mix-up (RFC 9700 4.4): the code of one issuer arrives with the state of another."""
    both = oidc(issuer) | oidc(other_issuer, "evil") | {"OIDC_PROVIDERS": "acme;evil"}
    service = await start(issuer, other_issuer, **both)
    if silent:
        for each in (issuer, other_issuer):
            each.lies.discovery = {"authorization_response_iss_parameter_supported": ABSENT}
            each.lies.authorization = {"iss": ABSENT}
    honest, evil = await sent_back(service, "acme"), await sent_back(service, "evil")
    await refused(service, altered(evil, state=query_of(honest)["state"]))
    assert other_issuer.asked["token"] == 0


@sqlite
async def test_a_provider_that_was_turned_off_meanwhile_logs_nobody_in(start, issuer, other_issuer):
    service = await start(issuer, **oidc(issuer))
    url = await sent_back(service)
    cookies = service.browser.session.cookie_jar
    await service.stop()
    service = await start(other_issuer, **oidc(other_issuer, "other"))
    service.browser.session.cookie_jar.update_cookies({c.key: c.value for c in cookies})
    answer = await service.browser.get(f"/auth/oauth_callback?{url.partition('?')[2]}")
    assert 400 <= answer.status < 500
    assert not carries_a_token(answer)


async def restarted(start, service, issuer, **environ: str):
    """Stop *service* and start it with other settings; its browser stays what it was."""
    jar = {c.key: c.value for c in service.browser.session.cookie_jar}
    await service.stop()
    again = await start(issuer, EXTERNAL_ADDRESS=service.url, **oidc(issuer), **environ)
    again.browser.session.cookie_jar.update_cookies(jar)
    return again


async def test_a_login_survives_a_restart_of_the_service(start, service, issuer):
    url = await sent_back(service)
    service = await restarted(start, service, issuer)
    answer = await service.browser.get(f"/auth/oauth_callback?{url.partition('?')[2]}")
    assert carries_a_token(answer)


@sqlite
@pytest.mark.parametrize(
    "environ",
    [
        {"ALLOWED_REDIRECTS": "https://other.example.com"},
        {"CODE_ONLY_REDIRECTS": "http://localhost:*"},
    ],
    ids=lambda environ: next(iter(environ)),
)
async def test_a_next_that_lost_its_leave_meanwhile_gets_no_token(start, service, issuer, environ):
    url = await sent_back(service)
    service = await restarted(start, service, issuer, **environ)
    answer = await service.browser.get(f"/auth/oauth_callback?{url.partition('?')[2]}")
    assert answer.status == 302
    assert answer.headers["Location"] == f"{service.url}/profile"


@sqlite
async def test_the_way_back_of_a_failed_login_leaves_out_a_next_that_lost_its_leave(
    start, service, issuer
):
    issuer.lies.authorization = refusal()
    url = await sent_back(service)
    service = await restarted(start, service, issuer, ALLOWED_REDIRECTS="https://other.example.com")
    target = f"/auth/oauth_callback?{url.partition('?')[2]}"
    answer = await service.browser.get(target, headers=PAGE)
    assert f'href="{service.url}/login"' in await answer.text()


@sqlite
async def test_the_text_of_a_provider_is_shown_to_nobody(service, issuer):
    text = "<script>alert(1)</script>call +1-555-0100"
    issuer.lies.authorization = refusal("login_required", text) | {
        "error_uri": "https://evil.example.com/help"
    }
    for headers in (PAGE, {}):
        answer = await service.browser.get(await sent_back(service), headers=headers)
        shown = await answer.text() + str(answer.headers)
        for part in ("script", "555", "evil", "login_required"):
            assert part not in shown


@sqlite
async def test_a_failed_login_shows_why_and_a_way_back_that_keeps_next(service, issuer):
    target = "http://localhost:3000/a%20b?x=1&x=&y#frag"
    issuer.lies.authorization = refusal()
    answer = await service.browser.get(await sent_back(service, next=target), headers=PAGE)
    page = await answer.text()
    assert answer.status == 400
    assert "The login at Acme was cancelled." in page
    [back] = Links(page).found
    assert query_of(back) == {"next": target}
    issuer.lies.authorization = {}
    offers = Links(await (await service.browser.go(back)).text()).found
    (offer,) = (link for link in offers if "/auth/login/" in link)
    there = await service.browser.go((await service.browser.go(offer)).headers["Location"])
    back_again = await service.browser.go(there.headers["Location"])
    assert back_again.headers["Location"].startswith("http://localhost:3000/a%20b?x=1&x=&y&jwt=")


@sqlite
async def test_a_refused_login_is_remembered_once_and_without_secrets(service, issuer, audited):
    issuer.lies.authorization = refusal("access_denied", "the reason of the provider")
    url = await sent_back(service)
    await refused(service, url)
    await refused(service, url)
    (row,) = await audited()
    assert (row["kind"], row["user_id"], row["address"]) == ("login.refused", None, "127.0.0.1")
    assert row["detail"] == {"provider": "acme", "reason": "login_failed"}


@sqlite
async def test_callbacks_of_no_login_do_not_fill_the_audit_log(service, audited):
    for _ in range(3):
        await refused(service, f"/auth/oauth_callback?state={new_secret()}&code=x")
    assert await audited() == []


@sqlite
async def test_a_login_is_remembered_with_who_and_from_where(service, issuer, audited):
    token = await service.log_in("acme")
    user = (await service.check(token))["profile"]["id"]
    rows = await audited()
    assert [row["kind"] for row in rows] == ["user.created", "login.succeeded"]
    assert {row["user_id"] for row in rows} == {user}
    assert all(row["request_id"] and row["address"] == "127.0.0.1" for row in rows)


@sqlite
async def test_a_new_login_ends_the_cookie_before_it_but_no_token(service):
    token = await service.log_in("acme")
    jar = service.browser.session.cookie_jar
    (before,) = (cookie.value for cookie in jar if cookie.key == "session")
    await service.log_in("acme")
    (after,) = (cookie.value for cookie in jar if cookie.key == "session")
    other = service.new_browser()
    for cookie, leads_to in ((before, "/login"), (after, "/profile")):
        answer = await other.get("/", headers={"Cookie": f"session={cookie}"})
        assert answer.headers["Location"] == f"{service.url}{leads_to}"
    assert (await service.check(token))["authenticated"] is True
