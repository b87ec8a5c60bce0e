"""Accounts of our own: register, log in, go on as who one is already."""

import asyncio
from http.cookies import SimpleCookie
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import text

from dhq_auth.db import Database
from tests.fixtures.service import NEXT, Browser, Service, Start

GOOD = "correct horse battery staple"
ALICE = {"username": "alice", "password": GOOD}
FORM = {"Accept": "text/html"}

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
async def local(start: Start) -> Service:
    return await start()


async def register(service: Service, **fields: object) -> dict[str, object]:
    answer = await service.browser.post("/auth/register", json={**ALICE, **fields})
    assert answer.status == 201, await answer.text()
    return await answer.json()


async def log_in(browser: Browser, name: str = "alice", password: str = GOOD) -> object:
    return await browser.post("/auth/login", json={"username": name, "password": password})


async def test_who_registers_can_log_in(local: Service) -> None:
    made = await register(local, email="alice@example.com")
    assert made == {"id": made["id"], "username": "alice"}
    answer = await log_in(local.browser)
    said = await answer.json()
    assert answer.status == 200
    assert said["expires_in"] == 14 * 86400
    assert said["profile"]["id"] == made["id"]
    assert said["profile"]["email"] == "alice@example.com"
    assert said["profile"]["email_verified"] is False
    assert (await local.check(said["token"]))["authenticated"] is True
    cookie = SimpleCookie(answer.headers["Set-Cookie"])["session"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert "Cache-Control" in answer.headers


@pytest.mark.parametrize(
    "name", ["alice", "ALICE", " alice ", "alice@example.com", "Alice@Example.COM"]
)
@sqlite
async def test_a_username_or_an_email_names_the_account(local: Service, name: str) -> None:
    await register(local, email="alice@example.com")
    assert (await log_in(local.browser, name)).status == 200


@pytest.mark.parametrize("email", [None, "bob@example.com"])
@pytest.mark.parametrize("username", ["alice", "ALICE", "Alice"])
async def test_a_username_is_taken_however_it_is_spelt(
    local: Service, username: str, email: str | None
) -> None:
    await register(local)
    again = {"username": username, "email": email, "password": f"{GOOD} again"}
    answer = await local.browser.post("/auth/register", json=again)
    assert answer.status == 409
    assert (await answer.json())["code"] == "username_taken"
    assert (await log_in(local.browser)).status == 200


async def test_of_many_who_register_one_name_at_once_one_gets_it(local: Service) -> None:
    answers = await asyncio.gather(
        *(local.browser.post("/auth/register", json=ALICE) for _ in range(8))
    )
    assert sorted(answer.status for answer in answers) == [201] + [409] * 7


@sqlite
async def test_nobody_learns_that_an_email_is_registered(local: Service) -> None:
    first = {"email": "carol@example.com", "password": GOOD}
    second = {"email": "CAROL@example.com", "password": f"{GOOD}, too"}
    answers = [await local.browser.post("/auth/register", json=each) for each in (first, second)]
    told = [await answer.json() for answer in answers]
    assert [answer.status for answer in answers] == [201, 201]
    assert [{**each, "id": ""} for each in told] == [{"id": "", "username": None}] * 2
    # Each of them gets into an account of their own.
    for account, made in zip((first, second), told, strict=True):
        answer = await local.browser.post("/auth/login", json=account)
        assert (await answer.json())["profile"]["id"] == made["id"]


@sqlite
async def test_who_registers_is_nobody_special(local: Service) -> None:
    made = await register(local, is_admin=True, id="1", is_active=False, email_verified=True)
    answer = await log_in(local.browser)
    profile = (await answer.json())["profile"]
    assert profile["id"] == made["id"] != "1"
    database = Database(local.settings.database_url.value, pool=1, timeout=5)
    async with database.read() as db:
        row = (await db.execute(text("SELECT is_admin, email_verified FROM users"))).one()
    await database.close()
    assert [bool(value) for value in row] == [False, False]


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"password": GOOD},
        {"username": "", "password": GOOD},
        {"username": "bob"},
        {"username": "bob", "password": ""},
        {"username": "bob", "password": None},
        {"username": "bob", "password": 123456789012345},
        {"username": ["bob"], "password": GOOD},
        {"username": "bob", "password": "too short"},
        {"username": "bob", "password": "x" * 1025},
        {"username": "bob", "password": "aaaaaaaaaaaaaaaa"},
        {"username": "admin", "password": GOOD},
        {"username": "b\u043eb", "password": GOOD},  # a Cyrillic letter
        {"username": "b" * 10_000, "password": GOOD},
        {"username": "b" * 65, "password": GOOD},
        {"username": "bob\u202e", "password": GOOD},
        {"username": "bob\x00", "password": GOOD},
        {"email": "no email", "password": GOOD},
        {"email": f"{'b' * 300}@example.com", "password": GOOD},
        {"email": f"bob@{'e' * 247}.com", "password": GOOD},  # 255 characters
        {"username": "bob", "email": "b\x00@example.com", "password": GOOD},
        {"username": "bob", "password": GOOD, "name": "two\nlines"},
    ],
    ids=repr,
)
@sqlite
async def test_what_cannot_be_registered(local: Service, sent: dict[str, object]) -> None:
    answer = await local.browser.post("/auth/register", json=sent)
    problem = await answer.json()
    assert answer.status == 400, problem
    assert problem["detail"]
    database = Database(local.settings.database_url.value, pool=1, timeout=5)
    async with database.read() as db:
        assert (await db.execute(text("SELECT count(*) FROM users"))).scalar_one() == 0
    await database.close()


