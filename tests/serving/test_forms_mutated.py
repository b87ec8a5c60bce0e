"""Whatever bytes come after a request whose form is kept are answered as if there were no form."""

import asyncio
import os
import random
from contextlib import suppress

import pytest

from tests.serving.application import GIVEN_AGAIN
from tests.serving.conftest import Served
from tests.serving.wire import Wire, get

ROUNDS = int(os.environ.get("MUTATIONS", "300"))
SEED = 6
BEGUN = (
    get("/whose", "Auth-Token: one"),
    get("/whose", "X-One: 1", "Authorization: Bearer one", "Accept: */*"),
)
END = get("/", "Connection: close")
PIECES = (
    *(
        b"\r",
        b"\n",
        b"\r\n",
        b"\r\n\r\n",
        b"\0",
        b"\t",
        b" ",
        b":",
        b"=",
        b",",
        b"\xff",
        b"\x85",
        b"'",
    ),
    *(
        b"\r\nCookie: a=b",
        b"\r\nAuth-Token: x",
        b"\r\nAuthorization: Basic eDp5",
        b"?jwt=x",
        b"&a=b",
    ),
    *(b"\r\nContent-Length: 5", b"\r\nTransfer-Encoding: chunked", b"\r\nConnection: close"),
    *(b"\r\nExpect: 100-continue", b"\r\nUpgrade: h2c", b"\r\n folded", b"\r\nHost: elsewhere"),
    *(
        b"HTTP/1.0",
        b"HTTP/2",
        b"HEAD ",
        b"POST ",
        b"GET /whose HTTP/1.1\r\n",
        b"two",
        b"wait",
        b"jwt",
    ),
)


def mutated(rng: random.Random, data: bytes) -> bytes:
    """Return *data* with another token, and perhaps more that is other."""
    data = data.replace(b"one", rng.choice((b"two", b"a.b-c_d~+/=", b"wait", b"x" * 300)), 1)
    for _ in range(rng.choice((0, 1, 1, 1, 2, 3))):
        at = rng.randrange(len(data) + 1)
        to = min(len(data), at + rng.choice((0, 1, 2, 5, 20)))
        match rng.randrange(6):
            case 0 | 1:
                data = data[:at] + rng.choice(PIECES) + data[at:]
            case 2:
                data = data[:at] + rng.choice(PIECES) + data[to:]
            case 3:
                data = data[:at] + data[to:]
            case 4:
                data = data[:at] + data[at:to].swapcase() + data[to:]
            case 5:
                data = data[:to] + data[at:]
    return data


async def answers(site: Served, *packets: bytes) -> list[tuple[int, bytes]]:
    """Return all that is answered to *packets*, each of which comes after the answer to the first."""
    first, *others = packets
    async with await Wire.open(site.port) as wire:
        assert (await wire.ask(first)).status == 200
        for packet in others:
            wire.send(packet)
            await wire.writer.drain()
            for _ in range(5):  # the server takes it meanwhile: else they come as one
                await asyncio.sleep(0)
        told = []
        # To its end: or as long as somebody waits for the rest of what the last one was taken for.
        with suppress(asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            async with asyncio.timeout(1):
                while True:
                    answer = await wire.answer()
                    told.append((answer.status, answer.body if answer.status == 200 else b""))
        return told


@pytest.mark.slow
@pytest.mark.parametrize("begun", BEGUN, ids=["Auth-Token", "Authorization"])
async def test_what_is_answered_does_not_depend_on_what_was_asked_before(served, begun):
    site = await served(HEADER_TIMEOUT="0.3", BODY_TIMEOUT="0.3")
    rng = random.Random(f"{SEED} {begun!r}")  # noqa: S311 - the same cases each time
    for _ in range(ROUNDS):
        data = mutated(rng, begun)
        with_form = await answers(site, begun, data, END)
        without = await answers(site, get("/"), data, END)
        assert with_form == without, data
    assert len(site.app[GIVEN_AGAIN]) > ROUNDS / 10
