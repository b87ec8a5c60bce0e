"""A database of dhq-auth 0.1.6 becomes one of ours, in place."""

import hashlib
import os
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import inspect, text

from dhq_auth import migrations
from dhq_auth.accounts.store import User, user_by_id, user_by_username
from dhq_auth.db import Database
from dhq_auth.errors import StartRefused
from dhq_auth.migrations.lock import migration_lock
from tests.fakes.github import GitHub
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fixtures.service import FrozenClock, _start, oidc

# What SQLAlchemy made of the model of 0.1.6, word for word.
DDL = """
CREATE TABLE users (
	id VARCHAR(128) NOT NULL,
	provider_id VARCHAR(128),
	username {text} NOT NULL,
	name {text},
	email {text},
	avatar_url VARCHAR(512),
	join_date {datetime},
	PRIMARY KEY (id),
	UNIQUE (username)
)
"""
TYPES = {
    "sqlite": {"text": "VARCHAR", "datetime": "DATETIME"},
    "postgresql": {"text": "VARCHAR", "datetime": "TIMESTAMP WITHOUT TIME ZONE"},
}
ADA = "ada@example.com"
INSERT = text(
    "INSERT INTO users (id, provider_id, username, name, email, avatar_url, join_date)"
    " VALUES (:id, :provider_id, :username, :name, :email, :avatar_url, :join_date)"
)


def row(username: str, **columns: Any) -> dict[str, Any]:
    email = columns.get("email", f"{username}@example.com")
    return {
        "id": hashlib.md5((email or username).encode(), usedforsecurity=False).hexdigest(),
        "provider_id": f"google:{username}",
        "username": username,
        "name": username.title(),
        "email": email,
        "avatar_url": "https://images.example.com/a.png",
        "join_date": datetime(2019, 7, 1, 12, 30, 15, 123456),  # noqa: DTZ001 - as 0.1.6 had it
        **columns,
    }


@pytest.fixture
async def legacy(empty_url: str) -> AsyncIterator[Database]:
    """A database of 0.1.6 without users."""
    database = Database(empty_url, pool=2, timeout=60)
    async with database.write() as db:
        await db.execute(text(DDL.format(**TYPES[db.dialect.name])))
    yield database
    await database.close()