@sqlite
async def test_a_wrong_password_and_an_unknown_user_are_answered_alike(local: Service) -> None:
    await register(local, email="alice@example.com")
    told = []
    for name in ("alice", "alice@example.com", "nobody", "nobody@example.com", "\x00", "n" * 5000):
        answer = await log_in(local.browser, name, "wrong")
        problem = await answer.json()
        ours = {"X-Request-ID", "Date"}
        headers = {name: value for name, value in answer.headers.items() if name not in ours}
        told.append((answer.status, {**problem, "request_id": ""}, headers))
        if name != "\x00":
            assert answer.status == 401
    alike = [each for each in told if each[0] == 401]
    for each in alike:
        assert each == alike[0]
    assert alike[0][1]["code"] == "wrong_password"
    assert "Set-Cookie" not in alike[0][2]


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"password": GOOD},
        {"username": "", "password": GOOD},
        {"username": "alice"},
        {"username": "alice", "password": ""},
        {"email": "", "password": GOOD},
        {"username": 1, "password": GOOD},
        {"username": "alice", "password": {}},
    ],
    ids=repr,
)
@sqlite
async def test_a_login_needs_name_and_password(local: Service, sent: dict[str, object]) -> None:
    assert (await local.browser.post("/auth/login", json=sent)).status == 400


@pytest.mark.parametrize("path", ["/auth/login", "/auth/register", "/auth/login/"])
@sqlite
async def test_they_are_posted(local: Service, path: str) -> None:
    answer = await local.browser.get(path)
    assert answer.status == 405
    assert answer.headers["Allow"] == "POST"


@sqlite
async def test_a_new_login_ends_the_cookie_that_was_there_before(local: Service) -> None:
    await register(local)
    first = SimpleCookie((await log_in(local.browser)).headers["Set-Cookie"])["session"].value
    second = SimpleCookie((await log_in(local.browser)).headers["Set-Cookie"])["session"].value
    assert first != second
    other = local.new_browser()
    for secret, known in ((first, False), (second, True)):
        answer = await other.get("/auth/check", headers={"Cookie": f"session={secret}"})
        assert (await answer.json())["authenticated"] is known


@sqlite
async def test_a_form_leads_to_next_with_the_token(local: Service) -> None:
    await register(local)
    answer = await local.browser.post(
        "/auth/login", data={**ALICE, "next": f"{NEXT}/a?b=1#c"}, headers=FORM
    )
    assert answer.status == 303
    there = urlsplit(answer.headers["Location"])
    assert (there.path, there.fragment) == ("/a", "c")
    token = parse_qs(there.query)["jwt"][0]
    assert (await local.check(token))["authenticated"] is True


@sqlite
async def test_without_next_a_form_leads_to_the_profile(local: Service) -> None:
    answer = await local.browser.post("/auth/register", data=ALICE, headers=FORM)
    assert answer.status == 303
    assert answer.headers["Location"] == f"{local.url}/profile"
    check = await local.browser.get("/auth/check")
    assert (await check.json())["profile"]["username"] == "alice"


