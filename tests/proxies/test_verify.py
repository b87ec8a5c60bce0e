"""`/auth/verify`: who it is, whether the proxy may let the request through, and where to log in."""

from http.cookies import SimpleCookie
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import ClientResponse
from yarl import URL

from tests.fakes.oidc_issuer import OidcIssuer
from tests.fixtures.service import Browser, Service, Start, oidc
from tests.login.steps import code_of
from tests.proxies.visitor import APP, AUTH, NAVIGATION, OTHER, TRUSTING, Visitor
from tests.self_service.people import GOOD, basic, registered

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

ON = {**NAVIGATION, "X-Auth-Redirect": "on"}
AT_APP = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "app.example.com"}


def rd(answer: ClientResponse) -> str:
    """Return the original URL to which the login leads back that *answer* redirects to."""
    assert answer.status == 302
    location = urlsplit(answer.headers["Location"])
    assert location.path == "/.dhq-auth/start"
    (path,) = parse_qs(location.query, strict_parsing=True)["rd"]
    return f"{location.scheme}://{location.netloc}{path}"


# Who it is


async def test_every_credential_says_whose_it_is(start: Start) -> None:
    alice = await registered(await start())
    token = (await alice.make_token())["token"]
    program = alice.service.program
    for headers in (
        {"Authorization": f"Bearer {alice.token}"},
        {"Auth-Token": alice.token},
        {"Authorization": f"Bearer {token}"},
        basic("alice"),
    ):
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            answer = await program.request(method, "/auth/verify", headers=headers)
            assert answer.status == 200, (method, await answer.text())
            assert answer.headers["X-Auth-User"] == alice.id
            assert answer.headers["X-Auth-Username"] == "alice"
            assert "X-Auth-Email" not in answer.headers
            assert answer.headers["Cache-Control"] == "no-store"
    assert (await program.get("/auth/verify", params={"jwt": alice.token})).status == 200
    assert (await alice.browser.get("/auth/verify")).status == 200


async def test_a_token_made_for_something_else_is_not_good_for_it(start: Start) -> None:
    alice = await registered(await start())
    token = (await alice.make_token(scopes=["authorize:notes"]))["token"]
    status, said = await alice.call("GET", "/auth/verify")
    assert (status, said) == (200, {})
    refused = await alice.service.program.get("/auth/verify", headers={"Auth-Token": token})
    assert (refused.status, await code_of(refused)) == (403, "insufficient_scope")


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "OPTIONS", "DELETE"])
@pytest.mark.parametrize("path", ["/auth/verify", "/auth/verify/", "/auth/verify/notes/1?x=1"])
async def test_nobody_is_refused_with_a_challenge(start: Start, method: str, path: str) -> None:
    program = (await start()).program
    answer = await program.request(method, path, headers={"Access-Control-Request-Method": "GET"})
    assert (answer.status, await code_of(answer)) == (401, "missing_credential")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="dhq-auth"'
    assert answer.headers["Cache-Control"] == "no-store"
    assert "X-Auth-Login" not in answer.headers
    bad = await program.request(method, path, headers={"Authorization": "Bearer x", **ON})
    assert (bad.status, "Location" in bad.headers) == (401, False), "no login mends that"


async def test_what_no_header_may_hold_is_percent_encoded(start: Start, issuer: OidcIssuer) -> None:
    issuer.user = {
        **issuer.user,
        "email": "{a%b}\u00e9@example.com",
        "preferred_username": "zo\u00eb",
    }
    service = await start(issuer, **oidc(issuer, TRUST_EMAIL="on"), USERNAME_FROM_PROVIDER="on")
    token = await service.log_in("acme")
    answer = await service.program.get("/auth/verify", headers={"Auth-Token": token})
    assert answer.headers["X-Auth-Email"] == "%7Ba%25b%7D%C3%A9@example.com"
    username = (await service.check(token))["profile"]["username"]  # type: ignore[index]
    assert URL(f"/{answer.headers['X-Auth-Username']}", encoded=True).path == f"/{username}"
    assert answer.headers["X-Auth-Username"].isascii()


async def test_who_has_chosen_no_name_has_none(start: Start, issuer: OidcIssuer) -> None:
    service = await start(issuer, **oidc(issuer))
    token = await service.log_in("acme")
    answer = await service.program.get("/auth/verify", headers={"Auth-Token": token})
    told = [name for name in answer.headers if name.startswith("X-Auth-")]
    assert told == ["X-Auth-User"], "and this issuer is not trusted to verify emails"


# What was asked for


