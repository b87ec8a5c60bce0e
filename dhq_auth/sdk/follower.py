"""Follows the feed of revocations, in a thread of its own that never keeps a program from ending."""

import logging
import os
import re
import weakref
from collections.abc import Mapping
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from random import SystemRandom
from threading import Event, Lock, Thread
from time import monotonic
from typing import Any, Final

from dhq_auth.sdk.flights import landed
from dhq_auth.sdk.jwks import Keys, Wait
from dhq_auth.sdk.remote import MAX_BODY, Answer, Remote, Unavailable
from dhq_auth.sdk.revoked import NotAPage, Page, Revoked, kid_of_page, page_of
from dhq_auth.sdk.service_token import Clock, InvalidToken

log = logging.getLogger(__name__)

PATH: Final = "/auth/revocations"
LONG_POLL: Final = 25
"""Seconds for which the auth service waits for news before it answers that there is none."""
DEADLINE: Final = LONG_POLL + 5.0
PATIENCE: Final = 1.0
"""Seconds that the first tokens wait until it is known what was revoked."""
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 5.0
"""Seconds between two tries, doubled from one to the next while they fail."""
BREATH: Final = 0.05
"""Seconds between an answer and the next question, whatever is answered."""
AT_ONCE: Final = 1.0
"""Seconds of which an answer that had nothing to tell has not waited."""
WITHOUT_FEED: Final = 60.0
"""Seconds after which an auth service that has no feed is asked again: it may be a newer one then."""
MIN_UNSEEN: Final = timedelta(minutes=1)
FORGET_EVERY: Final = timedelta(minutes=1)
_SECONDS: Final = re.compile(r"[0-9]{1,2}")
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
_DRAW: Final = SystemRandom()
"""Not the program's own draws: it may have seeded them, and wants to see the same ones again."""


class _NoFeed(Unavailable):
    """The auth service is too old to have one."""


_OURS: Final = (Unavailable, InvalidToken, NotAPage)


class Follower:
    """Knows what was revoked; the thread that learns it is started when it is first needed.

    With *max_unseen* nothing is believed once the feed was not confirmed for so long.
    """

    def __init__(
        self, remote: Remote, keys: Keys, *, issuer: str, now: Clock, max_unseen: timedelta | None
    ) -> None:
        """Raise ValueError for a *max_unseen* in which a quiet feed is not confirmed."""
        if max_unseen is not None and max_unseen < MIN_UNSEEN:
            raise ValueError("max_unseen is a minute at least: a quiet feed is confirmed as rarely")
        self._feed = _Feed(remote, keys, issuer, now)
        self._now = now
        self._max_unseen = max_unseen
        self._lock = Lock()
        self._process = 0
        self._stop = Event()
        self._patient_until = 0.0

    def wait_for(self) -> Wait | None:
        """Return what brings the knowledge that a first token needs; None if there is no use."""
        if self._process != os.getpid():
            self._start()
        if self._feed.settled.done() or self._stop.is_set():
            return None
        left = self._patient_until - monotonic()
        return Wait(self._feed.settled, left) if left > 0 else None

    def check(self, claims: Mapping[str, Any], kid: str) -> None:
        """Raise InvalidToken if a token with these *claims*, signed by *kid*, was revoked.

        Unavailable if that cannot be said with the certainty that is asked for.
        """
        if self._feed.revoked.refuses(claims, kid):
            raise InvalidToken("The token was revoked.")
        if self._max_unseen is not None:
            unseen = self._now() - self._feed.confirmed_at
            if not -self._max_unseen <= unseen <= self._max_unseen:
                raise Unavailable("what was revoked has not been told for too long")

    def close(self) -> None:
        """Follow the feed no more; what is known stays known."""
        self._stop.set()

    def _start(self) -> None:
        if self._process:  # forked: the thread stayed behind, and whoever held a lock
            self._lock = Lock()
            self._stop = self._stop if self._stop.is_set() else Event()
        with self._lock:
            if self._process == os.getpid() or self._stop.is_set():
                return
            self._process = os.getpid()
            self._patient_until = monotonic() + PATIENCE
            # The thread knows the feed and not us, so that whoever forgets us ends it.
            weakref.finalize(self, self._stop.set)
            follow = Thread(target=self._feed.follow, args=(self._stop,), daemon=True)
            follow.name = "dhq-auth-revocations"
            follow.start()


