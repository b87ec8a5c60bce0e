"""What a caller may send: everything else is refused, once, and politely."""

import asyncio
import logging

import pytest

from tests.serving.application import ASKED
from tests.serving.wire import get, post

CHUNKED = b"POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"


def headed(*lines: str) -> bytes:
    return "\r\n".join((*lines, "", "")).encode("latin-1")


MALFORMED = {
    "no version": b"GET /\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": get("/", "Host: other"),
    "a host that is none": b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "a host of raw bytes": b"GET / HTTP/1.1\r\nHost: \xff\xfe\r\n\r\n",
    "an odd version": b"GET / HTTP/1.17\r\nHost: x\r\n\r\n",
    "another protocol": b"GET / ICE/1.0\r\nHost: x\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "garbage": b"\x00\xff\x13\x37" * 40,
    "a bare line feed": b"GET / HTTP/1.1\nHost: x\n\n",
    "a bare carriage return": b"GET / HTTP/1.1\r\nHost: x\rX: y\r\n\r\n",
    "a folded header": get("/", "X-Long: one", " two"),
    "a blank before the colon": get("/", "X-Blank : x"),
    "a blank in a name": get("/", "X Blank: x"),
    "a nul in a header": get("/", "X-Nul: a\x00b"),
    "no colon": get("/", "nothing"),
    "raw bytes in the path": get("/\xff\xfe"),
    "raw bytes in the query": get("/?q=\xc3\xa9"),
    "a nul in the path": get("/\x00"),
    "a blank in the path": get("/a b"),
    "length and encoding": post("/echo", b"0\r\n\r\n", "Transfer-Encoding: chunked"),
    "encoding and length": headed(
        "POST /echo HTTP/1.1", "Host: x", "Transfer-Encoding: chunked", "Content-Length: 5"
    ),
    "two lengths": post("/echo", b"hello", "Content-Length: 6"),
    "the same length twice": post("/echo", b"hello", "Content-Length: 5"),
    "a list of lengths": headed("POST /echo HTTP/1.1", "Host: x", "Content-Length: 5, 5"),
    "a signed length": headed("POST /echo HTTP/1.1", "Host: x", "Content-Length: +5"),
    "a negative length": headed("POST /echo HTTP/1.1", "Host: x", "Content-Length: -5"),
    "a hexadecimal length": headed("POST /echo HTTP/1.1", "Host: x", "Content-Length: 0x5"),
    "an endless length": headed("POST /echo HTTP/1.1", "Host: x", f"Content-Length: {2**64}"),
    "no length": headed("POST /echo HTTP/1.1", "Host: x", "Content-Length: "),
    "an unknown encoding": headed("POST /echo HTTP/1.1", "Host: x", "Transfer-Encoding: fast"),
    "chunked, then not": headed(
        "POST /echo HTTP/1.1", "Host: x", "Transfer-Encoding: chunked, identity"
    ),
    "chunked twice": headed(
        "POST /echo HTTP/1.1", "Host: x", "Transfer-Encoding: chunked, chunked"
    ),
    "two encodings": headed(
        "POST /echo HTTP/1.1", "Host: x", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"
    ),
    "an encoding in disguise": headed(
        "POST /echo HTTP/1.1", "Host: x", "Transfer-Encoding: \x0bchunked"
    ),
    "chunks of HTTP/1.0": headed("POST /echo HTTP/1.0", "Host: x", "Transfer-Encoding: chunked"),
    "a chunk without a size": CHUNKED + b"\r\nhello\r\n0\r\n\r\n",
    "a chunk of odd size": CHUNKED + b"5x\r\nhello\r\n0\r\n\r\n",
    "a chunk of negative size": CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n",
    "a chunk of prefixed size": CHUNKED + b"0x5\r\nhello\r\n0\r\n\r\n",
    "a chunk longer than it says": CHUNKED + b"3\r\nhello\r\n0\r\n\r\n",
    "a chunk of endless size": CHUNKED + b"fffffffffffffffff\r\nhello\r\n0\r\n\r\n",
    "a chunk ended by a line feed": CHUNKED + b"5\nhello\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("request_", MALFORMED.values(), ids=MALFORMED)
async def test_a_malformed_request_gets_one_400_and_the_connection_ends(served, request_):
    service = await served()
    wire = await service.connect()
    answer = await wire.ask(request_ + get("/smuggled"))
    assert answer.status == 400
    assert answer.problem.keys() == {"type", "title", "status", "code", "detail", "request_id"}
    assert answer.headers["Connection"] == "close"
    assert not await wire.rest()
    assert "/smuggled" not in service.app[ASKED]


async def test_a_fault_in_a_body_that_is_being_read_gets_one_answer(served):
    wire = await (await served()).connect()
    wire.send(CHUNKED.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
    assert (await wire.answer()).status == 100
    assert (await wire.ask(b"5\r\nhello\r\nzz\r\n" + get())).status == 400
    assert not await wire.rest()


async def test_a_fault_in_a_body_that_nobody_reads_ends_the_connection(served):
    wire = await (await served()).connect()
    wire.send(CHUNKED.replace(b"/echo", b"/ignore") + b"5\r\nhel")
    assert (await wire.answer()).status == 401
    wire.send(b"lozz" + get())
    assert not await wire.rest()


@pytest.mark.parametrize("version", ["HTTP/1.0", "HTTP/1.1"])
async def test_a_well_formed_request_is_answered(served, version):
    wire = await (await served()).connect()
    answer = await wire.ask(f"\r\nGET / {version}\r\nHost: localhost\r\n\r\n".encode())
    assert (answer.status, answer.body) == (200, b"hello")


async def test_pipelined_requests_are_answered_in_order_and_all(served):
    wire = await (await served()).connect()
    wire.send(b"".join(post("/echo", b"%d" % number) for number in range(50)))
    assert [(await wire.answer()).body for _ in range(50)] == [b"%d" % n for n in range(50)]


async def test_what_follows_an_upgrade_request_is_not_a_request(served):
    service = await served()
    wire = await service.connect()
    upgrade = get("/", "Connection: upgrade", "Upgrade: websocket")
    assert (await wire.ask(upgrade + get("/smuggled"))).status == 200
    assert not await wire.rest()
    assert service.app[ASKED] == ["/"]


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "BREW", "get"])
async def test_a_method_that_we_do_not_know_is_405(served, method):
    wire = await (await served()).connect()
    target = "localhost:80" if method == "CONNECT" else "/"
    answer = await wire.ask(f"{method} {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert answer.status == 405
    assert answer.problem["code"] == "method_not_allowed"
    assert "GET" in answer.headers["Allow"]
    assert not await wire.rest()


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (get("/" + "x" * 2000), 414, "uri_too_long"),
        (get("/?" + "x" * 70_000), 414, "uri_too_long"),
        (get("/", "X-Long: " + "x" * 2000), 431, "headers_too_large"),
        (get("/", "x" * 2000 + ": y"), 431, "headers_too_large"),
        (get("/", *["X-Many: x"] * 200), 431, "headers_too_large"),
        (get("/", *["X-Much: " + "x" * 900] * 20), 431, "headers_too_large"),
        (get("/", "X-Endless: " + "x" * 1_000_000), 431, "headers_too_large"),
    ],
    ids=["path", "query", "value", "name", "number", "sum", "endless"],
)
async def test_a_head_beyond_the_limits_is_refused_and_the_answer_arrives(
    served, request_, status, code
):
    wire = await (await served(MAX_URL="1k", MAX_HEADER="1k")).connect()
    answer = await wire.ask(request_)
    assert (answer.status, answer.problem["code"]) == (status, code)
    assert answer.problem["detail"]
    assert not await wire.rest()


