"""An ID token is believed when all of OpenID Connect Core 3.1.3.7 holds, and not before."""

import math
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict

import pytest
from aiohttp import ClientSession
from yarl import URL

from dhq_auth.errors import UpstreamFailed
from dhq_auth.login.connectors import Identity, LoginRequest
from dhq_auth.login.connectors.oidc import OidcConnector
from dhq_auth.opaque import new_secret
from dhq_auth.remote import Remote
from dhq_auth.settings import from_environ
from tests.fakes.client import CALLBACK
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fakes.server import ABSENT
from tests.fakes.signing import Signature, borrow
from tests.fixtures.service import oidc
from tests.login.steps import PAGE, carries_a_token, query_of, sent_back

LATER = int(time.time()) + 3600


def described(claims: object) -> str:
    """Name a test by *claims*, the same in every process and at every time."""
    return re.sub(r"\b1[789][0-9]{8}\b", "a time", str(claims))[:50]


Login = Callable[..., Awaitable[Identity]]


@pytest.fixture
async def log_in(clock) -> AsyncIterator[Login]:
    """A function that logs in at an issuer, as far as our connector's word on who came."""
    remotes = []

    async def come_back(issuer: OidcIssuer, **options: str) -> Identity:
        settings = from_environ(oidc(issuer, **options))
        remotes.append(remote := Remote(settings.limits))
        connector = OidcConnector(settings.providers[0], remote, settings.limits, clock)
        request = LoginRequest(CALLBACK, new_secret(), new_secret())
        url = URL(await connector.authorization_url(request, None), encoded=True)
        async with ClientSession() as browser, browser.get(url, allow_redirects=False) as answer:
            return await connector.identity(request, query_of(answer.headers["Location"]))

    yield come_back
    for remote in remotes:
        await remote.close()


def refused() -> pytest.RaisesExc[UpstreamFailed]:
    return pytest.raises(UpstreamFailed)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_who_comes_back_with_a_bad_id_token_gets_a_page_and_no_token(service, issuer):
    issuer.lies.id_token = {"nonce": "of another login"}
    answer = await service.browser.get(await sent_back(service), headers=PAGE)
    assert answer.status == 502
    assert "nonce" not in await answer.text()
    assert not carries_a_token(answer)


@pytest.mark.parametrize(
    "lie",
    [
        {"iss": "https://evil.example.com"},
        {"iss": ABSENT},
        {"iss": None},
        {"iss": ["http://127.0.0.1"]},
        {"aud": "somebody-else"},
        {"aud": "somebody-else", "azp": "dhq-auth"},
        {"aud": ABSENT},
        {"aud": None},
        {"aud": []},
        {"aud": {}},
        {"aud": ["dhq-auth", "somebody-else"]},
        {"aud": ["dhq-auth", "somebody-else"], "azp": "somebody-else"},
        {"azp": "somebody-else"},
        {"exp": ABSENT},
        {"exp": 1_600_000_000},
        {"exp": str(LATER)},
        {"exp": True},
        {"exp": None},
        {"exp": math.inf},
        {"exp": math.nan},
        {"exp": 10**400},
        {"exp": -(10**400)},
        {"iat": ABSENT},
        {"iat": LATER},
        {"iat": "now"},
        {"iat": False},
        {"nbf": LATER},
        {"nbf": "soon"},
        {"nonce": ABSENT},
        {"nonce": "of another login"},
        {"nonce": None},
        {"nonce": ["x"]},
        {"at_hash": "of another token"},
        {"at_hash": 7},
        {"at_hash": "é"},
        {"sub": ABSENT},
        {"sub": None},
        {"sub": ""},
        {"sub": 0},
        {"sub": 1001},
        {"sub": True},
        {"sub": ["1001"]},
        {"sub": "x" * 256},
        {"sub": "1001\x00"},
        {"sub": "10\ud80001"},
        {"auth_time": "noon"},
        {"amr": "pwd"},
        {"padding": "x" * 20_000},
    ],
    ids=described,
)
async def test_an_id_token_that_is_not_of_this_login_is_refused(log_in, issuer, lie):
    issuer.lies.id_token = lie
    with refused():
        await log_in(issuer)


