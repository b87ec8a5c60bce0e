"""A provider that is slow, dead or hostile harms its own logins, and nobody else."""

import asyncio
import time

import pytest

from tests.fakes import faults
from tests.fakes.faults import Gate, answer, dribble, json_answer, redirect, server_error
from tests.fakes.github import GitHub, rate_limited
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fixtures.service import NEXT, oidc
from tests.login.steps import PAGE, Links, begin, carries_a_token, code_of, query_of, sent_back

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

FAULTS = {
    "server_error": server_error,
    "unauthorized": answer(401, b"{}"),
    "html": faults.html,
    "empty": faults.empty,
    "reset": faults.reset,
    "redirect": redirect("http://127.0.0.1:1/elsewhere"),
    "null": json_answer(None),
    "number": json_answer(7),
    "strange": json_answer({"issuer": {}, "keys": [[]], "id_token": 1, "sub": [], "id": {}}),
}
"""Those that connectors could take for an answer; `tests/test_remote.py` has many more."""
SHORT = {"REMOTE_TIMEOUT": "0.8", "REMOTE_READ_TIMEOUT": "0.5"}


async def fails(service, url, statuses):
    """See that *url* ends on a page with a way back, with nothing of the provider on it."""
    answer = await service.browser.get(url, headers=PAGE)
    page = await answer.text()
    assert answer.status in statuses, page
    assert not carries_a_token(answer)
    assert "script" not in page
    [back] = Links(page).found
    assert query_of(back) == {"next": NEXT}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("endpoint", ["discovery", "jwks"])
async def test_nonsense_of_what_is_fetched_once_is_a_page_and_the_next_login_succeeds(
    start, issuer, endpoint, fault
):
    service = await start(issuer, **oidc(issuer))
    issuer.faults[endpoint] = FAULTS[fault]
    if endpoint == "discovery":
        await fails(service, f"/auth/login/acme?next={NEXT}", {502})
    else:
        await fails(service, await sent_back(service), {502})
    issuer.faults.clear()
    assert await service.log_in("acme")


@pytest.mark.slow
@pytest.mark.parametrize("endpoint", ["token", "userinfo"])
async def test_nonsense_from_an_issuer_is_a_page_and_the_next_login_succeeds(
    start, endpoint, subtests
):
    async with OidcIssuer(terse_id_token=True) as issuer:
        service = await start(issuer, **oidc(issuer))
        for name, fault in FAULTS.items():
            with subtests.test(name):
                issuer.faults[endpoint] = fault
                url = await sent_back(service)
                await fails(service, url, {502})
                assert (await service.browser.go(url)).status == 400  # the state is used up
                issuer.faults.clear()
                assert await service.log_in("acme")


@pytest.mark.slow
@pytest.mark.parametrize("endpoint", ["access_token", "user", "emails"])
async def test_nonsense_from_github_is_a_page_and_the_next_login_succeeds(
    start, github, endpoint, subtests
):
    service = await start(github, **github_variables(github))
    for name, fault in FAULTS.items():
        with subtests.test(name):
            github.faults[endpoint] = fault
            await fails(service, await sent_back(service, "github"), {502})
            github.faults.clear()
            assert await service.log_in("github")


async def test_a_rate_limit_of_github_is_not_taken_for_a_user_without_email(start, github):
    service = await start(github, **github_variables(github))
    github.faults["emails"] = rate_limited
    await fails(service, await sent_back(service, "github"), {502})


@pytest.mark.slow
@pytest.mark.parametrize("fault", [faults.hang, dribble(0.05)], ids=["hangs", "dribbles"])
@pytest.mark.parametrize("endpoint", ["discovery", "jwks", "token"])
async def test_a_slow_issuer_is_given_up_at_the_deadline(start, issuer, endpoint, fault):
    service = await start(issuer, **oidc(issuer), **SHORT)
    issuer.faults[endpoint] = fault
    url = f"/auth/login/acme?next={NEXT}" if endpoint == "discovery" else await sent_back(service)
    began = time.monotonic()
    await fails(service, url, {504})
    assert time.monotonic() - began < 5


@pytest.mark.slow
async def test_all_the_calls_of_one_login_have_one_deadline(start):
    """Each endpoint answers in time, all of them together do not."""

    async def late(request, handler):
        await asyncio.sleep(0.3)
        return await handler(request)

    async with OidcIssuer(terse_id_token=True) as issuer:
        service = await start(issuer, **oidc(issuer), REMOTE_LOGIN_TIMEOUT="0.7")
        url = await sent_back(service)
        issuer.faults = dict.fromkeys(("token", "jwks", "userinfo"), late)
        await fails(service, url, {504})


