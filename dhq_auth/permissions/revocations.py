"""`/auth/revocations`: what no longer holds though its signature does, for those who check offline."""

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Literal

from aiohttp import web

from dhq_auth.errors import InvalidRequest
from dhq_auth.permissions import openapi
from dhq_auth.revocations.feed import Feed
from dhq_auth.revocations.page import Cursor, Entry, Page
from dhq_auth.tokens.signing import REVOCATIONS, TokenSigner
from dhq_auth.web.client import CLIENT_ADDRESS
from dhq_auth.web.life import LIFE
from dhq_auth.web.params import Params, query
from dhq_auth.web.routing import Route

MAX_WAIT: Final = 25
"""Seconds for which a follower waits at most: less than proxies wait for us."""
AUDIENCE: Final = "revocations"
"""Whom a page is for: readers of service tokens, which expect none, refuse it (RFC 7519 4.1.3)."""
FULL_PAGE_LIFETIME: Final = 300
"""Seconds for which anybody may keep a full page, which is followed by others."""
COME_AGAIN: Final = 1
"""Seconds after which to ask again who found no place to wait."""
NOTICED: Final = 0.5
"""Seconds after which it is noticed that who waits has left, whose place another may take."""
_SECONDS: Final = re.compile(r"[0-9]{1,3}")


@dataclass(frozen=True, slots=True)
class Signed:
    """A page, and how it is sent."""

    page: Page
    token: str


class RevocationViews:
    """The feed of revocations over HTTP."""

    def __init__(self, signer: TokenSigner, feed: Feed) -> None:
        self._signer = signer
        self._feed = feed
        self._under_way: dict[Cursor | None, asyncio.Task[Signed]] = {}

    def routes(self) -> list[Route]:
        """Return the routes of this feature."""
        return [
            Route(
                method="GET",
                path="/auth/revocations",
                handler=self.revocations,
                operation=openapi.REVOCATIONS,
            )
        ]

    async def revocations(self, request: web.Request) -> web.StreamResponse:
        """Give what was revoked after `since`; wait for it if there is nothing yet."""
        sent = query(request)
        since, seconds = _since(sent), _wait(sent)
        signed = await self._signed(since)
        response = _answer(signed, since)
        if since is None or _says(signed.page) or request.method == "HEAD" or not seconds:
            return response
        async with self._feed.place(request.get(CLIENT_ADDRESS, "unknown")) as has_place:
            if has_place:
                return _answer(await self._awaited(request, since, signed, seconds), since)
        response.headers["Retry-After"] = str(COME_AGAIN)
        return response

    async def _awaited(
        self, request: web.Request, since: Cursor, signed: Signed, seconds: int
    ) -> Signed:
        """Return the first page after *since* that has entries; an empty one after *seconds*."""
        stopping = asyncio.create_task(request.app[LIFE].stopping.wait())
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    while not _says(signed.page) and await self._goes_on(
                        request, stopping, signed.page.head
                    ):
                        signed = await self._signed(since)
        finally:
            stopping.cancel()
        # What says that nothing happened must not be older than it looks.
        return signed if _says(signed.page) else await self._signed(since)

    async def _goes_on(
        self, request: web.Request, stopping: "asyncio.Task[Literal[True]]", head: int
    ) -> bool:
        """Wait until something may have happened after *head*; False where there is no use."""
        changed = asyncio.create_task(self._feed.changed(head))
        either: set[asyncio.Task[Any]] = {changed, stopping}
        try:
            while not (stopping.done() or changed.done() or request.transport is None):
                await asyncio.wait(either, timeout=NOTICED, return_when=asyncio.FIRST_COMPLETED)
            if changed.done():
                await changed
            return not stopping.done() and request.transport is not None
        finally:
            changed.cancel()

    async def _signed(self, since: Cursor | None) -> Signed:
        """Return the page after *since*; all who ask for it at the same moment get the same."""
        task = self._under_way.get(since)
        if task is None:
            task = self._under_way[since] = asyncio.create_task(self._sign(since))
            task.add_done_callback(lambda done: self._landed(since, done))
        return await asyncio.shield(task)

    def _landed(self, since: Cursor | None, task: "asyncio.Task[Signed]") -> None:
        del self._under_way[since]
        if not task.cancelled():
            task.exception()  # those who asked for it may all have left

    async def _sign(self, since: Cursor | None) -> Signed:
        page = await self._feed.page(since)
        claims = {
            "aud": AUDIENCE,
            "since": None if since is None else str(since),
            "next": str(page.next),
            "more": page.full,
            "kept": int(page.kept.total_seconds()),
            "entries": [_written(entry) for entry in page.entries],
        }
        return Signed(page, await self._signer.state(REVOCATIONS, claims))


def _says(page: Page) -> bool:
    """Whether there is something on *page*, or after it."""
    return bool(page.entries) or page.full


def _answer(signed: Signed, since: Cursor | None) -> web.Response:
    response = web.Response(text=signed.token, content_type="application/jwt")
    # Where it begins moves with what is forgotten: from there nobody must go in circles.
    if signed.page.full and since is not None:
        response.headers["Cache-Control"] = f"public, max-age={FULL_PAGE_LIFETIME}"
    return response


def _written(entry: Entry) -> dict[str, str | int]:
    return {entry.kind: entry.value, "at": int(entry.at.timestamp())}


def _since(sent: Params) -> Cursor | None:
    text = sent.text("since", max_length=40)
    try:
        return None if text is None else Cursor.of(text)
    except ValueError:
        raise InvalidRequest("since is what the page before said in next.") from None


def _wait(sent: Params) -> int:
    """Return for how many seconds to wait at most."""
    text = sent.text("wait", max_length=10)
    if text is None:
        return MAX_WAIT
    if not _SECONDS.fullmatch(text) or int(text) > MAX_WAIT:
        raise InvalidRequest("wait is a number of seconds, 25 at most.")
    return int(text)
