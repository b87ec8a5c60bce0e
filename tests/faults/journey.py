"""A login at a provider, step by step, as a browser makes it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from aiohttp import ClientSession, ClientTimeout, CookieJar
from yarl import URL

from tests.fixtures.service import CALLBACK

NEXT = "http://localhost:3000/app"
DEADLINE = 30.0
REDIRECTS = {302, 303}


@dataclass(frozen=True)
class Arrival:
    """Where a login ended: at `next`, or at an answer of ours that leads nowhere."""

    status: int
    where: str
    """The address that the last answer led to, or that gave it."""
    retry_after: str | None
    page: str
    seconds: float
    """How long our callback took."""

    @property
    def succeeded(self) -> bool:
        """Whether it led to `next`."""
        return self.status in REDIRECTS and self.where.startswith(NEXT)


async def log_in(address: str, provider: str, query: Mapping[str, str] | None = None) -> Arrival:
    """Log in at *provider*, as a browser that was never here; return where that ended."""
    asked = urlencode({"next": NEXT, **(query or {})})
    where = f"{address}/auth/login/{provider}?{asked}"
    timeout = ClientTimeout(DEADLINE)
    async with ClientSession(cookie_jar=CookieJar(unsafe=True), timeout=timeout) as browser:
        while True:
            begun = time.monotonic()
            url = URL(where, encoded=True)
            headers = {"Accept": "text/html"}
            async with browser.get(url, headers=headers, allow_redirects=False) as answer:
                page = await answer.text()
                took = time.monotonic() - begun if CALLBACK in where else 0.0
                retry_after = answer.headers.get("Retry-After")
                if answer.status not in REDIRECTS:
                    return Arrival(answer.status, where, retry_after, page, took)
                where = answer.headers["Location"]
                if where.startswith(NEXT):
                    return Arrival(answer.status, where, retry_after, page, took)
