"""What somebody finds who gets hold of the database: nothing to log in with."""

import hashlib
import json
import os
import secrets
import stat
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from aiohttp import ClientResponse

from tests.fakes.github import GitHub
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fakes.postgres import PostgresServer
from tests.fixtures.service import NEXT, Browser, Service, Start, oidc

LEAST = 16
"""Shorter values are no secrets."""
PUBLIC = {
    *("response_type", "client_id", "redirect_uri", "scope", "iss", "code_challenge_method"),
    *("next", "response_mode", "prompt", "access_type", "login_hint", "allow_signup"),
}
APPLICATION_CHALLENGE = "code_challenge"
"""Kept as it is where an application sent it: a digest already (RFC 7636 4.2)."""


class Watcher:
    """Sees all that passes through a browser."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.seen: dict[str, str] = {}

    async def go(self, url: str) -> ClientResponse:
        answer = await self.browser.go(url)
        for address in (url, answer.headers.get("Location", "")):
            self._note(parse_qsl(urlsplit(address).query))
        self._note((name, morsel.value) for name, morsel in answer.cookies.items())
        return answer

    def _note(self, pairs: Any) -> None:
        for name, value in pairs:
            if name not in PUBLIC and len(value) >= LEAST:
                self.seen[value] = name

    async def log_in(self, provider: str, query: str = "") -> dict[str, str]:
        """Log in; return the parameters that the application gets."""
        start = await self.go(f"/auth/login/{provider}?next={NEXT}{query}")
        there = await self.go(start.headers["Location"])
        back = await self.go(there.headers["Location"])
        return dict(parse_qsl(urlsplit(back.headers["Location"]).query))


def everything_in(service: Service, postgres: "PostgresServer | None", tmp_path: Path) -> bytes:
    if postgres is not None:
        return postgres.dump(service.settings.database_url.value.rpartition("/")[2]).encode()
    return b"".join(
        file.read_bytes() for file in tmp_path.glob("dhq-auth.db*") if "secret" not in file.name
    )


@pytest.mark.slow
async def test_the_database_has_nothing_that_lets_anybody_in(
    start: Start, issuer: OidcIssuer, github: GitHub, request: Any, tmp_path: Path
) -> None:
    variables = {
        **oidc(issuer),
        "GITHUB_KEY": github.client.id,
        "GITHUB_SECRET": github.client.secret,
        "GITHUB_URL": github.url,
        "GITHUB_API_URL": github.api_url,
        "SECRET_KEY": "wraps what lies in the database " * 2,
    }
    service = await start(issuer, github, **variables)
    watcher = Watcher(service.browser)
    answers = [await watcher.log_in("acme"), await watcher.log_in("github")]
    verifier = secrets.token_urlsafe(32)
    digest = hashlib.sha256(verifier.encode()).digest()
    challenge = urlsafe_b64encode(digest).rstrip(b"=").decode()
    asked = f"&response_mode=code&{APPLICATION_CHALLENGE}={challenge}"
    waiting = await watcher.log_in("acme", asked)
    answers += [waiting, await watcher.log_in("acme", asked)]
    sent = {"code": answers[-1]["code"], "code_verifier": verifier}
    redeemed = await service.browser.post("/auth/exchange", json=sent)
    token = (await redeemed.json())["token"]
    await watcher.go(f"/auth/login/acme?next={NEXT}")  # one login is under way

    watcher.seen.pop(challenge, None)
    unwanted = {
        **watcher.seen,
        verifier: "code_verifier",
        token: "token",
        github.client.secret: "client secret",
        issuer.client.secret: "client secret",
        service.settings.secret_keys[0].value: "SECRET_KEY",  # type: ignore[index]
        **dict.fromkeys(token.split(".")[1:], "part of a token"),
    }
    assert {"state", "jwt", "code", "nonce", "session"} <= set(unwanted.values())
    postgres: PostgresServer | None = None
    if service.settings.database_url.value.startswith("postgresql"):
        postgres = request.getfixturevalue("postgres")
    found = everything_in(service, postgres, tmp_path)
    assert b"sessions" in found
    assert b"login_codes" in found
    leaked = {what for secret, what in unwanted.items() if secret.encode() in found}
    assert leaked == set(), json.dumps(sorted(leaked))


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_an_sqlite_service_makes_is_for_its_own_user_alone(
    start: Start, tmp_path: Path
) -> None:
    folder = tmp_path / "made"
    before = os.umask(0)
    try:
        await start(DATABASE_URL=f"sqlite:///{folder}/dhq-auth.db")
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes.keys() >= {"dhq-auth.db", "dhq-auth.db-wal", "dhq-auth.db.secret-key"}
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
