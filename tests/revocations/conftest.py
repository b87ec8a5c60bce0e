"""Fixtures: a service whose tokens are for `notes`, and all that ends them."""

from collections.abc import Awaitable, Callable
from pathlib import Path

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
def staged(start: Start, issuer: OidcIssuer, database_url: str) -> Callable[..., Awaitable[Stage]]:
    """Set a stage with settings of one's own."""

    async def set_up(**environ: str) -> Stage:
        service = await start(
            issuer,
            **oidc(issuer),
            ALLOWED_SERVICES=NOTES,
            PASSWORD_CHECKS="100000",
            TOKEN_REPORTS="100000",
            **environ,
        )
        first = await done(ask(service, "POST", "/auth/setup"), 201)
        admin = await logged_in(service, first["username"], first["password"])
        return Stage(service, Cli(DATABASE_URL=database_url), admin, first["password"])

    return set_up


@pytest.fixture
async def stage(staged: Callable[..., Awaitable[Stage]]) -> Stage:
    return await staged()


@pytest.fixture
def static(tmp_path: Path) -> dict[str, str]:
    """The settings of a service whose provider says for how long its answers hold; no access log."""
    file = tmp_path / "permissions.json"
    file.write_text('{"*": {"*": {"read": true}}}')
    return {
        "ALLOWED_SERVICES": "notes:static",
        "PROVIDER_NOTES_FILE": str(file),
        "LOG_LEVEL": "warning",
    }
