"""The fake issuer, asked by independent clients: Authlib, requests and PyJWT."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from urllib.parse import parse_qs, quote_plus, urlsplit

import aiohttp
import jwt
import pytest
import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session

from tests.fakes.client import Client
from tests.fakes.oauth import refusal, s256
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fakes.server import ABSENT
from tests.fakes.signing import Signature

VERIFIER = "a-verifier-of-at-least-forty-three-characters-0123"
T = TypeVar("T")

DISHONEST = [how for how in Signature if how not in {Signature.HONEST, Signature.WITHOUT_KID}]


class RelyingParty:
    """A client made of Authlib and PyJWT, which share no code with the issuer."""

    def __init__(self, issuer: OidcIssuer) -> None:
        self.issuer = issuer
        self.metadata = requests.get(
            f"{issuer.url}/.well-known/openid-configuration", timeout=5
        ).json()
        basic = issuer.client.auth_method == "client_secret_basic"
        self.session = OAuth2Session(
            issuer.client.id,
            # Authlib leaves the form-encoding of RFC 6749 2.3.1 to its caller.
            quote_plus(issuer.client.secret) if basic else issuer.client.secret,
            token_endpoint_auth_method=issuer.client.auth_method,
            scope="openid email profile",
            redirect_uri=min(issuer.client.redirect_uris),
            code_challenge_method="S256",
        )

    def callback(self, **parameters: str) -> str:
        """Ask for a code, and return the address that the browser is sent back to."""
        url, _state = self.session.create_authorization_url(
            self.metadata["authorization_endpoint"],
            code_verifier=VERIFIER,
            **{"state": "a state", "nonce": "a nonce"} | parameters,
        )
        answer = requests.get(url, allow_redirects=False, timeout=5)
        return answer.headers.get("Location", answer.text)

    def redeem(self, callback: str, code_verifier: str | None = VERIFIER) -> dict[str, object]:
        """Exchange the code of *callback* for tokens."""
        token: dict[str, object] = self.session.fetch_token(
            self.metadata["token_endpoint"],
            authorization_response=callback,
            state="a state",
            code_verifier=code_verifier,
        )
        return token

    def claims(self, id_token: object) -> dict[str, object]:
        """Return the claims of *id_token* if it is signed by a published key."""
        key = jwt.PyJWKClient(self.metadata["jwks_uri"]).get_signing_key_from_jwt(str(id_token))
        return jwt.decode(
            str(id_token),
            key,
            algorithms=self.metadata["id_token_signing_alg_values_supported"],
            issuer=self.issuer.url,
            audience=self.issuer.client.id,
        )

    def login(self) -> dict[str, object]:
        return self.claims(self.redeem(self.callback())["id_token"])


async def visit(issuer: OidcIssuer, story: Callable[[RelyingParty], T]) -> T:
    """Run *story* in a thread, since requests and PyJWT block."""
    return await asyncio.to_thread(lambda: story(RelyingParty(issuer)))


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
@pytest.mark.parametrize("alg", ["RS256", "ES256"])
async def test_an_independent_client_logs_in(alg, method):
    client = Client(auth_method=method)
    async with OidcIssuer(client, path="/realms/acme", alg=alg) as issuer:
        claims = await visit(issuer, RelyingParty.login)
    assert claims["sub"] == "1001"
    assert claims["nonce"] == "a nonce"
    assert claims["email"] == "ada@example.com"
    assert issuer.asked == {"discovery": 1, "authorize": 1, "token": 1, "jwks": 1}


async def test_the_callback_carries_state_and_issuer(issuer):
    callback = await visit(issuer, RelyingParty.callback)
    query = parse_qs(urlsplit(callback).query)
    assert query["state"] == ["a state"]
    assert query["iss"] == [issuer.url]
    assert len(query["code"]) == 1


async def test_a_code_is_spent_by_its_first_use_and_a_second_revokes_the_token(issuer):
    def story(party: RelyingParty) -> int:
        callback = party.callback()
        party.redeem(callback)
        with pytest.raises(OAuthError, match="invalid_grant"):
            party.redeem(callback)
        return party.session.get(party.metadata["userinfo_endpoint"]).status_code

    assert await visit(issuer, story) == 401


@pytest.mark.parametrize("verifier", [None, "another-verifier-of-forty-three-characters-01234"])
async def test_a_code_without_its_verifier_is_refused(issuer, verifier):
    def story(party: RelyingParty) -> None:
        with pytest.raises(OAuthError, match="invalid_grant"):
            party.redeem(party.callback(), verifier)

    await visit(issuer, story)


async def test_a_code_for_another_redirect_uri_is_refused(issuer):
    issuer.client.redirect_uris.add("http://localhost:8000/other")

    def story(party: RelyingParty) -> None:
        callback = party.callback()
        party.session.redirect_uri = "http://localhost:8000/other"
        with pytest.raises(OAuthError, match="invalid_grant"):
            party.redeem(callback)

    await visit(issuer, story)


async def test_an_expired_code_is_refused(issuer):
    def story(party: RelyingParty) -> None:
        callback = party.callback()
        later = datetime.now(UTC) + timedelta(minutes=1)
        issuer.now = lambda: later
        with pytest.raises(OAuthError, match="invalid_grant"):
            party.redeem(callback)

    await visit(issuer, story)


async def test_a_secret_that_is_not_form_encoded_is_refused(issuer):
    async with aiohttp.ClientSession() as http:
        raw = aiohttp.encode_basic_auth(issuer.client.id, issuer.client.secret)
        form = {"grant_type": "authorization_code", "code": "a code"}
        async with http.post(
            f"{issuer.url}/token", data=form, headers={"Authorization": raw}
        ) as answer:
            assert answer.status == 401
            assert (await answer.json())["error"] == "invalid_client"


@pytest.mark.parametrize(
    ("parameter", "value", "error"),
    [
        ("code_challenge_method", "plain", "invalid_request"),
        ("scope", "email", "invalid_scope"),
        ("response_type", "token", "unsupported_response_type"),
        ("code_challenge", "short", "invalid_request"),
        ("nonce", ["one", "two"], "invalid_request"),
    ],
)
async def test_a_bad_authorization_request_is_sent_back_with_an_error(
    issuer, parameter, value, error
):
    request = {
        "client_id": issuer.client.id,
        "redirect_uri": min(issuer.client.redirect_uris),
        "response_type": "code",
        "scope": "openid",
        "code_challenge": s256(VERIFIER),
        "code_challenge_method": "S256",
    }
    async with (
        aiohttp.ClientSession() as http,
        http.get(
            f"{issuer.url}/authorize", params=request | {parameter: value}, allow_redirects=False
        ) as answer,
    ):
        query = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert query["error"] == [error]
    assert "code" not in query


async def test_an_unregistered_redirect_uri_is_not_redirected_to(issuer):
    callback = await visit(
        issuer, lambda party: party.callback(redirect_uri="http://localhost:8000/evil")
    )
    assert callback == "redirect_uri is not registered"


@pytest.mark.parametrize("how", DISHONEST)
async def test_a_wrongly_signed_id_token_does_not_verify(issuer, how):
    issuer.lies.signature = how

    def story(party: RelyingParty) -> None:
        with pytest.raises(jwt.PyJWTError):
            party.login()

    await visit(issuer, story)


async def test_a_token_that_names_no_key_is_signed_by_the_published_one(issuer):
    issuer.lies.signature = Signature.WITHOUT_KID
    token = await visit(issuer, lambda party: party.redeem(party.callback())["id_token"])
    assert "kid" not in jwt.get_unverified_header(token)
    key = jwt.PyJWK(issuer.keys[0].as_dict(private=False))
    assert jwt.decode(token, key, algorithms=["RS256"], audience=issuer.client.id)


async def test_claims_are_replaced_and_left_out(issuer):
    issuer.lies.id_token = {"nonce": ABSENT, "email": None, "email_verified": "true"}
    claims = await visit(issuer, RelyingParty.login)
    assert "nonce" not in claims
    assert claims["email"] is None
    assert claims["email_verified"] == "true"


async def test_a_refusal_comes_back_in_place_of_a_code(issuer):
    issuer.lies.authorization = refusal("access_denied", "<b>No</b>") | {"iss": ABSENT}
    query = parse_qs(urlsplit(await visit(issuer, RelyingParty.callback)).query)
    assert query == {
        "error": ["access_denied"],
        "error_description": ["<b>No</b>"],
        "state": ["a state"],
    }


async def test_a_terse_issuer_tells_of_the_user_at_the_userinfo_endpoint_alone():
    def story(party: RelyingParty) -> tuple[dict[str, object], dict[str, object]]:
        claims = party.claims(party.redeem(party.callback())["id_token"])
        return claims, party.session.get(party.metadata["userinfo_endpoint"]).json()

    async with OidcIssuer(terse_id_token=True) as issuer:
        claims, userinfo = await visit(issuer, story)
    assert "email" not in claims
    assert userinfo == issuer.user


@pytest.mark.parametrize("keep_old", [True, False])
async def test_rotated_keys_sign_at_once(issuer, keep_old):
    old = issuer.keys[0]
    issuer.rotate_keys(keep_old=keep_old)
    assert await visit(issuer, RelyingParty.login)
    assert (old in issuer.keys) is keep_old


async def test_two_issuers_at_once_have_different_keys(issuer, other_issuer):
    assert issuer.keys[0].kid != other_issuer.keys[0].kid


async def test_a_stopped_issuer_comes_back_where_it_was(issuer):
    url, key = issuer.url, issuer.keys[0]
    await issuer.stop()
    await issuer.start()
    assert (issuer.url, issuer.keys[0]) == (url, key)
    assert await visit(issuer, RelyingParty.login)
