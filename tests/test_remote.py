"""Outgoing calls end in time, within bounds, and with one of our own errors, whoever answers."""

import asyncio
import resource
import socket
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from aiohttp import web

from dhq_auth.clock import Clock
from dhq_auth.errors import Unavailable, UpstreamFailed, UpstreamTimeout
from dhq_auth.remote import OpenIdIssuer, Remote
from dhq_auth.remote.turns import WAITING, Turns
from dhq_auth.settings import Limits, from_environ
from tests.fakes import faults
from tests.fakes.application import Application
from tests.fakes.faults import Gate, answer, dribble, json_answer, redirect
from tests.fakes.rough import listening, saying, tls_server
from tests.fakes.server import Fault

MEBIBYTE = 1 << 20


def limits(**environ: str) -> Limits:
    return from_environ(environ).limits


@pytest.fixture
async def remote() -> AsyncIterator[Remote]:
    remote = Remote(limits())
    yield remote
    await remote.close()


@pytest.fixture
async def hurried() -> AsyncIterator[Remote]:
    """One that gives up soon, for tests that wait for it."""
    remote = Remote(limits(REMOTE_TIMEOUT="0.5", REMOTE_READ_TIMEOUT="0.3"))
    yield remote
    await remote.close()


@pytest.mark.parametrize(
    "fault",
    [
        faults.garbage,
        faults.html,
        faults.deep,
        faults.long_number,
        faults.reset,
        faults.truncated,
        faults.endless,
        faults.bomb,
        redirect("http://127.0.0.1:1/"),
        redirect("/again", 307),
        redirect("//[", 308),
        answer(304),
        answer(200, b"x" * (MEBIBYTE + 1)),
        answer(200, b'{"a": ' + b"[" * 3000 + b"]" * 3000 + b"}"),
        answer(200, b"\xff" * 100),
        answer(200, b"{}", Content_Encoding="br"),
        answer(200, b"{}", Content_Encoding="gzip"),
        answer(200, b"{}", Content_Encoding="deflate"),
        answer(200, b"{}", Content_Encoding="zstd"),
    ],
)
async def test_what_is_no_answer_is_the_fault_of_who_was_asked(
    remote: Remote, application: Application, fault: Fault
) -> None:
    application.faults["page"] = fault
    with pytest.raises(UpstreamFailed):
        await remote.call("acme", "GET", application.url)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\r\n\r\n",
        b"nonsense",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 999999 X\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: x\r\n" * 100_000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX\x00: \xff\r\nContent-Length: 1\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=\xff\r\nContent-Length: 1\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nSet-Cookie: \xff=\x01;;;=\r\nContent-Length: 1\r\n\r\nx",
        b"HTTP/1.1 302 Found\r\nLocation: \xff://\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nx",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 1000,
    ],
    ids=lambda raw: repr(raw[:60]),
)
async def test_what_is_no_http_is_the_fault_of_who_was_asked(remote: Remote, raw: bytes) -> None:
    async with saying(raw) as url:
        with pytest.raises(UpstreamFailed):
            await remote.call("acme", "GET", url)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/",
        "http://nobody.invalid/",
        "http://[::1",
        "http://127.0.0.1:99999/",
        "http:///",
        "http://" + "a" * 300 + ".example/",
        "http://a..b/",
        "http://xn--\udcff/",
        "ftp://127.0.0.1/",
        "/relative",
        "",
    ],
)
async def test_an_address_that_leads_nowhere_is_the_fault_of_who_gave_it(
    remote: Remote, url: str
) -> None:
    with pytest.raises(UpstreamFailed):
        await remote.call("acme", "GET", url)


@pytest.mark.slow
@pytest.mark.parametrize("fault", [faults.hang, dribble(0.05)], ids=["hangs", "dribbles"])
async def test_an_answer_that_does_not_end_is_given_up_at_the_deadline(
    hurried: Remote, application: Application, fault: Fault
) -> None:
    application.faults["page"] = fault
    began = time.monotonic()
    with pytest.raises(UpstreamTimeout):
        await hurried.call("acme", "GET", application.url)
    assert time.monotonic() - began < 5


@pytest.mark.slow
async def test_headers_that_do_not_end_are_given_up(hurried: Remote) -> None:
    async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while not writer.is_closing():
            writer.write(b"X: x\r\n")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with listening(drip) as url:
        began = time.monotonic()
        with pytest.raises((UpstreamTimeout, UpstreamFailed)):
            await hurried.call("acme", "GET", url)
        assert time.monotonic() - began < 5


