"""Applications on other hosts: to the login and back, each with a session of its own."""

import asyncio
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from sqlalchemy import text

from dhq_auth.db import Database
from dhq_auth.host_sessions import store as host_sessions
from dhq_auth.housekeeping import prune
from dhq_auth.opaque import digest, s256
from dhq_auth.work import Work
from tests.fixtures.service import Browser, FrozenClock, Service, Start
from tests.login.steps import altered, code_of
from tests.proxies.visitor import APP, AUTH, NAVIGATION, OTHER, TRUSTING, Form, Visitor
from tests.self_service.people import GOOD

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

JSON = {"headers": {**NAVIGATION, "Accept": "application/json"}}
HOST = "app.example.com"
COOKIE = "__Host-dhq-auth"
LOGIN = "__Host-dhq-auth-login"
VERIFIER = "v" * 43


async def begun(visitor: Visitor, path: str = "/") -> str:
    """Begin a login at the application; return where our login page is."""
    answer = await visitor.send("GET", f"{APP}/.dhq-auth/start?rd={path}")
    assert answer.status == 302, await answer.text()
    return answer.headers["Location"]


async def callback_of(visitor: Visitor, url: str) -> str:
    """Log in at *url*, the login page; return the callback to which that leads."""
    fields = Form(await (await visitor.send("GET", url)).text()).fields
    answer = await visitor.send(
        "POST",
        f"{AUTH}/auth/login",
        data={**fields, "username": "alice", "password": GOOD},
        headers={**NAVIGATION, "Origin": AUTH, "Sec-Fetch-Site": "same-origin"},
    )
    assert answer.status == 303, await answer.text()
    return answer.headers["Location"]


async def is_signed_in(visitor: Visitor, origin: str = APP) -> bool:
    """Whether the browser is let in at *origin*."""
    answer = await visitor.verify(f"{origin}/")
    assert answer.status in {200, 302, 401}
    return answer.status == 200


async def rows(database: Database, table: str) -> list[dict[str, Any]]:
    async with database.read() as db:
        return [dict(row) for row in (await db.execute(text(f"SELECT * FROM {table}"))).mappings()]  # noqa: S608


async def test_who_logs_in_gets_back_to_what_was_asked_for_byte_for_byte(visitor: Visitor) -> None:
    wanted = f"{APP}/notes;v=1/a%20b%2Fc?x=1&x=2&y=&z=%C3%A9+%25&jwt=mine&code=1&state=2"
    answer, there = await visitor.sign_in(wanted)
    assert there == wanted
    assert answer.status == 200
    assert answer.headers["X-Auth-Username"] == "alice"
    assert not await is_signed_in(visitor, OTHER)
    answer, there = await visitor.open(f"{OTHER}/x")
    assert "You are signed in as" in await answer.text(), "one click, and no password"


@sqlite
async def test_nothing_on_the_way_is_kept_or_told(visitor: Visitor) -> None:
    start = await visitor.send("GET", f"{APP}/.dhq-auth/start?rd=/notes")
    callback = await callback_of(visitor, start.headers["Location"])
    answer = await visitor.send("GET", callback)
    assert (answer.status, answer.headers["Location"]) == (302, f"{APP}/notes")
    for each in (start, answer):
        assert each.headers["Cache-Control"] == "no-store"
        assert each.headers["Referrer-Policy"] == "no-referrer"
        assert "Strict-Transport-Security" not in each.headers
    query = parse_qs(urlsplit(callback).query, strict_parsing=True)
    assert query.keys() == {"state", "code"}, "and neither is a token"
    for line, age in ((start.headers["Set-Cookie"], 600), (answer.headers["Set-Cookie"], 604800)):
        parts = line.split("; ")
        assert {"HttpOnly", "Path=/", "SameSite=Lax", "Secure", f"Max-Age={age}"} == {*parts[1:]}
        (cookie,) = SimpleCookie(parts[0]).values()
        assert len(cookie.value) == 43
    head = await visitor.send("HEAD", callback)
    assert head.status == 405, "which spends nothing"


