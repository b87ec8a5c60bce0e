"""Login tokens at the door: whoever shows one, and whether it still holds."""

import json
from typing import Any

import pytest
from sqlalchemy import text
from yarl import URL

from dhq_auth.db import Database
from dhq_auth.tokens.revoked.store import revoke_token
from tests.credentials import permissions
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fixtures.service import Browser, Service, Start, oidc
from tests.revocations.following import seconds_while
from tests.tokens.forgeries import FORGERIES, Mint

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
LEAKS = ("Traceback", "Error", "joserfc", "Exception", "JWT", "base64", "signature")


@pytest.fixture
async def service(start: Start, issuer: OidcIssuer) -> Service:
    """A service that knows one other service, `x`."""
    return await start(issuer, **oidc(issuer), ALLOWED_SERVICES=f"x:{permissions.__name__}")


async def verdict(browser: Browser, sent: dict[str, Any]) -> tuple[bool, str | None]:
    """Return whether both routes know who sends *sent*, and the reason where they do not."""
    check = await browser.get("/auth/check", **sent)
    authorize = await browser.get("/auth/authorize", **with_service(sent))
    said, granted = json.loads(await check.text()), json.loads(await authorize.text())
    assert check.status == 200
    assert authorize.status == (200 if said["authenticated"] else 401), granted
    if not said["authenticated"]:
        assert granted["permissions"] == {}
        assert "token" not in granted
        assert authorize.headers["WWW-Authenticate"].startswith("Bearer ")
        assert not [leak for leak in LEAKS if leak in f"{said}{granted}"]
    return said["authenticated"], said.get("reason")


def with_service(sent: dict[str, Any]) -> dict[str, Any]:
    return {**sent, "params": {**sent.get("params", {}), "service": "x"}}


async def of_token(browser: Browser, token: str) -> tuple[bool, str | None]:
    return await verdict(browser, {"headers": {"Auth-Token": token}})


@pytest.mark.slow
@ON_SQLITE
async def test_no_forgery_is_somebody_by_header_or_parameter(service: Service, mint: Mint) -> None:
    nobody = service.new_browser()
    assert await of_token(nobody, mint.signed()) == (True, None)
    believed = []
    for name, forge in FORGERIES.items():
        token = forge(mint)
        assert len(token) < 8000 or name == "over 8 kB"
        if name == "over 8 kB":
            continue  # no request line or header field of this size gets as far as this
        ways: list[dict[str, Any]] = [{"params": {"jwt": token}}]
        if token.isascii() and token.isprintable():
            ways += [{"headers": {"Auth-Token": token}}]
        believed += [(name, way) for way in ways if (await verdict(nobody, way))[0]]
    # Blanks around a header's value are no part of it (RFC 9110 5.5).
    assert {name for name, way in believed if "params" in way} == set()
    assert {name for name, _ in believed} <= {"a blank in front", "a blank behind"}


@ON_SQLITE
@pytest.mark.parametrize("raw", ["\udcff\udcfe", "a\udcffb.c.d", "é.é.é", "\x7f"])
async def test_bytes_that_are_no_text_are_no_token(service: Service, raw: str) -> None:
    import asyncio  # noqa: PLC0415

    port = service.url.rpartition(":")[2]
    for field in ("Auth-Token: ", "Authorization: Bearer "):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(port))
        value = raw.encode("utf-8", "surrogateescape")
        writer.write(b"GET /auth/authorize?service=x HTTP/1.1\r\nHost: localhost\r\n")
        writer.write(field.encode() + value + b"\r\nConnection: close\r\n\r\n")
        status = (await reader.readline()).split()[1]
        await reader.read()
        writer.close()
        assert status in {b"400", b"401"}


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"sub": "0" * 32}, "revoked"),
        ({"sub": "x" * 3000}, "revoked"),
        ({"sid": "0" * 32}, "revoked"),
        ({"sid": "x' OR 'a'='a"}, "revoked"),
        ({"jti": "another"}, None),
    ],
)
async def test_a_token_names_a_session_that_is_there(
    service: Service, mint: Mint, claims: dict[str, str], reason: str | None
) -> None:
    known, why = await of_token(service.new_browser(), mint.signed(claims=claims))
    assert (known, why) == (reason is None, reason)


