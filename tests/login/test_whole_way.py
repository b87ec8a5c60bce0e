"""From the login to a service token that is checked offline, through every kind of provider."""

import jwt as pyjwt
import pytest

from tests.fakes.github import GitHub
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fixtures.service import Service, Start, oidc


async def test_a_login_ends_with_a_token_that_says_who_it_is(
    service: Service, issuer: OidcIssuer
) -> None:
    token = await service.log_in("acme")
    known = await service.check(token)
    assert known["authenticated"] is True
    assert known["profile"]["email"] == issuer.user["email"]


async def test_a_login_token_is_no_service_token(service: Service) -> None:
    token = await service.log_in("acme")
    key = await (await service.browser.get("/auth/public-key")).text()
    with pytest.raises(pyjwt.InvalidSignatureError):
        pyjwt.decode(token, key, algorithms=["RS256"])


@pytest.mark.slow
async def test_one_person_comes_in_by_google_by_github_and_by_an_issuer_of_the_house(
    start: Start, issuer: OidcIssuer, other_issuer: OidcIssuer, github: GitHub
) -> None:
    """Google and GitHub vouch for the email; the issuer of the house is not asked to."""
    service = await start(
        issuer,
        other_issuer,
        github,
        GOOGLE_KEY=issuer.client.id,
        GOOGLE_SECRET=issuer.client.secret,
        GOOGLE_ISSUER=issuer.url,
        GITHUB_KEY=github.client.id,
        GITHUB_SECRET=github.client.secret,
        GITHUB_URL=github.url,
        GITHUB_API_URL=github.api_url,
        **oidc(other_issuer, "house"),
    )
    offered = await (await service.browser.get("/auth/check")).json()
    assert offered["providers"].keys() == {"google", "github", "house", "password"}
    ids = {}
    for provider in ("google", "github", "house", "google"):
        profile = (await service.check(await service.log_in(provider)))["profile"]
        assert profile["provider_id"].startswith(f"{provider}:")
        assert ids.setdefault(provider, profile["id"]) == profile["id"]
    assert ids["google"] == ids["github"] != ids["house"]
