"""The feed as somebody reads it who knows no code of ours: HTTP, and any JWT library."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import jwt as pyjwt
from aiohttp import ClientResponse

from dhq_auth.sdk.revoked import Entry, Revoked
from tests.fixtures.service import Service

FEED = "/auth/revocations"


async def asked(service: Service, since: str | None = None, wait: int = 0) -> ClientResponse:
    """Return the answer to a question of a program."""
    query = {"wait": str(wait)} | ({} if since is None else {"since": since})
    return await service.program.get(FEED, params=query)


async def claims_of(service: Service, answer: ClientResponse) -> dict[str, Any]:
    """Return what a page says, once the published key has verified it."""
    assert answer.status == 200, await answer.text()
    key = await (await service.program.get("/auth/public-key")).text()
    page: dict[str, Any] = pyjwt.decode(
        await answer.text(),
        key,
        algorithms=["RS256"],
        audience="revocations",
        options={"verify_iat": False},  # the clock of the service is that of the test
    )
    return page


async def page(service: Service, since: str | None = None, wait: int = 0) -> dict[str, Any]:
    """Return what the page after *since* says."""
    return await claims_of(service, await asked(service, since, wait))


async def pages(service: Service, since: str | None = None) -> AsyncIterator[dict[str, Any]]:
    """Yield page after page, to the end of what there is now."""
    more = True
    while more:
        told = await page(service, since)
        yield told
        since, more = told["next"], told["more"]


async def entries(service: Service, since: str | None = None) -> list[dict[str, Any]]:
    """Return everything that the feed says."""
    return [entry async for told in pages(service, since) for entry in told["entries"]]


async def is_refused(service: Service, token: str) -> bool:
    """Whether the service token *token* is refused by whoever has read the feed."""
    known = Revoked()
    for entry in await entries(service):
        [(kind, value)] = ((name, value) for name, value in entry.items() if name != "at")
        known.add([Entry(kind, value, entry["at"])])
    claims = pyjwt.decode(token, options={"verify_signature": False})
    return known.refuses(claims, pyjwt.get_unverified_header(token)["kid"])


async def seconds_while(holds: Callable[[], Awaitable[bool]]) -> float:
    """Return after how many seconds, at most, one could ask and *holds* was still so."""
    begun = asked = time.monotonic()
    async with asyncio.timeout(20):
        while await holds():
            asked = time.monotonic()
    return asked - begun