@pytest.mark.parametrize(
    "how", [s for s in Signature if s not in {Signature.HONEST, Signature.WITHOUT_KID}]
)
async def test_an_id_token_that_the_issuer_has_not_signed_is_refused(log_in, issuer, how):
    issuer.lies.signature = how
    with refused():
        await log_in(issuer)


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": ["dhq-auth"]},
        {"aud": ["dhq-auth", "friend"], "azp": "dhq-auth"},
        {"azp": "dhq-auth"},
        {"at_hash": ABSENT},
        {"auth_time": ABSENT},
        {"exp": LATER + 0.5},
        {"iat": int(time.time()) - 86_400},
        {"nbf": 0},
        {"unknown": {"deep": [1, None, {"x": "é"}]}},
        {"sub": "x" * 255},
        {"sub": "auth0|ünïcode @ 1"},
    ],
    ids=described,
)
async def test_an_honest_id_token_may_say_more_or_less(log_in, issuer, claims):
    issuer.lies.id_token = claims
    if "sub" in claims:
        issuer.user["sub"] = claims["sub"]
    assert await log_in(issuer)


async def test_clocks_may_be_a_little_apart(log_in, issuer, clock):
    clock.advance(seconds=-25)
    assert await log_in(issuer)
    clock.advance(hours=1, seconds=40)
    issuer.lies.id_token = {"exp": int(clock.now.timestamp()) - 25}
    assert await log_in(issuer)


async def test_a_token_without_kid_is_checked_by_the_only_key(log_in, issuer):
    issuer.lies.signature = Signature.WITHOUT_KID
    assert await log_in(issuer)


async def test_a_token_without_kid_fits_no_key_among_several(log_in, issuer):
    issuer.rotate_keys(keep_old=True)
    issuer.lies.signature = Signature.WITHOUT_KID
    with refused():
        await log_in(issuer)


async def test_a_token_without_kid_is_checked_by_the_only_key_of_its_algorithm(log_in, issuer):
    issuer.lies.jwks = {
        "keys": [key.as_dict(private=False) for key in (borrow("ES256"), *issuer.keys)]
    }
    issuer.lies.signature = Signature.WITHOUT_KID
    assert await log_in(issuer)


async def test_an_issuer_may_sign_with_an_elliptic_curve(log_in):
    async with OidcIssuer(alg="ES256") as issuer:
        assert await log_in(issuer)


@pytest.mark.parametrize(
    "announced",
    [["ES256"], [], None, "RS256 ES256", 7, ["none"], ["HS256"]],
    ids=str,
)
async def test_an_algorithm_that_was_not_announced_is_refused(log_in, issuer, announced):
    issuer.lies.discovery = {"id_token_signing_alg_values_supported": announced}
    with refused():
        await log_in(issuer)


@pytest.mark.parametrize("alg", ["none", "HS256"])
async def test_announcing_a_weak_algorithm_does_not_allow_it(log_in, issuer, alg):
    issuer.lies.discovery = {"id_token_signing_alg_values_supported": [alg, "RS256"]}
    issuer.lies.signature = Signature.NONE if alg == "none" else Signature.CLIENT_SECRET
    with refused():
        await log_in(issuer)


@pytest.mark.parametrize(
    "lie",
    [
        {"id_token": ABSENT},
        {"id_token": None},
        {"id_token": ""},
        {"id_token": "a.b.c"},
        {"id_token": "a.b.c.d.e"},
        {"id_token": ["a.b.c"]},
        {"id_token": "\ud800.é.\x00"},
        {"id_token": {"payload": "e30", "signatures": []}},
    ],
    ids=str,
)
async def test_a_token_answer_without_a_proper_id_token_is_refused(log_in, issuer, lie):
    issuer.lies.token = lie
    with refused():
        await log_in(issuer)


@pytest.mark.parametrize(
    "keys",
    [
        [],
        {},
        None,
        "keys",
        [None, 7, "x", [], {}],
        [{"kty": "oct", "k": "c2VjcmV0"}],
        [{"kty": "RSA"}],
        [{"kty": "RSA", "n": 7, "e": "AQAB"}],
        [{"kty": "RSA", "n": "\ud800", "e": "é"}],
        [{"kty": ["RSA"], "n": "AQAB", "e": "AQAB"}],
        [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}],
        [{"kty": "OKP", "crv": "Ed25519", "x": ""}],
        [{"kty": "RSA", "n": "wwwww", "e": "AQAB"}],
    ],
    ids=str,
)
async def test_keys_that_cannot_be_used_verify_nothing(log_in, issuer, keys):
    issuer.lies.jwks = {"keys": keys}
    with refused():
        await log_in(issuer)


