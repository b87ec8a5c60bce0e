"""A receiver of webhooks, which verifies them with the library of Standard Webhooks."""

from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web
from standardwebhooks import Webhook

from tests.fakes.server import LocalServer

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLD_SECRET = "whsec_d2hhdCB3YXMgdXNlZCB1bnRpbCBub3cgMTIzNDU2Nzg="


class Receiver(LocalServer):
    """Keeps what it gets at `/hook`, if it is signed with SECRET or what *secret* is set to."""

    def __init__(self) -> None:
        super().__init__()
        self.secret = SECRET
        self.got: list[dict[str, Any]] = []
        self.headers: list[Mapping[str, str]] = []

    @property
    def url(self) -> str:
        return f"{self.origin}/hook"

    @property
    def kinds(self) -> list[str]:
        """The kinds of what it got."""
        return [each["type"] for each in self.got]

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [web.post("/hook", self.take, name="hook"), web.route("*", "/other", self.take)]

    async def take(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.got.append(Webhook(self.secret).verify(body, dict(request.headers)))
        self.headers.append(request.headers)
        return web.Response(status=204)
