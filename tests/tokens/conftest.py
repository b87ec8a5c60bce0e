"""Fixtures: a signer, and a mint that knows its keys."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dhq_auth import migrations
from dhq_auth.db import Database
from dhq_auth.tokens.key import SigningKey, new_private_key
from dhq_auth.tokens.keyring import Keyring
from dhq_auth.tokens.signing import LOGIN, TokenSigner
from dhq_auth.tokens.store import KeyPurpose
from tests.fixtures.service import FrozenClock
from tests.tokens.forgeries import Mint
from tests.tokens.replicas import NewReplica, Replica, replica_of

ISSUER = "http://localhost:8000"
NOW = datetime(2026, 5, 4, 3, 2, 1, 987_654, tzinfo=UTC)
LIFETIME = timedelta(days=14)


@pytest.fixture
async def database(empty_url: str) -> AsyncIterator[Database]:
    """A database that is up to date, but has no keys."""
    database = Database(empty_url, pool=2, timeout=20)
    await migrations.upgrade(database)
    yield database
    await database.close()


@pytest.fixture
async def new_replica(database_url: str, clock: FrozenClock) -> AsyncIterator[NewReplica]:
    """A function that gives a process that was not started yet; see `replica_of`."""
    async with AsyncExitStack() as stack:

        def new(**options: Any) -> Replica:
            replica = replica_of(database_url, clock, **options)
            stack.push_async_callback(replica.stop)
            return replica

        yield new


@pytest.fixture(scope="session")
def keyring() -> Keyring:
    """A key for each purpose."""
    return Keyring(SigningKey.of(new_private_key(), purpose) for purpose in KeyPurpose)


@pytest.fixture(scope="session")
def signer(keyring: Keyring) -> TokenSigner:
    """A signer for whom it is always NOW."""
    return TokenSigner(
        keyring,
        issuer=ISSUER,
        now=lambda: NOW,
        leeway=timedelta(seconds=30),
        max_length=8192,
    )


@pytest.fixture(scope="session")
def login_token(signer: TokenSigner) -> str:
    """A valid login token."""
    return asyncio.run(signer.sign(LOGIN, "ada", LIFETIME, {"sid": "session"}))


@pytest.fixture(scope="session")
def mint(keyring: Keyring, login_token: str) -> Mint:
    """Makes tokens like the valid one."""
    login, service = map(keyring.signing, (KeyPurpose.LOGIN, KeyPurpose.SERVICE))
    return Mint(login_token, login, service)