@pytest.mark.parametrize("path", ["/auth/login", "/auth/register", "/login/continue"])
@pytest.mark.parametrize("origin", [NEXT, "null", "https://evil.example"])
@sqlite
async def test_nobody_is_logged_in_by_another_site_s_form(
    local: Service, path: str, origin: str
) -> None:
    await register(local)
    sent = ALICE if path != "/auth/register" else {**ALICE, "username": "bob"}
    answer = await local.browser.post(path, data=sent, headers={**FORM, "Origin": origin})
    assert answer.status == 403
    assert "Set-Cookie" not in answer.headers


@sqlite
async def test_a_page_elsewhere_that_logs_in_gets_no_cookie(local: Service) -> None:
    await register(local)
    answer = await local.browser.post("/auth/login", json=ALICE, headers={"Origin": NEXT})
    assert answer.status == 200
    assert answer.headers["Access-Control-Allow-Origin"] == NEXT
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("path", ["/auth/login", "/auth/register", "/login/continue"])
@sqlite
async def test_next_is_judged_before_anything_is_done(local: Service, path: str) -> None:
    await register(local)
    sent = {"username": "bob", "password": GOOD, "next": "https://evil.example"}
    answer = await local.browser.post(path, data=sent)
    assert answer.status == 400
    assert (await answer.json())["code"] == "redirect_not_allowed"


@sqlite
async def test_a_form_that_is_refused_comes_again_without_the_password(local: Service) -> None:
    sent = {"username": "<b>alice", "password": f"secret {GOOD}", "next": NEXT}
    answer = await local.browser.post("/auth/login", data=sent, headers=FORM)
    page = await answer.text()
    assert answer.status == 401
    assert "&lt;b&gt;alice" in page
    assert "secret" not in page
    assert f'value="{NEXT}"' in page


@sqlite
async def test_who_is_signed_in_goes_on_to_next(local: Service) -> None:
    await register(local)
    await log_in(local.browser)
    answer = await local.browser.post("/login/continue", data={"next": NEXT}, headers=FORM)
    assert answer.status == 303
    token = parse_qs(urlsplit(answer.headers["Location"]).query)["jwt"][0]
    assert (await local.check(token))["authenticated"] is True


@sqlite
async def test_a_token_of_an_old_session_lives_as_long_as_any(start: Start) -> None:
    service = await start(SESSION_DURATION="1209600", LOGIN_TOKEN_LIFETIME="14d")
    await register(service)
    await log_in(service.browser)
    service.clock.advance(days=13)
    answer = await service.browser.post("/login/continue", data={"next": NEXT}, headers=FORM)
    token = parse_qs(urlsplit(answer.headers["Location"]).query)["jwt"][0]
    database = Database(service.settings.database_url.value, pool=1, timeout=5)
    async with database.read() as db:
        kept = (await db.execute(text("SELECT keep_until FROM sessions"))).scalar_one()
    await database.close()
    service.clock.advance(days=13)
    assert str(kept) > service.clock.now.strftime("%Y-%m-%d %H:%M:%S")
    assert (await service.check(token))["authenticated"] is True


@sqlite
async def test_who_is_not_signed_in_is_led_to_the_login(local: Service) -> None:
    answer = await local.browser.post("/login/continue", data={"next": NEXT}, headers=FORM)
    assert answer.status == 303
    assert answer.headers["Location"].startswith(f"{local.url}/login?next=")


@sqlite
async def test_registration_can_be_closed(start: Start) -> None:
    service = await start(REGISTRATION="closed")
    answer = await service.browser.post("/auth/register", json=ALICE)
    assert answer.status == 403
    assert (await answer.json())["code"] == "registration_closed"
    assert (await service.browser.get("/register")).status == 403
    page = await (await service.browser.get("/login")).text()
    assert "/register" not in page


@sqlite
async def test_passwords_can_be_turned_off(start: Start) -> None:
    service = await start(PASSWORD_LOGIN="off")
    for path in ("/auth/register", "/auth/login"):
        assert (await service.browser.post(path, json=ALICE)).status == 404
    check = await (await service.browser.get("/auth/check")).json()
    assert "password" not in check["providers"]
    assert 'type="password"' not in await (await service.browser.get("/login")).text()


@sqlite
async def test_check_names_the_page_where_one_logs_in_with_a_password(local: Service) -> None:
    answer = await local.browser.get("/auth/check", params={"next": NEXT})
    url = (await answer.json())["providers"]["password"]["url"]
    assert url.startswith(f"{local.url}/login?next=")
    page = await local.browser.go(url)
    assert page.status == 200
    assert f'value="{NEXT}"' in await page.text()
