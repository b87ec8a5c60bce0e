"""Which service tokens are believed, and what is known of their callers then."""

from collections.abc import Awaitable, Callable, Iterator

import jwt as pyjwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dhq_auth.sdk import InvalidToken, Verifier
from tests.fakes.server import ABSENT
from tests.fakes.signing import unpublished
from tests.fixtures.service import Service
from tests.sdk import providers
from tests.sdk.auth_server import LIFETIME, SERVICE, AuthServer, signing_key
from tests.tokens.forgeries import ALGORITHMS, CLAIMS, HEADERS, KEYS, WRITING, Mint

ServiceToken = Callable[..., Awaitable[str]]
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

OF_LOGIN_ALONE = {
    "typ 'JWT'",  # which is what service tokens are
    "a service token",
    *(name for name in CLAIMS if name.startswith("sid ")),
}
"""Forgeries of login tokens that are none of service tokens."""
FORGERIES = {
    name: forge
    for name, forge in {**ALGORITHMS, **KEYS, **HEADERS, **CLAIMS, **WRITING}.items()
    if name not in OF_LOGIN_ALONE
}


def refusal(verifier: Verifier, token: object) -> InvalidToken:
    with pytest.raises(InvalidToken) as error:
        verifier.verify(token)
    return error.value


@pytest.fixture
def offline(auth: AuthServer) -> Verifier:
    """A verifier that has the key already."""
    return Verifier(
        auth.origin,
        service=SERVICE,
        public_key=auth.keys[0].public_pem,
        revocations=False,
        now=auth.clock,
    )


@SQLITE
async def test_a_token_of_the_real_service_is_believed(
    real: Service, service_token: ServiceToken
) -> None:
    token = await service_token()
    caller = await Verifier(real.url, service="notes", now=real.clock).verify_async(token)
    claims = pyjwt.decode(token, options={"verify_signature": False})
    assert caller.user_id == claims["userid"]
    assert caller.is_authenticated
    assert (caller.permissions, caller.filters) == ({"read": True}, None)
    assert caller.issued_at == real.clock.now
    assert caller.expires_at == real.clock.now + LIFETIME


@SQLITE
async def test_the_public_key_alone_is_enough(real: Service, service_token: ServiceToken) -> None:
    token = await service_token()
    pem = await (await real.browser.get("/auth/public-key")).text()
    await real.stop()
    verifier = Verifier(real.url, service="notes", public_key=pem, now=real.clock)
    assert verifier.verify(token).is_authenticated


@SQLITE
async def test_a_token_for_another_service_is_refused(
    real: Service, service_token: ServiceToken
) -> None:
    verifier = Verifier(real.url, service="notes", now=real.clock)
    with pytest.raises(InvalidToken, match="another service"):
        await verifier.verify_async(await service_token("photos"))


@SQLITE
async def test_no_credential_of_the_auth_service_is_a_token(real: Service) -> None:
    login = await real.log_in("acme")
    made = await real.browser.post("/auth/tokens", headers={"Auth-Token": login}, json={})
    verifier = Verifier(real.url, service="notes", now=real.clock)
    for credential in (login, (await made.json())["token"]):
        with pytest.raises(InvalidToken):
            await verifier.verify_async(credential)


@SQLITE
async def test_a_token_is_believed_until_it_ends(
    real: Service, service_token: ServiceToken
) -> None:
    token = await service_token()
    verifier = Verifier(real.url, service="notes", now=real.clock)
    real.clock.advance(minutes=15, seconds=29)
    await verifier.verify_async(token)
    real.clock.advance(seconds=1)
    with pytest.raises(InvalidToken) as error:
        await verifier.verify_async(token)
    assert error.value.expired


