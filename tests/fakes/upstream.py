"""Packages of the npm registry as counterparts: a certified OpenID Provider and a verifier."""

import asyncio
import json
import tempfile
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import IO, Self

from playwright.async_api import Page

from tests.fakes.client import Client

NODE = Path(__file__).parent / "node"
START_DEADLINE = 30
STOP_DEADLINE = 5

ACCOUNTS: dict[str, dict[str, object]] = {
    "ada": {"email": "ada@example.com", "email_verified": True, "name": "Ada Lovelace"},
    "grace": {"email": "grace@example.com", "email_verified": False, "name": "Grace Hopper"},
}


def installed() -> bool:
    """Tell whether `tools/install_test_needs.sh` has brought the packages."""
    return (NODE / "node_modules" / "oidc-provider").is_dir()


class NodeProvider:
    """The npm package oidc-provider in a process of its own; `log_in` walks through its pages.

    The subject of an account is its name in *accounts*. It requires PKCE, and tells the claims
    of the user at the userinfo endpoint alone.
    """

    def __init__(
        self,
        client: Client | None = None,
        accounts: dict[str, dict[str, object]] = ACCOUNTS,
        port: int = 0,
    ) -> None:
        self.client = client or Client()
        self.accounts = accounts
        self.port = port
        self.url = ""
        self._process: Process | None = None
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed on exit

    async def __aenter__(self) -> Self:
        options = {"port": self.port, "client": self._registration(), "accounts": self.accounts}
        script = str(NODE / "oidc_provider.mjs")
        self._process = await asyncio.create_subprocess_exec(
            "node", script, json.dumps(options), stdin=PIPE, stdout=PIPE, stderr=self._errors
        )
        try:
            self.url = await self._announced(self._process)
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_raised: object) -> None:
        if self._process is not None:
            await _ended(self._process)
        self._errors.close()

    def _registration(self) -> dict[str, object]:
        """Return the client's metadata (OpenID Connect Dynamic Client Registration 2)."""
        return {
            "client_id": self.client.id,
            "client_secret": self.client.secret,
            "redirect_uris": sorted(self.client.redirect_uris),
            "token_endpoint_auth_method": self.client.auth_method,
        }

    async def _announced(self, process: Process) -> str:
        assert process.stdout is not None
        async with asyncio.timeout(START_DEADLINE):
            line = (await process.stdout.readline()).decode()
        if not line.startswith("listening at "):
            self._errors.seek(0)
            raise RuntimeError(f"oidc-provider did not start: {self._errors.read().decode()}")
        return line.removeprefix("listening at ").strip()


async def log_in(page: Page, account: str) -> None:
    """Sign in as *account* on the pages of `NodeProvider`, and consent."""
    await page.get_by_placeholder("Enter any login").fill(account)
    await page.get_by_placeholder("and password").fill("any password")
    await page.get_by_role("button", name="Sign-in").click()
    await page.get_by_role("button", name="Continue").click()


class TokenRefusedError(Exception):
    """What npm jose has against a token."""


async def verified_with_jose(token: str, jwks_url: str, issuer: str = "") -> dict[str, object]:
    """Return the claims of *token* if npm jose accepts it by the keys at *jwks_url*."""
    script = str(NODE / "verify_jose.mjs")
    arguments = [jwks_url, *([issuer] if issuer else [])]
    process = await asyncio.create_subprocess_exec(
        "node", script, *arguments, stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    output, errors = await process.communicate(token.encode())
    if process.returncode:
        raise TokenRefusedError(errors.decode().strip())
    claims: dict[str, object] = json.loads(output)
    return claims


async def _ended(process: Process) -> None:
    """End *process*, by force if it does not go when it is asked."""
    if process.returncode is None:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_DEADLINE)
        except TimeoutError:
            process.kill()
    await process.communicate()
