"""The whole loop on real input: Chromium, a certified provider, and verifiers of other people.

application page → /auth/check → /auth/login → the provider's own pages → /auth/oauth_callback →
application page with `jwt` → /auth/check → /auth/authorize → checked offline.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import jwt as pyjwt
import pytest
from playwright.async_api import Page

from tests.fakes.application import Application
from tests.fakes.client import Client
from tests.fakes.upstream import NodeProvider, log_in, verified_with_jose
from tests.fixtures.service import CALLBACK, Service, Start
from tests.login.steps import query_of

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

FETCH = """async ([url, options]) => {
    const answer = await fetch(url, options);
    return { status: answer.status, body: await answer.json() };
}"""
PKCE = """async () => {
    const encode = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)))
        .replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
    const verifier = encode(crypto.getRandomValues(new Uint8Array(32)));
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier));
    return [verifier, encode(digest)];
}"""


@asynccontextmanager
async def service_of_the_provider(start: Start) -> AsyncIterator[Service]:
    """Run a service that logs in at a certified provider: each must know the other's address."""
    client = Client()
    async with NodeProvider(Client(redirect_uris=set(client.redirect_uris))) as unregistered:
        port = int(unregistered.url.rpartition(":")[2])
    service = await start(
        OIDC_PROVIDERS="certified",
        OIDC_CERTIFIED_ISSUER=f"http://localhost:{port}",
        OIDC_CERTIFIED_KEY=client.id,
        OIDC_CERTIFIED_SECRET=client.secret,
        ALLOWED_SERVICES="notes:tests.browser.notes",
    )
    client.redirect_uris = {f"{service.url}{CALLBACK}"}
    async with NodeProvider(client, port=port):
        yield service


async def called(page: Page, url: str, **options: Any) -> dict[str, Any]:
    """Call *url* from the script of the page, as the application does."""
    answer: dict[str, Any] = await page.evaluate(FETCH, [url, options])
    return answer


async def offered(page: Page, service: Service, target: str) -> str:
    """Return the address at which /auth/check offers the login that leads to *target*."""
    answer = await called(page, f"{service.url}/auth/check?next={target}")
    assert answer["status"] == 200
    assert answer["body"]["authenticated"] is False
    return str(answer["body"]["providers"]["certified"]["url"])


async def test_from_the_page_of_an_application_to_a_service_token_checked_offline(
    start: Start, node_packages: None, application: Application, page: Page
) -> None:
    async with service_of_the_provider(start) as service:
        await page.goto(f"{application.url}/notes")
        await page.goto(await offered(page, service, f"{application.url}/notes?page=2"))
        await log_in(page, "ada")
        await page.wait_for_url(f"{application.url}/notes?page=2&jwt=*")
        token = query_of(page.url)["jwt"]

        known = await called(page, f"{service.url}/auth/check", headers={"Auth-Token": token})
        assert known["body"]["authenticated"] is True
        profile = known["body"]["profile"]
        assert (profile["name"], profile["email"]) == ("Ada Lovelace", "ada@example.com")
        assert profile["provider_id"] == "certified:ada"

        granted = await called(page, f"{service.url}/auth/authorize?service=notes&jwt={token}")
        assert granted["status"] == 200
        permissions = {"read": True, "write": [profile["id"]], "service": "notes"}
        assert granted["body"]["permissions"] == permissions

        service_token = granted["body"]["token"]
        public_key = await (await service.browser.get("/auth/public-key")).text()
        claims = pyjwt.decode(service_token, public_key, algorithms=["RS256"])
        assert (claims["userid"], claims["service"]) == (profile["id"], "notes")
        assert claims["permissions"] == permissions
        jwks = f"{service.url}/.well-known/jwks.json"
        assert await verified_with_jose(service_token, jwks, service.url) == claims
    pages = [seen for seen in application.received if seen.target.startswith("/notes")]
    assert len(pages) == 2
    assert not any("Referer" in seen.headers for seen in pages)


@sqlite
async def test_a_new_application_gets_a_code_and_redeems_it_in_the_browser(
    start: Start, node_packages: None, application: Application, page: Page
) -> None:
    async with service_of_the_provider(start) as service:
        await page.goto(f"{application.url}/notes")
        verifier, challenge = await page.evaluate(PKCE)
        url = await offered(page, service, f"{application.url}/notes")
        await page.goto(f"{url}&response_mode=code&code_challenge={challenge}")
        await log_in(page, "grace")
        await page.wait_for_url(f"{application.url}/notes?code=*")
        given = await called(
            page,
            f"{service.url}/auth/exchange",
            method="POST",
            headers={"Content-Type": "application/json"},
            body=f'{{"code": "{query_of(page.url)["code"]}", "code_verifier": "{verifier}"}}',
        )
        assert given["status"] == 200
        assert given["body"]["profile"]["name"] == "Grace Hopper"
        headers = {"Authorization": f"Bearer {given['body']['token']}"}
        known = await called(page, f"{service.url}/auth/check", headers=headers)
        assert known["body"]["authenticated"] is True


@sqlite
async def test_who_cancels_at_the_provider_can_try_again_and_gets_where_it_was_to_lead(
    start: Start, node_packages: None, application: Application, page: Page
) -> None:
    async with service_of_the_provider(start) as service:
        await page.goto(f"{service.url}/auth/login/certified?next={application.url}/notes")
        await page.get_by_role("link", name="Cancel").click()
        await page.get_by_text("was cancelled").wait_for()
        assert application.targets == []
        await page.get_by_role("link", name="Try again").click()
        await page.get_by_role("link", name="Continue with Certified").click()
        await log_in(page, "ada")
        await page.wait_for_url(f"{application.url}/notes?jwt=*")


@sqlite
async def test_a_login_without_an_application_ends_at_the_profile_and_logout_ends_it(
    start: Start, node_packages: None, page: Page
) -> None:
    async with service_of_the_provider(start) as service:
        await page.goto(service.url)
        await page.get_by_role("link", name="Continue with Certified").click()
        await log_in(page, "ada")
        await page.wait_for_url(f"{service.url}/profile")
        await page.get_by_role("heading", name="Ada Lovelace").wait_for()
        await page.get_by_role("button", name="Sign out", exact=True).click()
        await page.get_by_text("You are signed out").wait_for()
        await page.goto(f"{service.url}/profile")
        await page.wait_for_url(f"{service.url}/login")


@sqlite
async def test_a_way_back_into_a_browser_that_began_no_login_signs_nobody_in(
    start: Start, node_packages: None, application: Application, page: Page
) -> None:
    """Login CSRF: a victim is sent to the callback of an attacker's login."""
    async with service_of_the_provider(start) as service:
        await page.goto(f"{service.url}/auth/login/certified?next={application.url}/notes")
        await page.context.clear_cookies(name="dhq_auth_login")
        await log_in(page, "ada")
        await page.get_by_text("begun in another browser").wait_for()
        assert "session" not in {cookie.get("name") for cookie in await page.context.cookies()}
        assert application.targets == []