async def test_headers_that_are_too_large_in_pieces_are_refused_before_they_end(served):
    wire = await (await served(MAX_URL="1k", MAX_HEADER="1k")).connect()
    wire.send(b"GET / HTTP/1.1\r\n")
    for _ in range(20):
        wire.send(b"X-Much: " + b"x" * 500 + b"\r\n")
        await wire.writer.drain()
    assert (await wire.answer()).status == 431


async def test_an_address_within_the_limits_is_served(served):
    wire = await (await served(MAX_URL="1k", MAX_HEADER="1k")).connect()
    assert (await wire.ask(get("/?" + "x" * 1022, "X: " + "x" * 1000))).status == 200


async def test_raw_bytes_in_headers_reach_the_application_and_break_nothing(served):
    wire = await (await served()).connect()
    odd = "\xff\xfe=\xed\xa0\x80"
    names = ("Cookie", "Authorization", "Content-Type", "Accept", "X-Forwarded-For", "Referer")
    answer = await wire.ask(get("/look?a=%ff%00", *(f"{name}: {odd}" for name in names)))
    assert answer.status == 200


@pytest.mark.parametrize(
    "path", ["/%ff", "/%00", "//", "/%2e%2e/", "/a%0d%0ab", "http://x/nowhere"]
)
async def test_an_odd_path_is_just_not_found(served, path):
    wire = await (await served()).connect()
    assert (await wire.ask(get(path))).status == 404