@pytest.mark.parametrize("fault", [faults.endless, faults.bomb], ids=["endless", "bomb"])
async def test_a_body_without_end_costs_little_memory(
    remote: Remote, application: Application, fault: Fault
) -> None:
    application.faults["page"] = fault
    with pytest.raises(UpstreamFailed):
        await remote.call("acme", "GET", application.url)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(3):
        with pytest.raises(UpstreamFailed):
            await remote.call("acme", "GET", application.url)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 32 * 1024  # KiB; what the bomb unpacks to is 64 MiB


async def test_a_body_of_just_the_bound_is_read(remote: Remote, application: Application) -> None:
    application.faults["page"] = answer(200, b'"' + b"x" * (MEBIBYTE - 2) + b'"')
    content = (await remote.call("acme", "GET", application.url)).content
    assert len(content) == MEBIBYTE - 2


async def test_no_cookie_of_one_call_is_sent_with_the_next(
    remote: Remote, application: Application
) -> None:
    sent: list[str | None] = []

    async def remember(request: web.Request, _handler: object) -> web.StreamResponse:
        sent.append(request.headers.get("Cookie"))
        return web.json_response({}, headers={"Set-Cookie": "of=somebody; Path=/"})

    application.faults["page"] = remember
    for _ in range(2):  # by name: cookie jars keep none of an IP address anyway
        await remote.call("acme", "GET", application.url.replace("127.0.0.1", "localhost"))
    assert sent == [None, None]


async def test_the_bound_of_a_body_is_a_setting(application: Application) -> None:
    remote = Remote(limits(REMOTE_MAX_BODY="1k"))
    application.faults["page"] = answer(200, b'"' + b"x" * 1022 + b'"')
    assert (await remote.call("acme", "GET", application.url)).content == "x" * 1022
    application.faults["page"] = answer(200, b'"' + b"x" * 1023 + b'"')
    with pytest.raises(UpstreamFailed):
        await remote.call("acme", "GET", application.url)
    await remote.close()


async def test_silence_is_given_up_before_the_whole_call(application: Application) -> None:
    remote = Remote(limits(REMOTE_READ_TIMEOUT="0.1"))
    application.faults["page"] = faults.hang
    began = time.monotonic()
    with pytest.raises(UpstreamTimeout):
        await remote.call("acme", "GET", application.url)
    assert time.monotonic() - began < 2
    await remote.close()


async def test_a_connection_that_is_not_made_is_given_up_before_the_whole_call() -> None:
    remote = Remote(limits(REMOTE_CONNECT_TIMEOUT="0.1"))
    with socket.socket() as full, ExitStack() as waiting:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):  # more than the system keeps for one who accepts none
            client = waiting.enter_context(socket.socket())
            client.setblocking(False)  # noqa: FBT003 - the socket's own interface
            client.connect_ex(full.getsockname())
        began = time.monotonic()
        with pytest.raises(UpstreamTimeout):
            await remote.call("acme", "GET", f"http://127.0.0.1:{full.getsockname()[1]}/")
        assert time.monotonic() - began < 2
    await remote.close()


@pytest.mark.parametrize("status", [200, 201, 400, 401, 404, 500, 503])
async def test_json_is_an_answer_whatever_its_status(
    remote: Remote, application: Application, status: int
) -> None:
    application.faults["page"] = json_answer({"error": "x"}, status)
    answered = await remote.call("acme", "GET", application.url)
    assert (answered.status, answered.content) == (status, {"error": "x"})


async def test_a_call_says_who_we_are_and_carries_what_it_should(
    remote: Remote, application: Application
) -> None:
    application.faults["page"] = json_answer({})

    async def remember(request: web.Request, handler: object) -> web.StreamResponse:
        seen.append((request.method, dict(request.headers), dict(await request.post())))
        return web.json_response({})

    seen: list[tuple[str, dict[str, str], dict[str, object]]] = []
    application.faults["page"] = remember
    form = {"a": "ä&=", "b": ""}
    await remote.call("acme", "POST", application.url, headers={"X-Test": "1"}, form=form)
    ((method, headers, body),) = seen
    assert (method, body) == ("POST", form)
    assert headers["User-Agent"] == "dhq-auth"
    assert headers["Accept"] == "application/json"
    assert headers["X-Test"] == "1"


