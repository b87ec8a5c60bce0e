"""What every answer carries, how a refusal looks, and which address is which route."""

import re

import pytest
from aiohttp import ClientResponse

from tests.fakes.oidc_issuer import OidcIssuer
from tests.fixtures.service import Service, Start, oidc

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
EVERYTHING = [
    ("GET", "/auth/check"),
    ("GET", "/auth/authorize"),
    ("GET", "/auth/public-key"),
    ("GET", "/.well-known/jwks.json"),
    ("GET", "/openapi.json"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/"),
    ("GET", "/login"),
    ("GET", "/profile"),
    ("GET", "/signed-out"),
    ("GET", "/static/simple.min.css"),
    ("GET", "/static/icon.svg"),
    ("GET", "/static/missing"),
    ("GET", "/static/"),
    ("GET", "/auth/login/acme"),
    ("GET", "/auth/login/nobody"),
    ("GET", "/auth/oauth_callback"),
    ("GET", "/nowhere"),
    ("POST", "/nowhere"),
    ("POST", "/auth/logout"),
    ("DELETE", "/auth/check"),
    ("PATCH", "/login"),
    ("OPTIONS", "/auth/check"),
    ("HEAD", "/auth/check"),
]


@pytest.mark.parametrize("accept", ["*/*", BROWSER])
async def test_every_answer_has_the_headers_of_a_careful_service(
    service: Service, accept: str, subtests: pytest.Subtests
) -> None:
    for method, path in EVERYTHING:
        with subtests.test(method=method, path=path):
            answer = await service.browser.request(method, path, headers={"Accept": accept})
            assert answer.status < 500
            headers = answer.headers
            assert re.fullmatch("[0-9a-f]{16}", headers["X-Request-Id"])
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Cache-Control"]
            assert headers["Server"] == "dhq-auth"
            policy = dict(
                part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; ")
            )
            assert policy["default-src"] == "'none'"
            assert policy["style-src"] == "'self'"
            assert (
                policy["frame-ancestors"] == policy["base-uri"] == policy["object-src"] == "'none'"
            )
            assert policy["form-action"] == "'self'"
            assert "script-src" not in policy
            assert "unsafe" not in headers["Content-Security-Policy"]
            is_page = answer.content_type == "text/html"
            assert headers["Referrer-Policy"] == ("same-origin" if is_page else "no-referrer")
            if is_page:
                assert headers["X-Frame-Options"] == "DENY"
                assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
            if answer.content_type.startswith("text/") or "json" in answer.content_type:
                assert "static" in path or answer.charset == "utf-8"


@pytest.mark.parametrize(
    ("address", "sent"), [("https://auth.example.com", True), ("http://localhost:8000", False)]
)
async def test_hsts_is_sent_where_we_are_reached_over_https(
    start: Start, address: str, *, sent: bool
) -> None:
    service = await start(EXTERNAL_ADDRESS=address)
    for path in ("/auth/check", "/login", "/nowhere", "/static/icon.svg"):
        answer = await service.browser.get(path)
        assert ("Strict-Transport-Security" in answer.headers) is sent


@pytest.mark.parametrize(
    "path",
    [
        *("/auth/check", "/auth/authorize?service=notes", "/auth/resolve?username=x", "/profile"),
        *("/auth/get_profile?username=x", "/login", "/", "/auth/login/acme", "/nowhere"),
    ],
)
async def test_what_carries_a_token_or_a_person_is_kept_by_nobody(
    start: Start, issuer: OidcIssuer, path: str
) -> None:
    services = {"ALLOWED_SERVICES": "notes:tests.contract.plain_provider"}
    service = await start(issuer, **oidc(issuer), **services)
    back = await service.callback("acme")
    assert back.headers["Cache-Control"] == "no-store"
    assert back.headers["Referrer-Policy"] == "no-referrer"
    assert (await service.browser.get(path)).headers["Cache-Control"] == "no-store"


async def test_what_changes_an_account_is_kept_by_nobody(service: Service) -> None:
    token = {"Auth-Token": await service.log_in("acme")}
    for path in ("/auth/update", "/auth/exchange", "/auth/logout"):
        answer = await service.browser.post(path, headers=token)
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/auth/public-key", "/.well-known/jwks.json", "/static/icon.svg"])
async def test_what_is_public_may_be_kept_for_a_while(service: Service, path: str) -> None:
    answer = await service.browser.get(path)
    assert re.fullmatch(r"public, max-age=\d{3,4}", answer.headers["Cache-Control"])


def is_page(answer: ClientResponse) -> bool:
    return answer.content_type == "text/html"


async def test_a_refusal_says_the_same_to_programs_and_to_people(
    service: Service, subtests: pytest.Subtests
) -> None:
    for method, path, status, code in [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/static/../../etc/passwd", 404, "not_found"),
        ("GET", "/static/", 404, "not_found"),
        ("GET", "/auth/login/nobody", 404, "not_found"),
        ("PUT", "/auth/check", 405, "method_not_allowed"),
        ("GET", "/auth/authorize?service=x", 401, "missing_credential"),
        ("GET", "/auth/authorize?service=x&jwt=x", 401, "invalid_token"),
        ("GET", "/auth/check?next=https://evil.example", 400, "redirect_not_allowed"),
        ("GET", "/login?next=https://evil.example", 400, "redirect_not_allowed"),
        ("GET", "/auth/oauth_callback", 400, "login_failed"),
        ("GET", "/auth/check?a=1&a=2", 400, "invalid_request"),
        ("POST", "/auth/exchange", 400, "invalid_request"),
        ("POST", "/auth/exchange?code=a&code_verifier=b", 400, "invalid_grant"),
    ]:
        with subtests.test(method=method, path=path):
            program = await service.browser.request(method, path)
            assert (program.status, program.content_type) == (status, "application/problem+json")
            told = await program.json()
            assert told["status"] == status
            assert told["code"] == code
            assert told["type"] == "about:blank"
            assert told["request_id"] == program.headers["X-Request-Id"]
            person = await service.browser.request(method, path, headers={"Accept": BROWSER})
            assert (person.status, person.content_type) == (status, "text/html")
            page = await person.text()
            for text in (told["title"], code, person.headers["X-Request-Id"]):
                assert text in page
            for name in ("WWW-Authenticate", "Allow"):
                assert program.headers.get(name) == person.headers.get(name)


async def test_a_page_is_for_those_who_like_it_better_than_json(
    service: Service, subtests: pytest.Subtests
) -> None:
    for accept, page in [
        (BROWSER, True),
        ("text/html", True),
        ("TEXT/HTML; charset=utf-8 ; q=0.5", True),
        ("text/html, application/json;q=0.9", True),
        ("*/*", False),
        ("application/json, text/plain, */*", False),
        ("application/json, text/html;q=0.5", False),
        ("text/html;q=0", False),
        ("text/html;q=nonsense", False),
        ("text/htmlx", False),
        ("", False),
    ]:
        with subtests.test(accept=accept, page=page):
            answer = await service.browser.get("/nowhere", headers={"Accept": accept})
            assert is_page(answer) is page


async def test_a_missing_credential_is_challenged_without_an_error(service: Service) -> None:
    missing = await service.browser.get("/auth/authorize?service=x")
    assert missing.headers["WWW-Authenticate"] == 'Bearer realm="dhq-auth"'
    bad = await service.browser.get("/auth/authorize?service=x&jwt=x")
    assert bad.headers["WWW-Authenticate"] == 'Bearer realm="dhq-auth", error="invalid_token"'


@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS"])
async def test_a_wrong_method_is_told_the_right_ones(
    service: Service, method: str, subtests: pytest.Subtests
) -> None:
    for path, allowed in [
        ("/auth/check", "GET, HEAD"),
        ("/auth/logout", "DELETE, POST"),
        ("/auth/update/", "POST"),
        ("/auth/login/acme", "GET"),
        ("/login", "GET, HEAD"),
    ]:
        with subtests.test(path=path, allowed=allowed):
            answer = await service.browser.request(method, path)
            assert answer.status == 405
            assert answer.headers["Allow"] == allowed


async def test_unknown_methods_are_refused(service: Service, subtests: pytest.Subtests) -> None:
    for method in ["TRACE", "CONNECT", "PROPFIND", "G\u0045TT"]:
        with subtests.test(method=method):
            answer = await service.new_browser().request(method, "/auth/check")
            assert answer.status in {400, 405}


async def test_a_trailing_slash_is_the_same_route(
    service: Service, subtests: pytest.Subtests
) -> None:
    for path in ["/auth/check", "/auth/public-key", "/.well-known/jwks.json", "/login", "/healthz"]:
        with subtests.test(path=path):
            plain = await service.browser.get(path)
            slashed = await service.browser.get(f"{path}/")
            assert (slashed.status, await slashed.read()) == (200, await plain.read())


async def test_two_slashes_are_another_address(service: Service, subtests: pytest.Subtests) -> None:
    for path in ["//auth/check", "//evil.example/auth/check", "/auth//check"]:
        with subtests.test(path=path):
            answer = await service.browser.go(f"{service.url}{path}")
            assert answer.status == 404
            assert "Location" not in answer.headers


async def test_head_is_get_without_a_body(service: Service, subtests: pytest.Subtests) -> None:
    for path in ["/auth/check", "/auth/public-key", "/login", "/readyz"]:
        with subtests.test(path=path):
            got = await service.browser.get(path)
            head = await service.browser.request("HEAD", path)
            assert head.status == 200
            assert await head.read() == b""
            for name in ("Content-Type", "Content-Length", "Cache-Control"):
                assert head.headers[name] == got.headers[name]


@pytest.mark.parametrize("path", ["/auth/login/acme", "/auth/oauth_callback"])
async def test_a_head_starts_and_ends_no_login(service: Service, path: str) -> None:
    assert (await service.browser.request("HEAD", path)).status == 405


async def test_a_refusal_tells_nothing_of_the_inside(
    service: Service, subtests: pytest.Subtests
) -> None:
    for path in [
        *("/nowhere", "/auth/login/%00", "/auth/check?next=%00", "/static/%2e%2e/%2e%2e/app.py"),
        *("/auth/authorize?jwt=..", "/login?next='\"><script>", "/auth/oauth_callback?state='"),
    ]:
        with subtests.test(path=path):
            for accept in ("*/*", BROWSER):
                answer = await service.browser.get(path, headers={"Accept": accept})
                said = f"{await answer.text()} {answer.headers}".lower()
                for inside in (
                    "traceback",
                    "aiohttp",
                    "python",
                    "sqlalchemy",
                    ".py",
                    "site-packages",
                    "1.0.0",
                ):
                    assert inside not in said
                assert "<script>" not in said


async def test_what_the_caller_sent_is_escaped_in_a_page(
    service: Service, issuer: OidcIssuer
) -> None:
    evil = '"><script>alert(1)</script>'
    issuer.user |= {"name": evil, "email": f"{evil}@example.com", "picture": f"https://x/{evil}"}
    await service.log_in("acme")
    page = await (await service.browser.get("/profile")).text()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
