"""A bug of ours: the caller gets a number to quote, the log the trace, and nobody the other."""

import logging
import socket

import pytest
from aiohttp import ClientSession, web

from dhq_auth.metrics import Metrics
from dhq_auth.settings import from_environ
from dhq_auth.web.answer import answer_middleware
from dhq_auth.web.life import Life
from dhq_auth.web.observe import Requests
from dhq_auth.web.render import Pages
from dhq_auth.web.routing import Route, add_routes


async def broken(_request: web.Request) -> web.Response:
    raise RuntimeError("the secret is xyzzy")


async def teapot(_request: web.Request) -> web.Response:
    raise web.HTTPBadGateway(text="aiohttp's own words")


@pytest.mark.parametrize("path", ["/broken", "/teapot"])
@pytest.mark.parametrize("accept", ["*/*", "text/html"])
async def test_a_bug_is_a_500_that_tells_nothing(
    path: str, accept: str, caplog: pytest.LogCaptureFixture
) -> None:
    settings, life = from_environ({}), Life()
    life.begin()
    app = web.Application(
        middlewares=[
            Requests(Metrics()).middleware(),
            answer_middleware(settings, Pages(), life),
        ]
    )
    routes = {"/broken": broken, "/teapot": teapot}
    add_routes(app, [Route(method="GET", path=name, handler=h) for name, h in routes.items()])
    runner = web.AppRunner(app)
    await runner.setup()
    listener = socket.create_server(("127.0.0.1", 0))
    await web.SockSite(runner, listener).start()
    port = listener.getsockname()[1]
    with caplog.at_level(logging.ERROR):
        async with (
            ClientSession(f"http://127.0.0.1:{port}") as client,
            client.get(path, headers={"Accept": accept}) as answer,
        ):
            said = await answer.text()
    await runner.cleanup()
    assert answer.status == 500
    assert answer.headers["X-Request-Id"] in said
    assert "internal_error" in said
    for inside in ("xyzzy", "RuntimeError", "Traceback", "own words"):
        assert inside not in said
    if path == "/broken":
        (record,) = [each for each in caplog.records if each.name == "dhq_auth.web.errors"]
        assert record.request_id == answer.headers["X-Request-Id"]
        assert record.exc_info
