"""Fixtures: the database behind a service, a mint with the keys in it, and trust in others."""

from collections.abc import AsyncIterator

import pytest

from dhq_auth.credentials.trusted_issuers import TrustedIssuers
from dhq_auth.db import Database
from dhq_auth.remote import Remote
from dhq_auth.settings import from_environ
from dhq_auth.tokens.store import KeyPurpose
from tests.credentials.foreign import Believe
from tests.fixtures.keys import load_keys
from tests.fixtures.service import FrozenClock, Service
from tests.tokens.forgeries import Mint


@pytest.fixture
async def database(service: Service) -> AsyncIterator[Database]:
    """The database of the service."""
    database = Database(service.settings.database_url.value, pool=1, timeout=20)
    yield database
    await database.close()


@pytest.fixture
async def mint(service: Service, database: Database) -> Mint:
    """Somebody with our keys, and a valid login token of the service."""
    keyring = await load_keys(database, service.settings, service.clock)
    login, service_key = map(keyring.signing, (KeyPurpose.LOGIN, KeyPurpose.SERVICE))
    return Mint(await service.log_in("acme"), login, service_key)


@pytest.fixture
async def believe(clock: FrozenClock) -> AsyncIterator[Believe]:
    """A function that reads the settings, and returns whom they trust."""
    remotes = []

    def trusted(environ: dict[str, str]) -> TrustedIssuers:
        settings = from_environ(environ)
        remotes.append(remote := Remote(settings.limits))
        return TrustedIssuers(settings.trusted_issuers, remote, settings.limits, clock)

    yield trusted
    for remote in remotes:
        await remote.close()
