"""Which pages may call us (CORS), and when a cookie speaks for the user."""

import pytest
from aiohttp import ClientResponse

from tests.fakes.oidc_issuer import OidcIssuer
from tests.fixtures.service import Browser, Service, Start, oidc

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

APP = "https://app.example.com"
CORS_HEADERS = {
    *("Access-Control-Allow-Origin", "Access-Control-Allow-Methods"),
    *("Access-Control-Allow-Headers", "Access-Control-Max-Age"),
}
API = ["/auth/check", "/auth/authorize", "/auth/public-key", "/.well-known/jwks.json", "/healthz"]
PAGES = ["/", "/login", "/profile", "/signed-out", "/auth/login/acme", "/auth/oauth_callback"]


@pytest.fixture
async def service(start: Start, issuer: OidcIssuer) -> Service:
    """A service that one application may call."""
    allowed = {"ALLOWED_REDIRECTS": f"{APP}/area;http://localhost:3000"}
    return await start(issuer, **oidc(issuer), **allowed)


def cors(answer: ClientResponse) -> set[str]:
    return CORS_HEADERS & set(answer.headers)


async def test_an_allowed_page_may_call_the_api(
    service: Service, subtests: pytest.Subtests
) -> None:
    for path in API:
        with subtests.test(path=path):
            answer = await service.browser.get(path, headers={"Origin": APP})
            assert answer.headers["Access-Control-Allow-Origin"] == APP
            assert answer.headers["Vary"] == "Origin"
            assert "X-Request-Id" in answer.headers["Access-Control-Expose-Headers"]
            assert "Access-Control-Allow-Credentials" not in answer.headers


async def test_another_page_may_not(service: Service, subtests: pytest.Subtests) -> None:
    for origin in [
        *("null", "https://evil.example", "http://app.example.com", "https://app.example.com:444"),
        *("https://app.example.com.evil.example", "https://evilapp.example.com", "*", ""),
        *("https://app.example.com/", "https://app.example.com/area", "HTTPS://app.example.com"),
        *("https://x@app.example.com", "http://localhost:3001", "http://localhost", "file://"),
        *(f"{APP} https://evil.example", f"{APP}, {APP}"),
    ]:
        with subtests.test(origin=origin):
            preflight = {"Origin": origin, "Access-Control-Request-Method": "POST"}
            for answer in (
                await service.browser.get("/auth/check", headers={"Origin": origin}),
                await service.browser.request("OPTIONS", "/auth/update", headers=preflight),
            ):
                assert not cors(answer)
                assert answer.headers["Vary"] == "Origin"


async def test_any_port_of_loopback_is_allowed_where_we_are_on_loopback(start: Start) -> None:
    service = await start()
    for origin in ("http://localhost:3000", "http://127.0.0.1:1", "http://[::1]:65535"):
        answer = await service.browser.get("/auth/check", headers={"Origin": origin})
        assert answer.headers["Access-Control-Allow-Origin"] == origin


async def test_a_preflight_is_answered_before_any_credential(
    service: Service, subtests: pytest.Subtests
) -> None:
    for path in [*API, "/auth/update", "/auth/logout", "/auth/exchange"]:
        with subtests.test(path=path):
            answer = await service.browser.request(
                "OPTIONS",
                path,
                headers={
                    "Origin": APP,
                    "Access-Control-Request-Method": "POST",
                    "Access-Control-Request-Headers": "auth-token",
                    "Authorization": "nonsense",
                },
            )
            assert answer.status == 204
            assert answer.headers["Access-Control-Allow-Origin"] == APP
            assert "Auth-Token" in answer.headers["Access-Control-Allow-Headers"]
            assert "OPTIONS" not in answer.headers["Access-Control-Allow-Methods"]
            assert "Access-Control-Allow-Credentials" not in answer.headers


async def test_no_page_and_no_redirect_may_be_called_from_elsewhere(
    service: Service, subtests: pytest.Subtests
) -> None:
    for path in PAGES:
        with subtests.test(path=path):
            answer = await service.browser.get(path, headers={"Origin": APP})
            assert not cors(answer)
            preflight = {"Origin": APP, "Access-Control-Request-Method": "GET"}
            answer = await service.browser.request("OPTIONS", path, headers=preflight)
            assert answer.status == 405
            assert not cors(answer)


