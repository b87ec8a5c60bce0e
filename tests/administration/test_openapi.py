"""What `/openapi.json` says of users and policies is true for an administrator, too, whom more is answered."""

from pathlib import Path

import pytest

from tests.fakes import schemathesis
from tests.fixtures.service import Start
from tests.self_service.people import ask, logged_in, registered

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
PATHS = "^/auth/(users(/{id})?|policies(/{id}|/evaluate)?|stats|setup)$"


@pytest.mark.fuzz
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_schemathesis_finds_nothing_as_an_administrator(start: Start, tmp_path: Path) -> None:
    service = await start(**dict.fromkeys(("PASSWORD_CHECKS", "LOGIN_ATTEMPTS"), "1000"))
    _, made = await ask(service, "POST", "/auth/setup")
    admin = await logged_in(service, made["username"], made["password"])
    await registered(service, "bob")
    only = ("--header", f"Auth-Token: {admin.token}", "--include-path-regex", PATHS)
    code, said = await schemathesis.run(
        f"{service.url}/openapi.json", CONFIGURATION, tmp_path, *only
    )
    assert code == 0, said
