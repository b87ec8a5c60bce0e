"""What is not the page that was asked for tells nothing, and takes nothing back."""

from collections.abc import AsyncIterator
from datetime import datetime

import pytest
from joserfc.jwk import RSAKey

from dhq_auth.sdk import Verifier, strict
from dhq_auth.sdk.revoked import NotAPage, Page, kid_of_page, page_of
from tests.fakes.server import ABSENT, Changes
from tests.fixtures.service import FrozenClock
from tests.sdk.auth_server import believed
from tests.sdk.feed_server import FeedServer, is_revoked, refused, until

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
    feed: FeedServer, follower: Verifier, name: str
) -> None:
    feed.revoke(sid="1")
    assert await is_revoked(follower, feed.token(sid="1"))
    await until(lambda: feed.waiting)
    asked = feed.asked["feed"]
    feed.changes, feed.header = FORGERIES.get(name, {}), HEADERS.get(name, {})
    feed.feed_key = feed.new_key() if name == "of another key" else None
    feed.replayed = "no page" if name == "no page" else None
    feed.revoke(sid="2")
    await until(lambda: feed.asked["feed"] > asked)
    assert await is_revoked(follower, feed.token(sid="1"))
    assert await believed(follower, feed.token(sid="2"))
    feed.changes, feed.header, feed.feed_key, feed.replayed = {}, {}, None, None
    assert await refused(follower, feed.token(sid="2"))


async def test_an_entry_of_a_kind_to_come_is_passed_over(
    feed: FeedServer, follower: Verifier
) -> None:
    feed.revoke(device="7")
    feed.revoke(sid="1", reason="a word more")
    assert await is_revoked(follower, feed.token(sid="1"))


@pytest.mark.slow
async def test_pages_signed_with_a_key_that_was_revoked_are_not_believed(
    feed: FeedServer, follower: Verifier
) -> None:
    stolen, good = feed.keys[0], feed.new_key()
    feed.keys.append(good)
    assert await believed(follower, feed.token(good))
    await until(lambda: feed.waiting)
    feed.revoke(kid=stolen.kid)
    assert await refused(follower, feed.token(stolen))
    feed.revoke(sid="1")
    await until(lambda: feed.asked["feed"] > 3)
    assert await believed(follower, feed.token(good, sid="1"))
    feed.feed_key = good
    assert await refused(follower, feed.token(good, sid="1"))
