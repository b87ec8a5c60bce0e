"""Several accounts may claim one email, which nobody has verified."""

import pytest
from sqlalchemy import text

from dhq_auth.db import Database
from tests.fixtures.service import Service, Start
from tests.self_service.people import basic, logged_in, registered

EMAIL = "alice@example.com"
FIRST = "correct horse battery staple"
LATER = "a staple for each battery"

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def log_in(service: Service, password: str) -> tuple[int, str | None]:
    answer = await service.new_browser().post(
        "/auth/login", json={"email": EMAIL, "password": password}
    )
    said = await answer.json()
    return answer.status, said["profile"]["id"] if answer.status == 200 else None


async def register(service: Service, password: str) -> str:
    answer = await service.new_browser().post(
        "/auth/register", json={"email": EMAIL, "password": password}
    )
    assert answer.status == 201
    service.clock.advance(seconds=1)
    return str((await answer.json())["id"])


@pytest.mark.slow
async def test_who_claims_an_email_later_does_not_push_out_who_had_it_first(start: Start) -> None:
    service = await start()
    first = await register(service, FIRST)
    browser = service.new_browser()
    await browser.post("/auth/login", json={"email": EMAIL, "password": FIRST})
    for number in range(5):
        await register(service, f"{LATER} {number}")
    changed = await browser.post(
        "/auth/users/me/password", json={"current_password": FIRST, "new_password": f"new {FIRST}"}
    )
    assert changed.status == 200, await changed.text()
    assert await log_in(service, f"new {FIRST}") == (200, first)


@pytest.mark.slow
async def test_whose_the_email_is_goes_before_all_who_claimed_it_first(start: Start) -> None:
    service = await start(PASSWORD_CHECKS="1000")
    for number in range(4):
        await register(service, f"{LATER} {number}")
    setup = await service.new_browser().post("/auth/setup")
    made = await setup.json()
    added = await service.new_browser().post(
        "/auth/users",
        json={"email": EMAIL, "password": FIRST},
        headers=basic(made["username"], made["password"]),
    )
    assert added.status == 201, await added.text()
    assert await log_in(service, FIRST) == (200, (await added.json())["id"])


@pytest.mark.slow
async def test_of_users_of_0_1_6_whose_names_differ_in_case_each_logs_in_by_the_own(
    start: Start,
) -> None:
    service = await start()
    people = {name: await registered(service, name) for name in ("ada", "other")}
    database = Database(service.settings.database_url.value, pool=1, timeout=10)
    async with database.write() as db:  # as the migration leaves all but the oldest
        await db.execute(
            text("UPDATE users SET username = 'Ada', username_key = '=Ada' WHERE id = :id"),
            {"id": people["other"].id},
        )
    await database.close()
    assert (await logged_in(service, "Ada")).id == people["other"].id
    for spelt in ("ada", "ADA"):
        assert (await logged_in(service, spelt)).id == people["ada"].id


@pytest.mark.slow
async def test_of_many_claims_only_the_oldest_are_tried(start: Start) -> None:
    service = await start(PASSWORD_CHECKS="1000", LOGIN_ATTEMPTS="100")
    made = [await register(service, f"{LATER} {number}") for number in range(5)]
    told = [await log_in(service, f"{LATER} {number}") for number in range(5)]
    assert told == [(200, made[0]), (200, made[1]), (200, made[2]), (401, None), (401, None)]