@SQLITE
async def test_the_signed_filters_are_the_callers(
    real: Service, service_token: ServiceToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = {"v": 1, "rules": {"notes": {"all": {"tree": ["=", "owner", "USER"]}}}}
    monkeypatch.setattr(providers, "filters", rules)
    verifier = Verifier(real.url, service="notes", now=real.clock)
    caller = await verifier.verify_async(await service_token())
    assert caller.filters == {
        "v": 1,
        "rules": {"notes": {"all": {"tree": ["=", "owner", caller.user_id]}}},
    }
    decision = await verifier.decide(caller, "notes", "read")
    assert (decision.where, decision.params) == ("owner = :p1", {"p1": caller.user_id})


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
async def test_a_forgery_is_refused(
    auth: AuthServer, offline: Verifier, forge: Callable[[Mint], str]
) -> None:
    forged = forge(auth.mint(signing_key(unpublished("RS256"))))
    refusal(offline, forged)
    with pytest.raises(InvalidToken):
        await offline.verify_async(forged)


@pytest.mark.parametrize(
    "changes",
    [
        *({"service": value} for value in ("photos", "", "NOTES", None, ["notes"], 7, ABSENT)),
        *({"userid": value} for value in ("grace", "", None, 7, ABSENT)),
        *({"permissions": value} for value in (None, [], "read", True, ABSENT)),
        *({"filters": value} for value in ([], "x", True, 7)),
        *({"aud": value} for value in (SERVICE, [SERVICE], None, "")),
    ],
    ids=str,
)
async def test_a_token_that_says_too_little_or_another_thing_is_refused(
    auth: AuthServer, offline: Verifier, changes: dict[str, object]
) -> None:
    refusal(offline, auth.token(**changes))


@pytest.mark.parametrize(
    ("claim", "offset", "holds"),
    [
        ("exp", -29, True),
        ("exp", -30, False),
        ("iat", 30, True),
        ("iat", 31, False),
        ("nbf", 30, True),
        ("nbf", 31, False),
    ],
)
async def test_clocks_may_be_half_a_minute_apart(
    auth: AuthServer, offline: Verifier, claim: str, offset: int, *, holds: bool
) -> None:
    token = auth.token(**{claim: int(auth.clock.now.timestamp()) + offset})
    if holds:
        assert offline.verify(token).user_id == "ada"
    else:
        assert refusal(offline, token).expired == (claim == "exp")


async def test_a_larger_token_is_read_where_the_service_makes_such(auth: AuthServer) -> None:
    token = auth.token(permissions={"x": "x" * 9000})
    refusal(Verifier(auth.origin, service=SERVICE, now=auth.clock), token)
    assert auth.asked["jwks"] == 0  # nothing is fetched for it
    larger = Verifier(auth.origin, service=SERVICE, max_token=20_000, now=auth.clock)
    assert (await larger.verify_async(token)).user_id == "ada"


@pytest.mark.parametrize(
    "token", [None, b"a.b.c", 7, [], "", "a.b.c", "a" * 100_000, "é", "\udcff"]
)
async def test_what_is_no_token_is_refused(offline: Verifier, token: object) -> None:
    refusal(offline, token)


@given(st.text())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_is_taken_for_a_token(verifier_of_nobody: Verifier, text: str) -> None:
    refusal(verifier_of_nobody, text)
    refusal(verifier_of_nobody, f"{text}.{text}.{text}")


@pytest.fixture(scope="module")
def verifier_of_nobody() -> Iterator[Verifier]:
    """A verifier of a service that is not there."""
    return Verifier("http://localhost:9", service=SERVICE)


@pytest.mark.parametrize(
    ("url", "issuer"),
    [
        ("https://login.example.com", "https://login.example.com"),
        ("https://login.example.com/", "https://login.example.com"),
        ("https://LOGIN.example.com:443", "https://login.example.com"),
        ("login.example.com", "https://login.example.com"),
        ("https://login.example.com:8443", "https://login.example.com:8443"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://auth.localhost", "http://auth.localhost"),
    ],
)
def test_an_address_is_spelt_as_the_service_spells_its_own(url: str, issuer: str) -> None:
    assert Verifier(url, service=SERVICE).issuer == issuer


@pytest.mark.parametrize(
    "url",
    [
        *("http://login.example.com", "http://127.0.0.1.example.com", "ftp://localhost", ""),
        *("https://", "https://user@login.example.com", "https://a b", "https://login.example\n"),
        *("https://login.example.com/auth", "https://login.example.com?x", "https://a:99999"),
        *("https://login.example.com#", "file:///etc/passwd", "https://login.example.com\\@x"),
    ],
)
def test_keys_are_fetched_from_no_address_that_anybody_could_take(url: str) -> None:
    with pytest.raises(ValueError, match="is no address"):
        Verifier(url, service=SERVICE)


@SQLITE
async def test_keys_are_fetched_where_the_private_network_has_them(
    real: Service, service_token: ServiceToken
) -> None:
    inside = real.url.replace("localhost", "127.0.0.1")  # not what tokens are issued under
    verifier = Verifier(real.url, service=SERVICE, internal_url=inside, now=real.clock)
    assert verifier.issuer == real.url
    assert (await verifier.verify_async(await service_token())).is_authenticated


@pytest.mark.parametrize("url", ["http://dhq-auth:8000", "https://10.0.0.7"])
def test_in_a_private_network_http_will_do(url: str) -> None:
    verifier = Verifier("https://login.example.com", service=SERVICE, internal_url=url)
    assert verifier.issuer == "https://login.example.com"
    with pytest.raises(ValueError, match="is no address"):
        Verifier("https://login.example.com", service=SERVICE, internal_url=f"{url}/auth")


@pytest.mark.parametrize(
    "pem", ["", "key", b"\xff", "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----"]
)
def test_what_is_no_public_key_is_refused_at_once(pem: str) -> None:
    with pytest.raises(ValueError, match="public key"):
        Verifier("https://login.example.com", service=SERVICE, public_key=pem)