async def test_the_database_knows_digests_only(
    visitor: Visitor, database: Database, trusting: Service
) -> None:
    await visitor.sign_in(f"{APP}/")
    secret = visitor.jars[HOST][COOKIE]
    (row,) = await rows(database, "host_sessions")
    assert (row["digest"], row["origin"]) == (digest(secret), APP)
    assert secret not in map(str, row.values())
    audit = await rows(database, "audit_events")
    assert "application.entered" in {each["kind"] for each in audit}
    assert secret not in str(audit)


@sqlite
async def test_logins_in_several_tabs_lead_where_each_was_to_lead(visitor: Visitor) -> None:
    pages = [await begun(visitor, path) for path in ("/one", "/two?x=1", "/three")]
    for page, path in [*zip(pages, ("/one", "/two?x=1", "/three"), strict=True)][::-1]:
        answer = await visitor.send("GET", await callback_of(visitor, page))
        assert answer.headers["Location"] == f"{APP}{path}"
        assert await is_signed_in(visitor)


# Whose login it is


async def test_the_end_of_somebody_elses_login_signs_nobody_in(visitor: Visitor) -> None:
    """Login CSRF: a victim is sent to the callback of an attacker's login."""
    callback = await callback_of(visitor, await begun(visitor))
    for victim in (Visitor(visitor.proxy), Visitor(visitor.proxy)):
        answer = await victim.send("GET", callback, **JSON)
        assert (answer.status, await code_of(answer)) == (400, "login_failed")
        assert COOKIE not in victim.jars[HOST]
        await begun(victim)  # now with a cookie, of a login of his own
        answer = await victim.send("GET", callback, **JSON)
        assert (answer.status, await code_of(answer)) == (400, "login_failed")
        assert not await is_signed_in(victim)


@sqlite
async def test_a_code_fits_no_other_login_of_the_same_browser(visitor: Visitor) -> None:
    one, two = [await begun(visitor, path) for path in ("/one", "/two")]
    first = urlsplit(await callback_of(visitor, one))
    next_of_two = parse_qs(urlsplit(two).query)["next"][0]
    code = parse_qs(first.query)["code"][0]
    answer = await visitor.send("GET", altered(next_of_two, code=code), **JSON)
    assert answer.status == 400
    assert COOKIE not in visitor.jars[HOST]


@sqlite
async def test_a_code_fits_no_other_host(visitor: Visitor) -> None:
    callback = await callback_of(visitor, await begun(visitor))
    visitor.jars["other.example.com"] = {**visitor.jars[HOST]}
    answer = await visitor.send("GET", callback.replace(APP, OTHER), **JSON)
    assert answer.status == 400
    assert not await is_signed_in(visitor, OTHER)


@sqlite
@pytest.mark.parametrize("path", ["callback", "callback/", "", "x", "../.dhq-auth/y", "./z"])
async def test_an_application_makes_no_token_of_what_is_sent_to_its_host(
    visitor: Visitor, path: str
) -> None:
    """It may read every address there, by a service worker, and ask for a login by itself."""
    for origin in (APP, OTHER):
        wanted = {"next": f"{origin}/.dhq-auth/{path}"}
        for way in ("/login", "/auth/check"):
            refused = await visitor.proxy.get(way, params=wanted)
            assert "jwt=" not in await refused.text()
        login = {"username": "alice", "password": GOOD}
        form = {**NAVIGATION, "Accept": "application/json", "Origin": AUTH}
        told = await visitor.send(
            "POST", f"{AUTH}/auth/login", json={**login, **wanted}, headers=form
        )
        assert (told.status, await code_of(told)) == (400, "invalid_request")
        asked = {**wanted, "response_mode": "code", "code_challenge": s256(VERIFIER)}
        callback = await callback_of(visitor, f"{AUTH}/login?{urlencode(asked)}")
        code = parse_qs(urlsplit(callback).query)["code"][0]
        given = await visitor.proxy.post(
            "/auth/exchange", json={"code": code, "code_verifier": VERIFIER}
        )
        assert (given.status, await code_of(given)) == (400, "invalid_grant")


