"""The setup over HTTP: once, from this machine, or with the code."""

import asyncio
from pathlib import Path

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import make_mocked_request
from sqlalchemy import text

from dhq_auth.administration.setup import is_local
from dhq_auth.administration.setup_file import code_file
from dhq_auth.db import Database
from dhq_auth.settings import from_environ
from tests.administration.setting_up import ELSEWHERE, SETUP, administrators, code_of, set_up
from tests.fixtures.service import Service, Start
from tests.self_service.people import GOOD, HTML, ask, logged_in

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def test_the_first_administrator_is_made_once(local: Service) -> None:
    status, made = await set_up(local)
    assert (status, made.keys(), made["username"]) == (201, {"username", "password"}, "admin")
    assert len(made["password"]) >= 20
    assert made["password"].isascii()
    assert made["password"].isalnum()
    admin = await logged_in(local, "admin", made["password"])
    assert (await admin.call("GET", "/auth/users"))[0] == 200
    status, said = await set_up(local)
    assert (status, said["code"]) == (409, "setup_done")
    assert "password" not in said


@pytest.mark.slow
@sqlite
async def test_two_services_do_not_make_the_same_password(start: Start, tmp_path: Path) -> None:
    one = (await set_up(await start()))[1]
    other = (await set_up(await start(DATABASE_URL=f"sqlite:///{tmp_path}/other.db")))[1]
    assert one["password"] != other["password"]


async def test_of_many_who_try_at_once_one_succeeds(local: Service) -> None:
    answers = await asyncio.gather(*(set_up(local) for _ in range(8)))
    assert sorted(status for status, _ in answers) == [201, *[409] * 7]
    assert await administrators(local) == 1


async def test_of_two_replicas_one_does_the_setup(start: Start) -> None:
    replicas = [await start(), await start()]
    answers = await asyncio.gather(*(set_up(each) for each in replicas))
    assert sorted(status for status, _ in answers) == [201, 409]


@sqlite
async def test_where_an_administrator_was_made_otherwise_there_is_no_setup(
    local: Service,
) -> None:
    database = Database(local.settings.database_url.value, pool=1, timeout=10)
    _, made = await ask(
        local,
        "POST",
        "/auth/register",
        json={"username": "ann", "password": GOOD},
    )
    async with database.write() as db:
        await db.execute(
            text("UPDATE users SET is_admin = true WHERE id = :id"), {"id": made["id"]}
        )
    await database.close()
    assert (await set_up(local))[0] == 409


@sqlite
async def test_the_password_counts_for_seven_days_unless_it_is_changed(local: Service) -> None:
    password = (await set_up(local))[1]["password"]
    local.clock.advance(days=6, hours=23)
    await logged_in(local, "admin", password)
    local.clock.advance(hours=1)
    sent = {"username": "admin", "password": password}
    assert (await ask(local, "POST", "/auth/login", json=sent))[0] == 401


@sqlite
async def test_the_password_is_as_long_as_passwords_have_to_be(start: Start) -> None:
    _, made = await set_up(await start(PASSWORD_MIN_LENGTH="40"))
    assert len(made["password"]) == 40


@sqlite
async def test_a_name_that_somebody_has_is_left_to_him(local: Service) -> None:
    database = Database(local.settings.database_url.value, pool=1, timeout=10)
    _, made = await ask(local, "POST", "/auth/register", json={"username": "ann", "password": GOOD})
    async with database.write() as db:
        await db.execute(
            text("UPDATE users SET username = 'Admin', username_key = 'admin' WHERE id = :id"),
            {"id": made["id"]},
        )
    await database.close()
    status, made = await set_up(local)
    assert (status, made["username"]) == (201, "admin1")


@sqlite
async def test_where_there_are_no_passwords_it_is_said_what_to_do(start: Start) -> None:
    service = await start(PASSWORD_LOGIN="off")
    status, said = await set_up(service)
    assert (status, said["code"]) == (403, "password_login_off")
    assert "set-admin" in said["detail"]
    assert not code_file(service.settings).exists()


