"""What a caller sees of the rules for passwords, and of the queue in front of the hashes."""

import asyncio
import os

import pytest
from aiohttp import ClientResponse

from dhq_auth.db import Database
from dhq_auth.passwords import imported
from dhq_auth.passwords.store import passwords
from tests.fixtures.service import Start
from tests.passwords.test_imported import KNOWN as IMPORTED

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("fourteen chars", "too_short"),
        ("x" * 1025, "too_long"),
        ("nine purple owls\0", "characters"),
        ("owlsowlsowlsowls", "repeated"),
        ("1q2w3e4r5t6y7u8i", "sequence"),
        ("ada.lovelace1815", "context"),
        ("manchesterunited", "common"),
    ],
    ids=range(7),
)
async def test_who_registers_is_told_why_a_password_cannot_be_had(
    start: Start, password: str, reason: str
) -> None:
    service = await start()
    wanted = {"username": "ada.lovelace", "password": password}
    answer = await service.browser.post("/auth/register", json=wanted)
    told = await answer.json()
    assert (answer.status, told["code"], told["reason"]) == (400, "weak_password", reason)
    assert told["detail"]
    assert password not in await answer.text()


async def test_the_name_of_the_service_is_no_password(start: Start) -> None:
    service = await start(EXTERNAL_ADDRESS="https://larrys-garden-party.example")
    for password in ("larrys-garden-party", "dhq-auth-dhq-auth-26"):
        wanted = {"username": "ada", "password": password}
        answer = await service.browser.post("/auth/register", json=wanted)
        assert (answer.status, (await answer.json())["reason"]) == (400, "context"), password


async def test_shorter_passwords_may_be_had_where_password_min_length_says_so(start: Start) -> None:
    service = await start(PASSWORD_MIN_LENGTH="8")
    for number, (password, status) in enumerate((("kq7w!xz", 400), ("kq7w!xzv", 201))):
        wanted = {"username": f"ada{number}", "password": password}
        assert (await service.browser.post("/auth/register", json=wanted)).status == status


@pytest.mark.slow
async def test_more_than_password_hashes_queued_are_told_to_come_back(
    start: Start, database_url: str
) -> None:
    service = await start(PASSWORD_HASHES_QUEUED="0", LOGIN_ATTEMPTS="1000", PASSWORD_CHECKS="1000")
    wanted = {"username": "ada", "password": "nine purple owls"}
    assert (await service.browser.post("/auth/register", json=wanted)).status == 201
    await let_checks_take_time(database_url)

    async def guess(password: str) -> ClientResponse:
        return await service.browser.post(
            "/auth/login", json={"username": "ada", "password": password}
        )

    guesses = [f"guess {number}" for number in range((os.cpu_count() or 1) + 1)]
    answers = await asyncio.gather(*map(guess, guesses))
    statuses = [answer.status for answer in answers]
    assert set(statuses) == {401, 503}
    for answer in answers:
        assert ("Retry-After" in answer.headers) is (answer.status == 503)
    assert (await guess("another guess")).status == 401


@pytest.mark.slow
async def test_a_password_of_another_system_logs_in_and_is_hashed_anew(
    start: Start, database_url: str
) -> None:
    service = await start()
    ada = {"username": "ada", "password": "nine purple owls"}
    assert (await service.browser.post("/auth/register", json=ada)).status == 201
    for foreign, password in (IMPORTED["Django, PBKDF2-SHA256"], IMPORTED["Django, bcrypt"]):
        await let_the_hash_be(database_url, foreign)
        for typed, status in (("nine purple owls", 401), (password, 200), (password, 200)):
            tried = {"username": "ada", "password": typed}
            assert (await service.browser.post("/auth/login", json=tried)).status == status
        assert (await hash_in(database_url)).startswith("$argon2id$v=19$")


async def let_checks_take_time(database_url: str) -> None:
    """Let the hash be one that another system made, at its own cost: a quarter of a second."""
    await let_the_hash_be(database_url, f"pbkdf2_sha256$1000000$salt${'A' * 43}=")


async def let_the_hash_be(database_url: str, foreign: str) -> None:
    database = Database(database_url, pool=1, timeout=10)
    async with database.write() as db:
        await db.execute(passwords.update().values(hash=imported.check(foreign)))
    await database.close()


async def hash_in(database_url: str) -> str:
    database = Database(database_url, pool=1, timeout=10)
    async with database.read() as db:
        (row,) = await db.execute(passwords.select())
    await database.close()
    return row.hash
