"""Real nginx and Caddy, with the configurations of examples/proxies."""

import asyncio
import ssl
from urllib.parse import urlsplit

import pytest

from tests.fakes.oidc_issuer import OidcIssuer
from tests.fixtures.service import Browser, oidc
from tests.proxies.conftest import Run
from tests.proxies.site import Person, Site
from tests.proxies.visitor import OTHER, Visitor
from tests.self_service.people import basic

pytestmark = [
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.parametrize(
        "file", ["nginx/hosts.conf", "caddy/Caddyfile"], ids=["nginx", "caddy"]
    ),
    pytest.mark.slow,
]

SCRIPT = {"Accept": "*/*", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}
WEBSOCKET = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-Fetch-Mode": "websocket",
    "Sec-Fetch-Dest": "websocket",
    "Accept": "*/*",
}
CLAIMED = {
    "X-Auth-User": "root",
    "X-Auth-Username": "root",
    "X-Auth-Email": "root@example.com",
    "X_Auth_User": "root",
    "X-Auth_User": "root",
    "X_Auth-Email": "root@example.com",
}


@pytest.fixture
async def at(run: Run, file: str) -> Site:
    """A site with the proxy of the case."""
    return await run(file)


async def raw(at: Site, target: str, host: str, *headers: str) -> str:
    """Send a request as no browser does; return the first line and the headers of the answer."""
    tls = ssl.create_default_context()
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    port = urlsplit(at.app).port
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=tls, server_hostname="app.example.com"
    )
    lines = [f"GET {target} HTTP/1.1", f"Host: {host}", "Connection: close", *headers]
    writer.write("".join(f"{line}\r\n" for line in [*lines, ""]).encode())
    answer = await reader.read()
    writer.close()
    return answer.decode("latin-1").partition("\r\n\r\n")[0]


async def test_who_logs_in_gets_what_was_asked_for_and_is_who_we_say(
    at: Site, person: Person
) -> None:
    wanted = f"{at.app}/notes/a%20b?x=1&x=2&empty=&z=%C3%A9+%25&jwt=theirs"
    page, there = await person.open(wanted)
    assert there.startswith(f"{at.auth}/login?"), (page.status, await page.text())
    assert at.application.received == []
    answer, there = await person.log_in(page)
    assert (answer.status, there) == (200, wanted)
    assert at.reached.target == wanted.removeprefix(at.app)
    told = {name: value for name, value in at.reached.headers.items() if name.startswith("X-Auth")}
    assert told.keys() == {"X-Auth-User", "X-Auth-Username"}
    assert told["X-Auth-Username"] == "alice"
    assert len(told["X-Auth-User"]) == 32

    again = await person.send("GET", f"{at.app}/", headers=CLAIMED)
    assert again.status == 200
    assert "root" not in str(at.reached.headers)
    assert at.reached.headers["X-Auth-User"] == told["X-Auth-User"]


async def test_whoever_is_not_signed_in_reaches_nothing_whatever_he_claims(
    at: Site, person: Person
) -> None:
    for headers in (
        CLAIMED,
        {"X-Auth-Redirect": "on"},
        {"X-Original-URL": f"{at.app}/.dhq-auth/start", "X-Forwarded-Uri": "/.dhq-auth/start"},
        {"X-Original-Method": "OPTIONS", "X-Forwarded-Method": "OPTIONS"},
        {"Cookie": "dhq-auth=x; __Host-dhq-auth=" + "x" * 43},
        {"X-HTTP-Method-Override": "OPTIONS"},
    ):
        assert (await person.send("GET", f"{at.app}/", headers=headers)).status == 302, headers
    preflight = {"Access-Control-Request-Method": "GET", "Origin": at.app}
    assert (await person.send("OPTIONS", f"{at.app}/", headers=preflight)).status == 401
    for headers in (SCRIPT, WEBSOCKET):
        refused = await person.send("GET", f"{at.app}/x", headers=headers)
        assert refused.status == 401
        assert "Location" not in refused.headers
    assert (await person.send("POST", f"{at.app}/form", data={"a": "b"})).status == 401
    assert at.application.received == []


async def test_no_spelling_of_a_path_reaches_the_application(at: Site) -> None:
    host = at.app.removeprefix("https://")
    for target in (
        "/.dhq-auth/../secret",
        "/.dhq-auth/%2e%2e/secret",
        "/.dhq-auth/%2E%2E%2Fsecret",
        "/.dhq-auth/..%2fsecret",
        "/.dhq-auth/static/../../secret",
        "//secret/.dhq-auth/",
        "/secret;/.dhq-auth/start",
        "/secret?/.dhq-auth/start",
        "/.dhq-auth/verify",
        "/.dhq-auth",
        "/.DHQ-AUTH/start",
        "/%2edhq-auth/../secret",
        "https://app.example.com/.dhq-auth/../secret",
    ):
        answer = await raw(at, target, host)
        assert answer.split()[1] in {"301", "302", "400", "401", "403", "404"}, (target, answer)
    assert at.application.received == []


