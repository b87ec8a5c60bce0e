"""JWTs of other systems: which are believed, as whose, and that all others are refused."""

from datetime import timedelta

import pytest
from joserfc.jwk import RSAKey

from dhq_auth.credentials.trusted_issuers import ForeignClaims
from dhq_auth.tokens.key import SigningKey
from dhq_auth.tokens.store import KeyPurpose
from tests.credentials.foreign import (
    ABSENT,
    SECRET,
    Believe,
    Corp,
    holds,
    key_of,
    public_pem,
    published,
    reason,
    with_key,
    with_url,
)
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fixtures.service import FrozenClock
from tests.tokens.forgeries import FORGERIES, Mint, encoded, hs256

OWN = "http://localhost:8000"


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


@pytest.mark.slow
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
