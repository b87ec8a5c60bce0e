"""A small application to be served: the counterpart of every test here."""

import asyncio
import logging
import os
from pathlib import Path
from typing import Final

from aiohttp import web

from dhq_auth.settings import Settings, SettingsError
from dhq_auth.web.repeat import FOR_ANOTHER, HOLDS, NOTE, Body
from tests.fakes.server import Handler

HELD: Final = web.AppKey("held", asyncio.Event)
RELEASE: Final = web.AppKey("release", asyncio.Event)
ASKED: Final = web.AppKey("asked", list[str])

HOLDING: Final = web.AppKey("holding", list[bool])
"""Whether what was answered at `/again` holds, the last word counts."""
GIVEN_AGAIN: Final = web.AppKey("given again", list[float])
"""What was noted of answers that were given again."""

LARGE: Final = 32 * 1024**2


def create(settings: Settings | None = None) -> web.Application:
    app = web.Application()
    app[HELD], app[RELEASE], app[ASKED] = asyncio.Event(), asyncio.Event(), []
    app[HOLDING], app[GIVEN_AGAIN] = [True], []
    app.middlewares.append(_note)
    app.add_routes(
        [
            web.get("/", _hello),
            web.post("/echo", _echo),
            web.post("/ignore", _ignore),
            web.get("/hold", _hold),
            web.get("/fail", _fail),
            web.get("/slow", _timeout),
            web.get("/large", _large),
            web.get("/look", _look),
            web.get("/stream", _stream),
            web.get("/pid", _pid),
            web.route("*", "/again", _again),
            web.get("/again/cookie", _again),
            web.get("/again/long", _again),
            web.get("/again/missing", _again),
            web.get("/whose", _whose),
        ]
    )
    return app


def refuse(settings: Settings) -> web.Application:
    raise SettingsError(["ALLOWED_SERVICES: nobody here is called that"])


def crash(settings: Settings) -> web.Application:
    os._exit(3)


def serve_once(settings: Settings) -> web.Application:
    """Serve in the first process only."""
    try:
        Path(os.environ["FIRST"]).touch(exist_ok=False)
    except FileExistsError:
        os._exit(3)
    return create()


def start_forever(settings: Settings) -> web.Application:
    async def begin(app: web.Application) -> None:
        logging.getLogger("dhq_auth.tests").info("starting")
        await asyncio.Event().wait()

    app = create()
    app.on_startup.append(begin)
    return app


def fail_to_start(settings: Settings) -> web.Application:
    raise RuntimeError("something is broken")


@web.middleware
async def _note(request: web.Request, handler: Handler) -> web.StreamResponse:
    request.app[ASKED].append(request.path)
    return await handler(request)


async def _hello(request: web.Request) -> web.Response:
    return web.Response(text="hello", headers={"X-Request-Id": "r-1"})


async def _echo(request: web.Request) -> web.Response:
    return web.Response(body=await request.read())


async def _ignore(request: web.Request) -> web.Response:
    return web.Response(status=401, text="no")


async def _hold(request: web.Request) -> web.Response:
    request.app[HELD].set()
    await request.app[RELEASE].wait()
    return web.Response(text="released")


async def _fail(request: web.Request) -> web.Response:
    raise RuntimeError("at http://localhost/?jwt=secret")


async def _timeout(request: web.Request) -> web.Response:
    raise TimeoutError


async def _large(request: web.Request) -> web.Response:
    return web.Response(body=bytes(LARGE))


async def _look(request: web.Request) -> web.Response:
    seen = (request.cookies, request.query, request.host, request.content_type, request.remote)
    return web.Response(body=ascii(seen).encode())


async def _stream(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    await answer.prepare(request)
    await answer.write(b"streamed")
    return answer


async def _pid(request: web.Request) -> web.Response:
    return web.Response(text=str(os.getpid()))


async def _again(request: web.Request) -> web.Response:
    """Say how many have asked, which holds as long as HOLDING says so."""
    app = request.app
    request[HOLDS], request[NOTE] = lambda: app[HOLDING][-1], app[GIVEN_AGAIN].append
    answer = web.Response(text=str(len(app[ASKED])), headers={"X-Request-Id": "first"})
    match request.path:
        case "/again/cookie":
            answer.set_cookie("a", "b")
        case "/again/long":
            answer.text = "x" * 10_000
        case "/again/missing":
            answer.set_status(404)
    return answer


async def _whose(request: web.Request) -> web.Response:
    """Say whose token it is, which is known at once unless it says `wait`."""
    app, headers = request.app, request.headers
    request[HOLDS], request[NOTE] = lambda: app[HOLDING][-1], app[GIVEN_AGAIN].append

    def answer(token: str) -> Body | None:
        return None if "wait" in token else Body(f"<{token}>".encode(), request[HOLDS])

    request[FOR_ANOTHER] = answer
    presented = [*headers.getall("Authorization", ()), *headers.getall("Auth-Token", ())]
    if len(presented) != 1 or request.cookies or "jwt" in request.query:
        return web.Response(text="several, or none")
    token = presented[0].removeprefix("Bearer").removeprefix("bearer").strip(" ")
    status = 403 if token == "refused" else 200
    said = {"X-Request-Id": "first", "X-Same": "same"}
    body = f"<{token}>".encode(errors="surrogateescape")
    return web.Response(body=body, status=status, headers=said)
