"""JWTs of other systems at the door: whose requests they are, and what they may not be used for."""

import logging
from typing import Any

import pytest
from sqlalchemy import text

from dhq_auth.db import Database
from tests.credentials import permissions
from tests.credentials.foreign import ABSENT, Corp, key_of, with_key, with_url
from tests.fakes import faults
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fixtures.service import FrozenClock, Service, Start, oidc

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
LINKED = "INSERT INTO identities VALUES (:issuer, :subject, :user, 'corp', :now, :now)"


async def execute(service: Service, statement: str, **values: object) -> None:
    """Change the database behind the back of the service."""
    database = Database(service.settings.database_url.value, pool=1, timeout=20)
    async with database.write() as db:
        await db.execute(text(statement), values)
    await database.close()


async def user_of(service: Service, token: str) -> Any:
    """Return the id of the user whom *token* names, or the reason for which it is nobody's."""
    said = await (
        await service.new_browser().get("/auth/check", headers={"Auth-Token": token})
    ).json()
    return said["profile"]["id"] if said["authenticated"] else said["reason"]


async def logged_in(service: Service) -> str:
    """Let somebody log in at acme, and return the id of the user."""
    return str((await service.check(await service.log_in("acme")))["profile"]["id"])  # type: ignore[index]


def same_as(issuer: OidcIssuer, clock: FrozenClock) -> Corp:
    """Return what *issuer* itself signs."""
    key = issuer.keys[-1].private_key
    return Corp(clock, key, "RS256", issuer.url, issuer.keys[-1].kid or "")  # type: ignore[arg-type]


def trusting(issuer: OidcIssuer, **options: str) -> dict[str, str]:
    return {
        **oidc(issuer),
        "TRUSTED_ISSUERS": "corp",
        "ISSUER_CORP_URL": issuer.url,
        "ISSUER_CORP_CLAIM": "sub",
        **options,
    }


async def test_a_user_who_logged_in_at_an_issuer_is_known_by_its_tokens(
    start: Start, issuer: OidcIssuer, clock: FrozenClock
) -> None:
    service = await start(issuer, **trusting(issuer))
    corp = same_as(issuer, clock)
    assert await user_of(service, corp.token(sub="1001")) == "invalid"  # nobody as yet
    ada = await logged_in(service)
    assert await user_of(service, corp.token(sub="1001")) == ada
    assert await user_of(service, corp.token(sub="1002")) == "invalid"
    assert await user_of(service, corp.token(sub=ada)) == "invalid"  # not a local id


@ON_SQLITE
async def test_a_token_of_somebody_unknown_makes_no_user(
    start: Start, issuer: OidcIssuer, clock: FrozenClock
) -> None:
    service = await start(issuer, **trusting(issuer))
    email = {"email": "ada@example.com", "email_verified": True, "name": "Ada"}
    await logged_in(service)
    assert await user_of(service, same_as(issuer, clock).token(sub="1002", **email)) == "invalid"
    database = Database(service.settings.database_url.value, pool=1, timeout=20)
    async with database.read() as db:
        assert (await db.execute(text("SELECT count(*) FROM identities"))).scalar() == 1
        assert (await db.execute(text("SELECT count(*) FROM users"))).scalar() == 1
    await database.close()


async def test_who_has_a_key_names_the_users_who_are_linked_to_its_name_alone(
    start: Start, issuer: OidcIssuer, clock: FrozenClock
) -> None:
    corp, environ = with_key(clock)
    service = await start(issuer, **oidc(issuer), **environ)
    ada = await logged_in(service)
    for claimed in (issuer.url, ABSENT):  # Ada is 1001 of acme, not of corp
        assert await user_of(service, corp.token(iss=claimed)) == "invalid"
    await execute(service, LINKED, issuer="corp", subject="1001", user=ada, now=clock.now)
    assert await user_of(service, corp.token()) == ada
    assert await user_of(service, corp.token(user_id=1001)) == ada
    assert await user_of(service, corp.token(iss=issuer.url)) == ada  # corp says so, as corp
    assert await user_of(service, corp.token(iss=service.url)) == "invalid"


