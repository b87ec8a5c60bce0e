"""The setup code: one for all replicas, in a file, never in the database or the log."""

import asyncio
import stat
from pathlib import Path

import pytest
from sqlalchemy import text

from dhq_auth.administration.setup_file import code_file
from dhq_auth.db import Database
from tests.administration.setting_up import ELSEWHERE, administrators, code_of, set_up
from tests.fixtures.service import Service, Start

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def test_with_an_address_of_the_world_nothing_but_the_code_helps(remote: Service) -> None:
    for headers in ({}, {"Host": "localhost"}, {"Origin": ELSEWHERE}):
        status, said = await set_up(remote, headers=headers)
        assert (status, said["code"]) == (403, "setup_code_required")
    status, made = await set_up(remote, json={"code": code_of(remote)})
    assert (status, made["username"]) == (201, "admin")
    assert not code_file(remote.settings).exists()


@sqlite
async def test_where_there_are_no_passwords_there_is_no_code(start: Start) -> None:
    service = await start(PASSWORD_LOGIN="off")
    assert not code_file(service.settings).exists()


@sqlite
@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("x", 403),
        ("x" * 43, 403),
        ("", 403),
        (None, 403),
        ("é", 403),
        ("\ud800", 403),
        (0, 400),
        (True, 400),
        (["x"], 400),
    ],
    ids=["short", "as_long", "blank", "null", "letter", "half", "zero", "true", "list"],
)
async def test_a_made_up_code_is_refused(remote: Service, code: object, expected: int) -> None:
    assert (await set_up(remote, json={"code": code}))[0] == expected
    assert await administrators(remote) == 0


@sqlite
async def test_a_wrong_code_is_wrong_here_too(local: Service) -> None:
    assert (await set_up(local, json={"code": "made up"}))[0] == 403


@sqlite
async def test_codes_are_not_guessed_for_long(remote: Service) -> None:
    statuses = [(await set_up(remote, json={"code": f"x{n}"}))[0] for n in range(12)]
    assert statuses == [403] * 10 + [429] * 2
    status, said = await set_up(remote, json={"code": code_of(remote)})
    assert (status, said["code"]) == (429, "too_many_requests")
    remote.clock.advance(minutes=1)
    assert (await set_up(remote, json={"code": code_of(remote)}))[0] == 201


@sqlite
async def test_a_made_up_code_waits_for_no_writer(remote: Service) -> None:
    database = Database(remote.settings.database_url.value, pool=1, timeout=10)
    async with database.write() as db:
        await db.execute(text("SELECT 1"))
        async with asyncio.timeout(2):
            assert (await set_up(remote, json={"code": "made up"}))[0] == 403
    await database.close()


async def test_all_workers_and_replicas_have_one_code_and_it_outlives_a_restart(
    start: Start,
) -> None:
    environ = {"EXTERNAL_ADDRESS": ELSEWHERE, "SECRET_KEY": "k" * 43}
    first = await start(**environ)
    code = code_of(first)
    second = await start(**environ)
    assert code_of(second) == code
    await first.stop()
    assert (await set_up(second, json={"code": code}))[0] == 201


@pytest.mark.slow
@sqlite
async def test_another_database_has_another_code(start: Start, tmp_path: Path) -> None:
    environ = {"EXTERNAL_ADDRESS": ELSEWHERE, "SECRET_KEY": "k" * 43}
    one = await start(**environ)
    other = await start(**environ, DATABASE_URL=f"sqlite:///{tmp_path}/other.db")
    assert code_of(one) != code_of(other)
    assert (await set_up(other, json={"code": code_of(one)}))[0] == 403


async def test_the_file_is_for_its_owner_alone_and_gone_when_the_setup_is_done(
    local: Service, start: Start, tmp_path: Path
) -> None:
    file = code_file(local.settings)
    assert file.resolve().parent == tmp_path
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(code_of(local)) == 43
    code = code_of(local)
    await set_up(local)
    assert not file.exists()
    await start()
    assert not file.exists()
    assert (await set_up(local, json={"code": code}))[0] == 409


@sqlite
async def test_a_stale_file_is_removed_at_the_next_start(local: Service, start: Start) -> None:
    await set_up(local)
    await local.stop()
    file = code_file(local.settings)
    file.write_text("stale")
    await start()
    assert not file.exists()


@sqlite
async def test_the_code_is_neither_in_the_database_nor_in_the_log(
    remote: Service, caplog: pytest.LogCaptureFixture, tmp_path: Path, start: Start
) -> None:
    code = code_of(remote)
    with caplog.at_level("DEBUG"):
        again = await start(EXTERNAL_ADDRESS=ELSEWHERE, SECRET_KEY="k" * 43)
        await set_up(again, json={"code": f"{code}x"})
        made = (await set_up(again, json={"code": code}))[1]
    assert str(code_file(remote.settings)) in caplog.text
    kept = [file.read_bytes() for file in tmp_path.iterdir()]  # noqa: ASYNC240 - nobody waits
    for secret in (code, made["password"]):
        assert secret not in caplog.text
        assert not any(secret.encode() in each for each in kept)


@sqlite
async def test_where_the_file_cannot_be_written_the_service_starts_and_says_what_else_to_do(
    start: Start, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    (tmp_path / "dhq-auth.db.setup-code").mkdir()
    service = await start()
    (told,) = [each for each in caplog.messages if "setup code" in each]
    assert "dhq-auth setup" in told
    drafts = list(tmp_path.glob("*.setup-code.*"))  # noqa: ASYNC240 - nobody waits
    assert not drafts
    assert (await set_up(service))[0] == 201
