"""What settings do to the running service, where no other test would notice their absence."""

import re
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import jwt as pyjwt
import pytest

from tests.fakes.oauth import s256
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fixtures.service import FrozenClock, Start, oidc
from tests.login.steps import begin, query_of, sent_back
from tests.settings.test_variables import NAMES

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

TESTS = Path(__file__).parents[1]
VERIFIER = "a" * 43
CODE_MODE = {"response_mode": "code", "code_challenge": s256(VERIFIER)}


def test_every_setting_is_used_by_a_test_of_more_than_its_reading() -> None:
    here = Path(__file__)
    files = [file for file in TESTS.rglob("*.py") if file.parent != here.parent or file == here]
    used = {word for file in files for word in re.findall(r"[A-Z][A-Z_]+", file.read_text())}
    # `oidc(…)` of the fixtures puts `OIDC_<NAME>_` before what it is given.
    assert {name.removeprefix("OIDC_ACME_") for name in NAMES} <= used


@sqlite
async def test_allowed_origins_take_the_place_of_the_origins_of_allowed_redirects(
    start: Start,
) -> None:
    service = await start(
        ALLOWED_REDIRECTS="https://app.example.com",
        ALLOWED_ORIGINS="https://other.example.com;http://localhost:*",
    )
    for origin, allowed in (
        ("https://other.example.com", True),
        ("http://localhost:1234", True),
        ("https://app.example.com", False),
    ):
        answer = await service.browser.get("/auth/check", headers={"Origin": origin})
        assert ("Access-Control-Allow-Origin" in answer.headers) is allowed, origin


@sqlite
async def test_an_issuer_has_the_title_and_is_asked_for_the_scopes_of_its_settings(
    start: Start, issuer: OidcIssuer
) -> None:
    service = await start(issuer, **oidc(issuer, TITLE="Acme & Sons", SCOPES="openid email"))
    page = await service.browser.get("/login", headers={"Accept": "text/html"})
    assert "Acme &amp; Sons" in await page.text()
    assert query_of(await begin(service))["scope"] == "openid email"


@sqlite
async def test_the_session_cookie_is_called_as_session_name_says(
    start: Start, issuer: OidcIssuer
) -> None:
    service = await start(issuer, SESSION_NAME="badge", **oidc(issuer))
    await service.log_in("acme")
    assert {cookie.key for cookie in service.browser.session.cookie_jar} >= {"badge"}
    assert (await (await service.browser.get("/auth/check")).json())["authenticated"]


@sqlite
async def test_service_tokens_live_as_long_as_service_token_lifetime_says(
    start: Start, issuer: OidcIssuer
) -> None:
    lives = []
    for option in ({}, {"SERVICE_TOKEN_LIFETIME": "2h"}):
        service = await start(
            issuer, ALLOWED_SERVICES="notes:tests.contract.plain_provider", **oidc(issuer), **option
        )
        await service.log_in("acme")
        told = await (await service.browser.get("/auth/authorize?service=notes")).json()
        claims = pyjwt.decode(told["token"], options={"verify_signature": False})
        lives.append(claims["exp"] - claims["iat"])
    assert lives == [15 * 60, 2 * 60 * 60]


@sqlite
async def test_a_login_may_take_as_long_as_login_attempt_lifetime_says(
    start: Start, issuer: OidcIssuer, clock: FrozenClock
) -> None:
    service = await start(issuer, LOGIN_ATTEMPT_LIFETIME="30s", **oidc(issuer))
    begun = await service.browser.get("/auth/login/acme")
    assert "Max-Age=30;" in begun.headers["Set-Cookie"]
    for seconds, status in ((29, 302), (30, 400)):
        url = await sent_back(service)
        clock.advance(seconds=seconds)
        assert (await service.browser.go(url)).status == status


@sqlite
async def test_a_code_lives_as_long_as_login_code_lifetime_says(
    start: Start, issuer: OidcIssuer, clock: FrozenClock
) -> None:
    service = await start(issuer, LOGIN_CODE_LIFETIME="5s", **oidc(issuer))
    for seconds, status in ((4, 200), (5, 400)):
        back = await service.callback("acme", **CODE_MODE)
        sent = {"code": query_of(back.headers["Location"])["code"], "code_verifier": VERIFIER}
        clock.advance(seconds=seconds)
        assert (await service.browser.post("/auth/exchange", json=sent)).status == status


@sqlite
async def test_clocks_may_be_apart_by_clock_leeway(
    start: Start, issuer: OidcIssuer, clock: FrozenClock
) -> None:
    service = await start(issuer, CLOCK_LEEWAY="5s", LOGIN_TOKEN_LIFETIME="60s", **oidc(issuer))
    for apart, status in ((5, 302), (6, 502)):
        issuer.lies.id_token = {"iat": int(clock.now.timestamp()) + apart}
        assert (await service.callback("acme")).status == status
    issuer.lies.id_token = {}
    token = await service.log_in("acme")
    for seconds, known in ((64, True), (1, False)):
        clock.advance(seconds=seconds)
        assert (await service.check(token))["authenticated"] is known


@sqlite
async def test_a_body_may_be_as_large_as_max_body_says(start: Start) -> None:
    service = await start(MAX_BODY="1k")
    for size, status in ((1024, 200), (1025, 413)):
        sent = "username=" + "x" * (size - len("username="))
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = await service.browser.post("/auth/update", data=sent, headers=headers)
        assert answer.status == status


@sqlite
async def test_json_may_be_nested_as_deep_as_max_json_depth_says(start: Start) -> None:
    service = await start(MAX_JSON_DEPTH="3")
    for sent, status in (({"a": [[1]]}, 200), ({"a": [[[1]]]}, 400)):
        assert (await service.browser.post("/auth/update", json=sent)).status == status


@pytest.mark.slow
@sqlite
async def test_a_lock_is_waited_for_as_long_as_database_timeout_says(
    start: Start, issuer: OidcIssuer, database_url: str
) -> None:
    service = await start(issuer, DATABASE_TIMEOUT="0.3", **oidc(issuer))
    with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        assert (await service.browser.get("/auth/login/acme")).status == 503
        assert time.monotonic() - began < 2
    assert (await service.browser.get("/auth/login/acme")).status == 302


@sqlite
async def test_metadata_is_asked_again_when_discovery_lifetime_is_over(
    start: Start, issuer: OidcIssuer, clock: FrozenClock
) -> None:
    service = await start(issuer, DISCOVERY_LIFETIME="5m", **oidc(issuer))
    for seconds, asked in ((0, 1), (299, 1), (1, 2)):
        clock.advance(seconds=seconds)
        await service.log_in("acme")
        assert issuer.asked["discovery"] == issuer.asked["jwks"] == asked


@sqlite
@pytest.mark.slow
async def test_keys_are_asked_again_after_jwks_cooldown(
    start: Start, issuer: OidcIssuer, clock: FrozenClock
) -> None:
    service = await start(issuer, JWKS_COOLDOWN="5s", **oidc(issuer))
    await service.log_in("acme")
    for seconds, status in ((0, 302), (4, 502), (1, 302)):
        clock.advance(seconds=seconds)
        issuer.rotate_keys()
        assert (await service.callback("acme")).status == status