@sqlite
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:3000"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
        {"Sec-Fetch-Site": "none", "Origin": "http://evil.example"},
        {"Host": "evil.example"},
        {"Host": "localhost.evil.example:80"},
        {"Host": "10.0.0.1"},
        {"X-Forwarded-For": "127.0.0.1"},
        {"X-Forwarded-For": "203.0.113.9"},
        {"X-Real-IP": "203.0.113.9"},
        {"X-Forwarded-Host": "localhost"},
        {"Forwarded": "for=203.0.113.9"},
        {"Via": "1.1 proxy"},
    ],
    ids=[
        *("evil", "null", "other_port", "cross_site", "same_site", "navigation", "typed_by_evil"),
        *("rebound", "suffix", "lan", "forwarded", "forwarded_from", "real_ip"),
        *("forwarded_host", "rfc_7239", "via"),
    ],
)
async def test_who_is_led_or_forwarded_here_needs_the_code(
    local: Service, headers: dict[str, str]
) -> None:
    status, said = await set_up(local, headers=headers)
    assert (status, said["code"]) == (403, "setup_code_required")
    assert await administrators(local) == 0
    status, _ = await set_up(local, headers=headers, json={"code": code_of(local)})
    assert status == 201


@sqlite
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Host": "127.0.0.1:8000"},
        {"Host": "[::1]"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"X-Forwarded-Proto": "https"},
    ],
    ids=["program", "address", "ipv6", "own_page", "typed", "proto"],
)
async def test_who_sits_here_needs_none(local: Service, headers: dict[str, str]) -> None:
    assert (await set_up(local, headers=headers))[0] == 201


@pytest.mark.parametrize(
    ("peer", "here"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("172.17.0.1", False),
        ("203.0.113.9", False),
        ("fe80::1%eth0", False),
        ("::ffff:203.0.113.9", False),
        ("", False),
        (None, False),
    ],
)
def test_the_peer_itself_must_be_on_this_machine(peer: str | None, here: bool) -> None:  # noqa: FBT001 - an expectation
    request = make_mocked_request("POST", SETUP, headers={"Host": "localhost:8000"})
    assert is_local(request.clone(remote=peer), from_environ({})) is here


@sqlite
async def test_our_own_page_needs_none(local: Service) -> None:
    assert (await set_up(local, headers={"Origin": local.url}))[0] == 201


async def page(answer: ClientResponse) -> tuple[int, str]:
    return answer.status, await answer.text()


@sqlite
async def test_a_person_does_it_by_a_form_and_sees_the_password_once(local: Service) -> None:
    browser = local.browser
    status, shown = await page(await browser.get("/setup", headers=HTML))
    assert status == 200
    assert 'name="code"' not in shown
    own = {**HTML, "Origin": local.url, "Sec-Fetch-Site": "same-origin"}
    answer = await browser.post(SETUP, headers=own)
    status, shown = await page(answer)
    assert status == 201
    assert ">admin<" in shown
    assert answer.headers["Cache-Control"] == "no-store"
    status, shown = await page(await browser.get("/setup", headers=HTML))
    assert status == 409
    assert "/login" in shown
    assert (await browser.post(SETUP, headers=own)).status == 409


@sqlite
async def test_a_person_elsewhere_is_asked_for_the_code(remote: Service) -> None:
    browser = remote.browser
    assert 'name="code"' in (await page(await browser.get("/setup", headers=HTML)))[1]
    own = {**HTML, "Origin": ELSEWHERE}
    status, shown = await page(await browser.post(SETUP, data={"code": "wrong"}, headers=own))
    assert status == 403
    assert 'name="code"' in shown
    assert "The setup code is wrong." in shown
    sent = {"code": code_of(remote)}
    status, shown = await page(await browser.post(SETUP, data=sent, headers=own))
    assert status == 201
    assert ">admin<" in shown


@sqlite
async def test_the_setup_is_no_get(local: Service) -> None:
    assert (await ask(local, "GET", SETUP))[0] == 405
    assert await administrators(local) == 0
