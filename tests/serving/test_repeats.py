"""What is given again to the same bytes, and what never is."""

import asyncio
import logging

import pytest

from dhq_auth.serving.repeats import SIZE
from tests.serving.application import ASKED, GIVEN_AGAIN, HOLDING
from tests.serving.wire import get

AGAIN = get("/again")


async def said(wire, asked=AGAIN):
    """Return what is said to *asked*, as a number: how many had been asked anew."""
    answer = await wire.ask(asked)
    assert answer.status == 200
    return int(answer.body)


async def test_the_same_bytes_get_the_same_answer_without_being_asked_again(served):
    site = await served()
    wire = await site.connect()
    # The first of a connection, the first that is noticed, the second, whose answer is kept.
    assert [await said(wire) for _ in range(6)] == [1, 2, 3, 3, 3, 3]
    assert site.app[ASKED] == ["/again"] * 3
    assert len(site.app[GIVEN_AGAIN]) == 3
    assert all(0 <= seconds < 1 for seconds in site.app[GIVEN_AGAIN])


async def test_whoever_asks_in_the_same_bytes_gets_it_from_his_second_on(served):
    site = await served()
    one, other = await site.connect(), await site.connect()
    assert [await said(one) for _ in range(3)] == [1, 2, 3]
    assert [await said(other), await said(other)] == [4, 3]


async def test_it_has_an_id_and_a_date_of_its_own_and_else_the_same_headers(served):
    wire = await (await served()).connect()
    first, _, _, *again = [await wire.ask(AGAIN) for _ in range(6)]
    ids = {answer.headers["X-Request-Id"] for answer in again}
    assert len(ids) == 3
    assert all(len(answer.headers.getall("Date")) == 1 for answer in again)
    varying = {"X-Request-Id", "Date"}
    kept = [{n: v for n, v in a.headers.items() if n not in varying} for a in (first, *again)]
    assert all(each == kept[0] for each in kept)
    assert kept[0]["Server"] == "dhq-auth"


async def test_once_it_does_not_hold_it_is_asked_for_anew(served):
    site = await served()
    wire = await site.connect()
    assert [await said(wire) for _ in range(4)] == [1, 2, 3, 3]
    site.app[HOLDING].append(False)
    assert [await said(wire) for _ in range(3)] == [4, 5, 6]
    site.app[HOLDING].append(True)
    assert [await said(wire) for _ in range(2)] == [6, 6]


@pytest.mark.parametrize(
    "other",
    [
        get("/again?x=1"),
        get("/again", "X-One: 1"),
        get("/again", "Cookie: a=b"),
        AGAIN.replace(b"localhost", b"LOCALHOST"),
        AGAIN.replace(b"GET", b"HEAD"),
        AGAIN.replace(b"GET", b"POST"),
    ],
    ids=["query", "header", "cookie", "case", "HEAD", "POST"],
)
async def test_one_byte_more_is_another_question(served, other):
    site = await served()
    wire = await site.connect()
    assert [await said(wire) for _ in range(4)] == [1, 2, 3, 3]
    wire.send(other)
    await wire.answer(to_head=other.startswith(b"HEAD"))
    assert len(site.app[ASKED]) == 4


@pytest.mark.parametrize(
    "asked",
    [
        get("/"),
        get("/again/cookie"),
        get("/again/long"),
        get("/again/missing"),
        get("/again", "X-Long: " + "x" * 8000, "X-Longer: " + "x" * 2000),
        get("/again", "Connection: keep-alive").replace(b"HTTP/1.1", b"HTTP/1.0"),
        AGAIN.replace(b"GET", b"POST"),
        get("/again", "Transfer-Encoding: chunked") + b"0\r\n\r\n",
    ],
    ids=["no promise", "cookie", "long", "404", "long request", "1.0", "POST", "body"],
)
async def test_what_is_not_plain_is_asked_for_each_time(served, asked):
    site = await served()
    wire = await site.connect()
    for _ in range(5):
        await wire.ask(asked)
    assert len(site.app[ASKED]) == 5


async def test_two_in_one_packet_and_one_in_two_are_answered_as_ever(served):
    site = await served()
    wire = await site.connect()
    assert [await said(wire) for _ in range(4)] == [1, 2, 3, 3]
    wire.send(AGAIN * 3)
    assert [int((await wire.answer()).body) for _ in range(3)] == [4, 5, 6]
    for cut in (1, 4, len(AGAIN) - 1):
        wire.send(AGAIN[:cut])
        await wire.writer.drain()
        await asyncio.sleep(0.01)
        wire.send(AGAIN[cut:])
        assert (await wire.answer()).status == 200
    wire.send(AGAIN + AGAIN[:10])
    assert (await wire.answer()).status == 200
    wire.send(AGAIN[10:])
    assert (await wire.answer()).status == 200
    assert await said(wire) > 3, "what comes behind half a request may be its rest"
    assert await said(wire) == 3


