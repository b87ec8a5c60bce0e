"""The keys that a trusted issuer publishes: fetched once, changed in time, kept while it is away."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from dhq_auth.credentials.trusted_issuers import TrustedIssuers
from dhq_auth.errors import UpstreamFailed, UpstreamTimeout
from dhq_auth.remote import Remote
from dhq_auth.settings import from_environ
from tests.credentials.foreign import ABSENT, Corp, holds, key_of, published, with_url
from tests.fakes import faults
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fakes.server import Fault
from tests.fixtures.service import FrozenClock


@pytest.fixture
def corp(clock: FrozenClock, issuer: OidcIssuer) -> Corp:
    """A system that publishes one RSA key."""
    return with_url(clock, issuer)[0]


@pytest.fixture
async def trusted(clock: FrozenClock, corp: Corp) -> AsyncIterator[TrustedIssuers]:
    """Those who trust it, with little patience."""
    environ = {"TRUSTED_ISSUERS": "corp", "ISSUER_CORP_URL": corp.url or ""}
    settings = from_environ(environ | {"REMOTE_LOGIN_TIMEOUT": "0.3"})
    remote = Remote(settings.limits)
    yield TrustedIssuers(settings.trusted_issuers, remote, settings.limits, clock)
    await remote.close()


def change_key(corp: Corp, issuer: OidcIssuer, kid: str, *, keep: bool = False) -> None:
    """Let *corp* sign by a new key; the token names it by the header of `token`."""
    old = issuer.lies.jwks["keys"]
    assert isinstance(old, list)
    corp.key = key_of("RS256", kid)
    issuer.lies.jwks = {"keys": [*(old if keep else []), published(corp.key, kid=kid)]}


async def test_keys_are_fetched_once_for_many_tokens_that_come_at_once(
    trusted: TrustedIssuers, corp: Corp, issuer: OidcIssuer
) -> None:
    tokens = [corp.token(jti=str(number)) for number in range(20)]
    assert all(await asyncio.gather(*(holds(trusted, token) for token in tokens)))
    assert issuer.asked == {"discovery": 1, "jwks": 1}


@pytest.mark.parametrize("keep", [True, False])
async def test_a_changed_key_is_found_with_one_refetch(
    trusted: TrustedIssuers, corp: Corp, issuer: OidcIssuer, *, keep: bool
) -> None:
    old = corp.token()
    assert await holds(trusted, old)
    change_key(corp, issuer, "2", keep=keep)
    tokens = [corp.token({"kid": "2"}, jti=str(number)) for number in range(20)]
    assert all(await asyncio.gather(*(holds(trusted, token) for token in tokens)))
    assert issuer.asked["jwks"] == 2
    assert await holds(trusted, old) is keep


async def test_made_up_keys_do_not_hammer_the_issuer(
    trusted: TrustedIssuers, corp: Corp, issuer: OidcIssuer, clock: FrozenClock
) -> None:
    stranger = Corp(clock, key_of("RS256", "stranger"), "RS256", corp.url)
    for kid in ("1", "2", "3", "../../etc/passwd", "' OR 1=1 --", "\x00", ABSENT):
        assert not await holds(trusted, stranger.written({"kid": kid}))
    assert issuer.asked["jwks"] == 2
    assert await holds(trusted, corp.token())
    clock.advance(seconds=60)
    assert not await holds(trusted, stranger.token())
    assert issuer.asked["jwks"] == 3


async def test_a_token_of_another_algorithm_costs_no_call(
    trusted: TrustedIssuers, corp: Corp, issuer: OidcIssuer, clock: FrozenClock
) -> None:
    assert not await holds(trusted, Corp(clock, key_of("ES256"), "ES256", corp.url).token())
    assert not issuer.asked


async def test_old_keys_hold_while_the_issuer_is_away(
    trusted: TrustedIssuers, corp: Corp, issuer: OidcIssuer, clock: FrozenClock
) -> None:
    assert await holds(trusted, corp.token())
    await issuer.stop()
    clock.advance(hours=5)
    assert await holds(trusted, corp.token())
    assert not await holds(trusted, corp.token({"kid": "unknown"}))


@pytest.mark.slow
async def test_old_keys_hold_while_the_issuer_hangs_after_a_second_for_all(
    corp: Corp, issuer: OidcIssuer, clock: FrozenClock
) -> None:
    settings = from_environ({"TRUSTED_ISSUERS": "corp", "ISSUER_CORP_URL": corp.url or ""})
    remote = Remote(settings.limits)
    trusted = TrustedIssuers(settings.trusted_issuers, remote, settings.limits, clock)
    assert await holds(trusted, corp.token())
    issuer.faults |= {"discovery": faults.hang, "jwks": faults.hang}
    clock.advance(hours=5)
    began = time.monotonic()
    assert all(await asyncio.gather(*(holds(trusted, corp.token()) for _ in range(5))))
    waited = time.monotonic() - began
    assert all([await holds(trusted, corp.token()) for _ in range(5)])
    assert waited < 3
    assert time.monotonic() - began < waited + 0.5
    await remote.close()


@pytest.mark.parametrize(
    "fault",
    [
        faults.server_error,
        faults.garbage,
        faults.html,
        faults.empty,
        faults.deep,
        faults.reset,
        faults.redirect("https://evil.example.com/"),
        faults.json_answer([]),
        faults.json_answer({"issuer": "https://evil.example.com", "keys": []}),
    ],
)
@pytest.mark.parametrize("endpoint", ["discovery", "jwks"])
async def test_an_issuer_that_fails_is_an_error_and_no_denial(
    trusted: TrustedIssuers, corp: Corp, issuer: OidcIssuer, endpoint: str, fault: Fault
) -> None:
    issuer.faults[endpoint] = fault
    with pytest.raises(UpstreamFailed):
        await trusted.verify(corp.token())
    issuer.faults.clear()
    assert await holds(trusted, corp.token())


@pytest.mark.parametrize("endpoint", ["discovery", "jwks"])
@pytest.mark.slow
async def test_an_issuer_that_hangs_is_given_up(
    trusted: TrustedIssuers, corp: Corp, issuer: OidcIssuer, endpoint: str
) -> None:
    issuer.faults[endpoint] = faults.hang
    began = time.monotonic()
    with pytest.raises(UpstreamTimeout):
        await trusted.verify(corp.token())
    assert time.monotonic() - began < 3


async def test_metadata_of_another_issuer_is_not_believed(
    trusted: TrustedIssuers, corp: Corp, issuer: OidcIssuer, other_issuer: OidcIssuer
) -> None:
    for lie in (other_issuer.url, f"{issuer.url}/", ABSENT, 7, [issuer.url]):
        issuer.lies.discovery = {"issuer": lie}
        with pytest.raises(UpstreamFailed):
            await trusted.verify(corp.token())
    assert issuer.asked["jwks"] == 0


async def test_an_issuer_of_keys_alone_needs_no_endpoints_for_logins(
    trusted: TrustedIssuers, corp: Corp, issuer: OidcIssuer
) -> None:
    # So are Kubernetes and CI systems: they issue tokens, but nobody logs in there.
    absent = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint")
    issuer.lies.discovery = dict.fromkeys(absent, ABSENT)
    assert await holds(trusted, corp.token())


@pytest.mark.parametrize(
    ("members", "good"),
    [
        ({}, True),
        ({"use": ABSENT}, True),
        ({"alg": "RS256"}, True),
        ({"alg": "PS256"}, False),
        ({"alg": "RS512"}, False),
        ({"use": "enc"}, False),
        ({"key_ops": ["sign"]}, False),
        ({"kid": "2"}, False),
        ({"kid": ABSENT}, False),
        ({"kty": "oct", "k": "c2VjcmV0"}, False),
    ],
    ids=str,
)
async def test_a_key_verifies_what_it_is_published_for(
    trusted: TrustedIssuers,
    corp: Corp,
    issuer: OidcIssuer,
    members: dict[str, object],
    *,
    good: bool,
) -> None:
    spare = published(key_of("RS256", "spare"), kid="spare")
    issuer.lies.jwks = {"keys": [published(key_of("RS256"), **members), spare]}
    assert await holds(trusted, corp.token()) is good


async def test_a_token_without_a_kid_means_the_one_key_there_is(
    trusted: TrustedIssuers, corp: Corp, issuer: OidcIssuer, clock: FrozenClock
) -> None:
    nameless = corp.written({"kid": ABSENT})
    of_another_kind = published(key_of("ES256"), kid="2")
    issuer.lies.jwks = {"keys": [published(key_of("RS256")), of_another_kind]}
    assert await holds(trusted, nameless)
    issuer.lies.jwks = {"keys": [published(key_of("RS256")), published(key_of("RS256", "x"))]}
    clock.advance(hours=2)
    assert not await holds(trusted, corp.written({"kid": ABSENT}))  # no trying of all
