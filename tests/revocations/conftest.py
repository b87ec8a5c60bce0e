"""Fixtures: a service whose tokens are for `notes`, and all that ends them."""

import pytest

from tests.cli.conftest import Cli
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fixtures.service import Service, Start, oidc
from tests.revocations.stage import Stage, done
from tests.self_service.people import ask, logged_in

NOTES = "notes:tests.contract.plain_provider"


@pytest.fixture
async def local(start: Start) -> Service:
    """A service without login providers."""
    return await start(ALLOWED_SERVICES=NOTES)


@pytest.fixture
async def stage(start: Start, issuer: OidcIssuer, database_url: str) -> Stage:
    service = await start(
        issuer,
        **oidc(issuer),
        ALLOWED_SERVICES=NOTES,
        PASSWORD_CHECKS="100000",
        TOKEN_REPORTS="100000",
    )
    first = await done(ask(service, "POST", "/auth/setup"), 201)
    admin = await logged_in(service, first["username"], first["password"])
    return Stage(service, Cli(DATABASE_URL=database_url), admin, first["password"])
