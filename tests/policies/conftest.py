"""What tests of policies share."""

import pytest

from tests.policies.renderings import make_in_postgres
from tests.policies.secured import ROWS, notes


@pytest.fixture
async def url(postgres_url: str) -> str:
    """The URL of a PostgreSQL database with the notes."""
    await make_in_postgres(postgres_url, notes, ROWS)
    return postgres_url
