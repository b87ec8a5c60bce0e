"""The yardstick: aiohttp with uvloop answering a constant, without a log."""

import sys

import uvloop
from aiohttp import web


async def hello(_request: web.Request) -> web.Response:
    """Answer."""
    return web.Response(text="hello")


if __name__ == "__main__":
    app = web.Application()
    app.router.add_get("/", hello)
    uvloop.install()
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)
