"""Somebody who logs in at an issuer, and does what must not be done by half."""

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from urllib.parse import parse_qs, urlsplit

from aiohttp import ClientError

from tests.fakes.oauth import base64url
from tests.fakes.oidc_issuer import OidcIssuer
from tests.faults.journey import log_in
from tests.faults.ledger import Ledger
from tests.faults.people import Caller, NoAnswer

Deed = Callable[[], Awaitable[None]]


class Visitor:
    """Somebody new, known at *issuer* alone; each change is noted as it was acknowledged."""

    def __init__(self, issuer: OidcIssuer, caller: Caller, name: str) -> None:
        self.name = name
        self._issuer = issuer
        self._caller = caller
        self.jwt = ""
        self.kept: dict[str, str] = {}
        self.doomed: tuple[str, str] = ("", "")
        self.username_said: bool | None = None
        self.revocation_said = False
        self.code: tuple[str, str] | None = None
        """A one-time code and its verifier, which was shown to nobody yet that answered."""
        self.second_jwt = ""

    async def arrive(self) -> None:
        """Log in for the first time, and make a token that is to be revoked."""
        user = {"sub": self.name, "email": f"{self.name}@example.com", "email_verified": True}
        self._issuer.user = user
        await self.get_code()
        await self.redeem()
        self.jwt, self.second_jwt = self.second_jwt, ""
        self.doomed = await self._made()

    async def do_it_all(self) -> None:
        """Do everything at once, each thing until it is done or nobody answers any more."""
        deeds: tuple[Deed, ...] = (self.choose, self.make, self.revoke, self.come_again)
        await asyncio.gather(*(_until_cut(deed) for deed in deeds))

    async def choose(self) -> None:
        """Choose a username, which one can do once."""
        answer = await self._ask("POST", "/auth/update", json={"username": self.name})
        self.username_said = answer["success"]

    async def make(self) -> None:
        """Make two tokens."""
        for _ in range(2):
            token_id, value = await self._made()
            self.kept[token_id] = value

    async def revoke(self) -> None:
        """Revoke the token of the arrival."""
        answer = await self._ask("DELETE", f"/auth/tokens/{self.doomed[0]}")
        self.revocation_said = answer.status == 200

    async def come_again(self) -> None:
        """Log in once more, with a code."""
        await self.get_code()
        await self.redeem()

    async def get_code(self) -> None:
        """Go to the issuer and come back with a one-time code."""
        verifier = secrets.token_urlsafe(32)
        wanted = {
            "response_mode": "code",
            "code_challenge": base64url(hashlib.sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
        }
        try:
            arrival = await log_in(self._caller.where(), "acme", wanted)
        except ClientError as error:
            raise NoAnswer from error
        assert arrival.succeeded, arrival
        self.code = parse_qs(urlsplit(arrival.where).query)["code"][0], verifier

    async def redeem(self) -> None:
        """Redeem the code that is at hand."""
        assert self.code is not None
        code, verifier = self.code
        answer = await self._caller.ask(
            "POST", "/auth/exchange", json={"code": code, "code_verifier": verifier}
        )
        self.code = None
        self.second_jwt = answer["token"] or ""

    async def compare(self, ledger: Ledger) -> None:
        """Compare what was acknowledged with what is there after a restart."""
        me = await self._ask("GET", "/auth/users/me")
        if self.username_said and me["username"] != self.name:
            ledger.losses.append(f"{self.name}: the username is gone")
        if me["username"] is None:
            await self.choose()  # the right to choose is not used up
            if not self.username_said:
                ledger.mistakes.append(f"{self.name}: no username, and no right to choose one")
        elif me["username"] != self.name:
            ledger.mistakes.append(f"{self.name} is called {me['username']}")
        if not await self._known(self.jwt):
            ledger.losses.append(f"{self.name}: the login is gone")
        for token_id, value in self.kept.items():
            if not await self._known(value):
                ledger.losses.append(f"{self.name}: the token {token_id} is gone")
        if self.revocation_said and await self._known(self.doomed[1]):
            ledger.losses.append(f"{self.name}: the revocation is gone")
        await self._compare_codes(ledger)

    async def _compare_codes(self, ledger: Ledger) -> None:
        if self.second_jwt and not await self._known(self.second_jwt):
            ledger.losses.append(f"{self.name}: the second login is gone")
        if self.code is None:
            return
        code, verifier = self.code
        sent = {"code": code, "code_verifier": verifier}
        tries = [await self._caller.ask("POST", "/auth/exchange", json=sent) for _ in range(2)]
        given = sum(answer.status == 200 for answer in tries)
        if given > 1 or tries[1].status == 200:
            ledger.mistakes.append(f"{self.name}: a one-time code was redeemed again")

    async def _made(self) -> tuple[str, str]:
        made = await self._ask("POST", "/auth/tokens", json={})
        if made.status != 201:
            raise NoAnswer
        return made["token_id"], made["token"]

    async def _known(self, bearer: str) -> bool:
        answer = await self._caller.ask("GET", "/auth/check", bearer=bearer)
        known: bool = answer["authenticated"]
        return known

    async def _ask(self, method: str, path: str, **request: object):  # type: ignore[no-untyped-def]
        return await self._caller.ask(method, path, bearer=self.jwt, **request)


async def _until_cut(deed: Deed) -> None:
    with suppress(NoAnswer):
        await deed()
