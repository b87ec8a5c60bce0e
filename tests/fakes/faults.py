"""The ways in which an endpoint fails, each a `Fault` to put into `LocalServer.faults`.

issuer.faults["jwks"] = server_error
issuer.faults["token"] = answer(200, b"[" * 100_000)
"""

import asyncio
import functools
import gzip
import json
from http import HTTPStatus

from aiohttp import web

from tests.fakes.server import RELEASED, Fault, Handler

MEBIBYTE = 1 << 20


def answer(
    status: int = 200,
    body: bytes = b"",
    content_type: str = "application/json",
    **headers: str,
) -> Fault:
    """Answer just this; in the names of *headers* an underscore stands for a hyphen."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}

    async def fault(_request: web.Request, _handler: Handler) -> web.StreamResponse:
        return web.Response(status=status, body=body, content_type=content_type, headers=fields)

    return fault


def json_answer(value: object, status: int = 200) -> Fault:
    """Answer *value* as JSON, whatever was asked."""
    return answer(status, json.dumps(value).encode())


def redirect(location: str, status: int = 302) -> Fault:
    """Send the caller somewhere else, where no secret should follow."""
    return answer(status, Location=location)


server_error = answer(HTTPStatus.INTERNAL_SERVER_ERROR, b"Internal Server Error", "text/plain")
garbage = answer(200, b'\xff\xfe{"keys": \x00')
html = answer(200, b"<!doctype html><script>alert(1)</script>We are down.", "text/html")
empty = answer(200)
deep = answer(200, b"[" * 100_000)
"""JSON nested so deeply that a recursive parser gives up."""
long_number = answer(200, b'{"id": ' + b"9" * 10_000 + b"}")
"""An integer of more digits than Python converts."""


async def hang(request: web.Request, _handler: Handler) -> web.StreamResponse:
    """Take the request and answer nothing until the server stops."""
    await request.app[RELEASED].wait()
    return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE)


async def reset(request: web.Request, _handler: Handler) -> web.StreamResponse:
    """Cut the connection instead of answering."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def truncated(request: web.Request, _handler: Handler) -> web.StreamResponse:
    """Announce a longer body than is sent, then cut the connection."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = MEBIBYTE
    await response.prepare(request)
    await response.write(b'{"issuer": ')
    if request.transport is not None:
        request.transport.close()
    return response


async def endless(request: web.Request, _handler: Handler) -> web.StreamResponse:
    """Send a JSON string that never ends, as fast as the caller reads it."""
    response = await _begun(request)
    block = b"x" * (MEBIBYTE // 16)
    while not request.app[RELEASED].is_set():
        await response.write(block)
    return response


async def bomb(request: web.Request, _handler: Handler) -> web.StreamResponse:
    """Send a body of under a megabyte that unpacks to 64 MiB."""
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    return web.Response(body=_packed(64 * MEBIBYTE), headers=headers)


def dribble(interval: float = 0.02) -> Fault:
    """Send one byte each *interval* seconds, for ever: no single read is ever late."""

    async def fault(request: web.Request, _handler: Handler) -> web.StreamResponse:
        response = await _begun(request)
        while not await _released_within(request, interval):
            await response.write(b"x")
        return response

    return fault


class Gate:
    """Hold requests until the test opens the gate; they are then answered honestly.

    gate = issuer.faults["jwks"] = Gate()
    …
    await gate.reached.wait()
    gate.opened.set()
    """

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.reached.set()
        await self.opened.wait()
        return await handler(request)


@functools.cache
def _packed(size: int) -> bytes:
    return gzip.compress(b'{"padding": "' + b"x" * size + b'"}', compresslevel=1)


async def _begun(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.enable_chunked_encoding()
    await response.prepare(request)
    await response.write(b'{"padding": "')
    return response


async def _released_within(request: web.Request, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await request.app[RELEASED].wait()
    except TimeoutError:
        return False
