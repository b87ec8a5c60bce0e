"""A Verifier follows the feed of revocations; whatever is sent to it, it keeps what it knows."""

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from joserfc.jwk import RSAKey

from dhq_auth.sdk import InvalidToken, Unavailable, Verifier, strict
from dhq_auth.sdk.revoked import NotAPage, Page, kid_of_page, page_of
from tests.fakes import faults
from tests.fakes.server import ABSENT, Changes, Fault
from tests.fixtures.service import FrozenClock
from tests.sdk.auth_server import SERVICE, believed
from tests.sdk.feed_server import FeedServer, is_revoked, refused


@pytest.fixture
async def auth(clock: FrozenClock) -> AsyncIterator[FeedServer]:
    async with FeedServer(clock) as server:
        yield server


@pytest.fixture
async def verifier(auth: FeedServer) -> AsyncIterator[Verifier]:
    verifier = Verifier(auth.origin, service=SERVICE, now=auth.clock)
    yield verifier
    verifier.close()


async def until(condition: Callable[[], object], within: float = 5) -> None:
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in a thread
            await asyncio.sleep(0.01)


async def until_believed(verifier: Verifier, auth: FeedServer) -> None:
    """Wait until the feed is confirmed again."""
    async with asyncio.timeout(10):
        while True:
            with suppress(Unavailable):
                assert await believed(verifier, auth.token())
                return
            await asyncio.sleep(0.02)


def followers() -> int:
    return sum(thread.name == "dhq-auth-revocations" for thread in threading.enumerate())


async def test_what_was_revoked_before_is_known_to_the_first_token(
    auth: FeedServer, verifier: Verifier
) -> None:
    for number in range(8):  # more than a page
        auth.revoke(sid=f"session {number}")
    assert await is_revoked(verifier, auth.token(sid="session 7"))
    assert await is_revoked(verifier, auth.token(sid="session 0"))
    assert await believed(verifier, auth.token(sid="session 8"))
    assert auth.since[:3] == [None, "3", "6"]


@pytest.mark.parametrize("name", ["sid", "jti", "user", "kid"])
async def test_each_kind_of_entry_refuses_the_tokens_that_it_names(
    auth: FeedServer, verifier: Verifier, name: str
) -> None:
    other_key = auth.new_key()
    auth.keys.append(other_key)
    token = auth.token(sid="1", jti="2", sub="ada", userid="ada")
    other = auth.token(sid="ada", jti="1", sub="2", userid="2")
    assert await believed(verifier, token)
    named = {"sid": "1", "jti": "2", "user": "ada", "kid": auth.keys[0].kid}
    auth.revoke(**{name: named[name]})
    if name == "kid":
        auth.feed_key = other_key
    assert await refused(verifier, token)
    assert await is_revoked(verifier, other) is (name == "kid")


async def test_of_a_user_the_tokens_that_were_made_until_then_are_refused(
    auth: FeedServer, verifier: Verifier
) -> None:
    now = int(auth.clock.now.timestamp())
    auth.revoke(user="ada", at=now)
    auth.revoke(user="ada", at=now - 10)  # it counts no less for what is told later
    assert await is_revoked(verifier, auth.token(iat=now))
    assert await is_revoked(verifier, auth.token(iat=now - 20))
    assert await believed(verifier, auth.token(iat=now + 1))
    assert await believed(verifier, auth.token(sub="bob", userid="bob", iat=now - 20))


@pytest.mark.parametrize("claim", [{"sid": ["1"]}, {"sid": {}}, {"sid": None}, {"sid": 1}, {}])
async def test_a_token_that_names_nothing_it_was_made_with_is_judged_by_the_rest(
    auth: FeedServer, verifier: Verifier, claim: Changes
) -> None:
    auth.revoke(sid="1")
    assert await believed(verifier, auth.token(**claim))


async def test_with_a_given_key_the_feed_is_verified_by_it(auth: FeedServer) -> None:
    auth.revoke(sid="1")
    verifier = Verifier(
        auth.origin, service=SERVICE, public_key=auth.keys[0].public_pem, now=auth.clock
    )
    assert await is_revoked(verifier, auth.token(sid="1"))
    assert auth.asked["jwks"] == 0
    verifier.close()


