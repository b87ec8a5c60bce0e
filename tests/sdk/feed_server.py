"""An auth service whose feed of revocations is what the test says, one page after the other."""

import asyncio
import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from aiohttp import web
from joserfc import jws

from dhq_auth.sdk import InvalidToken, Unavailable, Verifier
from dhq_auth.tokens.key import SigningKey
from tests.fakes.server import RELEASED, Changes, changed
from tests.fixtures.service import FrozenClock
from tests.sdk.auth_server import AuthServer, believed


class FeedServer(AuthServer):
    """Tells `entries`, *page* of them at a time; `changes` replace claims of the next pages."""

    def __init__(self, clock: FrozenClock, *, page: int = 3) -> None:
        super().__init__(clock)
        self.entries: list[dict[str, Any]] = []
        self.changes: Changes = {}
        self.header: Changes = {}
        self.feed_key: SigningKey | None = None
        self.replayed: str | None = None
        self.gone = False
        self.since: list[str | None] = []
        self.waiting = 0
        self._page = page
        self._news = asyncio.Event()

    def revoke(self, **entry: object) -> None:
        """Add an entry, of this moment unless it says otherwise, and tell who waits."""
        self.entries.append({"at": int(self.clock.now.timestamp()), **entry})
        self.tell()

    def tell(self) -> None:
        """Answer who waits."""
        news, self._news = self._news, asyncio.Event()
        news.set()

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [*super().routes(), web.get("/auth/revocations", self._feed, name="feed")]

    def page(self, since: str | None) -> str:
        """Return the page after *since*."""
        place = int(since or 0)
        told = self.entries[place : place + self._page]
        truth = {
            "iss": self.origin,
            "aud": "revocations",
            "iat": int(self.clock.now.timestamp()),
            "since": since,
            "next": str(place + len(told)),
            "more": place + len(told) < len(self.entries),
            "kept": 4500,
            "entries": told,
        }
        key = self.feed_key or self.keys[0]
        header = {"typ": "revocations+jwt", "alg": "RS256", "kid": key.kid}
        claims = json.dumps(changed(truth, self.changes)).encode()
        return jws.serialize_compact(changed(header, self.header), claims, key.jwk, ["RS256"])

    async def _feed(self, request: web.Request) -> web.Response:
        since = request.query.get("since")
        self.since.append(since)
        if self.gone or int(since or 0) > len(self.entries):
            return web.json_response({"code": "revocations_gone"}, status=410)
        if since is not None and int(since) == len(self.entries) and self.replayed is None:
            news, released = self._news.wait(), request.app[RELEASED].wait()
            tasks = {asyncio.ensure_future(each) for each in (news, released)}
            self.waiting += 1
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            self.waiting -= 1
            for task in tasks:
                task.cancel()
        text = self.page(since) if self.replayed is None else self.replayed
        return web.Response(text=text, content_type="application/jwt")


async def refused(verifier: Verifier, token: str, within: float = 5) -> bool:
    """Wait until *verifier* refuses *token* as revoked; False if it has not after *within* seconds."""
    try:
        async with asyncio.timeout(within):
            while not await is_revoked(verifier, token):  # noqa: ASYNC110 - a thread learns it
                await asyncio.sleep(0.01)
    except TimeoutError:
        return False
    return True


async def is_revoked(verifier: Verifier, token: str) -> bool:
    """Whether *verifier* refuses *token* because it was revoked."""
    try:
        await verifier.verify_async(token)
    except InvalidToken as error:
        if "revoked" not in str(error):
            raise
        return True
    return False


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
