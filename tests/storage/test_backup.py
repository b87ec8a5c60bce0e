"""Backup and restore, by the very commands of docs/backup.md, while the service runs."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.fakes.postgres import PostgresServer, programs
from tests.fixtures.service import Service, Start
from tests.self_service.people import GOOD, registered

DOCUMENT = Path(__file__).parents[2] / "docs" / "backup.md"
SQLITE_BACKUP, SQLITE_RESTORE, POSTGRES_BACKUP, POSTGRES_RESTORE = re.findall(
    r"^```sh\n(.*?)^```", DOCUMENT.read_text(), re.DOTALL | re.MULTILINE
)

pytestmark = pytest.mark.slow


def run(commands: str, folder: Path, **environ: str) -> None:
    path = f"{programs()}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(  # noqa: S603 - the commands of our own document
        ["/bin/sh", "-euc", commands], check=True, cwd=folder, env={"PATH": path, **environ}
    )


async def known(service: Service, token: str) -> bool:
    return bool((await service.check(token))["authenticated"])


async def lived_with(service: Service) -> str:
    """Return the login token of somebody who is in the backup."""
    return (await registered(service, "ada")).token


async def is_as_it_was(service: Service, before: str, after: str) -> None:
    """What was there at the backup is there, with its keys; what came later is not."""
    assert await known(service, before)
    assert not await known(service, after)
    for name, status in (("ada", 200), ("bob", 401)):
        sent = {"username": name, "password": GOOD}
        assert (await service.browser.post("/auth/login", json=sent)).status == status


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_sqlite_is_backed_up_while_it_runs_and_restored(start: Start, tmp_path: Path) -> None:
    there = {
        "DATABASE_URL": f"sqlite:///{tmp_path}/data/dhq-auth.db",
        "EXTERNAL_ADDRESS": "http://localhost:8000",
    }
    service = await start(**there)
    before = await lived_with(service)
    run(SQLITE_BACKUP, tmp_path)
    after = (await registered(service, "bob")).token
    await service.stop()
    run(SQLITE_RESTORE, tmp_path)
    await is_as_it_was(await start(**there), before, after)


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_postgresql_is_backed_up_while_it_runs_and_restored(
    start: Start, postgres: PostgresServer, postgres_url: str, tmp_path: Path
) -> None:
    here = {"EXTERNAL_ADDRESS": "http://localhost:8000", "SECRET_KEY": "s" * 40}
    service = await start(**here, DATABASE_URL=postgres_url)
    before = await lived_with(service)
    run(POSTGRES_BACKUP, tmp_path, DATABASE_URL=postgres_url)
    after = (await registered(service, "bob")).token
    await service.stop()
    empty = postgres.create()
    try:
        url = postgres.url(empty)
        run(POSTGRES_RESTORE, tmp_path, DATABASE_URL=url)
        restored = await start(**here, DATABASE_URL=url)
        await is_as_it_was(restored, before, after)
        await restored.stop()
    finally:
        postgres.drop(empty)
