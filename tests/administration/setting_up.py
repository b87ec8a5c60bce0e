"""Doing the setup, and looking at what it made."""

from typing import Any

from sqlalchemy import text

from dhq_auth.administration.setup_file import code_file
from dhq_auth.db import Database
from tests.fixtures.service import Service

SETUP = "/auth/setup"
ELSEWHERE = "https://login.example.com"


def code_of(service: Service) -> str:
    """Return the setup code in the file."""
    return code_file(service.settings).read_text().strip()


async def set_up(service: Service, **request: Any) -> tuple[int, dict[str, Any]]:
    """Return status and answer to a setup, as it comes from here."""
    answer = await service.browser.post(SETUP, **request)
    return answer.status, await answer.json()


async def administrators(service: Service) -> int:
    """Return how many administrators there are."""
    database = Database(service.settings.database_url.value, pool=1, timeout=10)
    async with database.read() as db:
        found = await db.execute(text("SELECT count(*) FROM users WHERE is_admin"))
        number: int = found.scalar_one()
    await database.close()
    return number