async def test_who_does_not_want_to_follow_asks_nothing(auth: FeedServer) -> None:
    auth.revoke(sid="1")
    verifier = Verifier(auth.origin, service=SERVICE, revocations=False, now=auth.clock)
    assert await believed(verifier, auth.token(sid="1"))
    assert auth.asked["feed"] == 0
    verifier.close()
    with pytest.raises(ValueError, match="not to be followed"):
        Verifier(auth.origin, service=SERVICE, revocations=False, max_unseen=timedelta(minutes=5))
    with pytest.raises(ValueError, match="a minute"):
        Verifier(auth.origin, service=SERVICE, max_unseen=timedelta(seconds=59))


async def test_a_token_that_does_not_hold_starts_nothing(
    auth: FeedServer, verifier: Verifier
) -> None:
    for token in ("x", auth.token(service="other"), auth.token(auth.new_key())):
        with pytest.raises(InvalidToken):
            await verifier.verify_async(token)
    assert auth.asked["feed"] == 0


FORGERIES: dict[str, Changes] = {
    "of another issuer": {"iss": "https://evil.example"},
    "without issuer": {"iss": ABSENT},
    "for somebody else": {"aud": "notes"},
    "for several": {"aud": ["revocations"]},
    "of another place": {"since": "17"},
    "of no place": {"since": ABSENT},
    "that leads nowhere": {"next": ABSENT},
    "that leads to something odd": {"next": "1&wait=0"},
    "that leads to a number": {"next": 7},
    "without end": {"more": "no"},
    "of another time": {"iat": 0},
    "that goes round in circles": {"more": True},
    "of the future": {"iat": 4102444800},
    "of no time": {"iat": ABSENT},
    "of an odd time": {"iat": "1"},
    "that counts for no time": {"kept": 0},
    "that counts for ever": {"kept": 1e300},
    "that counts for a flag": {"kept": True},
    "without entries": {"entries": ABSENT},
    "of an entry that is none": {"entries": [7]},
    "of an entry without time": {"entries": [{"sid": "2"}]},
    "of an entry of numbers": {"entries": [{"sid": 2, "at": 1}]},
    "of entries beyond measure": {"entries": [{"sid": "2", "at": 1}] * 10_001},
}
HEADERS: dict[str, Changes] = {
    "of another type": {"typ": "JWT"},
    "of no type": {"typ": ABSENT},
    "of no key": {"kid": ABSENT},
    "of an unknown key": {"kid": "other"},
}


def read(text: str, keys: dict[str, RSAKey], issuer: str, now: datetime) -> Page:
    """Read a page as the follower does; who names a key that is not known has none."""
    kid = kid_of_page(text, 10**7)
    if kid not in keys:
        raise NotAPage
    return page_of(text, keys[kid], issuer=issuer, since="0", now=now)


@pytest.mark.parametrize("name", [*FORGERIES, *HEADERS, "of another key", "a token", "no page"])
def test_what_is_not_the_page_that_was_asked_for_is_not_believed(
    unheard: FeedServer, name: str
) -> None:
    unheard.changes, unheard.header = FORGERIES.get(name, {}), HEADERS.get(name, {})
    if name == "of another key":
        unheard.feed_key = unheard.new_key()
    text = {"a token": unheard.token(), "no page": "a.b.c"}.get(name) or unheard.page("0")
    key, now = unheard.keys[0], unheard.clock.now
    with pytest.raises(strict.MALFORMED):
        read(text, {key.kid: key.jwk}, unheard.origin, now)


@pytest.fixture
async def unheard(clock: FrozenClock) -> AsyncIterator[FeedServer]:
    """A server that is not started, and lends its keys."""
    server = FeedServer(clock)
    yield server
    await server.stop()


