"""`/openapi.json` is true: schemathesis, with every check on, finds nothing."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.fakes.oidc_issuer import OidcIssuer
from tests.fixtures.service import Service, Start, oidc

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
EXAMPLES = settings.get_current_profile_name() == "search" and 200 or 8
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
    process = await asyncio.create_subprocess_exec(
        SCHEMATHESIS,
        *("--config-file", CONFIGURATION, "--no-color", "run", f"{tried.url}/openapi.json"),
        *("--checks", "all", "--seed", "1", "--max-examples", str(EXAMPLES), "--workers", "1"),
        *("--header", f"Auth-Token: {token}", which, ENDS),
        cwd=tmp_path,
        env={**os.environ, "NO_PROXY": "*"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
