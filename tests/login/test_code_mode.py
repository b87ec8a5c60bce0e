"""Code mode: `next` gets a one-time code, which the application redeems with its verifier."""

import asyncio

import pytest
from sqlalchemy import text

from dhq_auth.opaque import new_secret
from tests.fakes.oauth import refusal, s256
from tests.fixtures.service import NEXT, oidc
from tests.login.steps import PAGE, Links, begin, carries_a_token, code_of, query_of, sent_back

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

VERIFIER = "a-verifier-of-at-least-forty-three-characters-~.0123"
CODE_MODE = {
    "response_mode": "code",
    "code_challenge": s256(VERIFIER),
    "code_challenge_method": "S256",
}


async def code_for(service, **query: str) -> str:
    answer = await service.callback("acme", **{**CODE_MODE, **query})
    assert answer.status == 302
    assert "jwt" not in query_of(answer.headers["Location"])
    return query_of(answer.headers["Location"])["code"]


def redeem(service, code, verifier=VERIFIER):
    sent = {"code": code, "code_verifier": verifier}
    return service.browser.post("/auth/exchange", json=sent)


async def refused(answer):
    assert (answer.status, await code_of(answer)) == (400, "invalid_grant")


async def test_a_code_is_redeemed_for_the_token_and_says_who(service):
    code = await code_for(service)
    answer = await redeem(service, code)
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"
    given = await answer.json()
    assert given.keys() == {"token", "expires_in", "profile"}
    assert given["expires_in"] == 14 * 86400
    known = await service.check(given["token"])
    assert known == {"authenticated": True, "profile": given["profile"]}


@sqlite
async def test_a_code_comes_last_in_next_and_takes_an_old_token_out(service):
    target = f"{NEXT}/a%20b?x=1&jwt=old&code=mine&x=2#frag"
    location = (await service.callback("acme", next=target, **CODE_MODE)).headers["Location"]
    assert location.startswith(f"{NEXT}/a%20b?x=1&x=2&code=")
    assert location.endswith("#frag")


@sqlite
async def test_a_form_redeems_a_code_too(service):
    form = {"code": await code_for(service), "code_verifier": VERIFIER}
    assert (await service.browser.post("/auth/exchange", data=form)).status == 200


async def test_a_code_that_comes_twice_ends_the_session_of_the_first(service, audited):
    code = await code_for(service)
    token = (await (await redeem(service, code)).json())["token"]
    await refused(await redeem(service, code))
    assert (await service.check(token))["reason"] == "revoked"
    assert (await service.browser.get("/auth/check")).status == 200
    row = (await audited())[-1]
    assert row["kind"] == "login.code_replayed"
    assert code not in str(row)


@sqlite
async def test_a_code_that_comes_again_and_again_is_remembered_once(service, audited):
    code = await code_for(service)
    for _ in range(5):
        await redeem(service, code)
    kinds = [row["kind"] for row in await audited()]
    assert kinds.count("login.code_replayed") == 1


async def test_of_two_who_redeem_a_code_at_once_one_gets_a_token(service):
    code = await code_for(service)
    answers = await asyncio.gather(*(redeem(service, code) for _ in range(5)))
    assert sorted(answer.status for answer in answers) == [200, 400, 400, 400, 400]


@sqlite
@pytest.mark.parametrize(
    "verifier",
    ["x" * 43, VERIFIER[:-1], VERIFIER + "x", s256(VERIFIER), "x", "é" * 43, "x" * 129, "\n" * 43],
)
async def test_a_wrong_verifier_spends_the_code(service, verifier):
    code = await code_for(service)
    await refused(await redeem(service, code, verifier))
    await refused(await redeem(service, code))


@sqlite
async def test_a_code_lives_for_a_minute(service, clock):
    code = await code_for(service)
    clock.advance(seconds=59)
    assert (await redeem(service, code)).status == 200
    code = await code_for(service)
    clock.advance(seconds=60)
    await refused(await redeem(service, code))


@sqlite
async def test_a_code_of_nobody_is_refused(service):
    for code in (new_secret(), "x", "é", "x" * 8000):
        await refused(await redeem(service, code))


@sqlite
@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"code": "x"},
        {"code_verifier": VERIFIER},
        {"code": None, "code_verifier": VERIFIER},
        {"code": 7, "code_verifier": VERIFIER},
        {"code": ["x"], "code_verifier": VERIFIER},
        {"code": "x", "code_verifier": {"a": 1}},
        {"code": "\ud800", "code_verifier": VERIFIER},
        {"code": "x\x00", "code_verifier": VERIFIER},
        {"code": "x" * 9000, "code_verifier": VERIFIER},
        [],
        "code",
    ],
    ids=lambda sent: str(sent)[:40].encode("ascii", "replace").decode(),
)
async def test_an_exchange_that_is_malformed_is_refused(service, sent):
    answer = await service.browser.post("/auth/exchange", json=sent)
    assert answer.status == 400


