"""People with an account and a password, and what they present."""

from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any

from tests.fixtures.service import Browser, Service
from tests.revocations.following import seconds_while

GOOD = "correct horse battery staple"
BETTER = "seven purple rivers sing quietly"
HTML = {"Accept": "text/html,application/xhtml+xml"}


@dataclass
class Person:
    """Somebody who is logged in, in a browser of the own and by a login token."""

    service: Service
    browser: Browser
    name: str
    id: str
    token: str = field(repr=False)

    async def call(self, method: str, path: str, **request: Any) -> tuple[int, Any]:
        """Return status and answer to a request that presents the login token alone."""
        return await ask(self.service, method, path, bearer=self.token, **request)

    async def in_browser(self, method: str, path: str, **request: Any) -> tuple[int, Any]:
        """Return status and answer to a request that presents the cookie alone."""
        answer = await self.browser.request(method, path, **request)
        return answer.status, await answer.json()

    async def make_token(self, **fields: Any) -> dict[str, Any]:
        """Make an API token."""
        status, made = await self.call("POST", "/auth/tokens", json=fields)
        assert status == 201, made
        return made

    async def again(self) -> "Person":
        """Log in once more, in another browser."""
        return await logged_in(self.service, self.name)


async def ask(
    service: Service, method: str, path: str, *, bearer: str | None = None, **request: Any
) -> tuple[int, Any]:
    """Return status and answer to a request of a program, which has no cookies."""
    headers = {**request.pop("headers", {})}
    if bearer is not None:
        headers["Authorization"] = f"Bearer {bearer}"
    answer = await service.program.request(method, path, headers=headers, **request)
    return answer.status, await answer.json()


async def registered(service: Service, name: str = "alice", **fields: Any) -> Person:
    """Register *name*, and log in."""
    sent = {"username": name, "password": GOOD, **fields}
    answer = await service.program.post("/auth/register", json=sent)
    assert answer.status == 201, await answer.text()
    return await logged_in(service, name)


async def logged_in(service: Service, name: str, password: str = GOOD) -> Person:
    """Log in as *name* in a new browser."""
    browser = service.new_browser()
    sent = {"username": name, "password": password}
    answer = await browser.post("/auth/login", json=sent)
    said = await answer.json()
    assert answer.status == 200, said
    return Person(service, browser, name, said["profile"]["id"], said["token"])


async def is_known(service: Service, bearer: str) -> bool:
    """Whether the token *bearer* is believed."""
    return (await ask(service, "GET", "/auth/check", bearer=bearer))[1]["authenticated"]


async def has_ended(service: Service, bearer: str) -> bool:
    """Whether the token *bearer*, which another process has ended, is refused within a second."""
    return await seconds_while(lambda: is_known(service, bearer)) < 1


async def is_signed_in(browser: Browser) -> bool:
    """Whether the cookie of *browser* is believed."""
    return (await (await browser.get("/auth/check")).json())["authenticated"]


def cookie_of(person: Person) -> str:
    """Return the value of the session cookie."""
    name = person.service.settings.session_cookie
    return next(each.value for each in person.browser.session.cookie_jar if each.key == name)


def basic(name: str, password: str = GOOD) -> dict[str, str]:
    """Return the header of name and password (RFC 7617)."""
    return {"Authorization": f"Basic {b64encode(f'{name}:{password}'.encode()).decode()}"}


async def tokens(person: Person) -> list[dict[str, Any]]:
    """Return the API tokens that *person* is shown."""
    status, said = await person.call("GET", "/auth/tokens?limit=1000")
    assert status == 200, said
    return said["items"]