@pytest.mark.slow
async def test_an_id_of_ours_is_believed_of_local_subjects_and_never_an_administrators(
    start: Start, issuer: OidcIssuer, clock: FrozenClock
) -> None:
    corp, environ = with_key(clock, "HS256")
    linked = await start(issuer, **oidc(issuer), **environ)
    local = await start(issuer, **oidc(issuer), **environ, ISSUER_CORP_SUBJECTS="local")
    ada = await logged_in(local)
    token = corp.token(user_id=ada)
    assert await user_of(local, token) == ada
    assert await user_of(linked, token) == "invalid"
    for nobody in ("1001", "", "' OR 1=1 --", ada.upper() if ada != ada.upper() else "x"):
        assert await user_of(local, corp.token(user_id=nobody)) == "invalid"
    await execute(local, "UPDATE users SET is_admin = true")
    assert await user_of(local, token) == "invalid"
    await execute(local, "UPDATE users SET is_admin = false")
    assert await user_of(local, token) == ada
    await execute(local, "UPDATE users SET is_active = false")
    assert await user_of(local, token) == "invalid"


@ON_SQLITE
async def test_a_disabled_user_is_nobody_however_the_token_names_him(
    start: Start, issuer: OidcIssuer, clock: FrozenClock
) -> None:
    service = await start(issuer, **trusting(issuer))
    ada, token = await logged_in(service), same_as(issuer, clock).token(sub="1001")
    assert await user_of(service, token) == ada
    await execute(service, "UPDATE users SET is_active = false")
    assert await user_of(service, token) == "invalid"
    await execute(service, "UPDATE users SET is_active = true")
    assert await user_of(service, token) == ada
    await execute(service, "DELETE FROM users")
    assert await user_of(service, token) == "invalid"


@pytest.fixture
async def of_corp(
    start: Start, issuer: OidcIssuer, clock: FrozenClock
) -> tuple[Service, Corp, str]:
    """A service that trusts corp with our own ids, and a user."""
    corp, environ = with_key(clock)
    service = await start(
        issuer,
        **oidc(issuer),
        **environ,
        ISSUER_CORP_SUBJECTS="local",
        ALLOWED_SERVICES=f"x:{permissions.__name__}",
    )
    return service, corp, await logged_in(service)


@ON_SQLITE
async def test_it_is_shown_in_every_way_in_which_a_jwt_is(
    of_corp: tuple[Service, Corp, str],
) -> None:
    service, corp, ada = of_corp
    token, browser = corp.token(user_id=ada), service.new_browser()
    for sent in (
        {"headers": {"Authorization": f"Bearer {token}"}},
        {"headers": {"Auth-Token": token}},
        {"params": {"jwt": token}},
    ):
        said = await (await browser.get("/auth/check", **sent)).json()
        assert said["profile"]["id"] == ada
    asked = {"service": "x", "jwt": token}
    granted = await (await browser.get("/auth/authorize", params=asked)).json()
    assert granted["userid"] == ada
    assert granted["permissions"] == {"*": True}


@ON_SQLITE
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/auth/sessions"),
        ("DELETE", "/auth/sessions"),
        ("GET", "/auth/tokens"),
        ("POST", "/auth/tokens"),
        ("DELETE", "/auth/tokens"),
        ("GET", "/auth/developer-token"),
        ("POST", "/auth/developer-token"),
        ("POST", "/auth/users/me/password"),
    ],
)
async def test_what_needs_a_login_is_not_for_it(
    of_corp: tuple[Service, Corp, str], method: str, path: str
) -> None:
    service, corp, ada = of_corp
    headers = {"Auth-Token": corp.token(user_id=ada)}
    answer = await service.new_browser().request(
        method, path, headers=headers, json={"title": "x"} if method == "POST" else None
    )
    assert answer.status == 403
    assert (await answer.json())["code"] == "login_required"


