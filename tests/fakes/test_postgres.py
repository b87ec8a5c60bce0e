"""The PostgreSQL of the tests: each database is fresh, and gone afterwards."""

import asyncpg
import pytest


async def test_a_database_begins_empty(postgres_url):
    connection = await asyncpg.connect(postgres_url)
    tables = await connection.fetch("SELECT * FROM pg_tables WHERE schemaname = 'public'")
    await connection.close()
    assert tables == []


async def test_a_database_begins_as_its_template(postgres):
    template = postgres.create()
    postgres.execute("CREATE TABLE filled AS SELECT 42 AS value", template)
    copy = postgres.create(template)
    assert postgres.execute("SELECT value FROM filled", copy) == "42"
    postgres.drop(copy)
    postgres.drop(template)


async def test_a_wrong_password_is_refused(postgres):
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(postgres.url("postgres"), password="wrong")


async def test_a_database_in_use_can_be_dropped(postgres):
    name = postgres.create()
    connection = await asyncpg.connect(postgres.url(name))
    postgres.drop(name)
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await connection.fetchval("SELECT 1")
    await connection.close()


async def test_what_cannot_be_made_is_an_error_and_the_next_can(postgres):
    with pytest.raises(RuntimeError, match="TEMPLATE nowhere"):
        postgres.create("nowhere")
    postgres.drop(postgres.create())


async def test_the_password_is_judged_in_one_round(postgres):
    stored = postgres.execute("SELECT rolpassword FROM pg_authid WHERE rolname = 'postgres'")
    rounds = postgres.execute("SELECT count(*) FROM pg_settings WHERE name = 'scram_iterations'")
    assert stored.startswith("SCRAM-SHA-256$1:" if rounds == "1" else "SCRAM-SHA-256$4096:")
