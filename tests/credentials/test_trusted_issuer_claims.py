"""JWTs of other systems: what their claims and headers may say."""

from typing import Any

import pytest

from tests.credentials.foreign import (
    ABSENT,
    Believe,
    Corp,
    holds,
    key_of,
    reason,
    with_key,
)
from tests.fixtures.service import FrozenClock

OWN = "http://localhost:8000"


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