async def test_odd_keys_beside_the_good_one_do_no_harm(log_in, issuer):
    odd = [None, {"kty": "oct", "k": "c2VjcmV0"}, {"kty": "RSA", "n": 7}, {"kty": "new"}]
    issuer.lies.jwks = {"keys": [*odd, issuer.keys[0].as_dict(private=False)]}
    assert await log_in(issuer)


async def test_a_key_for_encryption_verifies_nothing(log_in, issuer):
    issuer.lies.jwks = {"keys": [{**issuer.keys[0].as_dict(private=False), "use": "enc"}]}
    with refused():
        await log_in(issuer)


async def test_claims_that_are_not_in_the_id_token_come_from_the_userinfo(log_in):
    async with OidcIssuer(terse_id_token=True) as issuer:
        assert (await log_in(issuer)).email == "ada@example.com"


async def test_a_verdict_on_an_email_counts_for_that_email_alone(log_in):
    """The ID token says `email_verified` of an email that it does not name: of which one?"""
    async with OidcIssuer(terse_id_token=True) as issuer:
        issuer.lies.id_token = {"email_verified": True}
        issuer.lies.userinfo = {"email": "victim@example.com", "email_verified": False}
        came = await log_in(issuer)
        assert (came.email, came.email_verified) == ("victim@example.com", False)


@pytest.mark.parametrize(
    "lie", [{"sub": "1002"}, {"sub": ABSENT}, {"sub": None}, {"sub": ["1001"]}], ids=str
)
async def test_a_userinfo_of_somebody_else_is_refused(log_in, lie):
    async with OidcIssuer(terse_id_token=True) as issuer:
        issuer.lies.userinfo = lie
        with refused():
            await log_in(issuer)


@pytest.mark.parametrize("token", [None, "", 7, "a b\r\nX-Injected: 1", "é", "x" * 100_000])
async def test_an_access_token_that_fits_no_header_is_not_sent(log_in, token):
    async with OidcIssuer(terse_id_token=True) as issuer:
        issuer.lies.token = {"access_token": token}
        issuer.lies.id_token = {"at_hash": ABSENT}
        with refused():
            await log_in(issuer)


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_the_client_authenticates_as_the_issuer_announces(log_in, method):
    async with OidcIssuer() as issuer:
        issuer.client.auth_method = method
        assert await log_in(issuer)


async def test_a_public_client_has_no_secret_to_show(log_in):
    async with OidcIssuer() as issuer:
        issuer.client.auth_method = "none"
        assert await log_in(issuer, SECRET="")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_wrong_client_secret_is_our_fault_and_the_users_page_says_none_of_it(start, issuer):
    service = await start(issuer, **oidc(issuer, SECRET="not-the-registered-secret"))
    answer = await service.browser.get(await sent_back(service), headers=PAGE)
    assert answer.status == 502
    page = await answer.text()
    assert "not-the-registered-secret" not in page
    assert "invalid_client" not in page


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"name": "آرش\u200cپور"}, {"name": "آرش\u200cپور"}),
        ({"name": "\U0001f469\u200d\U0001f4bb Ada"}, {"name": "\U0001f469\u200d\U0001f4bb Ada"}),
        ({"name": " \u202eadA\u2066 "}, {"name": "adA"}),
        ({"name": "<b>Ada</b>"}, {"name": "<b>Ada</b>"}),
        ({"name": "A\nd\x00a\ud800"}, {"name": "Ada"}),
        ({"name": "\u200d \u200d"}, {"name": None}),
        ({"name": "x" * 1025}, {"name": None}),
        ({"name": {"first": "Ada"}}, {"name": None}),
        ({"email": ["ada@example.com"]}, {"email": None}),
        ({"email": "ada@example.com\r\nBcc: x"}, {"email": None}),
        ({"picture": "javascript:alert(1)"}, {"avatar_url": None}),
        ({"picture": "data:image/svg+xml,x"}, {"avatar_url": None}),
        ({"picture": "https://u:p@example.com/"}, {"avatar_url": None}),
        ({"picture": 7}, {"avatar_url": None}),
    ],
    ids=str,
)
async def test_what_a_provider_says_of_a_person_is_taken_with_care(
    log_in, issuer, claims, expected
):
    issuer.user |= claims
    identity = asdict(await log_in(issuer))
    assert identity | expected == identity
