"""REL-11, REL-17: more than a process can do, and clients that take their time."""

import asyncio
import statistics
import time
from collections.abc import Callable

import pytest
from aiohttp import ClientSession

from tests.faults.people import PASSWORD
from tests.faults.processes import descriptors, resident
from tests.faults.stage import Stage

HERD = 64
"""Connections that ask at once, again and again."""
LOGINS, QUEUED = 60, 2
"""Passwords that come at once, and those of them that may wait to be hashed."""
ROOM = 150.0
"""MiB that may be added meanwhile: one hash takes 64, and there are as many as cores less one."""
IDLE = 300
"""Clients that begin a request and never end it."""

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def test_rel_11_a_herd_is_answered_or_told_to_come_back(
    stage: Callable[..., Stage], database_url: str
) -> None:
    on = stage(1, DATABASE_URL=database_url, PASSWORD_HASHES_QUEUED=str(QUEUED))
    await on.start()
    await on.populate(["ada"])
    (ada,) = on.people
    pid = on.replicas[0].pid
    before, most = resident(pid), 0.0
    took: list[float] = []
    over = asyncio.Event()

    async def ask() -> None:
        while not over.is_set():
            begun = time.monotonic()
            await ada.check()
            took.append(time.monotonic() - begun)

    async def log_in(session: ClientSession, number: int) -> tuple[int, bool]:
        sent = {"username": f"nobody{number}", "password": PASSWORD}
        async with session.post("/auth/login", json=sent) as answer:
            return answer.status, "Retry-After" in answer.headers

    herd = [asyncio.create_task(ask()) for _ in range(HERD)]
    async with ClientSession(on.address) as session:
        logins = asyncio.gather(*(log_in(session, number) for number in range(LOGINS)))
        while not logins.done():
            most = max(most, resident(pid))
            await asyncio.sleep(0.05)
    over.set()
    await asyncio.gather(*herd)
    told = await logins
    assert {status for status, _ in told} == {401, 503}
    assert all(retries for status, retries in told if status == 503)
    assert most - before < ROOM
    # A request takes as long as those before it: what is bounded is that they are fairly served.
    assert statistics.quantiles(took, n=100)[98] < 8 * statistics.median(took) + 0.5
    await on.judge()


async def test_rel_17_who_begins_and_never_ends_takes_nobody_s_place(
    stage: Callable[..., Stage], database_url: str
) -> None:
    limits = {"MAX_CONNECTIONS": "200", "HEADER_TIMEOUT": "3", "BODY_TIMEOUT": "3"}
    on = stage(1, DATABASE_URL=database_url, **limits)
    await on.start()
    await on.populate(["ada", "bob"])
    replica = on.replicas[0]
    before = descriptors(replica.pid)
    begun = (
        b"",
        b"GET /auth/check HT",
        b"GET /auth/check HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        b"POST /auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{",
    )

    async def dawdle(first: bytes) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", replica.port)
        try:
            writer.write(first)
            while await reader.read(4096):  # until we are cut
                pass
        except ConnectionError:
            pass
        finally:
            writer.close()

    async with on.traffic():
        idle = [asyncio.create_task(dawdle(begun[n % len(begun)])) for n in range(IDLE)]
        await asyncio.sleep(1)
        async with asyncio.timeout(10), ClientSession(on.address) as newcomer:
            while True:  # a new client is served, at the second or third try where it is crowded
                async with newcomer.get("/auth/check") as answer:
                    if answer.status == 200:
                        break
        async with asyncio.timeout(90):  # KEEPALIVE_TIMEOUT, for those that said nothing at all
            await asyncio.gather(*idle[1::4], *idle[2::4], *idle[3::4])
        for task in idle:
            task.cancel()
        await asyncio.gather(*idle, return_exceptions=True)
    assert descriptors(replica.pid) - before < 50
    await on.judge()