@pytest.mark.slow
async def test_many_who_wait_for_a_provider_that_hangs_all_hear_by_the_deadline(start, issuer):
    service = await start(issuer, **oidc(issuer), **SHORT)
    issuer.faults["discovery"] = faults.hang
    began = time.monotonic()
    answers = await asyncio.gather(*(service.browser.get("/auth/login/acme") for _ in range(12)))
    assert time.monotonic() - began < 5
    assert {answer.status for answer in answers} == {504}
    assert issuer.asked["discovery"] == 1


@pytest.mark.slow
async def test_a_provider_that_hangs_does_not_slow_the_others(start, issuer, other_issuer):
    """Not even when every call that it may have is under way."""
    both = oidc(issuer) | oidc(other_issuer, "slow") | {"OIDC_PROVIDERS": "acme;slow"}
    service = await start(issuer, other_issuer, REMOTE_CALLS="2", **both)
    token = await service.log_in("acme")
    urls = [await sent_back(service, "slow") for _ in range(5)]
    gate = other_issuer.faults["token"] = Gate()
    slow = [asyncio.create_task(service.browser.get(url)) for url in urls]
    await gate.reached.wait()
    began = time.monotonic()
    assert (await service.check(token))["authenticated"] is True
    assert await service.log_in("acme")
    assert time.monotonic() - began < 5
    assert not any(task.done() for task in slow)
    assert other_issuer.asked["token"] <= 2
    gate.opened.set()
    assert {(await each).status for each in slow} == {302}


@pytest.mark.slow
async def test_who_waits_for_a_call_of_a_busy_provider_is_told_in_time(start, issuer):
    service = await start(issuer, REMOTE_CALLS="1", **oidc(issuer), **SHORT)
    urls = [await sent_back(service) for _ in range(3)]
    issuer.faults["token"] = faults.hang
    began = time.monotonic()
    answers = await asyncio.gather(*(service.browser.get(url) for url in urls))
    assert {answer.status for answer in answers} <= {503, 504}
    assert all(answer.headers["Retry-After"] for answer in answers if answer.status == 503)
    assert time.monotonic() - began < 5


async def test_a_code_that_the_provider_does_not_know_is_a_login_to_start_again(start, issuer):
    service = await start(issuer, **oidc(issuer))
    issuer.lies.authorization = {"code": "spent"}
    answer = await service.browser.go(await sent_back(service))
    assert (answer.status, await code_of(answer)) == (400, "login_failed")


async def test_no_secret_follows_a_redirect_of_the_provider(start, issuer, application):
    service = await start(issuer, **oidc(issuer))
    url = await sent_back(service)
    for status in (301, 302, 303, 307, 308):
        issuer.faults["token"] = redirect(f"{application.url}/token", status)
        assert (await service.browser.go(url)).status in {400, 502}
        url = await sent_back(service)
    assert application.received == []


async def test_a_provider_that_went_away_after_the_start_is_a_page(start, issuer):
    service = await start(issuer, **oidc(issuer))
    url = await sent_back(service)
    await issuer.stop()
    await fails(service, url, {502})
    await issuer.start()
    assert await service.log_in("acme")


async def test_a_login_under_way_survives_metadata_that_cannot_be_fetched_again(
    start, issuer, clock
):
    service = await start(issuer, **oidc(issuer))
    await service.log_in("acme")
    issuer.faults["discovery"] = server_error
    clock.advance(hours=2)
    issuer.lies.id_token = {"exp": int(clock.now.timestamp()) + 60}
    assert await service.log_in("acme")
    assert await service.log_in("acme")
    assert issuer.asked["discovery"] == 2


async def test_metadata_is_asked_again_when_it_is_old(start, issuer, clock):
    service = await start(issuer, **oidc(issuer))
    for _ in range(3):
        await begin(service)
    assert issuer.asked["discovery"] == 1
    clock.advance(hours=1)
    await begin(service)
    await begin(service)
    assert issuer.asked["discovery"] == 2


async def test_the_cookies_of_a_provider_are_not_kept(start, issuer):
    seen = []

    async def baker(request, handler):
        seen.append(request.headers.get("Cookie"))
        response = await handler(request)
        response.set_cookie("spy", "1")
        return response

    service = await start(issuer, **oidc(issuer))
    issuer.faults = {"discovery": baker, "jwks": baker, "token": baker}
    assert await service.log_in("acme", browser=service.browser)
    assert seen == [None, None, None]


def github_variables(github: GitHub) -> dict[str, str]:
    return {
        "GITHUB_KEY": github.client.id,
        "GITHUB_SECRET": github.client.secret,
        "GITHUB_URL": github.url,
        "GITHUB_API_URL": github.api_url,
    }