async def test_a_proxy_of_the_environment_gets_nothing(
    remote: Remote, application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", application.url)
    monkeypatch.setenv("http_proxy", application.url)
    with pytest.raises(UpstreamFailed):
        await remote.call("acme", "GET", "http://nobody.invalid/")
    assert application.received == []


async def test_a_provider_has_so_many_calls_at_once_and_another_its_own(
    application: Application,
) -> None:
    remote = Remote(limits(REMOTE_CALLS="2"))
    gate = application.faults["page"] = Gate()
    waiting = [asyncio.create_task(remote.call("slow", "GET", application.url)) for _ in range(5)]
    await gate.reached.wait()
    gate.reached.clear()
    other = asyncio.create_task(remote.call("other", "GET", application.url))
    # A call of the slow one that is one too many would come before that of the other.
    while application.asked["page"] < 3:
        await gate.reached.wait()
        gate.reached.clear()
    assert application.asked["page"] == 3
    gate.opened.set()
    await asyncio.gather(*waiting, other, return_exceptions=True)
    assert application.asked["page"] == 6
    await remote.close()


async def test_who_comes_when_too_many_wait_for_a_provider_is_told_to_come_again(
    application: Application,
) -> None:
    remote = Remote(limits(REMOTE_CALLS="1"))
    gate = application.faults["page"] = Gate()
    room = 1 + WAITING
    waiting = [
        asyncio.create_task(remote.call("slow", "GET", application.url)) for _ in range(room)
    ]
    await gate.reached.wait()
    begun = time.monotonic()
    with pytest.raises(Unavailable) as refused:
        await remote.call("slow", "GET", application.url)
    assert time.monotonic() - begun < 1
    assert int(refused.value.headers["Retry-After"]) > 0
    waiting[-1].cancel()  # who goes away makes room
    await asyncio.gather(waiting[-1], return_exceptions=True)
    later = asyncio.create_task(remote.call("slow", "GET", application.url))
    gate.opened.set()
    ended = await asyncio.gather(*waiting[:-1], later, return_exceptions=True)
    assert {type(each) for each in ended} == {UpstreamFailed}  # what they got is no JSON
    await remote.close()


async def test_a_turn_that_does_not_come_is_not_the_fault_of_who_was_never_asked() -> None:
    turns, now = Turns("slow", 1), asyncio.get_running_loop().time()
    async with turns.taken(now + 60):
        with pytest.raises(Unavailable):
            async with turns.taken(now + 0.05):
                pytest.fail("there is one turn, and it is taken")
    async with turns.taken(now + 60):
        pass  # who has gone has taken none along


async def test_a_certificate_that_nobody_vouches_for_is_refused(
    remote: Remote, tmp_path: Path
) -> None:
    async def page(_request: web.Request) -> web.Response:
        return web.json_response({})

    async with tls_server(page, tmp_path) as url:
        with pytest.raises(UpstreamFailed):
            await remote.call("acme", "GET", url)


async def test_a_remote_that_is_closed_before_its_first_call_is_closed() -> None:
    await Remote(limits()).close()


async def test_rsa_keys_below_2048_bits_are_not_used(
    remote: Remote, application: Application, clock: Clock
) -> None:
    urls = {
        name: f"{application.url}/{name}"
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")
    }
    modulus = "w" + "x" * 170  # 1024 bits
    document = {**urls, "issuer": application.url}
    keys = [{"kty": "RSA", "kid": "small", "e": "AQAB", "n": modulus}]
    application.faults["page"] = json_answer({**document, "keys": keys})
    issuer = OpenIdIssuer("acme", application.url, remote, limits(), clock)
    with pytest.raises(UpstreamFailed, match="no keys that can be used"):
        await issuer.keys()


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
async def test_the_endpoints_of_an_https_issuer_are_https_too(
    remote: Remote, clock: Clock, name: str
) -> None:
    document = dict.fromkeys(
        ("authorization_endpoint", "token_endpoint", "jwks_uri"), "https://login.example.com/x"
    )
    issuer = OpenIdIssuer("acme", "https://login.example.com", remote, limits(), clock)
    issuer._check_endpoint(document[name])
    with pytest.raises(UpstreamFailed):
        issuer._check_endpoint("http://login.example.com/x")