@ON_SQLITE
@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"user_id": ABSENT}, "invalid"),
        ({"aud": "somebody-else"}, "invalid"),
        ({"exp": 1}, "expired"),
        ({"exp": ABSENT}, "invalid"),
        ({"nbf": 2**33}, "invalid"),
    ],
    ids=["without the claim", "for another audience", "expired", "without end", "not yet"],
)
async def test_a_bad_one_is_refused_and_not_rescued_by_a_cookie(
    of_corp: tuple[Service, Corp, str], claims: dict[str, Any], reason: str
) -> None:
    service, corp, ada = of_corp
    sent = {"headers": {"Auth-Token": corp.token(**{"user_id": ada, **claims})}}
    said = await (await service.browser.get("/auth/check", **sent)).json()
    assert (said["authenticated"], said["reason"]) == (False, reason)
    refused = await service.browser.get("/auth/authorize", params={"service": "x"}, **sent)
    assert refused.status == 401
    assert refused.headers["WWW-Authenticate"].startswith("Bearer ")
    assert (await refused.json())["permissions"] == {}


@ON_SQLITE
async def test_a_bad_signature_is_refused(
    of_corp: tuple[Service, Corp, str], clock: FrozenClock
) -> None:
    service, _, ada = of_corp
    stranger = Corp(clock, key_of("ES256", "stranger"), "ES256")
    assert await user_of(service, stranger.token(user_id=ada)) == "invalid"


@ON_SQLITE
async def test_where_jwts_are_no_credentials_none_of_theirs_is(
    start: Start, issuer: OidcIssuer, clock: FrozenClock
) -> None:
    corp, environ = with_key(clock)
    local = {**oidc(issuer), **environ, "ISSUER_CORP_SUBJECTS": "local"}
    ada = await logged_in(await start(issuer, **local))
    service = await start(issuer, **local, CREDENTIALS="session;token;basic")
    assert await user_of(service, corp.token(user_id=ada)) == "invalid"


@ON_SQLITE
@pytest.mark.slow
async def test_an_issuer_that_is_away_is_an_error_and_no_denial(
    start: Start, issuer: OidcIssuer, other_issuer: OidcIssuer, clock: FrozenClock
) -> None:
    corp, environ = with_url(clock, other_issuer)
    service = await start(issuer, **oidc(issuer), **environ, REMOTE_LOGIN_TIMEOUT="0.3")
    await logged_in(service)
    for fault, status in ((faults.server_error, 502), (faults.hang, 504)):
        other_issuer.faults["jwks"] = fault
        answer = await service.browser.get("/auth/check", headers={"Auth-Token": corp.token()})
        assert answer.status == status
        assert "authenticated" not in await answer.json()
    healthy = await service.browser.get("/auth/check")
    assert (await healthy.json())["authenticated"]  # the others notice nothing


@ON_SQLITE
async def test_no_token_is_in_a_log(
    of_corp: tuple[Service, Corp, str], caplog: pytest.LogCaptureFixture
) -> None:
    service, corp, ada = of_corp
    caplog.set_level(logging.DEBUG, "dhq_auth")
    for token in (corp.token(user_id=ada), corp.token(aud="\x1b[2J"), corp.token()[:-9] + "A" * 9):
        await user_of(service, token)
        assert token not in caplog.text
        assert token.rpartition(".")[2] not in caplog.text
    assert "\x1b" not in caplog.text


@ON_SQLITE
async def test_a_restart_changes_nothing(
    start: Start, issuer: OidcIssuer, clock: FrozenClock
) -> None:
    service = await start(issuer, **trusting(issuer))
    ada, token = await logged_in(service), same_as(issuer, clock).token(sub="1001")
    assert await user_of(service, token) == ada
    await service.stop()
    assert await user_of(await start(issuer, **trusting(issuer)), token) == ada
