"""The hand-off in a real browser, through a real nginx."""

from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, Route, async_playwright, expect

from tests.fakes.browser import ARGUMENTS, CHROMIUM, PATIENCE
from tests.proxies.conftest import Run
from tests.self_service.people import GOOD

pytestmark = [
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.browser,
    pytest.mark.slow,
]

FETCH = "async (path) => (await fetch(path)).status"
POST = "async (path) => (await fetch(path, {method: 'POST', body: 'x'})).status"
FROM_ELSEWHERE = "async (url) => { await fetch(url, {mode: 'no-cors', credentials: 'include'}) }"


NAMES = (
    "--host-resolver-rules=MAP *.example.com 127.0.0.1",
    # Else a page that no server sends may not ask this machine.
    "--disable-features=LocalNetworkAccessChecks,PrivateNetworkAccessSendPreflights",
)


async def elsewhere(route: Route) -> None:
    """Be the page of another host of the same site."""
    await route.fulfill(content_type="text/html", body="<title>Win</title>")


async def log_in(page: Page) -> None:
    await page.get_by_label("Username or email").fill("alice")
    await page.get_by_label("Password").fill(GOOD)
    await page.get_by_role("button", name="Sign in").click()


async def test_from_the_application_to_the_login_and_back_and_out_again(run: Run) -> None:
    at = await run("nginx/hosts.conf")
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[*ARGUMENTS, *NAMES],
        )
        context = await chromium.new_context(ignore_https_errors=True)
        context.set_default_timeout(PATIENCE)
        page, tab = await context.new_page(), await context.new_page()
        await page.goto(f"{at.app}/notes?page=2&q=a%20b")
        await tab.goto(f"{at.app}/other")
        assert urlsplit(tab.url).path == "/login"
        await log_in(page)
        await page.wait_for_url(f"{at.app}/notes?page=2&q=a%20b")
        assert at.reached.headers["X-Auth-Username"] == "alice"
        await log_in(tab)
        await tab.wait_for_url(f"{at.app}/other")

        assert await page.evaluate(FETCH, "/data") == 200
        assert await page.evaluate(POST, "/data") == 200
        assert (at.reached.method, at.reached.body) == ("POST", b"x")

        await context.route("https://evil.example.com/", elsewhere)
        await tab.goto("https://evil.example.com/")
        before = len(at.application.received)
        async with tab.expect_request("**/data") as asked:
            await tab.evaluate(FROM_ELSEWHERE, f"{at.app}/data")
        sent = await (await asked.value).all_headers()
        assert "__Host-dhq-auth" in sent["cookie"]
        assert len(at.application.received) == before, "a page of another host, though same-site"

        await page.goto(f"{at.app}/.dhq-auth/sign_out")
        await page.get_by_role("button", name="Sign out of everything").click()
        await expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
        await expect(page.locator(".button").first).not_to_have_css("display", "inline")
        await tab.goto(f"{at.auth}/profile")
        assert urlsplit(tab.url).path == "/login"
        assert await tab.evaluate("document.readyState") == "complete"
        await page.get_by_role("link", name="Sign in again").click()
        await page.wait_for_url(f"{at.auth}/login?**")
        await context.close()
        await chromium.close()