@pytest.mark.parametrize(
    ("headers", "path", "asked"),
    [
        # nginx
        ({"X-Original-URL": f"{APP}/notes?x=1&y=%20"}, "", f"{APP}/notes?x=1&y=%20"),
        ({"X-Original-URL": f"{APP}/a", **AT_APP, "X-Forwarded-Uri": "/b"}, "", f"{APP}/a"),
        ({"X-Original-URL": APP}, "", f"{APP}/"),
        # Traefik, Caddy, which leaves the query behind its own question
        ({**AT_APP, "X-Forwarded-Uri": "/notes?x=1&x=2"}, "?x=1&x=2", f"{APP}/notes?x=1&x=2"),
        ({**AT_APP, "X-Forwarded-Uri": "/a?jwt=x"}, "?jwt=x", f"{APP}/a?jwt=x"),
        ({**AT_APP, "X-Forwarded-Proto": "WSS", "X-Forwarded-Uri": "/"}, "", f"{APP}/"),
        ({**AT_APP, "X-Forwarded-Host": "APP.example.com:443"}, "", f"{APP}/"),
        # Envoy
        ({"Host": "app.example.com"}, "/notes%2F/1?x=1&x=2", f"{APP}/notes%2F/1?x=1&x=2"),
        ({"Host": "app.example.com", "X-Forwarded-Proto": "https"}, "/", f"{APP}/"),
        ({"Host": "other.example.com"}, "//evil.example/", f"{OTHER}//evil.example/"),
        # The service's own host
        ({"Host": "auth.example.com"}, "", f"{AUTH}/"),
        # What no browser writes
        (
            {**AT_APP, "X-Forwarded-Uri": "/\\evil.example\xe9 x"},
            "",
            f"{APP}/\\evil.example%C3%A9%20x",
        ),
        ({**AT_APP, "X-Forwarded-Uri": "//evil.example"}, "", f"{APP}//evil.example"),
        ({**AT_APP, "X-Forwarded-Uri": "@evil.example/"}, "", f"{APP}/"),
        ({**AT_APP, "X-Forwarded-Uri": ".evil.example"}, "", f"{APP}/"),
        ({**AT_APP, "X-Forwarded-Uri": "https://evil.example/"}, "", f"{APP}/"),
        ({**AT_APP, "X-Forwarded-Uri": "/" + "x" * 2047}, "", f"{APP}/{'x' * 2047}"),
        ({**AT_APP, "X-Forwarded-Uri": "/" + "x" * 2048}, "", f"{APP}/"),
        # Our own paths there lead in circles
        ({**AT_APP, "X-Forwarded-Uri": "/.dhq-auth/start?rd=/x"}, "", f"{APP}/"),
        ({**AT_APP, "X-Forwarded-Uri": "/.dhq-auth-is-not-us"}, "", f"{APP}/.dhq-auth-is-not-us"),
    ],
)
async def test_a_browser_is_led_to_a_login_that_leads_back(
    start: Start, headers: dict[str, str], path: str, asked: str
) -> None:
    service = await start(**{**TRUSTING, "ALLOWED_REDIRECTS": f"{APP}/.dhq-auth;{OTHER};{AUTH}"})
    async with Browser(str(service.browser.session._base_url), forgets=True) as proxy:
        url = URL(f"/auth/verify{path}", encoded=True)
        answer = await proxy.get(url, headers={**ON, **headers})
        assert rd(answer) == asked
        assert answer.headers["Cache-Control"] == "no-store"
        told = await proxy.get(url, headers={**NAVIGATION, **headers})
        assert told.status == 401, "nginx wants no 302"
        assert told.headers["X-Auth-Login"] == answer.headers["Location"]
        assert answer.headers["Location"] in (await told.text()).replace("&amp;", "&")


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-Method": "POST"},
        {"X-Original-Method": "POST"},
        {"X-Forwarded-Method": "PROPFIND"},
        {"Sec-Fetch-Mode": "cors"},
        {"Sec-Fetch-Mode": "websocket"},
        {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        {"Sec-Fetch-Dest": "iframe"},
        {"Sec-Fetch-Mode": ""},
        {"Sec-Fetch-Mode": None, "Accept": "application/json"},
        {"Sec-Fetch-Mode": None, "Accept": "*/*"},
        {"Sec-Fetch-Mode": None, "Accept": None},
    ],
    ids=str,
)
async def test_what_is_no_window_is_led_nowhere(
    proxy: Browser, headers: dict[str, str | None]
) -> None:
    merged = {**ON, **AT_APP, **headers}
    sent = {name: value for name, value in merged.items() if value is not None}
    answer = await proxy.get("/auth/verify", headers=sent)
    assert answer.status == 401
    assert not {"Location", "X-Auth-Login"} & answer.headers.keys()


async def test_a_browser_of_old_is_known_by_what_it_accepts(proxy: Browser) -> None:
    sent = {**AT_APP, "Accept": "text/html,*/*;q=0.8", "X-Auth-Redirect": "on"}
    assert (await proxy.get("/auth/verify", headers=sent)).status == 302


# Whom we believe


