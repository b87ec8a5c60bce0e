"""The notes with PostgreSQL's row-level security, which somebody has forgotten to put there."""

from pathlib import Path

import pytest
from aiohttp import web
from sqlalchemy.engine import make_url

from dhq_auth.sdk import NotEnforced
from examples.notes.__main__ import service as make_service
from tests.fakes.postgres import PostgresServer

ROOT = Path(__file__).parents[2]


@pytest.mark.postgres
async def test_the_notes_do_not_start_where_postgresql_would_give_everybody_every_row(
    postgres: PostgresServer,
) -> None:
    name = postgres.create()
    postgres.execute((ROOT / "examples/notes/schema.sql").read_text(), name)
    postgres.execute("ALTER ROLE notes_app PASSWORD 'only-for-tests'", name)
    enable = "ALTER TABLE notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"
    superuser = make_url(postgres.url(name)).set(drivername="postgresql+asyncpg")
    ours = superuser.set(username="notes_app", password="only-for-tests")
    for url, starts in ((ours, False), (superuser, False), (ours, True)):
        app = make_service(
            url.render_as_string(hide_password=False),
            "http://localhost:1",
            row_level_security=True,
            connections=1,
        )
        runner = web.AppRunner(app)
        if starts:
            postgres.execute(enable, name)
            await runner.setup()
        else:
            with pytest.raises(NotEnforced, match="no row-level security"):
                await runner.setup()
        await runner.cleanup()
