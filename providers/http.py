"""Permissions from a URL: `ALLOWED_SERVICES=notes:http`, `PROVIDER_NOTES_URL=https://…`.

The URL gets a POST with ``{"service": "notes", "user": {"id": …, "username": …, …}}`` and answers
200 with ``{"permissions": {…}}``. Nothing else is an answer. A user who may do nothing gets
``{"permissions": {}}``: 403 and 404 come from a wrong token or a wrong address more often than from
a user without rights, so they count as failures like all the rest. A failure means no token (502),
an answer that comes too late too (504), unless an earlier answer may stand in.

Options, each a variable `PROVIDER_<ALIAS>_…`:

`URL`             https, or http on a loopback host; no redirect is followed
`TOKEN`           sent as `Authorization: Bearer`; `TOKEN_FILE` names a file that holds it
`TIMEOUT`         seconds for one call (3); below PERMISSION_TIMEOUT, or nothing can stand in
`MAX_AGE`         how long an answer is used again (0: every question is asked)
`STALE_IF_ERROR`  how much longer it stands in for one that cannot be had (0: not at all);
                  `/auth/authorize` then says `stale_since`
`MAX_ENTRIES`     answers that are kept (10000), those least used go first
`MAX_BODY`        bytes of an answer (16k)
`CALLS`           calls in flight (20)

Questions about one user that come while the same one is being asked get the answer to that.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from dhq_auth import Grant, GrantContext
from dhq_auth.clock import Clock, utcnow
from dhq_auth.errors import AuthError, UpstreamFailed, UpstreamTimeout
from dhq_auth.plugins.options import read_options
from dhq_auth.remote import Remote
from dhq_auth.settings.environment import variable
from dhq_auth.settings.parse import Secret, duration, integer, seconds, secret, secure_url, size

_DAY = 86400


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options, those of `remote.Bounds` among them."""

    url: str | None = variable("URL", None, secure_url, "where to ask")
    token: Secret | None = variable("TOKEN", None, secret, "bearer token", secret=True)
    remote_timeout: float = variable("TIMEOUT", "3", seconds(0.1, 60), "seconds for one call")
    max_age: timedelta = variable("MAX_AGE", "0", duration(0, _DAY), "use of one answer")
    stale_if_error: timedelta = variable(
        "STALE_IF_ERROR", "0", duration(0, 7 * _DAY), "further use while there is no other"
    )
    max_entries: int = variable("MAX_ENTRIES", "10000", integer(1, 10_000_000), "answers kept")
    remote_max_body: int = variable("MAX_BODY", "16k", size(64, 1024**2), "bytes of an answer")
    remote_calls: int = variable("CALLS", "20", integer(1, 1000), "calls in flight")

    @property
    def remote_connect_timeout(self) -> float:
        """The one deadline."""
        return self.remote_timeout

    @property
    def remote_read_timeout(self) -> float:
        """The one deadline."""
        return self.remote_timeout


def configure(options: Mapping[str, str]) -> "HttpPermissions":
    """Return a provider that asks the URL in *options*; ValueError says what is wrong with them."""
    read = read_options(Options, options)
    if read.url is None:
        raise ValueError("URL: is missing; expected: an https address")
    return HttpPermissions(read.url, read)


@dataclass(frozen=True, slots=True)
class _Answer:
    permissions: Mapping[str, Any]
    asked_at: datetime


_Key = tuple[str, str]


class HttpPermissions:
    """Asks *url*, and remembers for a while what it said of whom."""

    def __init__(self, url: str, options: Options, now: Clock = utcnow) -> None:
        self._url = url
        self._options = options
        self._now = now
        self._remote = Remote(options)
        self._answers: OrderedDict[_Key, _Answer] = OrderedDict()
        self._flights: dict[_Key, asyncio.Task[_Answer]] = {}

    async def grant(self, context: GrantContext) -> Grant:
        """Say what the URL says, or has just said.

        Raises UpstreamFailed or UpstreamTimeout when there is no answer that could be used.
        """
        key = (context.service, context.user["id"])
        max_age, stale_if_error = self._options.max_age, self._options.stale_if_error
        if answer := self._remembered(key, max_age):
            fresh_for = answer.asked_at + max_age - self._now()
            return Grant(answer.permissions, fresh_for=fresh_for)
        try:
            answer = await self._asked(key, context)
        except (UpstreamFailed, UpstreamTimeout):
            if answer := self._remembered(key, max_age + stale_if_error):
                return Grant(answer.permissions, stale_since=answer.asked_at + max_age)
            raise
        return Grant(answer.permissions, fresh_for=max_age)

    async def close(self) -> None:
        """Close the connections."""
        for flight in self._flights.values():
            flight.cancel()
        await self._remote.close()

    def _remembered(self, key: _Key, max_age: timedelta) -> _Answer | None:
        """Return the last answer of *key* if it is younger than *max_age*."""
        answer = self._answers.get(key)
        # A clock that was set back must not make an old answer young.
        if answer is None or not timedelta(0) <= self._now() - answer.asked_at < max_age:
            return None
        self._answers.move_to_end(key)
        return answer

    async def _asked(self, key: _Key, context: GrantContext) -> _Answer:
        """Return what one call says to all who ask for *key* meanwhile."""
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = asyncio.create_task(self._ask(key, context))
            flight.add_done_callback(partial(self._land, key))
        try:
            # Whoever asked first may go away: the others still wait for the same answer.
            return await asyncio.shield(flight)
        except AuthError as error:
            raise copy(error) from error

    def _land(self, key: _Key, flight: asyncio.Task[_Answer]) -> None:
        del self._flights[key]
        if not flight.cancelled():
            flight.exception()  # seen, though everybody who waited for it may be gone

    async def _ask(self, key: _Key, context: GrantContext) -> _Answer:
        asked_at = self._now()
        token = self._options.token
        answer = await self._remote.call(
            f"the permission provider of {context.service}",
            "POST",
            self._url,
            headers={"Authorization": f"Bearer {token.value}"} if token else None,
            content={"service": context.service, "user": context.user},
        )
        content = answer.content
        permissions = content.get("permissions") if isinstance(content, dict) else None
        if answer.status != 200 or not isinstance(permissions, dict):
            raise UpstreamFailed(f"status {answer.status}, without permissions to be read")
        found = _Answer(permissions, asked_at)
        self._remember(key, found)
        return found

    def _remember(self, key: _Key, answer: _Answer) -> None:
        if self._options.max_age + self._options.stale_if_error > timedelta(0):
            self._answers[key] = answer
            self._answers.move_to_end(key)
        while len(self._answers) > self._options.max_entries:
            self._answers.popitem(last=False)
