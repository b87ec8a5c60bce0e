"""The pages in a real browser: accessible, within their policy, and signing out for real."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from playwright.async_api import Browser, Page, Route

from tests.fakes.browser import SCHEMES, WIDTHS, Scheme, faults, measured
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fixtures.service import Service

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9v9z"/></svg>'


@dataclass
class Visitor:
    """A browser window, and what its console complained of."""

    page: Page
    service: Service
    complaints: list[str] = field(default_factory=list)

    async def go(self, path: str) -> None:
        await self.page.goto(f"{self.service.url}{path}")

    async def heading(self) -> str | None:
        return await self.page.get_by_role("heading", level=1).text_content()

    async def sign_in(self) -> None:
        await self.go("/login")
        await self.page.get_by_role("link", name="Continue with").click()
        await self.page.wait_for_url("**/profile")


async def picture(route: Route) -> None:
    """Be the server of the users' pictures."""
    await route.fulfill(content_type="image/svg+xml", body=PICTURE)


@pytest.fixture
async def visitor(browser: Browser, service: Service) -> AsyncIterator[Visitor]:
    """A window in front of the service; no page may violate its policy or miss a file."""
    context = await browser.new_context()
    context.set_default_timeout(10_000)
    await context.route("https://images.example.com/**", picture)
    window = Visitor(await context.new_page(), service)
    window.page.on("console", lambda message: window.complaints.append(message.text))
    window.page.on("pageerror", lambda error: window.complaints.append(str(error)))
    yield window
    # Before the service stops, which waits for what a browser has begun and left.
    await context.close()
    # An error page is an answer of 4xx, which Chromium's console calls a failure to load.
    complaints = [text for text in window.complaints if "the server responded" not in text]
    assert complaints == []


PAGES = {
    "/login": "Sign in",
    "/register": "Create an account",
    "/setup": "Set up",
    "/signed-out": "You are signed out",
    "/nowhere": "Not found",
    "/login?next=https://evil.example": "This address may not receive a login",
    "/auth/oauth_callback?state=x": "The login did not succeed",
}
OWN_PAGES = {
    "/profile": "Ada Lovelace",
    "/profile/sessions": "Sessions",
    "/profile/tokens": "API tokens",
    "/profile/developer": "Developer token",
    "/profile/delete": "Delete my account",
    "/login": "Sign in",
}


@pytest.mark.parametrize(("scheme", "width"), list(zip(SCHEMES, WIDTHS, strict=True)))
async def test_every_page_is_accessible_and_fits(
    node_packages: None, visitor: Visitor, scheme: Scheme, width: int
) -> None:
    await visitor.page.set_viewport_size({"width": width, "height": 720})
    await visitor.page.emulate_media(color_scheme=scheme)
    for path, heading in PAGES.items():
        await visitor.go(path)
        assert await visitor.heading() == heading
        assert await faults(visitor.page) == [], path
    await visitor.sign_in()
    for path, heading in OWN_PAGES.items():
        await visitor.go(path)
        assert await visitor.heading() == heading
        assert await faults(visitor.page) == [], path


async def test_a_long_name_does_not_break_the_page(visitor: Visitor, issuer: OidcIssuer) -> None:
    issuer.user |= {"name": "W" * 300, "email": f"{'e' * 200}@example.com"}
    await visitor.page.set_viewport_size({"width": 360, "height": 720})
    await visitor.sign_in()
    for path in OWN_PAGES:
        await visitor.go(path)
        assert await measured(visitor.page) == [], path


async def test_the_profile_says_who_is_signed_in(visitor: Visitor, issuer: OidcIssuer) -> None:
    await visitor.sign_in()
    assert await visitor.heading() == issuer.user["name"]
    assert await visitor.page.get_by_text(str(issuer.user["email"])).is_visible()
    seen = "document.querySelector('.person img').naturalWidth"
    assert await visitor.page.evaluate(seen) > 0, "the picture is shown"
    await visitor.go("/login")
    assert await visitor.page.get_by_text("You are signed in as").is_visible()


async def test_the_button_signs_out_for_real(visitor: Visitor) -> None:
    await visitor.sign_in()
    await visitor.page.get_by_role("button", name="Sign out", exact=True).click()
    await visitor.page.wait_for_url("**/signed-out")
    cookies = await visitor.page.context.cookies()
    assert "session" not in {cookie["name"] for cookie in cookies}
    await visitor.go("/profile")
    assert visitor.page.url.endswith("/login")


async def test_the_other_button_signs_out_everywhere(visitor: Visitor) -> None:
    token = await visitor.service.log_in("acme")
    await visitor.sign_in()
    await visitor.page.get_by_role("button", name="Sign out everywhere").click()
    await visitor.page.wait_for_url("**/signed-out")
    assert (await visitor.service.check(token))["reason"] == "revoked"


async def test_another_page_cannot_sign_the_user_out(visitor: Visitor, issuer: OidcIssuer) -> None:
    """The attacker's page is on another port of localhost: the same site, with our cookie."""
    await visitor.sign_in()
    mine = visitor.page.url
    await visitor.page.route(
        "http://localhost:1/**",
        lambda route: route.fulfill(
            content_type="text/html",
            body=f"<form method=post action={visitor.service.url}/auth/logout>"
            "<button>Win a prize</button></form>",
        ),
    )
    await visitor.page.goto("http://localhost:1/")
    await visitor.page.get_by_role("button").click()
    assert await visitor.heading() == "Not authenticated"
    await visitor.page.goto(mine)
    assert visitor.page.url == mine


async def test_no_script_runs_and_no_frame_holds_our_pages(visitor: Visitor) -> None:
    await visitor.go("/login")
    await visitor.page.evaluate(
        """() => {
          document.body.insertAdjacentHTML('beforeend', '<img src=x onerror="window.owned = 1">');
          const script = document.createElement('script');
          script.textContent = 'window.owned = 2';
          document.body.append(script);
        }"""
    )
    assert await visitor.page.evaluate("window.owned") is None
    assert any("Content Security Policy" in text for text in visitor.complaints)
    visitor.complaints.clear()
