"""Two thousand who begin and never end: what they cost in memory."""

import asyncio
import resource
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.fixtures.process import Serve, ServedProcess
from tests.serving.wire import get

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.asyncio(loop_factories=["uvloop"]),
]

MANY = 2000
TIMEOUT = "2"
"""HEADER_TIMEOUT and BODY_TIMEOUT, in seconds."""
EACH = 48 * 1024
"""Bytes that a connection may cost, beside what it has sent."""
SENT = (
    b"GET /auth/check HTTP/1.1\r\nHost: localhost\r\nX-Slow: " + b"x" * 4096,
    b"POST /auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n"
    b"Content-Type: application/json\r\n\r\n{" + b" " * 8192,
    b"POST /auth/login HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
    get("/auth/check") * 2,
)


@pytest.fixture
def many_files() -> Iterator[None]:
    """Let this process open as many connections as it needs."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(MANY + 1000, before[1]), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def memory(process: ServedProcess) -> int:
    """Return the bytes that *process* holds (RSS)."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return 1024 * int(status.partition("VmRSS:")[2].split()[0])


async def flood(process: ServedProcess) -> int:
    """Open all the connections, wait until they are cut; return the most that *process* held."""
    port = int(process.url.rpartition(":")[2])
    most = 0

    async def dawdle(number: int) -> None:
        with suppress(ConnectionError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            with suppress(ConnectionError):
                writer.write(SENT[number % len(SENT)])
                while await reader.read(1 << 16):
                    pass
            writer.close()

    flooding = asyncio.gather(*(dawdle(number) for number in range(MANY)))
    async with asyncio.timeout(60):
        while not flooding.done():
            most = max(most, memory(process))
            await asyncio.wait({flooding}, timeout=0.2)
    await flooding
    return most


async def test_two_thousand_hostile_connections_cost_little(serve: Serve, many_files: None) -> None:
    process = serve(HEADER_TIMEOUT=TIMEOUT, BODY_TIMEOUT=TIMEOUT, KEEPALIVE_TIMEOUT=TIMEOUT)
    await process.start()
    for _ in range(50):
        assert (await process.program.get("/auth/check")).status == 200
    before = memory(process)
    most = await flood(process)
    assert most - before < 1000 * (EACH + max(map(len, SENT)))
    assert (await process.program.get("/auth/check")).status == 200
