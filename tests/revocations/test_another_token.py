"""What is answered at once to another token of a known session is not, once that has ended."""

import asyncio
import gc
import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from yarl import URL

from dhq_auth.serving.forms import Form
from dhq_auth.tokens.signing import TokenSigner
from tests.fixtures.service import Service, Start
from tests.revocations.conftest import NOTES
from tests.revocations.following import seconds_while
from tests.revocations.stage import FOR_GOOD, OF_LOGINS, OF_PASSWORDS, Stage, done
from tests.revocations.test_remembered import WITHIN, remembered, seconds_until
from tests.revocations.test_remembered_sessions import another, claims_of
from tests.self_service.people import Person, registered
from tests.serving.wire import Wire, get

Connect = Callable[[Service], Awaitable[Wire]]
QUIET = "warning"
"""LOG_LEVEL: a log of each request wants each to be asked."""


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    async with AsyncExitStack() as stack:

        async def connection(service: Service) -> Wire:
            return await stack.enter_async_context(await Wire.open(URL(service.url).port or 80))

        yield connection


SEALED = "A" * 43
"""The name of a key that is wrapped by what this replica does not have."""
LOGIN_HEADER = {"typ": "login+jwt", "alg": "RS256"}


def encoded(part: dict[str, str]) -> str:
    return urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def question(token: str) -> bytes:
    return get("/auth/check", f"Authorization: Bearer {token}")


async def is_good(wire: Wire, token: str) -> bool:
    """Whether *token* is good, asked on a connection that has been asked about others."""
    return bool(json.loads((await wire.ask(question(token))).body)["authenticated"])


def is_known(token: str, asked: Callable[[str], bytes] = question) -> bool:
    """Whether any connection would answer at once what is *asked* of *token*."""
    forms = (each for each in gc.get_objects() if isinstance(each, Form))
    return any(form.filled(asked(token)) for form in forms)


async def two_known(service: Service, wire: Wire) -> tuple[Person, Person]:
    """Return two people who are known, and have been asked about on *wire*."""
    alice, bob = await registered(service), await registered(service, "bob")
    for who in (alice, bob):
        await remembered(service, who.token)
        assert await is_good(wire, who.token)
    return alice, bob


@pytest.mark.slow
async def test_who_is_known_is_answered_at_once_each_with_his_own(
    start: Start, connect: Connect
) -> None:
    service = await start(ALLOWED_SERVICES=NOTES, LOG_LEVEL=QUIET)
    wire = await connect(service)
    alice, bob = await two_known(service, wire)
    for who in (alice, bob, alice):
        other = await another(service, who.token)
        await until_known(wire, other, who.token)
        told = json.loads((await wire.ask(question(other))).body)
        assert told["profile"]["id"] == who.id
    api_token = (await alice.make_token())["token"]
    assert not is_known(api_token), "nobody has shown it yet"
    await until_known(wire, api_token, api_token)


async def until_known(wire: Wire, token: str, known: str) -> None:
    """Ask about the token *known* until *token*, of the same session, would be answered at once.

    What is remembered does not count at a moment when the feed was looked at late.
    """
    async with asyncio.timeout(20):
        while not is_known(token):
            assert await is_good(wire, known)


async def granted(wire: Wire, token: str, service: str = "notes") -> tuple[int, str | None]:
    """Return how it is answered what *token* may do in *service*, and of whom that speaks."""
    answer = await wire.ask(asked_for(token, service))
    return answer.status, json.loads(answer.body).get("userid")


def asked_for(token: str, service: str = "notes") -> bytes:
    return get(f"/auth/authorize?service={service}", f"Auth-Token: {token}")


