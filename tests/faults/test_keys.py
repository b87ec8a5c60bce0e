"""REL-09: replicas whose keys turn over by age, while people use them and a service follows."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from aiohttp import ClientSession
from joserfc.jwk import RSAKey

from dhq_auth.tokens.states import ANNOUNCED_FOR
from tests.fakes.postgres import PostgresServer
from tests.faults.clocks import WrongClock
from tests.faults.stage import Stage

HOUR, DAY = 3600, 86400
NOTICED = 30.0
"""Seconds in which every replica has seen what another one has done, on a busy machine."""


async def test_rel_09_keys_turn_over_by_age_and_no_token_is_refused(
    stage: Callable[..., Stage], postgres_url: str, postgres: PostgresServer, tmp_path: Path
) -> None:
    clock = WrongClock(tmp_path / "clock")
    lives = {"KEY_LIFETIME": "2h", "SERVICE_KEY_LIFETIME": "2h", "LOGIN_TOKEN_LIFETIME": "12h"}
    on = stage(3, DATABASE_URL=postgres_url, SECRET_KEY="s" * 40, **lives)
    on.now = clock.now
    for replica in on.replicas:
        replica.environ.update(clock.environ)
    await on.start()
    await on.populate(["ada", "bob"])
    (first,) = await published(on)
    await at(on, clock, 2 * HOUR + 60)
    async with on.traffic():
        both = await until(on, lambda kids: len(kids) == 2)
        assert first in both
        await asyncio.sleep(1)
    assert await signing(on) == {first}, "a key signs that was not announced for long enough"
    (second,) = both - {first}
    await at(on, clock, 2 * HOUR + 60 + int(ANNOUNCED_FOR.total_seconds()) + 60)
    async with on.traffic():
        await asyncio.sleep(1)
    assert await signing(on) == {second}
    keys = "SELECT count(*) FROM signing_keys"
    database = postgres_url.rpartition("/")[2]
    assert postgres.execute(keys, database) == "4"  # of each purpose two: one winner among three
    await on.judge()
    await at(on, clock, DAY)  # the last token of the first keys has expired
    again = on.replicas[0]
    assert await again.stop() == 0
    await again.start()  # who starts looks soon; the others have a minute
    await until(on, lambda kids: first not in kids)
    gone = f"SELECT count(*) FROM signing_keys WHERE kid = '{first}'"  # noqa: S608
    assert postgres.execute(gone, database) == "0"


async def at(on: Stage, clock: WrongClock, seconds: int) -> None:
    """Let it be *seconds* later than it is, on every replica."""
    for replica in on.replicas:
        await clock.jump(seconds, replica.url)


async def published(on: Stage) -> set[str]:
    """Return the `kid` of each key that the replicas publish, all of them the same."""
    found = [await _kids(replica.url) for replica in on.replicas]
    assert all(kids == found[0] for kids in found)
    return found[0]


async def until(on: Stage, holds: Callable[[set[str]], bool]) -> set[str]:
    """Wait until *holds* is true of what each replica publishes, and return it."""
    async with asyncio.timeout(3 * NOTICED):
        for replica in on.replicas:
            while not holds(await _kids(replica.url)):  # noqa: ASYNC110 - other processes do it
                await asyncio.sleep(0.1)
    return await published(on)


async def signing(on: Stage) -> set[str]:
    """Return which keys the replicas say that they sign with."""
    found = set()
    for replica in on.replicas:
        async with ClientSession(replica.url) as session:
            async with session.get("/auth/public-key") as answer:
                pem = await answer.text()
            found.add(_kid_of(pem))
    return found


async def _kids(url: str) -> set[str]:
    async with ClientSession(url) as session, session.get("/.well-known/jwks.json") as answer:
        return {key["kid"] for key in (await answer.json())["keys"]}


def _kid_of(pem: str) -> str:
    return RSAKey.import_key(pem).thumbprint()
