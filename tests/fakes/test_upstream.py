"""The npm packages do their part: a login through real pages, a verification by jose."""

import aiohttp
import pytest
from yarl import URL

from tests.fakes.client import Client
from tests.fakes.oauth import s256
from tests.fakes.signing import Signature, signed
from tests.fakes.upstream import NodeProvider, TokenRefusedError, log_in, verified_with_jose

VERIFIER = "a-verifier-of-at-least-forty-three-characters-0123"


async def test_the_provider_announces_itself(node_provider):
    url = f"{node_provider.url}/.well-known/openid-configuration"
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        document = await answer.json()
    assert document["issuer"] == node_provider.url
    assert document["authorization_response_iss_parameter_supported"] is True


async def test_a_provider_that_cannot_start_says_why(node_packages, application):
    with pytest.raises(RuntimeError, match="EADDRINUSE"):
        async with NodeProvider(port=application.port):
            pass


async def test_a_user_logs_in_through_the_pages(node_packages, application, page):
    callback = f"{application.url}/auth/oauth_callback"
    async with NodeProvider(Client(redirect_uris={callback})) as provider:
        client = provider.client
        query = {
            "client_id": client.id,
            "redirect_uri": callback,
            "response_type": "code",
            "scope": "openid email profile",
            "state": "a state",
            "code_challenge": s256(VERIFIER),
            "code_challenge_method": "S256",
        }
        await page.goto(str(URL(f"{provider.url}/auth").with_query(query)))
        await log_in(page, "ada")
        await page.get_by_role("heading", name="The application").wait_for()
    (target,) = application.targets
    assert target.startswith("/auth/oauth_callback?code=")
    assert "state=a+state" in target


async def test_jose_verifies_what_a_published_key_has_signed(node_packages, issuer):
    token = signed({"sub": "1001"}, Signature.HONEST, issuer.keys[0], "RS256", "")
    assert await verified_with_jose(token, f"{issuer.url}/jwks") == {"sub": "1001"}


@pytest.mark.parametrize(
    "how", [Signature.FOREIGN_KEY, Signature.UNKNOWN_KID, Signature.DAMAGED, Signature.NONE]
)
async def test_jose_refuses_what_it_has_not(node_packages, issuer, how):
    token = signed({"sub": "1001"}, how, issuer.keys[0], "RS256", "")
    with pytest.raises(TokenRefusedError):
        await verified_with_jose(token, f"{issuer.url}/jwks")
