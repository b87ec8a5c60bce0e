"""What scripts do: curl with name and password, with a cookie jar, with a token; a restart between."""

import asyncio
import json
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.process import Serve
from tests.self_service.people import GOOD

pytestmark = [
    pytest.mark.process,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]

SCRIPT = """
set -eu
login() {{ curl -fsS -b {jar} -c {jar} "$@"; }}
curl -fsS {url}/auth/register -d username=ada --data-urlencode "password={password}" >/dev/null
login {url}/auth/login -d username=ada --data-urlencode "password={password}" >/dev/null
token=$(curl -fsS -u "ada:{password}" {url}/auth/tokens -d title=backup -d scopes=profile |
    sed 's/.*"token": "\\([^"]*\\)".*/\\1/')
echo "$token"
"""


async def shell(script: str, **values: object) -> str:
    """Run *script* with a real shell; return what it prints."""
    process = await asyncio.create_subprocess_exec(
        "/bin/sh", "-c", script.format(**values), stdout=PIPE, stderr=PIPE
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode().strip()


async def test_scripts_get_in_by_curl_and_a_restart_does_not_put_them_out(
    serve: Serve, tmp_path: Path
) -> None:
    server = serve()
    await server.start()
    values: dict[str, Any] = {"url": server.url, "jar": tmp_path / "jar", "password": GOOD}
    values["token"] = await shell(SCRIPT, **values)
    login = json.loads(
        await shell("curl -fsS {url}/auth/login -d username=ada --data-urlencode "
                    "'password={password}'", **values)
    )  # fmt: skip
    ways = {
        "password": "-u 'ada:{password}'",
        "session": "-b {jar}",
        "api_token": "-H 'Authorization: Bearer {token}'",
        "login_token": f"-H 'Auth-Token: {login['token']}'",
    }
    for restarts in range(2):
        for kind, way in ways.items():
            told = json.loads(await shell(f"curl -fsS {way} {{url}}/auth/token-info", **values))
            assert told["kind"] == kind, restarts
        await server.kill()
        await server.start()
    # Signed out everywhere, all of it is over, in this life of the process and in the next.
    await shell("curl -fsS -u 'ada:{password}' {url}/auth/logout -d all=true", **values)
    for _ in range(2):
        for kind in ("session", "api_token", "login_token"):
            status = await shell(
                f"curl -sS -o /dev/null -w '%{{{{http_code}}}}' {ways[kind]} {{url}}/auth/token-info",
                **values,
            )
            assert status == "401", kind
        await server.kill()
        await server.start()
    assert GOOD.encode() not in server.log
    assert values["token"].encode() not in server.log