async def test_a_session_of_one_host_is_good_for_no_other(at: Site) -> None:
    async with Browser(str(at.service.browser.session._base_url), forgets=True) as proxy:
        elsewhere = Visitor(proxy, at.auth)
        answer, _ = await elsewhere.sign_in(f"{OTHER}/")
        assert answer.status == 200
    secret = elsewhere.jars["other.example.com"]["__Host-dhq-auth"]
    app = at.app.removeprefix("https://")
    names = ("__Host-dhq-auth", f"__Host-dhq-auth-{urlsplit(at.app).port}", "__Host-session")
    cookie = "Cookie: " + "; ".join(f"{name}={secret}" for name in names)
    for host, *claims in (
        (app,),
        (app, f"X-Original-URL: {OTHER}/"),
        (app, f"X-Original-URL: {OTHER}/", "X-Forwarded-Host: other.example.com"),
        (app, "X-Forwarded-Host: other.example.com", "X-Forwarded-Proto: https"),
        (app, "Forwarded: host=other.example.com;proto=https"),
        (app, "X_Original_URL: https://other.example.com/"),
        (app, "Host: other.example.com"),
        ("other.example.com",),
    ):
        answer = await raw(at, "/", host, cookie, *claims)
        assert answer.split()[1] != "200" or "Server: Caddy" in answer, (claims, answer)
    assert at.application.received == []


async def test_who_signs_out_is_out_and_what_ends_elsewhere_ends_here(
    at: Site, person: Person
) -> None:
    await person.sign_in()
    page = await person.send("GET", f"{at.app}/.dhq-auth/sign_out")
    assert "You are signed in to" in await page.text()
    assert (await person.send("GET", f"{at.app}/.dhq-auth/static/pages.css")).status == 200
    form = {"Origin": at.app, "Sec-Fetch-Site": "same-origin"}
    out = await person.send("POST", f"{at.app}/.dhq-auth/sign_out", headers=form)
    farewell, _ = await person.follow(out, at.app)
    assert "You are signed out" in await farewell.text()
    page, there = await person.open(f"{at.app}/back")
    assert there.startswith(f"{at.auth}/login?"), "the session itself goes on"
    assert "You are signed in as" in await page.text()
    answer, there = await person.log_in(page)
    assert (answer.status, there) == (200, f"{at.app}/back")

    ended = await person.send(
        "POST", f"{at.auth}/auth/logout", headers={"Sec-Fetch-Site": "same-origin"}
    )
    assert ended.status == 303
    assert (await person.send("GET", f"{at.app}/back")).status == 302
    assert (await person.send("GET", f"{at.app}/back", headers=SCRIPT)).status == 401


async def test_programs_present_what_they_have(at: Site, person: Person) -> None:
    script = {**SCRIPT, **basic("alice")}
    assert (await person.send("PUT", f"{at.app}/api", headers=script)).status == 200
    assert at.reached.method == "PUT"
    assert at.reached.headers["X-Auth-Username"] == "alice"
    wrong = {**SCRIPT, **basic("alice", "wrong horse battery staple")}
    statuses = [(await person.send("GET", f"{at.app}/api", headers=wrong)).status for _ in range(6)]
    assert statuses == [401] * 5 + [429]
    assert len(at.application.received) == 1


async def test_without_the_service_nobody_gets_in_and_it_is_no_refusal(
    at: Site, person: Person
) -> None:
    await person.sign_in()
    form = {"Origin": at.app, "Sec-Fetch-Site": "same-origin"}
    sent = await person.send("POST", f"{at.app}/", data=b"x" * 5000, headers=form)
    assert sent.status == 200
    assert at.reached.body == b"x" * 5000
    before = len(at.application.received)
    await at.service.stop()
    for headers in ({}, SCRIPT, basic("alice")):
        answer = await person.send("GET", f"{at.app}/", headers=headers)
        assert answer.status in {502, 503}
    assert len(at.application.received) == before


async def test_who_logs_in_at_a_provider_comes_back_too(
    run: Run, file: str, issuer: OidcIssuer
) -> None:
    at = await run(file, issuer, **oidc(issuer, TRUST_EMAIL="on"))
    person = Person(at)
    _, there = await person.open(f"{at.app}/deep?er=1")
    query = urlsplit(there).query
    begun = await person.send("GET", f"{at.auth}/auth/login/acme?{query}")
    provider = await person.send("GET", begun.headers["Location"])
    answer, there = await person.open(provider.headers["Location"])
    assert (answer.status, there) == (200, f"{at.app}/deep?er=1")
    assert at.reached.headers["X-Auth-Email"] == issuer.user["email"]
    assert "X-Auth-Username" not in at.reached.headers
    await person.close()