@sqlite
async def test_a_code_for_a_token_begins_no_session(visitor: Visitor) -> None:
    """An application elsewhere gets a code for a challenge of ours, and brings it here."""
    asked = parse_qs(urlsplit(await begun(visitor)).query)
    callback = asked["next"][0]
    asked["next"] = [f"{OTHER}/theirs"]
    theirs = await callback_of(visitor, f"{AUTH}/login?{urlencode(asked, doseq=True)}")
    code = parse_qs(urlsplit(theirs).query)["code"][0]
    answer = await visitor.send("GET", altered(callback, code=code), **JSON)
    assert (answer.status, await code_of(answer)) == (400, "login_failed")
    assert COOKIE not in visitor.jars[HOST]


async def test_a_code_that_comes_twice_ends_what_came_of_it(
    visitor: Visitor, database: Database
) -> None:
    callback = await callback_of(visitor, await begun(visitor))
    assert (await visitor.send("GET", callback)).status == 302
    assert await is_signed_in(visitor)
    answer = await visitor.send("GET", callback, **JSON)
    assert (answer.status, await code_of(answer)) == (400, "login_failed")
    assert not await is_signed_in(visitor)
    assert await rows(database, "host_sessions") == []


async def test_of_many_who_bring_a_code_at_once_nobody_stays(visitor: Visitor) -> None:
    callback = await callback_of(visitor, await begun(visitor))
    answers = await asyncio.gather(*(visitor.send("GET", callback) for _ in range(5)))
    assert [answer.status for answer in answers].count(302) <= 1
    assert not await is_signed_in(visitor), "one of them may be a thief"


@sqlite
async def test_a_code_that_is_too_old_is_good_for_nothing(
    visitor: Visitor, clock: FrozenClock
) -> None:
    callback = await callback_of(visitor, await begun(visitor))
    clock.advance(seconds=61)
    assert (await visitor.send("GET", callback)).status == 400


@sqlite
@pytest.mark.parametrize(
    "state",
    [
        "",
        "x",
        "a" * 43,
        f"{'a' * 43}.",
        f"{'a' * 43}.L2V2aWw",  # /evil
        f"{'a' * 43}.Ly9ldmlsLmV4YW1wbGU",  # //evil.example
        f"{'a' * 43}.aHR0cHM6Ly9ldmlsLmV4YW1wbGU",  # https://evil.example
        f"{'a' * 43}.LkBldmls",  # .@evil
        f"{'a' * 43}._w",  # no UTF-8
        f"{'a' * 43}.a",
        f"{'a' * 43}.{'L' * 4000}",
        "é" * 43,
        "%00",
    ],
)
async def test_a_made_up_state_leads_nowhere(visitor: Visitor, state: str) -> None:
    callback = await callback_of(visitor, await begun(visitor))
    answer = await visitor.send("GET", altered(callback, state=state))
    assert answer.status == 400
    page = await answer.text()
    assert f'href="{APP}/.dhq-auth/start?rd=/' in page or "login_failed" not in page
    assert "evil.example" not in page.replace(f"{APP}/.dhq-auth/start?rd=//evil.example", "")
    assert COOKIE not in visitor.jars[HOST]


@sqlite
@pytest.mark.parametrize(
    ("rd", "leads_to"),
    [
        ("", "/"),
        ("/x%0D%0ASet-Cookie:%20a=b", "/x%0D%0ASet-Cookie:%20a=b"),
        ("//evil.example/", "//evil.example/"),
        ("/%5Cevil.example", "/\\evil.example"),
        ("%5C%5Cevil.example", "/"),
        ("https://evil.example/", "/"),
        ("@evil.example", "/"),
        (":443@evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/.dhq-auth/sign_out", "/"),
        ("/.dhq-auth", "/"),
        ("/x" * 2000, "/"),
    ],
)
async def test_a_login_leads_back_to_its_own_host_alone(
    visitor: Visitor, rd: str, leads_to: str
) -> None:
    answer = await visitor.send("GET", await callback_of(visitor, await begun(visitor, rd)))
    assert answer.headers["Location"] == f"{APP}{leads_to}"
    assert "a" not in visitor.jars[HOST]


