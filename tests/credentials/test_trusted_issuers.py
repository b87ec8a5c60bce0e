"""JWTs of other systems: which are believed, as whose, and that all others are refused."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from dhq_auth.credentials.trusted_issuers import ForeignClaims, TrustedIssuers
from dhq_auth.errors import InvalidCredential
from dhq_auth.remote import Remote
from dhq_auth.settings import from_environ
from dhq_auth.tokens.keyring import SigningKey
from dhq_auth.tokens.store import KeyPurpose
from tests.credentials.foreign import (
    ABSENT,
    SECRET,
    Corp,
    key_of,
    public_pem,
    published,
    with_key,
    with_url,
)
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fixtures.service import FrozenClock
from tests.tokens.forgeries import FORGERIES, Mint, encoded, hs256

Believe = Callable[[dict[str, str]], TrustedIssuers]
OWN = "http://localhost:8000"


@pytest.fixture
async def believe(clock: FrozenClock) -> AsyncIterator[Believe]:
    """A function that reads the settings, and returns whom they trust."""
    remotes = []

    def trusted(environ: dict[str, str]) -> TrustedIssuers:
        settings = from_environ(environ)
        remotes.append(remote := Remote(settings.limits))
        return TrustedIssuers(settings.trusted_issuers, remote, settings.limits, clock)

    yield trusted
    for remote in remotes:
        await remote.close()


async def reason(trusted: TrustedIssuers, token: str) -> str | None:
    """Return why *token* is refused: the reason, or None where it is of nobody trusted."""
    try:
        claims = await trusted.verify(token)
    except InvalidCredential as error:
        return error.reason
    assert claims is None, claims
    return None


async def holds(trusted: TrustedIssuers, token: str) -> bool:
    try:
        return await trusted.verify(token) is not None
    except InvalidCredential:
        return False


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA", "HS256"])
async def test_a_token_by_the_key_of_the_settings_is_of_the_issuer_by_its_name(
    believe: Believe, clock: FrozenClock, algorithm: str
) -> None:
    corp, environ = with_key(clock, algorithm)
    assert await believe(environ).verify(corp.token()) == ForeignClaims(
        issuer="corp",
        subject="1001",
        local=False,
        token_id="a",
        issued_at=clock.now,
        expires_at=clock.now + timedelta(minutes=10),
    )


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
async def test_a_token_by_a_published_key_is_of_the_issuer_by_its_address(
    believe: Believe, clock: FrozenClock, issuer: OidcIssuer, algorithm: str
) -> None:
    corp, environ = with_url(clock, issuer, algorithm)
    claims = await believe(environ).verify(corp.token())
    assert claims
    assert (claims.issuer, claims.subject, claims.local) == (issuer.url, "1001", False)


async def test_an_rsa_key_of_the_settings_is_for_rs256_alone(
    believe: Believe, clock: FrozenClock
) -> None:
    corp, environ = with_key(clock, "RS256")
    for algorithm in ("PS256", "RS384", "RS512", "PS512"):
        corp.algorithm = algorithm
        assert await reason(believe(environ), corp.token()) == "invalid"


async def test_only_the_pinned_algorithm_is_accepted_whatever_keys_are_published(
    believe: Believe, clock: FrozenClock, issuer: OidcIssuer
) -> None:
    kinds = ("RS256", "PS256", "ES256", "EdDSA")
    for pinned in kinds:
        corp, environ = with_url(clock, issuer, pinned)
        issuer.lies.jwks = {
            "keys": [published(key_of(kind), kid=kind) for kind in ("RS256", "ES256", "EdDSA")]
        }
        trusted = believe(environ)
        for used in kinds:
            corp.algorithm, corp.key = used, key_of("RS256" if used == "PS256" else used)
            kid = "RS256" if used == "PS256" else used
            assert await holds(trusted, corp.token({"kid": kid})) is (used == pinned), used


# Forgeries: those of our own tokens, tried on the tokens of others. What is lawful there is listed.

LAWFUL = {
    *("typ 'JWT'", "typ 'jwt'", "typ 'at+jwt'", f"typ {ABSENT!r}"),
    *("sub 7", "sub 'é'", "jti 'é'", f"jti {ABSENT!r}", "iat 'ABSENT' (_Absent)"),
    *(name for name in FORGERIES if name.startswith("sid ")),
}
ANY_ISSUER = {
    *("iss ''", "iss 'http://evil.example'", "iss 'HTTP://LOCALHOST:8000'", "iss with a slash"),
    f"iss {ABSENT!r}",
}


@pytest.fixture(scope="module")
def keys() -> tuple[SigningKey, SigningKey]:
    both = (key_of("RS256"), key_of("RS256", "another"))
    return tuple(SigningKey.of(key, purpose) for key, purpose in zip(both, KeyPurpose, strict=True))


def mint_of(corp: Corp, keys: tuple[SigningKey, SigningKey]) -> Mint:
    return Mint(corp.token({"kid": keys[0].kid}, sub="1001", user_id=ABSENT), *keys)


async def test_no_forgery_of_a_token_by_a_published_key_is_believed(
    believe: Believe, clock: FrozenClock, issuer: OidcIssuer, keys: tuple[SigningKey, SigningKey]
) -> None:
    corp, environ = with_url(clock, issuer)
    issuer.lies.jwks = {"keys": [keys[0].jwk.as_dict(private=False)]}
    trusted, mint = believe(environ | {"ISSUER_CORP_CLAIM": "sub"}), mint_of(corp, keys)
    assert await holds(trusted, mint.signed())
    believed = {name for name, forge in FORGERIES.items() if await holds(trusted, forge(mint))}
    # Without a kid the one key of the issuer is meant (OpenID Connect Core 10.1).
    assert believed == LAWFUL | {f"kid {ABSENT!r}"}
    assert issuer.asked["jwks"] == 2


async def test_no_forgery_of_a_token_by_a_key_of_the_settings_is_believed(
    believe: Believe, clock: FrozenClock, keys: tuple[SigningKey, SigningKey]
) -> None:
    corp, environ = with_key(clock, "RS256")
    corp.url = "https://corp.example"
    trusted, mint = believe(environ | {"ISSUER_CORP_CLAIM": "sub"}), mint_of(corp, keys)
    assert await holds(trusted, mint.signed())
    believed = {name for name, forge in FORGERIES.items() if await holds(trusted, forge(mint))}
    # There is but one key: what the token calls it is of no interest, if it is a text at all.
    kids = {name for name in FORGERIES if name.startswith(("kid '", 'kid "')) and len(name) < 100}
    assert believed == LAWFUL | ANY_ISSUER | kids | {f"kid {ABSENT!r}"}


async def test_a_token_of_somebody_else_is_not_ours_to_judge_and_nobody_is_asked(
    believe: Believe, clock: FrozenClock, issuer: OidcIssuer, other_issuer: OidcIssuer
) -> None:
    corp, environ = with_url(clock, issuer)
    trusted = believe(environ)
    for claimed in (
        *(other_issuer.url, f"{issuer.url}/", issuer.url.upper(), f"{issuer.url}#", "corp", OWN),
        *(ABSENT, 7, [issuer.url], {"iss": issuer.url}, True),
    ):
        assert await reason(trusted, corp.written(iss=claimed)) is None, claimed
    for text in ("", "a.b.c", "..", "\ud800.a.b", "x" * 9000, "a." * 5000):
        assert await reason(trusted, text) is None
    assert not issuer.asked
    assert not other_issuer.asked


async def test_nobody_is_trusted_who_is_not_named(believe: Believe, clock: FrozenClock) -> None:
    corp, _ = with_key(clock)
    assert await reason(believe({}), corp.token()) is None


async def test_a_token_says_of_whom_it_is_and_never_whose_it_is(
    believe: Believe, clock: FrozenClock
) -> None:
    corp, environ = with_key(clock)
    trusted = believe(environ)
    for claimed in ("https://accounts.google.com", "https://github.com", "other", "", ABSENT):
        claims = await trusted.verify(corp.token(iss=claimed))
        assert claims
        assert claims.issuer == "corp"


async def test_who_has_a_key_signs_neither_for_us_nor_for_an_issuer_with_an_address(
    believe: Believe, clock: FrozenClock, issuer: OidcIssuer
) -> None:
    theirs, of_url = with_url(clock, issuer)
    corp, of_key = with_key(clock)
    key = {"ISSUER_KEYED_KEY": of_key["ISSUER_CORP_KEY"]}
    trusted = believe(of_url | key | {"TRUSTED_ISSUERS": "corp;keyed"})
    assert await reason(trusted, corp.token(iss=OWN)) is None  # our own signer judges it
    assert await reason(trusted, corp.token(iss=issuer.url)) == "invalid"
    assert not issuer.asked  # by the algorithm alone it is none of its tokens
    assert await holds(trusted, corp.token())
    assert await holds(trusted, theirs.token())


async def test_several_keys_are_tried_and_each_speaks_for_its_own_issuer(
    believe: Believe, clock: FrozenClock
) -> None:
    environ = {"TRUSTED_ISSUERS": "one;two;three;four"}
    for name, owner in (("ONE", "a"), ("TWO", "b"), ("THREE", "c")):
        environ[f"ISSUER_{name}_KEY"] = public_pem(key_of("ES256", owner))
    trusted = believe(environ | {"ISSUER_FOUR_KEY": SECRET, "ISSUER_TWO_SUBJECTS": "local"})
    for owner, name in (("a", "one"), ("b", "two"), ("c", "three")):
        claims = await trusted.verify(Corp(clock, key_of("ES256", owner), "ES256").token())
        assert claims
        assert (claims.issuer, claims.local) == (name, name == "two")
    claims = await trusted.verify(Corp(clock, SECRET, "HS256").token())
    assert claims
    assert claims.issuer == "four"
    stranger = Corp(clock, key_of("ES256", "d"), "ES256")
    assert await reason(trusted, stranger.token()) == "invalid"


async def test_the_text_of_a_public_key_is_no_secret(believe: Believe, clock: FrozenClock) -> None:
    environ = {"TRUSTED_ISSUERS": "a;b"}
    environ["ISSUER_A_KEY"] = pem = public_pem(key_of("RS256"))
    trusted = believe(environ | {"ISSUER_B_KEY": SECRET})
    corp = Corp(clock, SECRET, "HS256")
    head, body, _ = corp.token().split(".")
    for secret in (pem, pem.strip(), pem.replace("\n", "\\n"), "", SECRET[:-1]):
        signature = encoded(hs256(secret)(f"{head}.{body}".encode()))
        assert await reason(trusted, f"{head}.{body}.{signature}") == "invalid"


# Time


@pytest.mark.parametrize(
    ("claims", "refused"),
    [
        ({"exp": 0}, None),
        ({"exp": -29}, None),
        ({"exp": -30}, "expired"),
        ({"exp": -86400}, "expired"),
        ({"iat": 30}, None),
        ({"iat": 31}, "invalid"),
        ({"iat": -86400}, None),
        ({"nbf": 30}, None),
        ({"nbf": 31}, "invalid"),
        ({"nbf": -86400}, None),
        ({"exp": -86400, "nbf": 31}, "invalid"),
        ({"exp": 86400 * 365}, None),
        ({"exp": 0.5}, None),
    ],
)
async def test_clocks_may_be_apart_by_the_leeway(
    believe: Believe, clock: FrozenClock, claims: dict[str, float], refused: str | None
) -> None:
    corp, environ = with_key(clock)
    now = int(clock.now.timestamp())
    token = corp.token(**{name: now + offset for name, offset in claims.items()})
    if refused:
        assert await reason(believe(environ), token) == refused
    else:
        assert await holds(believe(environ), token)


async def test_the_leeway_is_a_setting(believe: Believe, clock: FrozenClock) -> None:
    corp, environ = with_key(clock)
    token = corp.token(exp=int(clock.now.timestamp()) - 5)
    assert await holds(believe(environ | {"CLOCK_LEEWAY": "6"}), token)
    assert await reason(believe(environ | {"CLOCK_LEEWAY": "5"}), token) == "expired"


async def test_a_token_without_an_end_is_refused(believe: Believe, clock: FrozenClock) -> None:
    corp, environ = with_key(clock)
    for exp in (ABSENT, None, 10**12, 2**63, 10**30):
        assert await reason(believe(environ), corp.written(exp=exp)) == "invalid", exp


async def test_a_forged_token_is_never_called_expired(believe: Believe, clock: FrozenClock) -> None:
    corp, environ = with_key(clock)
    stranger = Corp(clock, key_of("ES256", "d"), "ES256")
    assert await reason(believe(environ), stranger.token(exp=1)) == "invalid"
    assert await reason(believe(environ), corp.token(exp=1, aud="x")) == "invalid"
    assert await reason(believe(environ), corp.token(exp=1, user_id=ABSENT)) == "invalid"


# Audience


@pytest.mark.parametrize(
    ("audience", "good"),
    [
        ("https://auth.example", True),
        (["https://auth.example"], True),
        (["x", "https://auth.example"], True),
        ("https://auth.example/", False),
        ("https://auth.example.evil", False),
        ("HTTPS://AUTH.EXAMPLE", False),
        (["x"], False),
        ([], False),
        ([["https://auth.example"]], False),
        (["https://auth.example", 7], False),
        ({"https://auth.example": 1}, False),
        (None, False),
        (ABSENT, False),
    ],
)
async def test_a_token_is_for_the_audience_of_the_settings(
    believe: Believe, clock: FrozenClock, audience: object, *, good: bool
) -> None:
    corp, environ = with_key(clock, "HS256")
    token = corp.written(aud=audience)
    trusted = believe(environ | {"ISSUER_CORP_AUDIENCE": "https://auth.example"})
    assert await holds(trusted, token) is good
    # Where no audience is set, one that is named is somebody else (RFC 7519 4.1.3).
    assert await holds(believe(environ), token) is (audience is ABSENT)


# Subject


@pytest.mark.parametrize(
    ("value", "subject"),
    [
        ("1001", "1001"),
        (1001, "1001"),
        (2**63, str(2**63)),
        ("auth0|5f7c", "auth0|5f7c"),
        ("Zoë Ωmega", "Zoë Ωmega"),
        ("x" * 255, "x" * 255),
        ("x" * 256, None),
        (10**255, None),
        ("", None),
        (0, None),
        (-7, None),
        (1001.0, None),
        (True, None),
        (False, None),
        (None, None),
        ([], None),
        (["1001"], None),
        ({"id": "1001"}, None),
        ("a\x00b", None),
        ("a\nb", None),
        ("a\u202eb", None),
        ("\ud800", None),
        (ABSENT, None),
    ],
)
async def test_the_claim_names_somebody_in_text_or_by_a_number(
    believe: Believe, clock: FrozenClock, value: object, subject: str | None
) -> None:
    corp, environ = with_key(clock, "HS256")
    token = corp.written(user_id=value)
    if subject is None:
        assert await reason(believe(environ), token) == "invalid"
    else:
        claims = await believe(environ).verify(token)
        assert claims
        assert claims.subject == subject


async def test_it_is_the_claim_of_the_settings_and_no_other(
    believe: Believe, clock: FrozenClock
) -> None:
    corp, environ = with_key(clock)
    trusted = believe(environ | {"ISSUER_CORP_CLAIM": "https://corp.example/id"})
    others = {"sub": "bob", "userid": "bob", "user_id": "bob"}
    assert await reason(trusted, corp.token(**others)) == "invalid"
    claims = await trusted.verify(corp.token(**others, **{"https://corp.example/id": "ada"}))
    assert claims
    assert claims.subject == "ada"


async def test_what_may_be_missing_is_none(believe: Believe, clock: FrozenClock) -> None:
    corp, environ = with_key(clock)
    claims = await believe(environ).verify(corp.token(iat=ABSENT, jti=ABSENT))
    assert claims
    assert (claims.issued_at, claims.token_id) == (None, None)


# Purpose


@pytest.mark.parametrize(
    ("typ", "good"),
    [
        *((typ, True) for typ in ("JWT", "jwt", "application/jwt", "at+jwt", "AT+JWT", ABSENT)),
        ("application/at+jwt", True),
        *((typ, False) for typ in ("login+jwt", "logout+jwt", "dpop+jwt", "secevent+jwt")),
        *((typ, False) for typ in ("oauth-authz-req+jwt", "token-introspection+jwt", "JOSE", "")),
        ("application/login+jwt", False),
        ("application/application/jwt", False),
    ],
)
async def test_a_token_that_was_made_for_something_else_is_refused(
    believe: Believe, clock: FrozenClock, typ: object, *, good: bool
) -> None:
    corp, environ = with_key(clock, "HS256")
    assert await holds(believe(environ), corp.written({"typ": typ})) is good


@pytest.mark.parametrize(
    "claims",
    [
        {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}},
        {"cnf": {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}},
    ],
    ids=lambda claims: next(iter(claims)),
)
async def test_a_logout_and_a_token_bound_to_a_key_are_no_credentials(
    believe: Believe, clock: FrozenClock, claims: dict[str, Any]
) -> None:
    corp, environ = with_key(clock)
    assert await reason(believe(environ), corp.token(**claims)) == "invalid"


async def test_what_an_issuer_adds_to_the_header_for_itself_means_nothing(
    believe: Believe, clock: FrozenClock
) -> None:
    corp, environ = with_key(clock)
    trusted = believe(environ)
    assert await holds(trusted, corp.token({"x5t": "abc", "cat": "cl_B7d4PD111AAA", "nonce": "x"}))
    assert not await holds(trusted, corp.token({"jku": "http://127.0.0.1:1/"}))
    # With `crit` it would mean something (RFC 7515 4.1.11).
    assert not await holds(trusted, corp.token({"cat": "x", "crit": ["cat"]}))


async def test_a_token_is_no_longer_than_max_token(believe: Believe, clock: FrozenClock) -> None:
    corp, environ = with_key(clock)
    token = corp.token(groups="x" * 1024)
    assert await holds(believe(environ), token)
    assert await reason(believe(environ | {"MAX_TOKEN": "1k"}), token) is None


async def test_a_login_token_of_our_own_is_left_to_our_own_signer(
    believe: Believe, clock: FrozenClock, keys: tuple[SigningKey, SigningKey]
) -> None:
    # Even if somebody has trusted our own key by mistake.
    pem = public_pem(key_of("RS256"))
    trusted = believe({"TRUSTED_ISSUERS": "corp", "ISSUER_CORP_KEY": pem})
    corp = Corp(clock, key_of("RS256"), "RS256")
    assert await reason(trusted, corp.token({"typ": "login+jwt"}, iss=OWN)) is None
    assert await reason(trusted, corp.token({"typ": "login+jwt"})) == "invalid"


async def test_rsa_keys_may_be_read_by_their_own_numbers(
    believe: Believe, clock: FrozenClock, issuer: OidcIssuer
) -> None:
    # What PyJWT publishes and what joserfc publishes are one key.
    corp, environ = with_url(clock, issuer)
    issuer.lies.jwks = {
        "keys": [RSAKey.import_key(key_of("RS256")).as_dict(private=False, kid="1")]
    }
    assert await holds(believe(environ), corp.token())