@pytest.fixture
def in_kathmandu() -> Iterator[None]:
    """A place where local time is 5:45 ahead of UTC."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "Asia/Kathmandu"
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


async def fill(legacy: Database, *rows: dict[str, Any]) -> None:
    async with legacy.write() as db:
        if db.dialect.name == "sqlite":
            rows = tuple(
                {**each, "join_date": str(each["join_date"]) if each["join_date"] else None}
                for each in rows
            )
        await db.execute(INSERT, list(rows))


async def user(database: Database, user_id: str) -> User:
    async with database.read() as db:
        found = await user_by_id(db, user_id)
    assert found is not None
    return found


async def test_ids_names_and_times_are_kept(legacy: Database, in_kathmandu: None) -> None:
    ada = row("ada", provider_id="google:1001", email=ADA, name="Ada Lovelace")
    await fill(legacy, ada)
    await migrations.upgrade(legacy)
    kept = await user(legacy, ada["id"])
    for column in ("id", "username", "name", "email", "avatar_url", "provider_id"):
        assert getattr(kept, column) == ada[column]
    assert kept.created_at == datetime(2019, 7, 1, 6, 45, 15, 123456, tzinfo=UTC)
    assert len(kept.idhash) == 32
    assert kept.is_active
    assert not kept.is_admin
    assert not kept.email_verified  # 0.1.6 never asked


async def test_empty_columns_stay_empty(legacy: Database, clock: FrozenClock) -> None:
    empty = dict.fromkeys(("provider_id", "name", "email", "avatar_url", "join_date"))
    await fill(legacy, row("nobody1", **empty))
    await migrations.upgrade(legacy)
    async with legacy.read() as db:
        kept = await user_by_username(db, "nobody1")
    assert kept is not None
    assert (kept.name, kept.email, kept.avatar_url, kept.provider_id) == (None,) * 4
    assert abs((kept.created_at - clock()).total_seconds()) < 60


@pytest.mark.slow
async def test_names_that_differ_in_case_alone_are_all_kept_and_found(legacy: Database) -> None:
    def year(number: int) -> datetime:
        return datetime(number, 1, 1)  # noqa: DTZ001

    names = {"ada": 2020, "Ada": 2018, "ADA": 2019, "=ada": 2017, "Straße": 2016, "STRASSE": 2021}
    await fill(legacy, *(row(name, join_date=year(joined)) for name, joined in names.items()))
    await migrations.upgrade(legacy)

    async def named(username: str) -> str | None:
        async with legacy.read() as db:
            found = await user_by_username(db, username)
        return found.username if found else None

    assert {name: await named(name) for name in names if name != "ada"} == {
        name: name for name in names if name != "ada"
    }
    assert await named("aDa") == "Ada"  # the oldest is found by any spelling
    assert await named("strasse") == "Straße"


async def test_every_username_is_kept_even_where_keys_would_collide(legacy: Database) -> None:
    names = ["bob", "Bob", "BOB", "=bob", "=Bob", "==bob", "bOB"]
    await fill(legacy, *(row(name) for name in names))
    await migrations.upgrade(legacy)
    async with legacy.read() as db:
        kept = await db.execute(text("SELECT username FROM users"))
        assert sorted(kept.scalars()) == sorted(names)


@pytest.mark.slow
async def test_five_thousand_users_are_taken_over(legacy: Database) -> None:
    await fill(legacy, *(row(f"user{number}") for number in range(5000)))
    await migrations.upgrade(legacy)
    async with legacy.read() as db:
        counts = "SELECT count(*), count(DISTINCT idhash), count(DISTINCT username_key) FROM users"
        assert (await db.execute(text(counts))).one() == (5000, 5000, 5000)


async def test_nothing_of_the_old_table_is_left(legacy: Database) -> None:
    await fill(legacy, row("ada"))
    await migrations.upgrade(legacy)
    assert await migrations.upgrade(legacy) == migrations.HEAD
    async with legacy.read() as db:
        names = await db.run_sync(lambda connection: inspect(connection).get_table_names())
    assert "users_of_0_1_6" not in names


@pytest.mark.slow
async def test_a_failure_in_the_middle_leaves_the_old_database_as_it_was(
    legacy: Database, empty_url: str
) -> None:
    await fill(legacy, *(row(f"user{number}") for number in range(3)))
    async with legacy.write() as db:
        # In the way of the last table that is made.
        await db.execute(text("CREATE TABLE audit_events (id INTEGER)"))
    with pytest.raises(Exception, match="already exists"):
        await migrations.upgrade(legacy)
    async with legacy.read() as db:
        names = await db.run_sync(lambda connection: inspect(connection).get_table_names())
        assert set(names) - {migration_lock.name} == {"audit_events", "users"}
        assert (await db.execute(text("SELECT count(*) FROM users"))).scalar_one() == 3
    async with legacy.write() as db:
        await db.execute(text("DROP TABLE audit_events"))
    await migrations.upgrade(legacy)
    async with legacy.read() as db:
        assert (await db.execute(text("SELECT count(*) FROM users"))).scalar_one() == 3


async def test_a_table_with_other_columns_is_not_taken_for_0_1_6(legacy: Database) -> None:
    async with legacy.write() as db:
        await db.execute(text("ALTER TABLE users ADD COLUMN password VARCHAR"))
    with pytest.raises(StartRefused, match="password"):
        await migrations.upgrade(legacy)


@pytest.mark.slow
async def test_users_of_0_1_6_are_found_again_when_they_log_in(
    legacy: Database, empty_url: str, issuer: OidcIssuer, github: GitHub, clock: FrozenClock
) -> None:
    """By the id of the provider, or by the MD5 of an email that a trusted one has verified."""
    ada = row("ada", email="old@example.com", provider_id=f"github:{github.user['id']}")
    bob = row("bob", email=issuer.user["email"], provider_id=None)
    await fill(legacy, ada, bob)
    service = await _start(
        clock,
        {
            "DATABASE_URL": empty_url,
            **oidc(issuer, TRUST_EMAIL="on"),
            "GITHUB_KEY": github.client.id,
            "GITHUB_SECRET": github.client.secret,
            "GITHUB_URL": github.url,
            "GITHUB_API_URL": github.api_url,
        },
    )
    for provider in (issuer, github):
        provider.client.redirect_uris.add(f"{service.url}/auth/oauth_callback")
    try:
        for provider, old in (("github", ada), ("acme", bob)):
            browser = service.new_browser()
            known: Any = await service.check(await service.log_in(provider, browser=browser))
            assert known["profile"]["id"] == old["id"]
            assert known["profile"]["username"] == old["username"]
    finally:
        await service.stop()
