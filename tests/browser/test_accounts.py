"""Accounts as people and their programs have them: real Chromium, real curl, a real process."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.fakes.application import Application
from tests.fakes.attacker import BUTTON, Attacker
from tests.fakes.browser import PATIENCE
from tests.fixtures.process import Serve, ServedProcess
from tests.fixtures.service import Service, Start
from tests.login.steps import query_of
from tests.self_service.people import BETTER, GOOD, Person, basic, logged_in, registered

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class Curl:
    """The program, with one cookie jar."""

    def __init__(self, base: str, jar: Path) -> None:
        self._base = base
        self._jar = jar

    async def __call__(self, path: str, *arguments: str) -> tuple[int, Any]:
        """Return status and JSON of an answer."""
        process = await asyncio.create_subprocess_exec(
            *("curl", "-sS", "-b", str(self._jar), "-c", str(self._jar), "-w", "\n%{http_code}"),
            *(*arguments, f"{self._base}{path}"),
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await process.communicate()
        body, _, status = output.decode().rpartition("\n")
        return int(status), json.loads(body)

    async def bearer(self, token: str, path: str = "/auth/check") -> tuple[int, Any]:
        return await self(path, "-H", f"Authorization: Bearer {token}")

    async def log_in(self, name: str, password: str) -> str:
        """Log in, keep the cookie, and return the login token."""
        body = json.dumps({"username": name, "password": password})
        status, said = await self(
            "/auth/login", "-H", "Content-Type: application/json", "--data-binary", body
        )
        assert status == 200, said
        token: str = said["token"]
        return token

    async def authenticated(self, *arguments: str) -> bool:
        """Whether /auth/check knows who asks with *arguments*."""
        known: bool = (await self("/auth/check", *arguments))[1]["authenticated"]
        return known


@pytest.fixture
async def served(serve: Serve, tmp_path: Path) -> ServedProcess:
    """The service for everybody: passwords cost what they cost there."""
    permissions = tmp_path / "permissions.json"
    permissions.write_text('{"notes": {"*": {"read": true}}}')
    served = serve(ALLOWED_SERVICES="notes:static", PROVIDER_NOTES_FILE=str(permissions))
    await served.start()
    return served


@pytest.fixture(params=[True, False], ids=["JavaScript", "no JavaScript"])
async def tab(request: pytest.FixtureRequest, browser: Browser) -> AsyncIterator[Page]:
    """A page of a browser that runs scripts, and of one that does not; none may be missed."""
    context = await browser.new_context(java_script_enabled=request.param)
    context.set_default_timeout(PATIENCE)
    page = await context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    yield page
    assert [text for text in said if "the server responded" not in text] == []


async def fill(page: Page, **fields: str) -> None:
    for name, value in fields.items():
        await page.locator(f"[name={name}]").fill(value)


async def press(page: Page, button: str) -> None:
    await page.get_by_role("button", name=button, exact=True).click()


async def shown_once(page: Page) -> str:
    """Return the token on the page, and see that it is gone when one comes back."""
    secret = await page.locator(".secret").text_content() or ""
    assert secret.startswith("6879-")
    await page.goto(page.url)
    assert secret not in await page.content()
    return secret


class Ada:
    """Somebody with a browser and a shell."""

    def __init__(self, served: ServedProcess, tab: Page, curl: Curl) -> None:
        self.url = served.url
        self.tab = tab
        self.curl = curl
        self.password = GOOD

    async def registers(self) -> None:
        await self.tab.goto(f"{self.url}/login")
        await self.tab.get_by_role("link", name="Create an account").click()
        await fill(self.tab, email="ada@example.com", password=self.password)
        await press(self.tab, "Create the account")
        await self.tab.wait_for_url(f"{self.url}/profile")

    async def chooses_a_username(self) -> None:
        await fill(self.tab, username="ada")
        await press(self.tab, "Choose this username")
        await expect(self.tab.get_by_role("heading", level=1)).to_have_text("ada")
        await expect(self.tab.locator("[name=username]")).to_have_count(0)

    async def takes_everything(self) -> dict[str, str]:
        """Make one of each credential, and see that it is believed; return the tokens."""
        await self.tab.goto(f"{self.url}/profile/tokens")
        await fill(self.tab, title="for curl")
        await press(self.tab, "Make the token")
        api = await shown_once(self.tab)
        await self.tab.get_by_role("link", name="Developer token").click()
        await press(self.tab, "Generate")
        developer = await shown_once(self.tab)
        jwt = await self.curl.log_in("ada", self.password)
        tokens = {"API token": api, "developer token": developer, "login token": jwt}
        for name, token in tokens.items():
            status, me = await self.curl.bearer(token, "/auth/users/me")
            assert (status, me["username"]) == (200, "ada"), name
            status, granted = await self.curl.bearer(token, "/auth/authorize?service=notes")
            assert (status, granted["permissions"]) == (200, {"read": True}), name
        assert await self.curl.authenticated()  # by its cookie
        return tokens

    async def has_nothing_of(self, tokens: dict[str, str]) -> None:
        for name, token in tokens.items():
            assert (await self.curl.bearer(token, "/auth/users/me"))[0] == 401, name
            assert (await self.curl.bearer(token))[1]["authenticated"] is False, name
        assert not await self.curl.authenticated()

    async def changes_the_password(self) -> None:
        old, self.password = self.password, BETTER
        (before,) = await self.tab.context.cookies()
        await self.tab.goto(f"{self.url}/profile")
        await fill(self.tab, current_password=old, new_password=self.password)
        await press(self.tab, "Change the password")
        await self.tab.wait_for_url(f"{self.url}/profile")
        await expect(self.tab.get_by_role("alert")).to_have_count(0)
        assert not await self.curl.authenticated("-H", f"Cookie: session={before.get('value')}")
        assert not await self.curl.authenticated("-u", f"ada:{old}")
        assert await self.curl.authenticated("-u", f"ada:{self.password}")

    async def signs_out_everywhere(self) -> None:
        await self.tab.goto(f"{self.url}/profile")
        await press(self.tab, "Sign out everywhere")
        await self.tab.wait_for_url(f"{self.url}/signed-out")
        await self.tab.goto(f"{self.url}/profile")
        await self.tab.wait_for_url(f"{self.url}/login")

    async def goes_to(self, application: str) -> None:
        """Log in on the way to an application; then go there once more as who one is."""
        await self.tab.goto(f"{self.url}/login?next={application}")
        await fill(self.tab, username="ada", password="not " + self.password)
        await press(self.tab, "Sign in")
        await expect(self.tab.get_by_role("alert")).to_be_visible()
        await fill(self.tab, username="ada@example.com", password=self.password)
        await press(self.tab, "Sign in")
        await self.tab.wait_for_url(f"{application}?jwt=*")
        _, said = await self.curl.bearer(query_of(self.tab.url)["jwt"])
        assert said["profile"]["username"] == "ada"
        await self.tab.goto(f"{self.url}/login?next={application}")
        await press(self.tab, "Continue as ada")
        await self.tab.wait_for_url(f"{application}?jwt=*")

    async def leaves(self) -> None:
        await self.tab.goto(f"{self.url}/profile")
        await self.tab.get_by_role("link", name="Delete my account").click()
        await fill(self.tab, confirmation="ada")
        await press(self.tab, "Delete my account for good")
        await self.tab.wait_for_url(f"{self.url}/signed-out")
        assert not await self.curl.authenticated("-u", f"ada:{self.password}")


@sqlite
async def test_a_person_and_the_programs_of_that_person_from_the_first_day_to_the_last(
    served: ServedProcess, tab: Page, application: Application, tmp_path: Path
) -> None:
    ada = Ada(served, tab, Curl(served.url, tmp_path / "jar"))
    await ada.registers()
    await ada.chooses_a_username()
    tokens = await ada.takes_everything()
    await ada.changes_the_password()
    await ada.has_nothing_of(tokens)
    tokens = await ada.takes_everything()
    await ada.signs_out_everywhere()
    await ada.has_nothing_of(tokens)
    await ada.goes_to(f"{application.url}/notes")
    await ada.leaves()


async def tab_to(page: Page, target: Locator) -> None:
    """Press the tab key until *target* has the focus, as somebody without a mouse does."""
    for _ in range(40):
        if await target.evaluate("element => element === document.activeElement"):
            return
        await page.keyboard.press("Tab")
    pytest.fail(f"{target} cannot be reached")


@sqlite
async def test_who_has_no_mouse_gets_everywhere(start: Start, page: Page) -> None:
    service = await start()

    async def type_into(name: str, text: str) -> None:
        await tab_to(page, page.locator(f"[name={name}]"))
        await page.keyboard.type(text)

    async def press_enter_at(role: Any, name: str) -> None:
        await tab_to(page, page.get_by_role(role, name=name, exact=True))
        await page.keyboard.press("Enter")

    await page.goto(f"{service.url}/login")
    await press_enter_at("link", "Create an account")
    await page.wait_for_url(f"{service.url}/register")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")  # skip to the content
    await type_into("email", "ada@example.com")
    await type_into("password", GOOD)
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{service.url}/profile")
    await type_into("username", "ada")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("ada")
    await press_enter_at("link", "API tokens")
    await page.wait_for_url(f"{service.url}/profile/tokens")
    await type_into("title", "made without a mouse")
    await page.keyboard.press("Enter")
    await tab_to(page, page.locator(".secret"))
    await tab_to(page, page.locator("summary"))
    await page.keyboard.press("Enter")
    await press_enter_at("button", "Revoke this token")
    await expect(page.get_by_text("revoked", exact=True)).to_be_visible()
    await press_enter_at("button", "Sign out")
    await page.wait_for_url(f"{service.url}/signed-out")


@pytest.fixture
async def attacker() -> AsyncIterator[Attacker]:
    """A page of somebody else."""
    async with Attacker() as server:
        yield server


MALLORY = {"username": "mallory", "password": GOOD}
ATTACKS: dict[str, tuple[str, dict[str, str]]] = {
    "log in as another": ("/auth/login", MALLORY),
    "register": ("/auth/register", {**MALLORY, "username": "trudy"}),
    "log out": ("/auth/logout", {}),
    "log out everywhere": ("/auth/logout", {"all": "true"}),
    "make a token": ("/auth/tokens", {"title": "mine"}),
    "make a token on its page": ("/profile/tokens", {"title": "mine", "expires_in": "never"}),
    "revoke all tokens": ("/auth/tokens/revoke", {}),
    "revoke all tokens on their page": ("/profile/tokens/revoke", {"all": "true"}),
    "make a developer token": ("/auth/developer-token", {}),
    "make a developer token on its page": ("/profile/developer", {}),
    "revoke the developer token": ("/profile/developer/revoke", {}),
    "end the sessions": ("/profile/sessions/end", {"all": "true"}),
    "choose the username": ("/auth/update", {"username": "owned"}),
    "change the names": ("/profile/names", {"name": "owned"}),
    "change the password": (
        "/auth/users/me/password",
        {"current_password": GOOD, "new_password": BETTER},
    ),
    "delete the account": ("/profile/delete", {"confirmation": "victim@example.com"}),
    "continue": ("/login/continue", {}),
}


@sqlite
@pytest.mark.parametrize("where", ["near", "origin"])
async def test_a_page_of_somebody_else_does_nothing_with_the_cookie(
    start: Start, page: Page, attacker: Attacker, subtests: pytest.Subtests, where: str
) -> None:
    """Another port of localhost is the same site: cookies go along there."""
    service = await start(PASSWORD_CHECKS="100000")
    await registered(service, "mallory")
    await page.goto(f"{service.url}/register")
    await fill(page, email="victim@example.com", password=GOOD)
    await press(page, "Create the account")
    await page.wait_for_url(f"{service.url}/profile")
    victim = await owner_of(page, service)
    await victim.make_token(title="kept")
    status, _ = await victim.call("POST", "/auth/developer-token")
    assert status == 201
    before = await belongings(victim)
    cookies = await page.context.cookies()

    for attack, (path, fields) in ATTACKS.items():
        with subtests.test(attack):
            attacker.arm(f"{service.url}{path}", fields)
            await page.goto(getattr(attacker, where))
            await press(page, BUTTON)
            await page.wait_for_url(f"{service.url}/**")
            assert await belongings(victim) == before
            assert await page.context.cookies() == cookies
    await page.goto(f"{service.url}/profile")
    await expect(page.get_by_text("victim@example.com")).to_be_visible()
    assert await person_called(service, "trudy") is None


async def owner_of(page: Page, service: Service) -> Person:
    """Return the person who is signed in on *page*, with a login token of the own."""
    return await logged_in(service, "victim@example.com")


async def belongings(person: Person) -> dict[str, Any]:
    """Return all that somebody else could have changed."""
    _, me = await person.call("GET", "/auth/users/me")
    _, tokens = await person.call("GET", "/auth/tokens")
    _, sessions = await person.call("GET", "/auth/sessions")
    headers = basic("victim@example.com")
    answer = await person.service.new_browser().get("/auth/check", headers=headers)
    return {
        "me": me,
        "tokens": [{**token, "used_at": None} for token in tokens["items"]],
        "sessions": {session["id"] for session in sessions["items"]},
        "password": (await answer.json())["authenticated"],
    }


async def person_called(service: Service, name: str) -> str | None:
    answer = await service.browser.get("/auth/resolve", params={"username": name})
    found: str | None = (await answer.json())["userid"]
    return found


@sqlite
@pytest.mark.parametrize("where", ["near", "origin"])
async def test_a_script_of_somebody_else_does_nothing_with_the_cookie(
    start: Start, page: Page, attacker: Attacker, where: str
) -> None:
    service = await start(ALLOWED_REDIRECTS="http://app.example.com")
    await page.goto(f"{service.url}/register")
    await fill(page, email="victim@example.com", password=GOOD)
    await press(page, "Create the account")
    victim = await owner_of(page, service)
    before = await belongings(victim)
    attacker.arm(service.url, {})
    await page.goto(getattr(attacker, where))
    calls = [
        *(("POST", path, fields) for path, fields in ATTACKS.values()),
        ("PUT", "/auth/users/me", {"name": "owned"}),
        ("DELETE", "/auth/users/me", {}),
        ("DELETE", "/auth/sessions", {}),
        ("DELETE", "/auth/tokens", {}),
        ("GET", "/auth/users/me", None),
    ]
    for mode in ("no-cors", "cors"):
        read = await page.evaluate(SEND, [service.url, calls, mode])
        assert [text for text in read if "victim" in text] == []
    assert await belongings(victim) == before


SEND = """async ([base, calls, mode]) => {
  const read = [];
  for (const [method, path, fields] of calls) {
    const body = fields && JSON.stringify(fields);
    for (const type of ['text/plain', 'application/json'])
      try {
        const answer = await fetch(base + path,
          {method, mode, body, credentials: 'include', headers: {'Content-Type': type}});
        read.push(await answer.text());
      } catch {}
  }
  return read;
}"""
