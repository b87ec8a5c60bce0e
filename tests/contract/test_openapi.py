"""`/openapi.json` is true: schemathesis, with every check on, finds nothing."""

from pathlib import Path

import pytest

from tests.fakes import schemathesis
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fixtures.service import Service, Start, oidc

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
ENDS = "^/auth/(logout|sessions|users/me)$"
PERMISSIONS = "tests.contract.plain_provider"


@pytest.fixture
async def tried(start: Start, issuer: OidcIssuer) -> Service:
    """A service with a provider, a permission provider, and no limit that a test would meet."""
    return await start(
        issuer,
        **oidc(issuer),
        ALLOWED_SERVICES=f"notes:{PERMISSIONS}",
        **dict.fromkeys(("LOGIN_STARTS", "TOKEN_REPORTS", "PASSWORD_CHECKS"), "100000"),
        LOGIN_ATTEMPTS="1000",
    )


@pytest.mark.fuzz
@pytest.mark.parametrize("which", ["--exclude-path-regex", "--include-path-regex"])
async def test_schemathesis_finds_nothing(tried: Service, which: str, tmp_path: Path) -> None:
    # What ends the credential, after which nothing else gets past a 401, goes alone.
    token = await tried.log_in("acme")
    only = ("--header", f"Auth-Token: {token}", which, ENDS)
    code, said = await schemathesis.run(f"{tried.url}/openapi.json", CONFIGURATION, tmp_path, *only)
    assert code == 0, said