@pytest.mark.parametrize(
    "name", ["of another time", "of another key", "of another type", "no page"]
)
@pytest.mark.slow
async def test_a_page_that_is_not_right_takes_nothing_away_and_stops_nobody(
    auth: FeedServer, verifier: Verifier, name: str
) -> None:
    auth.revoke(sid="1")
    assert await is_revoked(verifier, auth.token(sid="1"))
    await until(lambda: auth.waiting)
    asked = auth.asked["feed"]
    auth.changes, auth.header = FORGERIES.get(name, {}), HEADERS.get(name, {})
    auth.feed_key = auth.new_key() if name == "of another key" else None
    auth.replayed = "no page" if name == "no page" else None
    auth.revoke(sid="2")
    await until(lambda: auth.asked["feed"] > asked)
    assert await is_revoked(verifier, auth.token(sid="1"))
    assert await believed(verifier, auth.token(sid="2"))
    auth.changes, auth.header, auth.feed_key, auth.replayed = {}, {}, None, None
    assert await refused(verifier, auth.token(sid="2"))


@pytest.mark.slow
async def test_a_page_that_is_played_again_later_does_not_pass_for_the_end_of_the_feed(
    auth: FeedServer,
) -> None:
    verifier = Verifier(
        auth.origin, service=SERVICE, max_unseen=timedelta(minutes=2), now=auth.clock
    )
    assert await believed(verifier, auth.token())
    await until(lambda: auth.waiting)
    auth.replayed = auth.page("0")
    auth.revoke(sid="1")
    auth.clock.advance(seconds=121)
    auth.tell()
    await until(lambda: auth.asked["feed"] > 4)
    with pytest.raises(Unavailable):
        await verifier.verify_async(auth.token(sid="1"))
    auth.replayed = None
    await until_believed(verifier, auth)
    assert await refused(verifier, auth.token(sid="1"))
    verifier.close()


async def test_an_entry_of_a_kind_to_come_is_passed_over(
    auth: FeedServer, verifier: Verifier
) -> None:
    auth.revoke(device="7")
    auth.revoke(sid="1", reason="a word more")
    assert await is_revoked(verifier, auth.token(sid="1"))


async def test_pages_signed_with_a_key_that_was_revoked_are_not_believed(
    auth: FeedServer, verifier: Verifier
) -> None:
    stolen, good = auth.keys[0], auth.new_key()
    auth.keys.append(good)
    assert await believed(verifier, auth.token(good))
    await until(lambda: auth.waiting)
    auth.revoke(kid=stolen.kid)
    assert await refused(verifier, auth.token(stolen))
    auth.revoke(sid="1")
    await until(lambda: auth.asked["feed"] > 3)
    assert await believed(verifier, auth.token(good, sid="1"))
    auth.feed_key = good
    assert await refused(verifier, auth.token(good, sid="1"))


@pytest.mark.slow
async def test_who_is_told_to_begin_anew_does_and_forgets_nothing(
    auth: FeedServer, verifier: Verifier
) -> None:
    auth.revoke(sid="1")
    auth.revoke(sid="2")
    assert await is_revoked(verifier, auth.token(sid="1"))
    await until(lambda: auth.waiting)
    auth.entries.clear()  # a backup was restored
    auth.revoke(sid="3")
    assert await refused(verifier, auth.token(sid="3"))
    assert await is_revoked(verifier, auth.token(sid="1"))
    assert auth.since.count(None) == 2
    auth.gone = True
    auth.tell()
    await until(lambda: len(auth.since) > 6)
    auth.gone = False
    auth.revoke(sid="4")
    assert await refused(verifier, auth.token(sid="4"))


@pytest.mark.parametrize(
    "fault",
    [
        *(faults.server_error, faults.garbage, faults.reset, faults.bomb),
        *(faults.answer(status, b"") for status in (204, 404)),
    ],
    ids=lambda fault: getattr(fault, "__name__", ""),
)
@pytest.mark.slow
async def test_while_the_feed_cannot_be_had_tokens_go_on_as_far_as_is_known(
    auth: FeedServer, verifier: Verifier, fault: Fault
) -> None:
    auth.revoke(sid="1")
    assert await is_revoked(verifier, auth.token(sid="1"))
    await until(lambda: auth.waiting)
    asked = auth.asked["feed"]
    auth.faults["feed"] = fault
    auth.tell()
    await until(lambda: auth.asked["feed"] > asked)
    assert await is_revoked(verifier, auth.token(sid="1"))
    assert await believed(verifier, auth.token(sid="2"))