async def test_a_token_that_was_revoked_is_refused_and_no_other_of_its_session(
    service: Service, mint: Mint, database: Database
) -> None:
    other = mint.signed(claims={"jti": "another"})
    now = service.clock.now
    async with database.write() as db:
        await revoke_token(db, mint.claims["jti"], now, now)
    nobody = service.new_browser()
    assert await of_token(nobody, mint.token) == (False, "revoked")
    assert await of_token(nobody, other) == (True, None)


@pytest.mark.slow
@ON_SQLITE
async def test_the_session_of_another_user_is_not_enough(
    service: Service, mint: Mint, issuer: OidcIssuer
) -> None:
    issuer.user = {**issuer.user, "sub": "2002", "email": "bob@example.com"}
    await service.log_in("acme", browser=service.new_browser())
    bob = await service.check(await service.log_in("acme", browser=service.new_browser()))
    nobody = service.new_browser()
    forged = mint.signed(claims={"sub": bob["profile"]["id"], "userid": bob["profile"]["id"]})  # type: ignore[index]
    assert await of_token(nobody, forged) == (False, "revoked")


@pytest.mark.parametrize(
    "change",
    ["UPDATE users SET is_active = false", "DELETE FROM users", "DELETE FROM sessions"],
)
async def test_what_happens_to_the_user_counts_for_a_token_that_was_made_before(
    service: Service, database: Database, change: str
) -> None:
    browser = service.new_browser()
    token = await service.log_in("acme", browser=browser)
    nobody = service.new_browser()
    async with database.write() as db:
        await db.execute(text(change))
    assert await of_token(nobody, token) == (False, "revoked")
    assert await verdict(browser, {}) == (False, "expired")  # the cookie


@ON_SQLITE
async def test_a_token_ends_at_its_time_and_the_leeway(service: Service) -> None:
    token = await service.log_in("acme", browser=service.new_browser())
    nobody = service.new_browser()
    lifetime = service.settings.login_token_lifetime.total_seconds()
    leeway = service.settings.limits.clock_leeway.total_seconds()
    service.clock.advance(seconds=lifetime + leeway - 1)
    assert await of_token(nobody, token) == (True, None)
    service.clock.advance(seconds=1)
    assert await of_token(nobody, token) == (False, "expired")


@pytest.mark.slow
async def test_what_is_ended_at_one_replica_is_ended_at_the_other(
    start: Start, issuer: OidcIssuer, service: Service
) -> None:
    replica = await start(issuer, **oidc(issuer), EXTERNAL_ADDRESS=service.url)
    browser = service.new_browser()
    token = await service.log_in("acme", browser=browser)
    assert (await replica.check(token))["authenticated"] is True
    answer = await browser.post("/auth/logout", headers={"Auth-Token": token})
    assert answer.status == 200
    assert await seconds_while(lambda: is_signed_in(replica, token)) < 1
    assert (await replica.check(token))["reason"] == "revoked"


async def is_signed_in(service: Service, token: str) -> bool:
    return bool((await service.check(token))["authenticated"])


async def test_sessions_and_tokens_outlive_a_restart(
    start: Start, issuer: OidcIssuer, service: Service
) -> None:
    token = await service.log_in("acme")
    cookies = service.browser.session.cookie_jar.filter_cookies(URL(service.url))
    secret = cookies[service.settings.session_cookie].value
    await service.stop()
    again = await start(issuer, **oidc(issuer), EXTERNAL_ADDRESS=service.url)
    assert (await again.check(token))["authenticated"] is True
    sent = {"Cookie": f"{service.settings.session_cookie}={secret}"}
    answer = await again.browser.get("/auth/check", headers=sent)
    assert (await answer.json())["authenticated"] is True