async def test_a_refusal_can_be_read_by_the_page_that_was_refused(service: Service) -> None:
    answer = await service.browser.get("/auth/authorize?service=x", headers={"Origin": APP})
    assert answer.status == 401
    assert answer.headers["Access-Control-Allow-Origin"] == APP


async def test_there_is_no_jsonp(service: Service) -> None:
    answer = await service.browser.get("/auth/check?callback=steal&jsonp=steal")
    assert answer.content_type == "application/json"
    assert "steal" not in await answer.text()


SITE, MODE, DEST = "Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest"
NAVIGATION = {MODE: "navigate", DEST: "document"}


async def signed_in(service: Service) -> Browser:
    await service.log_in("acme")
    return service.browser


async def test_a_program_that_is_no_browser_may_use_its_cookie(service: Service) -> None:
    browser = await signed_in(service)
    assert (await (await browser.get("/auth/check")).json())["authenticated"]


@pytest.mark.parametrize(
    "headers",
    [
        {SITE: "same-origin", MODE: "cors", DEST: "empty"},
        {SITE: "same-origin", **NAVIGATION},
        {SITE: "none", **NAVIGATION},
        {SITE: "cross-site", **NAVIGATION},
        {SITE: "same-site", **NAVIGATION},
    ],
)
async def test_a_cookie_counts_from_our_pages_and_when_the_user_comes_to_us(
    service: Service, headers: dict[str, str]
) -> None:
    answer = await (await signed_in(service)).get("/auth/check", headers=headers)
    assert (await answer.json())["authenticated"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Origin": APP},
        {"Origin": "null", SITE: "same-origin"},
        {SITE: "cross-site", MODE: "no-cors", DEST: "image"},
        {SITE: "cross-site", MODE: "cors", DEST: "empty"},
        {SITE: "same-site", MODE: "cors", DEST: "empty"},
        {SITE: "same-site", MODE: "no-cors", DEST: "script"},
        {SITE: "cross-site", MODE: "navigate", DEST: "iframe"},
        {SITE: "same-site", MODE: "navigate", DEST: "iframe"},
        {SITE: "cross-site", MODE: "navigate", DEST: "embed"},
        {SITE: "nonsense", MODE: "cors"},
        {SITE: "cross-site"},
    ],
)
async def test_a_cookie_that_another_page_made_the_browser_send_does_not_count(
    service: Service, headers: dict[str, str]
) -> None:
    browser = await signed_in(service)
    told = await (await browser.get("/auth/check", headers=headers)).json()
    assert not told["authenticated"]
    assert told["reason"] == "missing"
    # The token of the page itself is judged as if there were no cookie.
    token = await service.log_in("acme")
    own = await browser.get("/auth/check", headers={**headers, "Auth-Token": token})
    assert (await own.json())["authenticated"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example", SITE: "cross-site", **NAVIGATION},
        {"Origin": "null", SITE: "cross-site", **NAVIGATION},
        {"Origin": "http://localhost:1", SITE: "same-site", **NAVIGATION},
        {SITE: "cross-site", **NAVIGATION},
        {SITE: "none", **NAVIGATION},
        {"Origin": APP, SITE: "cross-site", MODE: "cors", DEST: "empty"},
    ],
)
@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_no_other_page_can_end_or_change_anything_with_our_cookie(
    service: Service, method: str, headers: dict[str, str]
) -> None:
    browser = await signed_in(service)
    answer = await browser.request(method, "/auth/logout", headers=headers)
    assert answer.status == 401
    answer = await browser.post("/auth/update", data={"username": "mallory"}, headers=headers)
    assert await answer.json() == {"success": False, "error": "No token"}
    still = (await (await browser.get("/auth/check")).json())["profile"]
    assert "username" not in still


@pytest.mark.parametrize(
    ("headers", "path"),
    [
        ({}, "/auth/logout?_method=DELETE"),
        ({"X-HTTP-Method-Override": "POST"}, "/auth/logout"),
        ({"X-Method-Override": "DELETE"}, "/auth/logout"),
        ({"X-HTTP-Method": "POST"}, "/auth/update?username=mallory"),
    ],
)
async def test_a_get_changes_nothing_whatever_it_calls_itself(
    service: Service, headers: dict[str, str], path: str
) -> None:
    browser = await signed_in(service)
    assert (await browser.get(path, headers=headers)).status == 405
    profile = (await (await browser.get("/auth/check")).json())["profile"]
    assert "username" not in profile