UNCLEAR = "original_request_unclear"
UNLISTED = "origin_not_allowed"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"X-Original-URL": "https://evil.example/"}, UNLISTED),
        ({"X-Original-URL": f"{APP}.evil.example/"}, UNLISTED),
        ({"X-Original-URL": "http://app.example.com/"}, UNLISTED),
        ({"X-Original-URL": f"{APP}:8443/"}, UNLISTED),
        ({"X-Original-URL": f"{APP}@evil.example/"}, UNCLEAR),
        ({"X-Original-URL": f"{APP}\\@evil.example/"}, UNCLEAR),
        ({"X-Original-URL": "javascript:alert(1)"}, UNCLEAR),
        ({"X-Original-URL": "/notes"}, UNCLEAR),
        ({"X-Original-URL": "https:///notes"}, UNCLEAR),
        ({"X-Original-URL": "https://app.example.com:0/"}, UNCLEAR),
        ({"X-Original-URL": "https://\xe4pp.example.com/"}, UNCLEAR),
        ({"X-Original-URL": f"{APP}/", "X-Forwarded-Host": "other.example.com"}, UNCLEAR),
        ({"X-Original-URL": f"{APP}/", "X-Forwarded-Proto": "http"}, UNCLEAR),
        ({"X-Forwarded-Host": "evil.example"}, UNLISTED),
        ({"X-Forwarded-Host": "app.example.com, evil.example"}, UNCLEAR),
        ({"X-Forwarded-Host": "evil.example/app.example.com"}, UNLISTED),
        ({"X-Forwarded-Host": "user@app.example.com"}, UNCLEAR),
        ({"X-Forwarded-Host": "app.example.com:99999"}, UNCLEAR),
        ({"X-Forwarded-Host": "[::1"}, UNCLEAR),
        ({**AT_APP, "X-Forwarded-Proto": "gopher"}, UNCLEAR),
        ({**AT_APP, "X-Forwarded-Proto": "https,http"}, UNCLEAR),
        ({"Host": "evil.example"}, UNLISTED),
        ({"Host": "127.1"}, UNCLEAR),
    ],
    ids=str,
)
async def test_where_nobody_can_be_signed_in_there_is_no_login(
    proxy: Browser, headers: dict[str, str], code: str
) -> None:
    sent = {**ON, "Accept": "application/json", **headers}
    for path in ("/auth/verify", "/.dhq-auth/start", "/.dhq-auth/callback", "/.dhq-auth/sign_out"):
        answer = await proxy.get(path, headers=sent)
        assert (answer.status, await code_of(answer)) == (403, code), path
        assert not {"Location", "X-Auth-Login", "Set-Cookie"} & answer.headers.keys()