async def sign_out_everywhere(browser: Browser, token: str) -> None:
    answer = await browser.post("/auth/logout", json={"all": True}, headers={"Auth-Token": token})
    assert answer.status == 200, await answer.text()


@pytest.mark.slow
async def test_signing_out_everywhere_ends_all_and_the_next_login_holds_at_once(
    service: Service, issuer: OidcIssuer
) -> None:
    browsers = [service.new_browser() for _ in range(3)]
    tokens = [await service.log_in("acme", browser=browser) for browser in browsers]
    issuer.user, ada = {"sub": "2", "email": "bob@example.com", "email_verified": True}, issuer.user
    bob = await service.log_in("acme", browser=service.new_browser())
    nobody = service.new_browser()
    await sign_out_everywhere(nobody, tokens[0])
    assert {await of_token(nobody, token) for token in tokens} == {(False, "revoked")}
    for browser in browsers[1:]:
        assert (await verdict(browser, {}))[0] is False
    assert await of_token(nobody, bob) == (True, None)
    # No time has passed: the clock stands still, and tokens know whole seconds only.
    issuer.user = ada
    anew = await service.log_in("acme", browser=nobody)
    assert await of_token(service.new_browser(), anew) == (True, None)


@pytest.mark.slow
@ON_SQLITE
async def test_a_clock_that_is_set_back_locks_nobody_out(
    service: Service, issuer: OidcIssuer
) -> None:
    issuer.now = service.clock
    before = await service.log_in("acme", browser=service.new_browser())
    await sign_out_everywhere(service.new_browser(), before)
    kept = await service.log_in("acme", browser=service.new_browser())
    service.clock.advance(minutes=-30)
    nobody = service.new_browser()
    assert await of_token(nobody, kept) == (True, None)
    assert await of_token(nobody, before) == (False, "revoked")
    anew = await service.log_in("acme", browser=service.new_browser())
    assert await of_token(nobody, anew) == (True, None)


@ON_SQLITE
async def test_a_clock_that_jumps_ahead_expires_what_is_old_and_nothing_else(
    start: Start, issuer: OidcIssuer
) -> None:
    service = await start(
        issuer, **oidc(issuer), LOGIN_TOKEN_LIFETIME="1h", SESSION_DURATION="3600"
    )
    issuer.now = service.clock
    browser = service.new_browser()
    token = await service.log_in("acme", browser=browser)
    service.clock.advance(days=1)
    assert (await service.check(token))["reason"] == "expired"
    cookie = await (await browser.get("/auth/check")).json()
    assert cookie["reason"] == "expired"
    anew = await service.log_in("acme", browser=browser)
    assert (await service.check(anew))["authenticated"] is True


@ON_SQLITE
async def test_a_login_while_signed_in_begins_a_new_session(service: Service) -> None:
    browser, name = service.new_browser(), service.settings.session_cookie
    secrets, tokens = set(), set()
    for _ in range(2):
        tokens.add(await service.log_in("acme", browser=browser))
        cookies = browser.session.cookie_jar.filter_cookies(URL(service.url))
        secrets.add(cookies[name].value)
    assert len(secrets) == len(tokens) == 2
    assert all(len(secret) == 43 for secret in secrets)


async def test_an_administrator_is_one_by_the_database_now(
    service: Service, database: Database
) -> None:
    from dhq_auth.accounts.store import user_by_id  # noqa: PLC0415

    token = await service.log_in("acme", browser=service.new_browser())
    profile: Any = (await service.check(token))["profile"]
    for is_admin in (True, False):
        async with database.write() as db:
            await db.execute(text("UPDATE users SET is_admin = :it"), {"it": is_admin})
        async with database.read() as db:
            user = await user_by_id(db, profile["id"])
        assert user is not None
        assert user.is_admin is is_admin
