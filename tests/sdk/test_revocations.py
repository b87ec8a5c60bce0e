"""A Verifier follows the feed of revocations, and refuses what it names."""

import asyncio
import gc
import threading
from datetime import timedelta

import pytest

from dhq_auth.sdk import InvalidToken, Verifier
from tests.fakes.server import Changes
from tests.sdk.auth_server import SERVICE, believed
from tests.sdk.feed_server import FeedServer, is_revoked, refused, until
from tests.sdk.frameworks import FRAMEWORKS


def followers() -> set[threading.Thread]:
    """Return the threads that follow a feed; those of tests before may still come to their end."""
    return {thread for thread in threading.enumerate() if thread.name == "dhq-auth-revocations"}


async def test_what_was_revoked_before_is_known_to_the_first_token(
    feed: FeedServer, follower: Verifier
) -> None:
    for number in range(8):  # more than a page
        feed.revoke(sid=f"session {number}")
    assert await is_revoked(follower, feed.token(sid="session 7"))
    assert await is_revoked(follower, feed.token(sid="session 0"))
    assert await believed(follower, feed.token(sid="session 8"))
    assert feed.since[:3] == [None, "3", "6"]


@pytest.mark.parametrize("name", ["sid", "jti", "user", "kid"])
async def test_each_kind_of_entry_refuses_the_tokens_that_it_names(
    feed: FeedServer, follower: Verifier, name: str
) -> None:
    other_key = feed.new_key()
    feed.keys.append(other_key)
    token = feed.token(sid="1", jti="2", sub="ada", userid="ada")
    other = feed.token(sid="ada", jti="1", sub="2", userid="2")
    assert await believed(follower, token)
    named = {"sid": "1", "jti": "2", "user": "ada", "kid": feed.keys[0].kid}
    feed.revoke(**{name: named[name]})
    if name == "kid":
        feed.feed_key = other_key
    assert await refused(follower, token)
    assert await is_revoked(follower, other) is (name == "kid")


async def test_of_a_user_the_tokens_that_were_made_until_then_are_refused(
    feed: FeedServer, follower: Verifier
) -> None:
    now = int(feed.clock.now.timestamp())
    feed.revoke(user="ada", at=now)
    feed.revoke(user="ada", at=now - 10)  # it counts no less for what is told later
    assert await is_revoked(follower, feed.token(iat=now))
    assert await is_revoked(follower, feed.token(iat=now - 20))
    assert await believed(follower, feed.token(iat=now + 1))
    assert await believed(follower, feed.token(sub="bob", userid="bob", iat=now - 20))


@pytest.mark.parametrize("claim", [{"sid": ["1"]}, {"sid": {}}, {"sid": None}, {"sid": 1}, {}])
async def test_a_token_that_names_nothing_it_was_made_with_is_judged_by_the_rest(
    feed: FeedServer, follower: Verifier, claim: Changes
) -> None:
    feed.revoke(sid="1")
    assert await believed(follower, feed.token(**claim))


async def test_with_a_given_key_the_feed_is_verified_by_it(feed: FeedServer) -> None:
    feed.revoke(sid="1")
    verifier = Verifier(
        feed.origin, service=SERVICE, public_key=feed.keys[0].public_pem, now=feed.clock
    )
    assert await is_revoked(verifier, feed.token(sid="1"))
    assert feed.asked["jwks"] == 0
    verifier.close()


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_a_middleware_refuses_what_was_revoked(
    feed: FeedServer, follower: Verifier, framework: str
) -> None:
    feed.revoke(sid="1")
    async with FRAMEWORKS[framework](follower) as ask:
        for sid, status in (("1", 401), ("2", 200)):
            token = feed.token(sid=sid)
            reply = await ask(headers=[("Authorization", f"Bearer {token}")])
            assert reply.status == status
        assert "WWW-Authenticate" not in reply.headers


async def test_who_does_not_want_to_follow_asks_nothing(feed: FeedServer) -> None:
    feed.revoke(sid="1")
    verifier = Verifier(feed.origin, service=SERVICE, revocations=False, now=feed.clock)
    assert await believed(verifier, feed.token(sid="1"))
    assert feed.asked["feed"] == 0
    verifier.close()
    with pytest.raises(ValueError, match="not to be followed"):
        Verifier(feed.origin, service=SERVICE, revocations=False, max_unseen=timedelta(minutes=5))
    with pytest.raises(ValueError, match="a minute"):
        Verifier(feed.origin, service=SERVICE, max_unseen=timedelta(seconds=59))


async def test_a_token_that_does_not_hold_starts_nothing(
    feed: FeedServer, follower: Verifier
) -> None:
    for token in ("x", feed.token(service="other"), feed.token(feed.new_key())):
        with pytest.raises(InvalidToken):
            await follower.verify_async(token)
    assert feed.asked["feed"] == 0


async def test_what_no_token_can_outlive_is_forgotten(feed: FeedServer, follower: Verifier) -> None:
    feed.revoke(sid="1")
    feed.revoke(kid="stolen")
    assert await is_revoked(follower, feed.token(sid="1"))
    feed.clock.advance(seconds=4501)
    feed.entries = [{"sid": "x", "at": 0}] * 2  # which are in their place
    feed.revoke(sid="2")
    assert await refused(follower, feed.token(sid="2"))
    assert await believed(follower, feed.token(sid="1"))
    feed = follower._follower._feed.revoked
    assert len(feed._ended) == 2
    assert feed.refuses_key("stolen")


async def test_nobody_is_followed_any_more_after_close(
    feed: FeedServer, follower: Verifier
) -> None:
    before = followers()
    assert await believed(follower, feed.token())
    await until(lambda: feed.waiting)
    (mine,) = followers() - before
    follower.close()
    feed.revoke(sid="1")
    await until(lambda: not mine.is_alive())
    asked = feed.asked["feed"]
    assert await believed(follower, feed.token(sid="2"))
    assert feed.asked["feed"] == asked


@pytest.mark.slow
async def test_a_verifier_that_is_forgotten_takes_its_thread_along(feed: FeedServer) -> None:
    before = followers()
    verifier = Verifier(feed.origin, service=SERVICE, now=feed.clock)
    assert await believed(verifier, feed.token())
    await until(lambda: feed.waiting)
    (mine,) = followers() - before
    del verifier
    gc.collect()
    feed.revoke(sid="1")
    await until(lambda: not mine.is_alive())


async def test_many_tokens_at_once_start_one_thread(feed: FeedServer, follower: Verifier) -> None:
    before = followers()
    token = feed.token()
    await asyncio.gather(
        *(asyncio.to_thread(follower.verify, token) for _ in range(8)),
        *(follower.verify_async(token) for _ in range(8)),
    )
    assert len(followers() - before) == 1
    assert feed.since.count(None) == 1
