"""Answers that are no keys, keys that are no good, servers that are slow."""

import asyncio
import time

import pytest
from joserfc.jwk import ECKey

from dhq_auth.sdk import Unavailable, Verifier
from tests.fakes import faults
from tests.fakes.rough import listening, saying, tls_server
from tests.fakes.server import Fault
from tests.fixtures.service import FrozenClock
from tests.sdk.auth_server import SERVICE, AuthServer, believed
from tests.tokens.forgeries import encoded


@pytest.mark.parametrize(
    "fault",
    [
        *(faults.server_error, faults.garbage, faults.html, faults.empty, faults.deep),
        *(faults.long_number, faults.reset, faults.truncated, faults.bomb, faults.endless),
        *(faults.json_answer(value) for value in (None, [], {}, {"keys": None}, {"keys": []})),
        *(faults.json_answer({"keys": [value]}) for value in (None, "x", {}, {"kid": "1"})),
        *(faults.answer(status, b'{"keys": []}') for status in (204, 404, 503)),
    ],
    ids=lambda fault: getattr(fault, "__name__", ""),
)
@pytest.mark.slow
async def test_nonsense_is_no_set_of_keys(
    auth: AuthServer, verifier: Verifier, fault: Fault
) -> None:
    auth.faults["jwks"] = fault
    with pytest.raises(Unavailable):
        await verifier.verify_async(auth.token())
    auth.faults.clear()
    auth.clock.advance(seconds=5)
    assert await believed(verifier, auth.token())
    auth.faults["jwks"] = fault  # and it takes nothing away from what is known
    auth.clock.advance(seconds=300)
    assert await believed(verifier, auth.token())


async def test_keys_are_not_fetched_where_a_redirect_leads(
    auth: AuthServer, clock: FrozenClock
) -> None:
    async with AuthServer(clock) as other:
        for status in (301, 302, 307, 308):
            target = f"{other.origin}/.well-known/jwks.json"
            auth.faults["jwks"] = faults.redirect(target, status)
            verifier = Verifier(auth.origin, service=SERVICE, now=clock)
            with pytest.raises(Unavailable):
                await verifier.verify_async(other.token(iss=auth.origin))
        assert other.asked["jwks"] == 0


async def test_no_proxy_is_taken_from_the_environment(
    auth: AuthServer, verifier: Verifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert await believed(verifier, auth.token())


def odd_keys(auth: AuthServer) -> dict[str, dict[str, object]]:
    good = dict(auth.keys[0].jwk.as_dict(private=False))
    return {
        "for encryption": {**good, "use": "enc"},
        "of another algorithm": {**good, "alg": "RS512"},
        "of another type": {**ECKey.generate_key("P-256").as_dict(private=False), "kid": "x"},
        "symmetric": {"kty": "oct", "k": "c2VjcmV0"},
        "weak": {**good, "n": encoded(b"\xff" * 128)},
        "huge": {**good, "n": "x" * 100_000},
        "with an even exponent": {**good, "e": "AQAA"},
        "with an exponent of one": {**good, "e": "AQ"},
        "with a huge exponent": {**good, "e": good["n"]},
        "without a modulus": {"kty": "RSA", "e": "AQAB"},
        "with junk in it": {**good, "n": "é"},
        "of numbers": {**good, "n": 7, "e": 65537},
    }


@pytest.mark.parametrize(
    "name",
    [
        *("for encryption", "of another algorithm", "of another type", "symmetric", "weak"),
        *("huge", "with an even exponent", "with an exponent of one", "with a huge exponent"),
        *("without a modulus", "with junk in it", "of numbers"),
    ],
)
async def test_a_key_that_cannot_be_used_is_passed_over(
    auth: AuthServer, verifier: Verifier, name: str
) -> None:
    odd = {**odd_keys(auth)[name], "kid": "odd"}
    good = dict(auth.jwks()["keys"][0])
    auth.faults["jwks"] = faults.json_answer({"keys": [odd, None, good]})
    assert await believed(verifier, auth.token())
    header = {"typ": "JWT", "alg": "RS256", "kid": "odd"}
    forged = auth.mint(auth.keys[0]).signed(header)
    assert not await believed(verifier, forged)


async def test_a_private_key_that_is_published_is_read_as_a_public_one(
    auth: AuthServer, verifier: Verifier
) -> None:
    private = dict(auth.keys[0].jwk.as_dict(private=True))
    auth.faults["jwks"] = faults.json_answer({"keys": [private]})
    assert await believed(verifier, auth.token())


async def test_of_more_keys_than_anybody_needs_the_first_count(
    auth: AuthServer, verifier: Verifier
) -> None:
    [good] = auth.jwks()["keys"]
    auth.faults["jwks"] = faults.json_answer({"keys": [{}] * 50 + [good]})
    with pytest.raises(Unavailable):
        await verifier.verify_async(auth.token())


async def test_keys_of_a_server_that_nobody_vouches_for_are_not_believed(
    auth: AuthServer, tmp_path: object
) -> None:
    async def page(request: object) -> object:
        raise AssertionError

    async with tls_server(page, tmp_path) as url:
        verifier = Verifier(url, service=SERVICE, now=auth.clock)
        with pytest.raises(Unavailable, match="SSLCertVerificationError"):
            await verifier.verify_async(auth.token())


async def test_what_is_no_http_is_no_answer(auth: AuthServer) -> None:
    for raw in (b"", b"SSH-2.0\r\n", b"HTTP/1.1 200\r\n" + b"X: y\r\n" * 200 + b"\r\n"):
        async with saying(raw) as url:
            verifier = Verifier(url, service=SERVICE, now=auth.clock)
            with pytest.raises(Unavailable):
                await verifier.verify_async(auth.token())


@pytest.mark.slow
async def test_a_slow_service_costs_its_deadline_and_never_the_loop(auth: AuthServer) -> None:
    async def headers(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:  # no single byte is late
            writer.write(b"HTTP/1.1 200 OK\r\n")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with AuthServer(auth.clock) as other, listening(headers) as rough:
        auth.faults["jwks"], other.faults["jwks"] = faults.hang, faults.dribble()
        begun = latest = time.monotonic()
        waiting = asyncio.gather(
            *(
                Verifier(url, service=SERVICE, now=auth.clock).verify_async(auth.token())
                for url in (auth.origin, other.origin, rough)
            ),
            return_exceptions=True,
        )
        longest = 0.0
        while not waiting.done():
            await asyncio.sleep(0.01)
            latest, longest = time.monotonic(), max(longest, time.monotonic() - latest)
        assert [type(outcome) for outcome in await waiting] == [Unavailable] * 3
    assert time.monotonic() - begun < 8
    assert longest < 1


@pytest.mark.slow
async def test_keys_at_hand_do_not_wait_long_for_newer_ones(
    auth: AuthServer, verifier: Verifier
) -> None:
    assert await believed(verifier, auth.token())
    auth.faults["jwks"] = faults.hang
    auth.clock.advance(seconds=300)
    begun = time.monotonic()
    assert all(await asyncio.gather(*(believed(verifier, auth.token()) for _ in range(20))))
    assert all([await believed(verifier, auth.token()) for _ in range(20)])
    assert time.monotonic() - begun < 3