@sqlite
async def test_what_is_malformed_is_refused(visitor: Visitor) -> None:
    for path in ("start?rd=/&rd=/", "start?rd=%FF", "callback?code=%00&state=x", "callback"):
        answer = await visitor.send("GET", f"{APP}/.dhq-auth/{path}", **JSON)
        assert answer.status == 400, path
    for path in ("start", "callback"):
        assert (await visitor.send("POST", f"{APP}/.dhq-auth/{path}")).status == 405
    assert (await visitor.send("GET", f"{APP}/.dhq-auth/../auth/users")).status in {401, 404}


# How it ends


async def logged_out(visitor: Visitor, **fields: str) -> None:
    answer = await visitor.send(
        "POST",
        f"{AUTH}/auth/logout",
        data=fields,
        headers={"Origin": AUTH, "Accept": "application/json"},
    )
    assert answer.status == 200, await answer.text()


async def test_it_ends_with_the_session_behind_it(visitor: Visitor, database: Database) -> None:
    elsewhere = Visitor(visitor.proxy)
    for fields in ({}, {"all": "true"}):
        await visitor.sign_in(f"{APP}/")
        await elsewhere.sign_in(f"{APP}/")
        assert await is_signed_in(visitor)
        await logged_out(visitor, **fields)
        assert not await is_signed_in(visitor)
        assert await is_signed_in(elsewhere) is not bool(fields)
        visitor.jars.clear()
        elsewhere.jars.clear()
    await visitor.sign_in(f"{APP}/")
    async with database.write() as db:
        await db.execute(text("UPDATE users SET is_active = false"))
    assert not await is_signed_in(visitor)


@sqlite
async def test_it_ends_at_the_time_of_the_session_and_is_forgotten(
    visitor: Visitor, database: Database, clock: FrozenClock
) -> None:
    page, _ = await visitor.open(f"{APP}/")
    clock.advance(days=1)
    await visitor.log_in(page)
    clock.advance(days=6)
    page, _ = await visitor.open(f"{OTHER}/")
    answer, there = await visitor.go_on(page)
    assert (answer.status, there) == (200, f"{OTHER}/"), "a branch of the session of before"
    clock.advance(days=1, seconds=-1)
    assert await is_signed_in(visitor)
    assert await is_signed_in(visitor, OTHER)
    clock.advance(seconds=1)
    assert not await is_signed_in(visitor)
    assert not await is_signed_in(visitor, OTHER), "it does not outlive that"
    clock.advance(seconds=1)
    await prune(Work(database, clock, nobody), host_sessions.prune)
    assert await rows(database, "host_sessions") == []
    assert len(await rows(database, "sessions")) == 1


async def nobody(_events: object) -> None:
    """Tell nobody."""


@sqlite
@pytest.mark.parametrize(
    ("options", "alive"),
    [
        ({"SESSION_IDLE": "1h"}, True),
        ({"SESSION_SLIDING": "on", "SESSION_DURATION": "5400"}, True),
        ({"SESSION_DURATION": "5400"}, False),
        ({"SESSION_DURATION": "0"}, True),
    ],
    ids=str,
)
async def test_to_use_it_is_to_use_the_session(
    start: Start, clock: FrozenClock, options: dict[str, str], *, alive: bool
) -> None:
    service = await start(**TRUSTING, **options)
    async with Browser(str(service.browser.session._base_url), forgets=True) as proxy:
        await proxy.post("/auth/register", json={"username": "alice", "password": GOOD})
        visitor = Visitor(proxy)
        await visitor.sign_in(f"{APP}/")
        for _ in range(4):
            clock.advance(minutes=50)
            await visitor.verify(f"{APP}/")
        assert await is_signed_in(visitor) is alive
        known = await visitor.send("GET", f"{AUTH}/auth/check")
        assert (await known.json())["authenticated"] is alive
        clock.advance(hours=2)
        assert await is_signed_in(visitor) is (options == {"SESSION_DURATION": "0"})


