"""REL-16: a database that the version before has used; what people hold from there goes on.

The samples are what that version wrote by itself, and what it gave to people.
"""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.service import Browser, FrozenClock, Start

SAMPLES = Path(__file__).parent / "samples"
HELD: dict[str, Any] = json.loads((SAMPLES / "version_0003.json").read_text())
ADA = HELD["ada"]
SECRET_KEY = "sample-secret-key-of-the-tests-0123456789"
A_DAY_LATER = datetime(2026, 11, 23, 12, tzinfo=UTC)

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
async def program(start: Start, clock: FrozenClock, tmp_path: Path) -> Browser:
    """A client of this version on the database of the one before."""
    clock.now = A_DAY_LATER
    file = tmp_path / "before.db"
    with closing(sqlite3.connect(file)) as db:
        db.executescript((SAMPLES / "version_0003.sql").read_text())
    service = await start(
        DATABASE_URL=f"sqlite:///{file}",
        SECRET_KEY=SECRET_KEY,
        EXTERNAL_ADDRESS="http://localhost:8000",
        SESSION_DURATION="0",
        LOGIN_TOKEN_LIFETIME="3650d",
    )
    return service.program


async def known(program: Browser, **headers: str) -> bool:
    answer = await program.get("/auth/check", headers=headers)
    return bool((await answer.json())["authenticated"])


@pytest.mark.slow
async def test_what_people_hold_of_the_version_before_is_believed(program: Browser) -> None:
    assert await known(program, **{"Auth-Token": ADA["login_token"]})
    assert await known(program, Cookie=f"session={ADA['cookies']['session']}")
    assert await known(program, Authorization=f"Bearer {ADA['api_token']}")
    for account in (
        {"username": "ada", "password": ADA["password"]},
        HELD["administrator"],
    ):
        answer = await program.post("/auth/login", json=account)
        assert answer.status == 200, await answer.text()


async def test_what_had_ended_before_stays_ended(program: Browser) -> None:
    assert not await known(program, **{"Auth-Token": ADA["ended_login_token"]})
    assert not await known(program, Authorization=f"Bearer {ADA['revoked_api_token']}")


async def test_the_key_that_services_have_read_still_signs(program: Browser) -> None:
    answer = await program.get("/auth/public-key")
    assert await answer.text() == HELD["public_key"]
