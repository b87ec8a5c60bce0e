"""A site as an operator runs it: dhq-auth and an application behind a real proxy, over TLS.

The proxy runs the very files of examples/proxies; only addresses and certificates are other.
"""

import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from aiohttp import ClientResponse, ClientSession, CookieJar, TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from tests.fakes.application import Application, Received
from tests.fakes.caddy import Caddy
from tests.fakes.nginx import Nginx
from tests.fixtures.process import free_port
from tests.fixtures.service import Service, Start, whole
from tests.proxies.visitor import OTHER, Form
from tests.self_service.people import GOOD

EXAMPLES: Final = Path(__file__).parents[2] / "examples" / "proxies"
NAVIGATION: Final = {
    "Accept": "text/html",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Site": "none",
}


class Loopback(AbstractResolver):
    """Every name is this machine."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host, host="127.0.0.1", port=port, family=family, proto=0, flags=0
            )
        ]

    async def close(self) -> None:
        pass


@dataclass(frozen=True)
class Site:
    """The addresses of a site, and who answers there."""

    auth: str
    app: str
    service: Service
    application: Application

    @property
    def reached(self) -> Received:
        """The last request that reached the application."""
        return self.application.received[-1]


class Person:
    """Somebody with a browser that follows redirects one by one."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.session = ClientSession(
            connector=TCPConnector(resolver=Loopback(), ssl=False),
            cookie_jar=CookieJar(),
            middlewares=(whole,),
        )

    async def send(self, method: str, url: str, **options: Any) -> ClientResponse:
        """Send one request; *url* is encoded already."""
        headers = {**NAVIGATION, **options.pop("headers", {})}
        return await self.session.request(
            method, URL(url, encoded=True), headers=headers, allow_redirects=False, **options
        )

    async def open(self, url: str, **options: Any) -> tuple[ClientResponse, str]:
        """Type *url*, and follow where it leads; return the last answer and address."""
        return await self.follow(await self.send("GET", url, **options), url)

    async def follow(self, answer: ClientResponse, url: str) -> tuple[ClientResponse, str]:
        """Follow redirects."""
        for _ in range(12):
            if answer.status not in {302, 303}:
                return answer, url
            url = urljoin(url, answer.headers["Location"])
            answer = await self.send("GET", url)
        raise AssertionError("this goes round in circles")

    async def log_in(self, page: ClientResponse) -> tuple[ClientResponse, str]:
        """Fill in the login *page*."""
        fields = {**Form(await page.text()).fields, "username": "alice", "password": GOOD}
        origin = {"Origin": self.site.auth, "Sec-Fetch-Site": "same-origin"}
        url = f"{self.site.auth}/auth/login"
        answer = await self.send("POST", url, data=fields, headers=origin)
        assert answer.status == 303, await answer.text()
        return await self.follow(answer, url)

    async def sign_in(self) -> None:
        """Be signed in at the application."""
        page, there = await self.open(f"{self.site.app}/")
        assert urlsplit(there).path == "/login", there
        answer, there = await self.log_in(page)
        assert (answer.status, there) == (200, f"{self.site.app}/")

    async def close(self) -> None:
        """Leave."""
        await self.session.close()


@asynccontextmanager
async def site(
    start: Start,
    file: str,
    folder: Path,
    certificate: tuple[Path, Path],
    *providers: object,
    same_host: bool = False,
    **environ: str,
) -> AsyncIterator[Site]:
    """Run the proxy with the example *file*; there is an account `alice`."""
    port = free_port()
    app = f"https://app.example.com:{port}"
    auth = app if same_host else f"https://auth.example.com:{port}"
    allowed = {} if same_host else {"ALLOWED_REDIRECTS": f"{app}/.dhq-auth;{OTHER}"}
    async with Application() as application:
        service = await start(
            *providers, EXTERNAL_ADDRESS=auth, TRUSTED_PROXIES="127.0.0.1", **allowed, **environ
        )
        changes = {
            "127.0.0.1:8000": f"127.0.0.1:{service.browser.session._base_url.port}",
            "127.0.0.1:3000": f"127.0.0.1:{application.port}",
        }
        run = _nginx if file.startswith("nginx/") else _caddy
        async with run(EXAMPLES / file, folder, port, certificate, changes):
            found = Site(auth, app, service, application)
            visitor = Person(found)
            answer = await visitor.send(
                "POST",
                f"{auth}/auth/register",
                json={"username": "alice", "password": GOOD},
                headers={"Accept": "application/json", "Sec-Fetch-Site": "same-origin"},
            )
            assert answer.status == 201, await answer.text()
            await visitor.close()
            yield found


def _nginx(
    file: Path, folder: Path, port: int, certificate: tuple[Path, Path], changes: Mapping[str, str]
) -> Nginx:
    folder.mkdir(parents=True)
    for each in file.parent.glob("dhq-auth-*.conf"):
        (folder / each.name).write_text(each.read_text())
    text = _changed(file.read_text(), changes)
    pem, key = certificate
    text = _changed(
        text,
        {
            "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
            "https://auth.example.com;": f"https://auth.example.com:{port};",
            "https://app.example.com;": f"https://app.example.com:{port};",
            "/etc/ssl/certs/example.com.pem": str(pem),
            "/etc/ssl/private/example.com.key": str(key),
        },
    )
    return Nginx(folder, text)


def _caddy(
    file: Path, folder: Path, port: int, certificate: tuple[Path, Path], changes: Mapping[str, str]
) -> Caddy:
    pem, key = certificate
    sites = {
        f"\n{host}.example.com {{": f"\nhttps://{host}.example.com:{port} {{\n"
        f"\tbind 127.0.0.1\n\ttls {pem} {key}"
        for host in ("auth", "app")
    }
    return Caddy(folder, _changed(file.read_text(), {**changes, **sites}))


def _changed(text: str, changes: Mapping[str, str]) -> str:
    for old, new in changes.items():
        text = text.replace(old, new)
    return text
