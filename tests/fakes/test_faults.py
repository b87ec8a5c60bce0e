"""Each fault fails in its own way, and none outlives its server."""

import asyncio

import aiohttp
import pytest
from yarl import URL

from tests.fakes import faults
from tests.fakes.application import Application


@pytest.fixture
async def http():
    async with aiohttp.ClientSession() as session:
        yield session


async def test_the_application_remembers_requests_byte_for_byte(http, application):
    target = "/a%20b/?x=1&x=&y=%2F+%7E&jwt=a.b.c"
    async with http.post(URL(application.url + target, encoded=True), data="body"):
        pass
    assert application.targets == [target]
    assert (application.received[0].method, application.received[0].body) == ("POST", b"body")


async def test_an_answer_is_given_as_it_was_ordered(http, application):
    application.faults["page"] = faults.answer(503, b"later", "text/plain", Retry_After="7")
    async with http.get(application.url) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "7")
        assert await answer.read() == b"later"


async def test_a_redirect_leads_elsewhere(http, application):
    async with Application() as elsewhere:
        application.faults["page"] = faults.redirect(f"{elsewhere.url}/stolen", 307)
        async with http.post(application.url, data="secret"):
            pass
    assert elsewhere.targets == ["/stolen"]
    assert elsewhere.received[0].body == b"secret"


@pytest.mark.parametrize("fault", [faults.hang, faults.dribble(), faults.endless])
async def test_an_answer_without_end_ends_with_its_server(http, fault):
    application = Application()
    application.faults["page"] = fault
    async with application:
        asking = asyncio.create_task(read(http, application.url))
        done, _pending = await asyncio.wait([asking], timeout=0.1)
        assert not done
    assert await asyncio.wait_for(asking, 5) > 0


async def read(http: aiohttp.ClientSession, url: str) -> int:
    """Return how much is answered before the end, whole or not."""
    size = 1
    try:
        async with http.get(url) as answer:
            async for chunk in answer.content.iter_any():
                size += len(chunk)
    except aiohttp.ClientError:
        pass
    return size


@pytest.mark.parametrize("fault", [faults.reset, faults.truncated])
async def test_a_cut_connection_is_an_error_to_the_caller(http, application, fault):
    application.faults["page"] = fault
    with pytest.raises(aiohttp.ClientError):
        async with http.get(application.url) as answer:
            await answer.read()


async def test_a_bomb_is_small_until_it_is_unpacked(application):
    application.faults["page"] = faults.bomb
    async with (
        aiohttp.ClientSession(auto_decompress=False) as raw,
        raw.get(application.url) as answer,
    ):
        assert len(await answer.read()) < faults.MEBIBYTE
        assert answer.headers["Content-Encoding"] == "gzip"


async def test_a_gate_holds_requests_until_it_is_opened(http, application):
    gate = application.faults["page"] = faults.Gate()
    asking = [asyncio.create_task(read(http, application.url)) for _ in range(3)]
    await gate.reached.wait()
    assert application.received == []
    gate.opened.set()
    await asyncio.gather(*asking)
    assert application.asked["page"] == 3