@sqlite
@pytest.mark.parametrize("how", ["logout", "all"])
async def test_a_code_dies_with_its_login(service, how):
    code = await code_for(service)
    body = {"all": True} if how == "all" else {}
    ended = await service.browser.post("/auth/logout", json=body)
    assert ended.status == 200
    await refused(await redeem(service, code))


@sqlite
async def test_a_code_of_one_who_was_disabled_meanwhile_is_refused(service, database):
    code = await code_for(service)
    async with database.write() as db:
        await db.execute(text("UPDATE users SET is_active = false"))
    await refused(await redeem(service, code))


@sqlite
async def test_the_login_token_of_a_code_ends_with_logout(service):
    token = (await (await redeem(service, await code_for(service))).json())["token"]
    ended = await service.browser.post("/auth/logout", headers={"Auth-Token": token})
    assert ended.status == 200
    assert (await service.check(token))["reason"] == "revoked"


@sqlite
@pytest.mark.parametrize(
    "query",
    [
        {"response_mode": "code"},
        {"response_mode": "code", "code_challenge": ""},
        {"response_mode": "code", "code_challenge": "x" * 42},
        {"response_mode": "code", "code_challenge": "x" * 44},
        {"response_mode": "code", "code_challenge": "é" * 43},
        {"response_mode": "code", "code_challenge": "=" * 43},
        {**CODE_MODE, "code_challenge_method": "plain"},
        {**CODE_MODE, "response_mode": "jwt"},
        {**CODE_MODE, "response_mode": "fragment"},
        {"code_challenge": s256(VERIFIER)},
        {"response_mode": "query"},
        {"code_challenge_method": "plain"},
        {**CODE_MODE, "next": ""},
    ],
    ids=str,
)
async def test_a_request_for_a_code_that_is_malformed_is_refused(service, query):
    answer = await service.browser.get("/auth/login/acme", params={"next": NEXT, **query})
    assert (answer.status, await code_of(answer)) == (400, "invalid_request")


@sqlite
async def test_an_application_that_takes_codes_only_gets_no_token(start, issuer):
    service = await start(
        issuer,
        ALLOWED_REDIRECTS="http://localhost:*",
        CODE_ONLY_REDIRECTS="http://localhost:3000/codes",
        **oidc(issuer),
    )
    codes = f"{NEXT}/codes/x"
    answer = await service.browser.get("/auth/login/acme", params={"next": codes})
    assert (answer.status, await code_of(answer)) == (400, "invalid_request")
    assert (await redeem(service, await code_for(service, next=codes))).status == 200
    assert await service.log_in("acme", next=f"{NEXT}/elsewhere")


@sqlite
async def test_a_failed_login_leads_back_in_code_mode(service, issuer):
    """Whoever tries again must not end with a token in the address instead of a code."""
    issuer.lies.authorization = refusal()
    url = await sent_back(service, **CODE_MODE)
    answer = await service.browser.get(url, headers=PAGE)
    [back] = Links(await answer.text()).found
    assert query_of(back) == {"next": NEXT, **CODE_MODE}
    issuer.lies.authorization = {}
    page = await (await service.browser.go(back)).text()
    (offer,) = (link for link in Links(page).found if "/auth/login/" in link)
    there = await service.browser.go((await service.browser.go(offer)).headers["Location"])
    again = await service.browser.go(there.headers["Location"])
    assert query_of(again.headers["Location"]).keys() == {"code"}


@sqlite
async def test_the_providers_that_check_offers_keep_code_mode(service):
    answer = await service.browser.get("/auth/check", params={"next": NEXT, **CODE_MODE})
    url = (await answer.json())["providers"]["acme"]["url"]
    assert query_of(url) == {"next": NEXT, **CODE_MODE}


@sqlite
async def test_a_code_is_no_token(service):
    code = await code_for(service)
    assert (await service.check(code))["reason"] == "invalid"


@sqlite
async def test_the_code_of_the_provider_is_no_code_of_ours(service):
    url = await sent_back(service, **CODE_MODE)
    await refused(await redeem(service, query_of(url)["code"]))
    assert carries_a_token(await service.browser.go(url))
    assert await begin(service)
