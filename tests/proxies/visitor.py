"""A browser in front of applications whose proxy asks us: both, as far as we can tell.

It speaks to the service alone. What an application would be asked goes to `/auth/verify` first, what
begins with `/.dhq-auth/` is handed over, each with the headers of a proxy; it keeps the cookies of
each host apart.
"""

from collections import defaultdict
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from typing import Any, Final
from urllib.parse import SplitResult, urljoin, urlsplit

from aiohttp import ClientResponse
from yarl import URL

from tests.fixtures.service import Browser
from tests.self_service.people import GOOD

AUTH: Final = "https://auth.example.com"
APP: Final = "https://app.example.com"
OTHER: Final = "https://other.example.com"
TRUSTING: Final = {
    "EXTERNAL_ADDRESS": AUTH,
    "TRUSTED_PROXIES": "127.0.0.1",
    "ALLOWED_REDIRECTS": f"{APP}/.dhq-auth;{OTHER}",
}
NAVIGATION: Final = {
    "Accept": "text/html",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Site": "none",
}


class Form(HTMLParser):
    """The hidden fields of a page, those of all its forms together."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "input" and found.get("type") == "hidden":
            self.fields[found["name"] or ""] = found["value"] or ""


class Visitor:
    """Somebody with a browser that comes to us by *proxy*."""

    def __init__(self, proxy: Browser, auth: str = AUTH) -> None:
        self.proxy = proxy
        self.auth = auth
        self.jars: dict[str, dict[str, str]] = defaultdict(dict)

    async def verify(
        self, url: str, *, method: str = "GET", redirect: bool = True, **headers: str
    ) -> ClientResponse:
        """Ask as the proxy of an application does when the browser wants *url*."""
        place = urlsplit(url)
        sent = {
            **{name.replace("_", "-"): value for name, value in headers.items()},
            **self._told(place, method),
            **({"X-Auth-Redirect": "on"} if redirect else {}),
        }
        return await self.proxy.get("/auth/verify", headers=sent)

    async def send(self, method: str, url: str, **options: Any) -> ClientResponse:
        """Send one request to us, directly or through the proxy of an application."""
        place = urlsplit(url)
        headers = {**options.pop("headers", NAVIGATION), **self._told(place, method)}
        path = URL(url.removeprefix(f"{place.scheme}://{place.netloc}"), encoded=True)
        answer = await self.proxy.request(method, path, headers=headers, **options)
        self._keep(place.netloc, answer)
        return answer

    async def follow(self, answer: ClientResponse, url: str) -> tuple[ClientResponse, str]:
        """Follow redirects for as long as they lead to us; return the last answer and address."""
        for _ in range(10):
            if answer.status not in {302, 303}:
                return answer, url
            url = urljoin(url, answer.headers["Location"])
            place = urlsplit(url)
            ours = f"{place.scheme}://{place.netloc}" == self.auth
            if not ours and not place.path.startswith("/.dhq-auth/"):
                answer = await self.verify(url, **_underscored(NAVIGATION))
            else:
                answer = await self.send("GET", url)
        raise AssertionError("this goes round in circles")

    async def open(self, url: str) -> tuple[ClientResponse, str]:
        """Type *url* of an application, and follow where that leads."""
        return await self.follow(await self.verify(url, **_underscored(NAVIGATION)), url)

    async def sign_in(self, url: str, name: str = "alice") -> tuple[ClientResponse, str]:
        """Open *url*, log in at the page to which that leads, and follow back."""
        page, there = await self.open(url)
        assert there.startswith(f"{self.auth}/login?"), there
        return await self.log_in(page, name)

    async def log_in(self, page: ClientResponse, name: str = "alice") -> tuple[ClientResponse, str]:
        """Fill in the login *page*."""
        return await self._post("/auth/login", page, username=name, password=GOOD)

    async def go_on(self, page: ClientResponse) -> tuple[ClientResponse, str]:
        """Go on as who one is already, at the login *page*."""
        return await self._post("/login/continue", page)

    async def _post(
        self, path: str, page: ClientResponse, **typed: str
    ) -> tuple[ClientResponse, str]:
        sent = {**Form(await page.text()).fields, **typed}
        headers = {**NAVIGATION, "Origin": self.auth, "Sec-Fetch-Site": "same-origin"}
        answer = await self.send("POST", f"{self.auth}{path}", data=sent, headers=headers)
        assert answer.status == 303, await answer.text()
        return await self.follow(answer, self.auth)

    def _told(self, place: SplitResult, method: str) -> dict[str, str]:
        cookies = "; ".join(f"{name}={value}" for name, value in self.jars[place.netloc].items())
        query = f"?{place.query}" if place.query else ""
        return {
            "X-Forwarded-Proto": place.scheme,
            "X-Forwarded-Host": place.netloc,
            "X-Forwarded-Uri": f"{place.path}{query}",
            "X-Forwarded-Method": method,
            **({"Cookie": cookies} if cookies else {}),
        }

    def _keep(self, host: str, answer: ClientResponse) -> None:
        for line in answer.headers.getall("Set-Cookie", ()):
            for name, morsel in SimpleCookie(line).items():
                assert not morsel["domain"]
                if morsel["max-age"] == "0":
                    self.jars[host].pop(name, None)
                else:
                    self.jars[host][name] = morsel.value


def _underscored(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("-", "_"): value for name, value in headers.items()}
