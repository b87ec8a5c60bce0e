"""Nobody holds a connection, or keeps others out, by being slow, idle, or many."""

import asyncio
import socket

import pytest

from tests.serving.wire import PATIENCE, get, post

pytestmark = pytest.mark.slow

QUICK = {"HEADER_TIMEOUT": "0.3", "BODY_TIMEOUT": "0.3"}


async def test_a_head_that_does_not_end_in_time_gets_408(served):
    wire = await (await served(**QUICK)).connect()
    wire.send(b"GET / HTTP/1.1\r\nHost: loc")
    answer = await wire.answer()
    assert (answer.status, answer.problem["code"]) == (408, "request_timeout")
    assert not await wire.rest()


async def test_bytes_that_keep_coming_do_not_extend_the_deadline(served):
    wire = await (await served(**QUICK)).connect()
    loop = asyncio.get_running_loop()
    wire.send(b"GET / HTTP/1.1\r\n")
    drip = None

    def send() -> None:
        nonlocal drip
        wire.send(b"X: y\r\n")
        drip = loop.call_later(0.05, send)

    send()
    start = loop.time()
    assert (await wire.answer()).status == 408
    drip.cancel()
    assert loop.time() - start < 3


async def test_the_next_request_has_a_deadline_of_its_own(served):
    wire = await (await served(**QUICK)).connect()
    assert (await wire.ask(get())).status == 200
    wire.send(b"GET")
    assert (await wire.answer()).status == 408


async def test_a_connection_that_never_asks_is_closed_without_a_word(served):
    wire = await (await served(**QUICK)).connect()
    assert not await wire.rest()


async def test_an_idle_connection_outlives_the_deadline_of_heads(served):
    service = await served(HEADER_TIMEOUT="0.1", KEEPALIVE_TIMEOUT="60")
    idle, slow = await service.connect(), await service.connect()
    assert (await idle.ask(get())).status == 200
    idle.send(b"\r\n")
    slow.send(b"GET")
    assert (await slow.answer()).status == 408
    assert (await idle.ask(get())).status == 200


async def test_an_idle_connection_ends(served):
    wire = await (await served(KEEPALIVE_TIMEOUT="1")).connect()
    assert (await wire.ask(get())).status == 200
    assert not await wire.rest()


async def test_a_slow_head_behind_a_slow_answer_is_cut_after_that_answer(served):
    service = await served(HEADER_TIMEOUT="0.5")
    wire = await service.connect()
    wire.send(get("/hold"))
    await service.holds()
    other = await service.connect()
    wire.send(b"GET /")
    other.send(b"GET /")
    assert (await other.answer()).status == 408
    service.release()
    assert (await wire.answer()).body == b"released"
    assert (await wire.answer()).status == 408
    assert not await wire.rest()


async def test_a_body_that_nobody_reads_is_taken_and_the_connection_goes_on(served):
    wire = await (await served()).connect()
    assert (await wire.ask(post("/ignore", b"x" * 20_000))).status == 401
    assert (await wire.ask(get())).status == 200


async def test_the_rest_of_a_body_has_a_deadline(served):
    wire = await (await served(**QUICK)).connect()
    request = post("/ignore", b"").replace(b"Length: 0", b"Length: 9")
    assert (await wire.ask(request)).status == 401
    assert not await wire.rest()


async def test_the_rest_of_a_body_has_a_bound_and_the_answer_arrives(served):
    wire = await (await served(MAX_BODY="4k")).connect()
    answer = await wire.ask(post("/ignore", b"x" * 8_000_000))
    assert answer.status == 401
    assert not await wire.rest()


async def test_a_caller_who_does_not_read_his_answer_is_cut(served):
    service = await served(**QUICK)
    with socket.create_connection(("127.0.0.1", service.port)) as deaf:
        deaf.sendall(get("/large"))
        other = await service.connect()
        assert (await other.ask(get())).status == 200
        task = service.server.connections[0]._task_handler
        assert not (await asyncio.wait({task}, timeout=5))[1]


