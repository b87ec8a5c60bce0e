"""One small service behind each middleware, and a way to ask it that is the same for both."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientSession, web
from multidict import CIMultiDict
from yarl import URL

from dhq_auth.sdk import Caller, Denied, InvalidToken, Unavailable, Verifier
from dhq_auth.sdk.aiohttp import CALLER, middleware
from dhq_auth.sdk.asgi import Authentication

TROUBLE: dict[str, Exception] = {
    "/denied": Denied("Not this row."),
    "/denied-to-nobody": Denied("Who are you?", anonymous=True),
    "/unavailable": Unavailable("where it is, is a secret", retry_after=7),
    "/invalid": InvalidToken(),
    "/broken": ZeroDivisionError(),
}
"""What goes wrong at which path."""
LATE = "/late"
"""Where the answer has begun already when it goes wrong."""

Fields = Sequence[tuple[str, str]]


@dataclass
class Reply:
    status: int
    headers: CIMultiDict[str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Ask = Callable[..., Awaitable[Reply]]


def told(caller: Caller, path: str) -> bytes:
    if path in TROUBLE:
        raise TROUBLE[path]
    return json.dumps({"user": caller.user_id, "permissions": dict(caller.permissions)}).encode()


@asynccontextmanager
async def in_aiohttp(verifier: Verifier, *, required: bool = False) -> AsyncIterator[Ask]:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == LATE:
            response = web.StreamResponse()
            await response.prepare(request)
            await response.write(b"begun")
            raise TROUBLE["/denied"]
        return web.Response(body=told(request[CALLER], request.path))

    app = web.Application(middlewares=[middleware(verifier, required=required)])
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with ClientSession() as session:

        async def ask(path: str = "/", query: str = "", headers: Fields = ()) -> Reply:
            url = URL(f"{origin}{path}?{query}", encoded=True)
            async with session.get(url, headers=CIMultiDict(headers)) as got:
                return Reply(got.status, CIMultiDict(got.headers), await got.read())

        yield ask
    await runner.cleanup()


@asynccontextmanager
async def in_asgi(verifier: Verifier, *, required: bool = False) -> AsyncIterator[Ask]:
    async def answer(scope: Any, receive: Any, send: Any) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": []}
        if scope["path"] == LATE:
            await send(start)
            raise TROUBLE["/denied"]
        body = told(scope["state"]["caller"], scope["path"])
        await send(start)
        await send({"type": "http.response.body", "body": body})

    app = Authentication(answer, verifier, required=required)

    async def ask(path: str = "/", query: str = "", headers: Fields = ()) -> Reply:
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "path": path,
            "query_string": query.encode(),
            "headers": [
                (name.lower().encode(), value.encode("utf-8", "surrogateescape"))
                for name, value in headers
            ],
        }
        start, *bodies = await served(app, scope)
        pairs = [(name.decode(), value.decode()) for name, value in start["headers"]]
        body = b"".join(each["body"] for each in bodies)
        return Reply(start["status"], CIMultiDict(pairs), body)

    yield ask


async def served(app: Any, scope: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what *app* sends to one connection."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


FRAMEWORKS = {"aiohttp": in_aiohttp, "asgi": in_asgi}
