"""The demo application, with a dhq-auth of its own: safe to copy from."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from http.cookies import Morsel
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import ClientSession, CookieJar
from joserfc.jwk import RSAKey

from examples.demo.application import TOKEN as TOKEN_COOKIE
from examples.demo.application import VERIFIER, create_application
from examples.demo.loopback import serve
from tests.examples.fake_dhq_auth import CODE, TOKEN, FakeDhqAuth

ADDRESS = "http://localhost:3000"
HOSTILE = "<script>alert('x')</script>"


@dataclass
class Browser:
    http: ClientSession

    async def get(self, path: str) -> tuple[int, str]:
        """Return the status, and the page or where it sends the browser."""
        async with self.http.get(path, allow_redirects=False) as answer:
            return answer.status, answer.headers.get("Location") or await answer.text()

    async def post(self, path: str, **headers: str) -> int:
        async with self.http.post(path, headers=headers, allow_redirects=False) as answer:
            return answer.status

    def cookie(self, name: str) -> Morsel[str] | None:
        return next((kept for kept in self.http.cookie_jar if kept.key == name), None)

    async def sign_in(self, auth: FakeDhqAuth) -> None:
        _, location = await self.get("/sign-in/demo")
        [auth.challenge] = parse_qs(urlsplit(location).query)["code_challenge"]
        assert await self.get(f"/callback?code={CODE}") == (303, "/")


@pytest.fixture
async def auth() -> AsyncIterator[FakeDhqAuth]:
    async with FakeDhqAuth() as server:
        yield server


@pytest.fixture
async def browser(auth: FakeDhqAuth) -> AsyncIterator[Browser]:
    runner = await serve(create_application(ADDRESS, auth.origin), "127.0.0.1", 0)
    address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with ClientSession(address, cookie_jar=CookieJar(unsafe=True)) as http:
        yield Browser(http)
    await runner.cleanup()


async def test_a_stranger_is_offered_what_dhq_auth_offers(browser: Browser):
    status, text = await browser.get("/")
    assert status == 200
    assert 'href="/sign-in/demo"' in text
    assert "by Demo" in text
    assert 'href="/sign-in/%3Cb%3E"' in text
    assert "<b>" not in text


async def test_signing_in_asks_for_a_code_bound_to_this_browser(browser: Browser):
    status, location = await browser.get("/sign-in/demo")
    query = parse_qs(urlsplit(location).query)
    assert status == 303
    assert query["next"] == [f"{ADDRESS}/callback"]
    assert query["response_mode"] == ["code"]
    assert query["code_challenge_method"] == ["S256"]
    verifier = browser.cookie(VERIFIER)
    assert verifier is not None
    assert verifier["httponly"]
    assert verifier["samesite"] == "Lax"
    assert verifier.value not in location


async def test_a_provider_that_is_not_offered_is_not_found(browser: Browser):
    assert (await browser.get("/sign-in/nonsense"))[0] == 404


async def test_the_code_becomes_a_token_that_no_script_can_read(
    browser: Browser, auth: FakeDhqAuth
):
    await browser.sign_in(auth)
    token = browser.cookie(TOKEN_COOKIE)
    assert token is not None
    assert token.value == TOKEN
    assert token["httponly"]
    assert browser.cookie(VERIFIER) is None


async def test_the_code_of_another_browser_signs_nobody_in(browser: Browser, auth: FakeDhqAuth):
    status, text = await browser.get(f"/callback?code={CODE}")
    assert status == 400
    assert "not begun in this browser" in text
    await browser.get("/sign-in/demo")
    auth.challenge = "that of another browser"
    status, text = await browser.get(f"/callback?code={CODE}")
    assert status == 400
    assert "the &lt;code&gt; is spent" in text
    assert browser.cookie(TOKEN_COOKIE) is None


async def test_the_page_shows_the_user_the_permissions_and_the_claims(
    browser: Browser, auth: FakeDhqAuth
):
    await browser.sign_in(auth)
    status, text = await browser.get("/")
    assert status == 200
    assert "Hello, Ada" in text
    assert '<li class="yes">' in text
    assert '<li class="no">' in text
    assert "&#34;service&#34;: &#34;notes&#34;" in text


async def test_everything_on_the_page_is_escaped(browser: Browser, auth: FakeDhqAuth):
    auth.profile = {"id": HOSTILE, "name": HOSTILE, "avatar_url": '"><script>', HOSTILE: HOSTILE}
    auth.claims = {"permissions": {HOSTILE: HOSTILE}}
    await browser.sign_in(auth)
    status, text = await browser.get("/")
    assert status == 200
    assert "&lt;script&gt;" in text
    assert "<script" not in text


@pytest.mark.parametrize(
    "claims", [{"iss": "http://localhost:1"}, {"exp": 1_000_000_000}, {"service": "other"}]
)
async def test_a_service_token_for_another_purpose_is_not_believed(
    browser: Browser, auth: FakeDhqAuth, claims: dict[str, object]
):
    await browser.sign_in(auth)
    auth.claims = claims
    status, text = await browser.get("/")
    assert status == 400
    assert "not good" in text


async def test_a_service_token_signed_by_somebody_else_is_not_believed(
    browser: Browser, auth: FakeDhqAuth
):
    await browser.sign_in(auth)
    auth.signing_key = RSAKey.generate_key(2048)
    assert (await browser.get("/"))[0] == 400


async def test_the_public_key_is_asked_for_once(browser: Browser, auth: FakeDhqAuth):
    await browser.sign_in(auth)
    for _ in range(3):
        await browser.get("/")
    assert auth.asked["public-key"] == 1


async def test_a_token_that_has_expired_is_forgotten(browser: Browser, auth: FakeDhqAuth):
    await browser.sign_in(auth)
    auth.live_tokens.clear()
    status, text = await browser.get("/")
    assert status == 200
    assert "your token is expired" in text
    assert browser.cookie(TOKEN_COOKIE) is None


async def test_signing_out_ends_the_session_at_dhq_auth_too(browser: Browser, auth: FakeDhqAuth):
    await browser.sign_in(auth)
    assert await browser.post("/sign-out", Origin=ADDRESS) == 303
    assert not auth.live_tokens
    assert browser.cookie(TOKEN_COOKIE) is None


@pytest.mark.parametrize("origin", ["http://localhost:4000", "https://evil.example", "null"])
async def test_other_pages_cannot_sign_the_user_out(
    browser: Browser, auth: FakeDhqAuth, origin: str
):
    await browser.sign_in(auth)
    assert await browser.post("/sign-out", Origin=origin) == 403
    assert auth.live_tokens == {TOKEN}


async def test_a_dhq_auth_that_is_away_is_a_page_and_not_a_fault(
    browser: Browser, auth: FakeDhqAuth
):
    await auth.stop()
    status, text = await browser.get("/")
    assert status == 502
    assert "does not answer" in text


async def test_every_page_forbids_scripts_and_frames(browser: Browser):
    async with browser.http.get("/") as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src" not in policy