@sqlite
async def test_who_logs_in_again_begins_anew_everywhere(
    visitor: Visitor, database: Database, clock: FrozenClock
) -> None:
    await visitor.sign_in(f"{APP}/")
    before = {**visitor.jars[HOST]}
    assert await is_signed_in(visitor)
    await visitor.sign_in(f"{OTHER}/")
    assert not await is_signed_in(visitor), "it hung on the session that is replaced"
    clock.advance(minutes=-30)
    visitor.jars[HOST] = before
    assert not await is_signed_in(visitor), "whatever the clock says"
    assert {row["origin"] for row in await rows(database, "host_sessions")} == {OTHER}


@sqlite
async def test_one_browser_leaves_no_heap_of_sessions(
    visitor: Visitor, database: Database, clock: FrozenClock
) -> None:
    await visitor.sign_in(f"{APP}/")
    for minutes in (0, 0, 2, 2):
        clock.advance(minutes=minutes)
        del visitor.jars[HOST][COOKIE]
        page, _ = await visitor.open(f"{APP}/")
        await visitor.go_on(page)
        assert await is_signed_in(visitor)
    assert len(await rows(database, "host_sessions")) == 1


@sqlite
async def test_two_applications_on_one_host_do_not_take_each_others_cookie(start: Start) -> None:
    service = await start(TRUSTED_PROXIES="127.0.0.1")
    await service.program.post("/auth/register", json={"username": "alice", "password": GOOD})
    visitor = Visitor(service.program, service.url)
    apps = ["http://localhost:3001", "http://localhost:3002"]
    for app in apps:
        page, _ = await visitor.open(f"{app}/")
        visitor.jars.pop(urlsplit(service.url).netloc, None)
        answer, there = await visitor.log_in(page)
        assert (answer.status, there) == (200, f"{app}/")
    together = {name: value for app in apps for name, value in visitor.jars[app[7:]].items()}
    assert {"dhq-auth-3001", "dhq-auth-3002"} <= together.keys()
    for app in apps:
        visitor.jars[app[7:]] = together
        assert await is_signed_in(visitor, app)


# The service's own host


@pytest.fixture
async def at_home(start: Start) -> Service:
    """A service that shares its host with an application."""
    return await start(EXTERNAL_ADDRESS=APP, TRUSTED_PROXIES="127.0.0.1")


@sqlite
async def test_on_our_own_host_the_session_itself_is_what_counts(
    at_home: Service, database: Database
) -> None:
    async with Browser(str(at_home.browser.session._base_url), forgets=True) as proxy:
        await proxy.post("/auth/register", json={"username": "alice", "password": GOOD})
        visitor = Visitor(proxy, APP)
        asked = await visitor.verify(f"{APP}/notes?x=1", Accept="text/html")
        page = await visitor.send("GET", asked.headers["Location"])
        login = await visitor.send("GET", page.headers["Location"])
        fields = {**Form(await login.text()).fields, "username": "alice", "password": GOOD}
        form = {**NAVIGATION, "Origin": APP, "Sec-Fetch-Site": "same-origin"}
        done = await visitor.send("POST", f"{APP}/auth/login", data=fields, headers=form)
        back = await visitor.send("GET", done.headers["Location"])
        assert (back.status, back.headers["Location"]) == (302, f"{APP}/notes?x=1")
        assert visitor.jars[HOST].keys() == {"__Host-session", LOGIN}
        assert await is_signed_in(visitor)
        assert await rows(database, "host_sessions") == []
        out = await visitor.send("POST", f"{APP}/.dhq-auth/sign_out", headers=form)
        assert out.status == 303
        assert "__Host-session" not in visitor.jars[HOST]
        assert not await is_signed_in(visitor)
        assert await rows(database, "sessions") == []