async def test_a_body_that_comes_later_is_never_taken_for_a_request(served):
    site = await served()
    wire = await site.connect()
    await said(wire)
    for number in range(2, 8):
        wire.send(get("/again", "Content-Length: 37"))
        await wire.writer.drain()
        await asyncio.sleep(0.02)
        wire.send(b"GET /fail HTTP/1.1\r\nHost: smuggled\r\n\r\n"[:37])
        answer = await wire.answer()
        assert (answer.status, int(answer.body)) == (200, number)
    assert site.app[ASKED] == ["/again"] * 7
    assert await said(wire) == 8


async def test_behind_one_that_is_being_answered_it_waits_its_turn(served):
    site = await served()
    wire = await site.connect()
    assert [await said(wire) for _ in range(4)] == [1, 2, 3, 3]
    wire.send(get("/hold"))
    await site.holds()
    wire.send(AGAIN)
    await asyncio.sleep(0.05)
    site.release()
    held, again = await wire.answer(), await wire.answer()
    assert (held.status, again.status) == (200, 200)
    assert again.body == b"5"


async def test_where_a_log_tells_of_each_request_each_is_asked(served, caplog):
    with caplog.at_level(logging.INFO, "dhq_auth.access"):
        site = await served()
        wire = await site.connect()
        assert [await said(wire) for _ in range(4)] == [1, 2, 3, 4]
    assert len([each for each in caplog.records if each.name == "dhq_auth.access"]) == 4


async def test_so_many_are_remembered_and_no_more(served):
    site = await served()
    wire = await site.connect()
    await said(wire)
    for number in range(SIZE + 10):
        for _ in range(2):
            await said(wire, get(f"/again?n={number}"))
    asked = len(site.app[ASKED])
    await said(wire, get(f"/again?n={SIZE + 9}"))
    assert len(site.app[ASKED]) == asked
    await said(wire, get("/again?n=0"))
    assert len(site.app[ASKED]) == asked + 1


@pytest.mark.slow
async def test_a_connection_that_is_given_answers_again_is_not_idle(served):
    site = await served(KEEPALIVE_TIMEOUT="1")
    wire = await site.connect()
    began = asyncio.get_running_loop().time()
    while asyncio.get_running_loop().time() - began < 2:
        assert await said(wire) in {1, 2, 3}
        await asyncio.sleep(0.05)
    assert len(site.app[ASKED]) == 3
    await wire.gone()
    assert asyncio.get_running_loop().time() - began < 5


@pytest.mark.slow
async def test_a_caller_who_reads_nothing_fills_no_memory(served):
    site = await served()
    wire = await site.connect()
    assert [await said(wire) for _ in range(4)] == [1, 2, 3, 3]
    (connection,) = site.server.connections
    for _ in range(20_000):
        wire.send(AGAIN)
    await asyncio.sleep(0.3)
    assert connection.transport.get_write_buffer_size() < 1_000_000


async def test_a_server_that_retires_closes_after_the_answer(served):
    site = await served()
    wire = await site.connect()
    assert [await said(wire) for _ in range(4)] == [1, 2, 3, 3]
    site.server.pre_shutdown()
    wire.send(AGAIN)
    assert (await wire.answer()).status == 200
    await wire.gone()
    assert len(site.app[ASKED]) == 4


@pytest.mark.parametrize("before", ["a whole request", "the rest of a body"])
async def test_what_goes_on_with_a_head_that_has_begun_is_no_request_of_its_own(served, before):
    # Else what comes next goes on with that head: it is asked for in the name of whoever sent it.
    site = await served()
    wire = await site.connect()
    assert [await said(wire) for _ in range(4)] == [1, 2, 3, 3]
    begun = b"GET /look HTTP/1.1\r\nHost: localhost\r\nX-Eats: "
    if before == "a whole request":
        wire.send(AGAIN + begun)
    else:
        wire.send(b"POST /again HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nbo")
        await asyncio.sleep(0.05)
        wire.send(b"dy" + begun)
    assert (await wire.answer()).status == 200
    await asyncio.sleep(0.05)
    wire.send(AGAIN)  # `X-Eats: GET /again HTTP/1.1`, and another Host: a bad request
    assert (await wire.answer()).status == 400
