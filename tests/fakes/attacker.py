"""A page of somebody who wants to do things with our cookie."""

from collections.abc import Iterable
from html import escape
from typing import Final

from aiohttp import web

from tests.fakes.server import LocalServer

BUTTON: Final = "Win a prize"


class Attacker(LocalServer):
    """Serves one page; `arm` says what its button sends, and where.

    At `origin` it is another site than localhost, at `near` it is another port of the same: a
    browser calls the latter same-site, and sends it cookies that are `SameSite=Lax`.
    """

    def __init__(self) -> None:
        super().__init__()
        self._page = ""

    @property
    def near(self) -> str:
        """The same server as another port of localhost."""
        return f"http://localhost:{self.port}"

    def arm(self, url: str, fields: dict[str, str]) -> None:
        """Let the button send *fields* to *url*."""
        inputs = "".join(
            f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
            for name, value in fields.items()
        )
        self._page = (
            '<!doctype html><html lang="en"><title>Win</title>'
            f'<form method="post" action="{escape(url)}">{inputs}'
            f"<button>{BUTTON}</button></form></html>"
        )

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [web.get("/", self._answer_page, name="page")]

    async def _answer_page(self, _request: web.Request) -> web.Response:
        return web.Response(text=self._page, content_type="text/html", charset="utf-8")