@pytest.mark.parametrize("more", ["", "\xff\xfe", " 100-continue"])
async def test_an_expectation_that_we_do_not_know_is_417(served, more):
    wire = await (await served()).connect()
    answer = await wire.ask(get("/", f"Expect: miracles?jwt=1{more}"))
    assert answer.status == 417
    assert b"miracles" not in answer.body


@pytest.mark.parametrize("path", ["/", "/nowhere", "/fail"])
async def test_no_answer_names_the_software(served, path):
    wire = await (await served()).connect()
    answer = await wire.ask(get(path))
    assert answer.headers["Server"] == "dhq-auth"
    assert b"aiohttp" not in answer.body.lower()


@pytest.mark.parametrize(("path", "status"), [("/fail", 500), ("/slow", 504)])
async def test_a_failure_tells_the_caller_nothing_and_the_log_no_query(
    served, caplog, path, status
):
    wire = await (await served()).connect()
    answer = await wire.ask(get(f"{path}?jwt=secret"))
    assert answer.status == status
    assert "secret" not in str(answer.problem)
    (record,) = (each for each in caplog.records if each.name == "dhq_auth.serving")
    assert record.levelno == logging.ERROR
    assert (record.path, record.request_id) == (path, answer.problem["request_id"])  # type: ignore[attr-defined]


@pytest.mark.slow
async def test_the_access_log_has_one_line_per_request_and_never_the_query(served, caplog):
    caplog.set_level(logging.INFO, "dhq_auth.access")
    wire = await (await served()).connect()
    await wire.ask(get("http://user:password@localhost/?jwt=secret", "Authorization: Bearer s3"))
    await wire.ask(get("/%0a%1b[31mred"))
    await wire.ask(b"\x00")
    await wire.rest()
    records = [each for each in caplog.records if each.name == "dhq_auth.access"]
    assert [(r.method, r.path, r.status) for r in records] == [  # type: ignore[attr-defined]
        ("GET", "/", 200),
        ("GET", "/%0a%1b[31mred", 404),
        ("UNKNOWN", "/", 400),
    ]
    assert records[0].request_id == "r-1"  # type: ignore[attr-defined]
    told = "".join(str(vars(each)) for each in records)
    assert not [word for word in ("secret", "password", "s3") if word in told]


async def test_a_caller_who_leaves_in_the_middle_of_his_body_is_no_fault_of_ours(served, caplog):
    service = await served()
    wire = await service.connect()
    wire.send(post("/echo", b"", "Expect: 100-continue").replace(b"Length: 0", b"Length: 9"))
    assert (await wire.answer()).status == 100
    await wire.close()
    await asyncio.wait_for(service.runner.cleanup(), 5)
    assert not [each for each in caplog.records if each.levelno >= logging.WARNING]