class _Feed:
    """What the thread does: it asks for one page after the other, and learns what they say."""

    def __init__(self, remote: Remote, keys: Keys, issuer: str, now: Clock) -> None:
        self.revoked = Revoked()
        self.settled: Future[Unavailable | None] = Future()
        """Done when all was told, or could not be."""
        self.confirmed_at = _LONG_AGO
        self._remote = remote
        self._keys = keys
        self._issuer = issuer
        self._now = now
        self._since: str | None = None
        self._forgot_at = _LONG_AGO
        self._told: str | None = None

    def follow(self, stop: Event) -> None:
        """Follow the feed until *stop* is set; no fault ends it."""
        pause = FIRST_PAUSE
        while not stop.is_set():
            try:
                wait = self._follow_on()
                pause = FIRST_PAUSE
            except Exception as error:  # noqa: BLE001 - whatever it is, the next page may be better
                self._tell(error)
                longest = WITHOUT_FEED if isinstance(error, _NoFeed) else pause
                wait = longest * _DRAW.uniform(0.5, 1)  # so that not all come at once
                pause = min(pause * 2, LONGEST_PAUSE)
                self._settle()
            stop.wait(wait)

    def _follow_on(self) -> float:
        """Learn what the next page says; return for how many seconds to pause then."""
        begun, since = monotonic(), self._since
        place = "" if since is None else f"since={since}&"
        answer = self._remote.call("GET", f"{PATH}?{place}wait={LONG_POLL}", deadline=DEADLINE)
        if answer.status == 410:
            self._since = None  # everything anew; what is known stays known
        self._learn(page := self._read(answer))
        if page.more:
            return 0
        self._settle()
        # Who is told at once that there is nothing new has found no place to wait.
        waited = since is None or page.entries or monotonic() - begun >= AT_ONCE
        return BREATH if waited else _retry_after(answer)

    def _read(self, answer: Answer) -> Page:
        """Return the page that *answer* is; raise what `strict.MALFORMED` names, or Unavailable."""
        if answer.status == 404:
            raise _NoFeed("the auth service has no feed of revocations")
        if answer.status != 200:
            raise Unavailable(f"no revocations at {PATH}: status {answer.status}")
        token = answer.body.decode("ascii")
        kid = kid_of_page(token, MAX_BODY)
        if (wait := self._keys.wait_for(kid)) is not None:
            landed(*wait)
        if self.revoked.refuses_key(kid):
            raise NotAPage("signed with a key that was revoked")
        key = self._keys.key(kid)
        return page_of(token, key, issuer=self._issuer, since=self._since, now=self._now())

    def _learn(self, page: Page) -> None:
        now = self._now()
        self.revoked.add(page.entries)
        self._since = page.next
        if not page.more:
            self.confirmed_at = page.signed_at
            self._told = None
        if not timedelta(0) <= now - self._forgot_at < FORGET_EVERY:
            self.revoked.forget(now.timestamp() - page.kept)
            self._forgot_at = now

    def _settle(self) -> None:
        if not self.settled.done():
            self.settled.set_result(None)

    def _tell(self, error: Exception) -> None:
        """Say once why nothing is known; what others have sent is not for a log."""
        what = str(error) if isinstance(error, _OURS) else type(error).__name__
        if what != self._told:
            self._told = what
            log.warning("what was revoked is not told: %s", what)


def _retry_after(answer: Answer) -> float:
    """Return the seconds that *answer* names, one at least."""
    named = answer.headers.get("Retry-After") or ""
    return max(float(named), 1.0) if _SECONDS.fullmatch(named) else 1.0