async def test_an_idle_connection_makes_room_for_a_new_one(served):
    service = await served(MAX_CONNECTIONS="10")
    wires = [await service.connect() for _ in range(10)]
    for wire in wires:
        assert (await wire.ask(get())).status == 200
    assert (await wires[0].ask(get())).status == 200
    late = await service.connect()
    assert (await late.ask(get())).status == 200
    await wires[1].gone()  # idle for longest
    assert (await wires[0].ask(get())).status == 200


async def test_a_connection_with_a_request_under_way_is_not_what_makes_room(served):
    service = await served(MAX_CONNECTIONS="10")
    busy = await service.connect()
    busy.send(get() + get("/hold"))
    assert (await busy.answer()).body == b"hello"
    await service.holds()
    for _ in range(30):
        assert (await (await service.connect()).ask(get())).status == 200
    service.release()
    assert (await busy.answer()).body == b"released"


async def test_slow_heads_do_not_keep_others_out(served):
    service = await served(MAX_CONNECTIONS="10")
    for _ in range(50):
        (await service.connect()).send(b"GET / HTTP/1.1\r\n")
    assert (await (await service.connect()).ask(get())).status == 200
    assert len(service.server.connections) <= 11


async def test_when_all_are_busy_a_new_connection_is_told_503(served):
    service = await served(MAX_CONNECTIONS="10")
    busy = [await service.connect() for _ in range(10)]
    for wire in busy:
        wire.send(get("/hold"))
        await service.holds()
    answer = await (await service.connect()).ask(get())
    assert answer.status == 503
    assert answer.headers["Retry-After"] == "1"
    assert answer.problem["code"] == "unavailable"
    service.release()
    for wire in busy:
        assert (await wire.answer()).body == b"released"
    assert (await (await service.connect()).ask(get())).status == 200


async def test_a_flood_is_cut_and_nothing_of_it_stays(served):
    service = await served(MAX_CONNECTIONS="10")
    busy = [await service.connect() for _ in range(10)]
    for wire in busy:
        wire.send(get("/hold"))
        await service.holds()
    flood = [await service.connect() for _ in range(100)]
    told = [await wire.rest() for wire in flood]
    assert all(b" 503 " in each for each in told[:16])
    assert not any(told[16:])
    assert len(service.server.connections) <= 10 + 16
    service.release()
    for wire in busy:
        assert (await wire.answer()).status == 200


async def test_no_idle_connection_is_remembered_after_its_end(served):
    service = await served()
    for _ in range(20):
        async with await service.connect() as wire:
            assert (await wire.ask(get("/", "Connection: close"))).status == 200
            assert not await wire.rest()
    assert not service.server.waiting


@pytest.mark.parametrize("request_", [get("/hold"), b"GET / HTTP/1.1\r\nHost"])
async def test_shutting_down_waits_for_what_has_begun_and_no_longer_than_it_may(served, request_):
    service = await served(SHUTDOWN_TIMEOUT="1")
    wire = await service.connect()
    wire.send(request_)
    idle = await service.connect()
    assert (await idle.ask(get())).status == 200
    start = asyncio.get_running_loop().time()
    end = asyncio.ensure_future(service.runner.cleanup())
    assert not await idle.rest()
    assert asyncio.get_running_loop().time() - start < 0.9
    await asyncio.wait_for(end, PATIENCE)
    assert asyncio.get_running_loop().time() - start < 3


async def test_a_request_that_has_begun_to_arrive_is_answered_before_the_end(served):
    service = await served(SHUTDOWN_TIMEOUT="5")
    half, fresh, body = [await service.connect() for _ in range(3)]
    half.send(get()[:10])
    body.send(post("/echo", b"", "Expect: 100-continue").replace(b"Length: 0", b"Length: 9"))
    assert (await body.answer()).status == 100
    end = asyncio.ensure_future(service.runner.cleanup())
    await half.ask(get()[10:])
    assert (await fresh.ask(get())).status == 200
    answer = await body.ask(b"123456789")
    assert (answer.body, answer.headers["Connection"]) == (b"123456789", "close")
    assert not await body.rest()
    await asyncio.wait_for(end, PATIENCE)
