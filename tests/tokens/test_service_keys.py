"""Keys as the world sees them: two services on one database, and an operator at the command line."""

import asyncio
import time

import jwt as pyjwt
import pytest

from dhq_auth.tokens.states import ANNOUNCED_FOR
from tests.cli.conftest import Cli
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fixtures.service import Service, Start, oidc

NOTES = {"ALLOWED_SERVICES": "notes:tests.contract.plain_provider"}

pytestmark = pytest.mark.slow


@pytest.fixture
async def services(start: Start, issuer: OidcIssuer) -> tuple[Service, Service]:
    """Two services of one issuer, on one database."""
    one = await start(issuer, **oidc(issuer), **NOTES)
    return one, await start(EXTERNAL_ADDRESS=one.url, **oidc(issuer), **NOTES)


async def published(service: Service) -> list[str]:
    answer = await service.program.get("/.well-known/jwks.json")
    return [key["kid"] for key in (await answer.json())["keys"]]


async def public_key(service: Service) -> str:
    return await (await service.program.get("/auth/public-key")).text()


async def service_token(service: Service, login_token: str) -> str:
    headers = {"Auth-Token": login_token}
    answer = await service.program.get("/auth/authorize?service=notes", headers=headers)
    token: str = (await answer.json())["token"]
    return token


async def until(services: tuple[Service, Service], kids: list[str]) -> float:
    """Return the seconds until both *services* publish *kids*, and no other."""
    began = time.monotonic()
    async with asyncio.timeout(20):
        while [await published(service) for service in services] != [kids, kids]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return time.monotonic() - began


async def test_a_new_service_key_is_published_before_it_signs_and_public_key_is_what_signs(
    services: tuple[Service, Service], database_url: str
) -> None:
    one, other = services
    operator = Cli(DATABASE_URL=database_url)
    login_token = await one.log_in("acme")
    pems, (before,) = [await public_key(one)], await published(one)
    tokens = [await service_token(one, login_token)]
    announced = (await operator.aside("keys", "rotate", "--json")).json
    assert await until(services, [announced["kid"], before]) < 2  # a second, and a busy machine
    assert await public_key(one) == pems[0]
    one.clock.now += ANNOUNCED_FOR
    one.clock.advance(seconds=5)  # the operator's clock was not ours
    pems.append(await public_key(other))
    assert pems[1] != pems[0]
    tokens.append(await service_token(other, login_token))
    for token, pem in zip(tokens, pems, strict=True):
        claims = pyjwt.decode(
            token, pem, algorithms=["RS256"], options={"verify_iat": False, "verify_exp": False}
        )
        assert claims["service"] == "notes"
    assert pyjwt.get_unverified_header(tokens[1])["kid"] == announced["kid"]


async def test_with_a_revoked_login_key_tokens_are_refused_everywhere_and_sessions_go_on(
    services: tuple[Service, Service], database_url: str
) -> None:
    one, other = services
    operator = Cli(DATABASE_URL=database_url)
    token = await one.log_in("acme")
    kid = pyjwt.get_unverified_header(token)["kid"]
    assert (await other.check(token))["authenticated"]
    ended = await operator.aside("keys", "revoke", kid, "--yes", "--json")
    assert ended.code == 0
    began = time.monotonic()
    for service in services:
        async with asyncio.timeout(20):
            while (await service.check(token))["authenticated"]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    assert time.monotonic() - began < 2
    assert (await one.check(token))["reason"] == "invalid"
    assert (await (await one.browser.get("/auth/check")).json())["authenticated"]
    again = await one.log_in("acme")
    assert pyjwt.get_unverified_header(again)["kid"] == ended.json["successor"]
    assert (await other.check(again))["authenticated"]
