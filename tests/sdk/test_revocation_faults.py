"""While the feed cannot be had, what is known counts, or nothing where it must be certain."""

import asyncio
import random
from datetime import timedelta

import pytest

from dhq_auth.sdk import Unavailable, Verifier
from tests.fakes import faults
from tests.fakes.server import Fault
from tests.sdk.auth_server import SERVICE, believed
from tests.sdk.feed_server import FeedServer, is_revoked, refused, until, until_believed


@pytest.mark.slow
async def test_a_page_that_is_played_again_later_does_not_pass_for_the_end_of_the_feed(
    feed: FeedServer,
) -> None:
    verifier = Verifier(
        feed.origin, service=SERVICE, max_unseen=timedelta(minutes=2), now=feed.clock
    )
    assert await believed(verifier, feed.token())
    await until(lambda: feed.waiting)
    feed.replayed = feed.page("0")
    feed.revoke(sid="1")
    feed.clock.advance(seconds=121)
    feed.tell()
    await until(lambda: feed.asked["feed"] > 4)
    with pytest.raises(Unavailable):
        await verifier.verify_async(feed.token(sid="1"))
    feed.replayed = None
    await until_believed(verifier, feed)
    assert await refused(verifier, feed.token(sid="1"))
    verifier.close()


@pytest.mark.slow
async def test_who_is_told_to_begin_anew_does_and_forgets_nothing(
    feed: FeedServer, follower: Verifier
) -> None:
    feed.revoke(sid="1")
    feed.revoke(sid="2")
    assert await is_revoked(follower, feed.token(sid="1"))
    await until(lambda: feed.waiting)
    feed.entries.clear()  # a backup was restored
    feed.revoke(sid="3")
    assert await refused(follower, feed.token(sid="3"))
    assert await is_revoked(follower, feed.token(sid="1"))
    assert feed.since.count(None) == 2
    feed.gone = True
    feed.tell()
    await until(lambda: len(feed.since) > 6)
    feed.gone = False
    feed.revoke(sid="4")
    assert await refused(follower, feed.token(sid="4"))


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
    feed: FeedServer, follower: Verifier, fault: Fault
) -> None:
    feed.revoke(sid="1")
    assert await is_revoked(follower, feed.token(sid="1"))
    await until(lambda: feed.waiting)
    asked = feed.asked["feed"]
    feed.faults["feed"] = fault
    feed.tell()
    await until(lambda: feed.asked["feed"] > asked)
    assert await is_revoked(follower, feed.token(sid="1"))
    assert await believed(follower, feed.token(sid="2"))


@pytest.mark.slow
async def test_a_server_that_comes_back_is_followed_again(
    feed: FeedServer, follower: Verifier, caplog: pytest.LogCaptureFixture
) -> None:
    assert await believed(follower, feed.token(sid="1"))
    await until(lambda: feed.waiting)
    await feed.stop()
    assert await believed(follower, feed.token(sid="1"))
    await until(lambda: "what was revoked is not told" in caplog.text)
    await asyncio.sleep(0.6)
    assert caplog.text.count("what was revoked is not told") == 1
    feed.revoke(sid="1")
    await feed.start()
    assert await refused(follower, feed.token(sid="1"))


@pytest.mark.slow
async def test_a_program_that_has_seeded_its_draws_sees_the_same_ones(
    feed: FeedServer, follower: Verifier
) -> None:
    drawn = random.getstate()
    feed.faults["feed"] = faults.server_error
    assert await believed(follower, feed.token())
    await until(lambda: feed.asked["feed"] > 2)
    assert random.getstate() == drawn


@pytest.mark.slow
async def test_where_it_must_be_certain_nothing_is_believed_after_too_long(
    feed: FeedServer,
) -> None:
    verifier = Verifier(
        feed.origin, service=SERVICE, max_unseen=timedelta(minutes=5), now=feed.clock
    )
    assert await believed(verifier, feed.token())
    await until(lambda: feed.waiting)
    asked = feed.asked["feed"]
    feed.faults["feed"] = faults.server_error
    feed.tell()
    await until(lambda: feed.asked["feed"] > asked)
    feed.clock.advance(minutes=5)
    assert await believed(verifier, feed.token())
    feed.clock.advance(seconds=1)
    with pytest.raises(Unavailable, match="revoked"):
        await verifier.verify_async(feed.token())
    feed.revoke(sid="1")
    with pytest.raises(Unavailable):
        await verifier.verify_async(feed.token(sid="1"))
    feed.faults.clear()
    await until_believed(verifier, feed)
    assert await refused(verifier, feed.token(sid="1"))
    verifier.close()


@pytest.mark.slow
async def test_where_it_must_be_certain_the_first_token_waits_for_a_feed_that_is_there(
    feed: FeedServer,
) -> None:
    feed.faults["feed"] = faults.server_error
    verifier = Verifier(
        feed.origin, service=SERVICE, max_unseen=timedelta(minutes=1), now=feed.clock
    )
    with pytest.raises(Unavailable):
        await verifier.verify_async(feed.token())
    feed.faults.clear()
    await until_believed(verifier, feed)
    verifier.close()
