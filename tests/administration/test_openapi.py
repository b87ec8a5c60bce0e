"""What `/openapi.json` says of users and policies is true for an administrator, too, whom more is answered."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.fixtures.service import Start
from tests.self_service.people import ask, logged_in, registered

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
EXAMPLES = settings.get_current_profile_name() == "search" and 200 or 8


@pytest.mark.fuzz
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_schemathesis_finds_nothing_as_an_administrator(start: Start, tmp_path: Path) -> None:
    service = await start(**dict.fromkeys(("PASSWORD_CHECKS", "LOGIN_ATTEMPTS"), "1000"))
    _, made = await ask(service, "POST", "/auth/setup")
    admin = await logged_in(service, made["username"], made["password"])
    await registered(service, "bob")
    process = await asyncio.create_subprocess_exec(
        SCHEMATHESIS,
        *("--config-file", CONFIGURATION, "--no-color", "run", f"{service.url}/openapi.json"),
        *("--checks", "all", "--seed", "1", "--max-examples", str(EXAMPLES), "--workers", "1"),
        *("--header", f"Auth-Token: {admin.token}"),
        *("--include-path-regex", "^/auth/(users(/{id})?|policies(/{id}|/evaluate)?|stats|setup)$"),
        cwd=tmp_path,
        env={**os.environ, "NO_PROXY": "*"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