@pytest.mark.slow
async def test_what_was_granted_to_each_is_given_again_to_each(
    start: Start, connect: Connect, static: dict[str, str]
) -> None:
    service = await start(**static)
    alice, bob = await registered(service), await registered(service, "bob")
    narrow = (await alice.make_token(scopes=["authorize:other"]))["token"]
    wire = await connect(service)
    for who in (alice, bob, alice):
        async with asyncio.timeout(10):  # its provider lets an answer hold for less than a second
            while not is_known(who.token, asked_for):
                assert await granted(wire, who.token) == (200, who.id)
        assert await granted(wire, who.token) == (200, who.id)
    assert await granted(wire, narrow) == (403, None)
    assert not is_known(narrow, asked_for)
    assert not is_known(await another(service, alice.token), asked_for), "it was granted to another"
    await done(alice.call("POST", "/auth/logout"))
    assert not is_known(alice.token, asked_for)
    assert await granted(wire, alice.token) == (401, None)
    assert await granted(wire, bob.token) == (200, bob.id)


@pytest.mark.slow
async def test_a_token_that_is_none_is_refused_as_ever(start: Start, connect: Connect) -> None:
    service = await start(ALLOWED_SERVICES=NOTES, LOG_LEVEL=QUIET)
    wire = await connect(service)
    alice, bob = await two_known(service, wire)
    head, _, signature = alice.token.split(".")
    forged = ".".join((head, bob.token.split(".")[1], signature))
    mixed = await another(service, alice.token, sub=bob.id)
    for bad in (forged, mixed, alice.token[:-4], "x", "a.b.c"):
        assert not is_known(bad)
        assert not await is_good(wire, bad)
    late = await another(service, alice.token)
    await until_known(wire, late, alice.token)
    service.clock.advance(seconds=service.settings.login_token_lifetime.total_seconds() + 61)
    assert not is_known(late)
    assert not await is_good(wire, late)


@pytest.mark.slow
async def test_a_key_that_cannot_be_opened_here_is_our_fault_as_ever(
    start: Start, connect: Connect
) -> None:
    service = await start(ALLOWED_SERVICES=NOTES, LOG_LEVEL=QUIET)
    alice = await registered(service)
    wire = await connect(service)
    await remembered(service, alice.token)
    assert await is_good(wire, alice.token)
    for signer in [each for each in gc.get_objects() if isinstance(each, TokenSigner)]:
        signer.keyring.replace([*signer.keyring], sealed=[SEALED])
    claims = {"sid": claims_of(alice.token)["sid"]}
    sealed = f"{encoded({**LOGIN_HEADER, 'kid': SEALED})}.{encoded(claims)}.AAAA"
    answer = await wire.ask(question(sealed))
    assert (answer.status, "Retry-After" in answer.headers) == (503, True)


@pytest.mark.slow
async def test_none_of_a_session_that_ended_here_is_answered_at_the_next_request(
    staged: Callable[..., Awaitable[Stage]], connect: Connect, subtests: pytest.Subtests
) -> None:
    stage = await staged(LOG_LEVEL=QUIET)
    wire = await connect(stage.service)
    for end in (*OF_LOGINS, *OF_PASSWORDS, *FOR_GOOD):
        who = await stage.somebody()
        with subtests.test(way=end.__name__):
            await remembered(stage.service, who.token)
            assert await is_good(wire, who.token)
            other = await another(stage.service, who.token)
            await until_known(wire, other, who.token)
            await end(stage, who)
            if end.__name__.startswith("operator"):
                assert await seconds_until(stage.service, other) < WITHIN
            assert not await is_good(wire, other)


@pytest.mark.slow
async def test_one_of_a_session_that_ended_on_another_replica_is_not_within_a_second(
    start: Start, connect: Connect
) -> None:
    here = await start(ALLOWED_SERVICES=NOTES)
    there = await start(EXTERNAL_ADDRESS=here.url, ALLOWED_SERVICES=NOTES, LOG_LEVEL=QUIET)
    alice = await registered(here)
    wire = await connect(there)
    await remembered(there, alice.token)
    assert await is_good(wire, alice.token)
    others = [await another(here, alice.token) for _ in range(200)]
    await until_known(wire, others[0], alice.token)
    await done(alice.call("POST", "/auth/logout"))

    async def is_any_good() -> bool:
        return await is_good(wire, others.pop())

    assert await seconds_while(is_any_good) < WITHIN