async def test_a_header_that_stands_there_twice_says_nothing(proxy: Browser) -> None:
    for name in ("X-Original-URL", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Uri"):
        twice = [*ON.items(), (name, "https"), (name, "https")]
        answer = await proxy.get("/auth/verify", headers=twice)
        assert answer.status == 403


async def test_who_is_no_proxy_of_ours_speaks_for_himself_alone(start: Start) -> None:
    service = await start(**{**TRUSTING, "TRUSTED_PROXIES": "10.0.0.0/8"})
    claims = {
        "X-Original-URL": f"{OTHER}/x",
        "X-Forwarded-Host": "other.example.com",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Uri": "/x",
        "X-Forwarded-For": "10.0.0.1",
    }
    async with Browser(str(service.browser.session._base_url), forgets=True) as caller:
        asked = await caller.get(
            "/auth/verify", headers={**ON, **claims, "Host": "app.example.com"}
        )
        assert rd(asked) == f"{APP}/"
        nowhere = await caller.get("/auth/verify", headers={**ON, **claims})
        assert nowhere.status == 403


async def test_without_sessions_there_is_no_login_but_programs_are_known(start: Start) -> None:
    service = await start(CREDENTIALS="basic")
    await service.program.post("/auth/register", json={"username": "alice", "password": GOOD})
    assert (await service.program.get("/auth/verify", headers=basic("alice"))).status == 200
    answer = await service.program.get("/auth/verify", headers={**ON, "Accept": "application/json"})
    assert (answer.status, await code_of(answer)) == (403, "sessions_off")


# When a cookie counts


@pytest.mark.parametrize(
    ("headers", "counts"),
    [
        ({}, True),
        ({"Origin": APP, "X-Forwarded-Method": "POST"}, True),
        ({"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}, True),
        ({"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "websocket", "Origin": APP}, True),
        ({**NAVIGATION, "Sec-Fetch-Site": "cross-site"}, True),
        ({**NAVIGATION, "Sec-Fetch-Site": "cross-site", "X-Forwarded-Method": "POST"}, False),
        ({**NAVIGATION, "Sec-Fetch-Site": "same-site", "X-Original-Method": "DELETE"}, False),
        ({"Origin": AUTH}, False),
        ({"Origin": OTHER, "X-Forwarded-Method": "POST"}, False),
        ({"Origin": "null"}, False),
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}, False),
        ({"Origin": OTHER, "Sec-Fetch-Mode": "websocket", "Sec-Fetch-Site": "same-site"}, False),
        ({**NAVIGATION, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "iframe"}, False),
    ],
    ids=str,
)
async def test_the_pages_of_others_use_no_cookie(
    visitor: Visitor, headers: dict[str, str], *, counts: bool
) -> None:
    await visitor.sign_in(f"{APP}/")
    (secret,) = [
        value for name, value in visitor.jars["app.example.com"].items() if "login" not in name
    ]
    cookie = {"Cookie": f"__Host-dhq-auth={secret}"}
    answer = await visitor.proxy.get("/auth/verify", headers={**AT_APP, **cookie, **headers})
    assert (answer.status == 200) is counts
    session = visitor.jars["auth.example.com"]["__Host-session"]
    at_home = {"X-Original-URL": f"{AUTH}/", "Cookie": f"__Host-session={session}"}
    sent = {
        name: value.replace(APP, AUTH) if value == APP else value for name, value in headers.items()
    }
    if headers.get("Origin") != AUTH:
        own = await visitor.proxy.get("/auth/verify", headers={**at_home, **sent})
        assert (own.status == 200) is counts


async def test_each_cookie_is_good_where_it_belongs_alone(visitor: Visitor) -> None:
    await visitor.sign_in(f"{APP}/")
    branch = visitor.jars["app.example.com"]["__Host-dhq-auth"]
    session = visitor.jars["auth.example.com"]["__Host-session"]
    names = ("__Host-dhq-auth", "__Host-session", "dhq-auth", "session")
    for value, place in ((branch, APP), (session, AUTH)):
        cookies = "; ".join(f"{name}={value}" for name in names)
        for origin in (APP, OTHER, AUTH):
            sent = {"X-Original-URL": f"{origin}/", "Cookie": cookies}
            answer = await visitor.proxy.get("/auth/verify", headers=sent)
            assert (answer.status == 200) is (origin == place), (origin, place)
    stolen = "; ".join(f"{name}={branch}" for name in names)
    for path in ("/auth/check", "/auth/sessions", "/auth/users/me", "/auth/token-info"):
        answer = await visitor.proxy.get(path, headers={"Cookie": stolen})
        assert answer.status == 401 or (await answer.json())["authenticated"] is False, path
    two = {"Cookie": f"__Host-dhq-auth={branch}; __Host-dhq-auth={'x' * 43}", **AT_APP}
    assert (await visitor.proxy.get("/auth/verify", headers=two)).status == 401


@pytest.mark.parametrize("value", ["", "x", "a" * 43, "a" * 4000, "' OR 1=1 --", "\xe9" * 43])
async def test_a_made_up_cookie_is_nobodys(proxy: Browser, value: str) -> None:
    sent = {**AT_APP, "Cookie": f"__Host-dhq-auth={value}; __Host-dhq-auth-login={value}"}
    assert (await proxy.get("/auth/verify", headers=sent)).status == 401
    begun = await proxy.get("/.dhq-auth/start", headers=sent)
    assert begun.status == 302
    given = SimpleCookie(begun.headers["Set-Cookie"])["__Host-dhq-auth-login"].value
    assert len(given) == 43
    assert (given == value) is (value == "a" * 43)


async def test_an_application_that_is_listed_no_more_is_shut(
    start: Start, visitor: Visitor
) -> None:
    await visitor.sign_in(f"{APP}/")
    cookie = {"Cookie": f"__Host-dhq-auth={visitor.jars['app.example.com']['__Host-dhq-auth']}"}
    for allowed, status in ((f"{OTHER};{APP}/area", 403), (APP, 200)):
        later = await start(**{**TRUSTING, "ALLOWED_REDIRECTS": allowed})
        async with Browser(str(later.browser.session._base_url), forgets=True) as proxy:
            answer = await proxy.get("/auth/verify", headers={**AT_APP, **cookie})
            assert answer.status == status


async def test_what_is_said_at_other_hosts_is_said_as_theirs(
    proxy: Browser, trusting: Service
) -> None:
    page = {**NAVIGATION, **AT_APP}
    there = await proxy.get("/auth/verify", headers=page)
    assert "Strict-Transport-Security" not in there.headers, "that is for them to say"
    text = await there.text()
    assert "/.dhq-auth/static/pages.css" in text
    assert "Type your password" not in text
    assert (await proxy.get("/.dhq-auth/static/pages.css")).status == 200
    here = await proxy.get("/login", headers=NAVIGATION)
    assert "Strict-Transport-Security" in here.headers
    assert "Type your password" in await here.text()