@pytest.mark.slow
async def test_a_server_that_comes_back_is_followed_again(
    auth: FeedServer, verifier: Verifier, caplog: pytest.LogCaptureFixture
) -> None:
    assert await believed(verifier, auth.token(sid="1"))
    await until(lambda: auth.waiting)
    await auth.stop()
    assert await believed(verifier, auth.token(sid="1"))
    await until(lambda: "what was revoked is not told" in caplog.text)
    await asyncio.sleep(0.6)
    assert caplog.text.count("what was revoked is not told") == 1
    auth.revoke(sid="1")
    await auth.start()
    assert await refused(verifier, auth.token(sid="1"))


@pytest.mark.slow
async def test_where_it_must_be_certain_nothing_is_believed_after_too_long(
    auth: FeedServer,
) -> None:
    verifier = Verifier(
        auth.origin, service=SERVICE, max_unseen=timedelta(minutes=5), now=auth.clock
    )
    assert await believed(verifier, auth.token())
    await until(lambda: auth.waiting)
    asked = auth.asked["feed"]
    auth.faults["feed"] = faults.server_error
    auth.tell()
    await until(lambda: auth.asked["feed"] > asked)
    auth.clock.advance(minutes=5)
    assert await believed(verifier, auth.token())
    auth.clock.advance(seconds=1)
    with pytest.raises(Unavailable, match="revoked"):
        await verifier.verify_async(auth.token())
    auth.revoke(sid="1")
    with pytest.raises(Unavailable):
        await verifier.verify_async(auth.token(sid="1"))
    auth.faults.clear()
    await until_believed(verifier, auth)
    assert await refused(verifier, auth.token(sid="1"))
    verifier.close()


@pytest.mark.slow
async def test_where_it_must_be_certain_the_first_token_waits_for_a_feed_that_is_there(
    auth: FeedServer,
) -> None:
    auth.faults["feed"] = faults.server_error
    verifier = Verifier(
        auth.origin, service=SERVICE, max_unseen=timedelta(minutes=1), now=auth.clock
    )
    with pytest.raises(Unavailable):
        await verifier.verify_async(auth.token())
    auth.faults.clear()
    await until_believed(verifier, auth)
    verifier.close()


async def test_what_no_token_can_outlive_is_forgotten(auth: FeedServer, verifier: Verifier) -> None:
    auth.revoke(sid="1")
    auth.revoke(kid="stolen")
    assert await is_revoked(verifier, auth.token(sid="1"))
    auth.clock.advance(seconds=4501)
    auth.entries = [{"sid": "x", "at": 0}] * 2  # which are in their place
    auth.revoke(sid="2")
    assert await refused(verifier, auth.token(sid="2"))
    assert await believed(verifier, auth.token(sid="1"))
    feed = verifier._follower._feed.revoked
    assert len(feed._ended) == 2
    assert feed.refuses_key("stolen")


async def test_nobody_is_followed_any_more_after_close(
    auth: FeedServer, verifier: Verifier
) -> None:
    assert await believed(verifier, auth.token())
    await until(lambda: auth.waiting)
    verifier.close()
    before = followers()
    auth.revoke(sid="1")
    await until(lambda: followers() < before)
    asked = auth.asked["feed"]
    assert await believed(verifier, auth.token(sid="2"))
    assert auth.asked["feed"] == asked


async def test_a_verifier_that_is_forgotten_takes_its_thread_along(auth: FeedServer) -> None:
    verifier = Verifier(auth.origin, service=SERVICE, now=auth.clock)
    assert await believed(verifier, auth.token())
    await until(lambda: auth.waiting)
    before = followers()
    del verifier
    gc.collect()
    auth.revoke(sid="1")
    await until(lambda: followers() < before)


async def test_many_tokens_at_once_start_one_thread(auth: FeedServer, verifier: Verifier) -> None:
    before = followers()
    token = auth.token()
    await asyncio.gather(
        *(asyncio.to_thread(verifier.verify, token) for _ in range(8)),
        *(verifier.verify_async(token) for _ in range(8)),
    )
    assert followers() == before + 1
    assert auth.since.count(None) == 1
