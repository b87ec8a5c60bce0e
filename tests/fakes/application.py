"""A tiny relying application: somewhere for `next` to lead, which remembers what it was sent."""

from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp import web
from multidict import CIMultiDictProxy

from tests.fakes.server import LocalServer

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>The application</title></head>
<body><h1>The application</h1></body></html>
"""


@dataclass(frozen=True)
class Received:
    """A request as it came in; *target* is the path with its query, byte for byte."""

    method: str
    target: str
    headers: CIMultiDictProxy[str]
    body: bytes


class Application(LocalServer):
    """Answers every path with the same page; its one endpoint is called `page`."""

    def __init__(self) -> None:
        super().__init__()
        self.received: list[Received] = []

    @property
    def url(self) -> str:
        return self.origin

    @property
    def targets(self) -> list[str]:
        """The paths and queries of the pages asked for; browsers ask for an icon too."""
        return [seen.target for seen in self.received if seen.target != "/favicon.ico"]

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [web.route("*", "/{path:.*}", self._page, name="page")]

    async def _page(self, request: web.Request) -> web.Response:
        self.received.append(
            Received(request.method, request.raw_path, request.headers, await request.read())
        )
        return web.Response(text=PAGE, content_type="text/html", charset="utf-8")
