"""What people do all day, each answer compared with what this person knows to be true."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout, CookieJar, DummyCookieJar
from yarl import URL

from dhq_auth.sdk import InvalidToken, Verifier
from tests.faults.ledger import Ledger

PASSWORD = "correct horse battery staple"
SERVICE = "everything"
DEADLINE = 20.0
"""Seconds after which an answer is late, whatever has broken."""
KNOWN_EVERYWHERE = 1.0
"""Seconds after which every process knows what one has ended."""
GATEWAY = {HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT}


class NoAnswer(Exception):
    """It was refused, or the connection was cut: what became of it is not known."""


@dataclass(frozen=True)
class Answer:
    """A status with the JSON below it."""

    status: int
    body: Any

    def __getitem__(self, name: str) -> Any:
        return self.body.get(name)


class Caller:
    """Asks, and notes in the ledger what came of it; *where* chooses the server of each request."""

    def __init__(self, ledger: Ledger, where: Callable[[], str], *, keeps_cookies: bool) -> None:
        jar = CookieJar(unsafe=True) if keeps_cookies else DummyCookieJar()
        self._session = ClientSession(cookie_jar=jar, timeout=ClientTimeout(DEADLINE))
        self._ledger = ledger
        self.where = where

    async def ask(self, method: str, path: str, *, bearer: str = "", **request: Any) -> Answer:
        """Return the answer; raise NoAnswer where there is none that says anything."""
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        self._ledger.sent += 1
        begun = time.monotonic()
        try:
            async with self._session.request(
                method, URL(self.where() + path), headers=headers, allow_redirects=False, **request
            ) as response:
                return await self._judged(f"{method} {path}", response)
        except TimeoutError as error:
            self._ledger.mistakes.append(f"{method} {path}: no answer in {DEADLINE} s")
            raise NoAnswer from error
        except ClientError as error:
            self._ledger.cut += 1
            raise NoAnswer from error
        finally:
            took = time.monotonic() - begun
            self._ledger.slowest = max(self._ledger.slowest, took)

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()

    async def _judged(self, what: str, response: Any) -> Answer:
        text = await response.text()
        is_json = response.content_type.endswith("json")
        answer = Answer(response.status, await response.json(content_type=None) if is_json else {})
        if response.status in GATEWAY and not is_json:  # the load balancer's, not ours
            self._ledger.cut += 1
            raise NoAnswer
        if response.status in {503, 429}:
            if "Retry-After" not in response.headers:
                self._ledger.mistakes.append(f"{what}: {response.status} without Retry-After")
            self._ledger.refused += 1
            raise NoAnswer
        if response.status >= 500:
            self._ledger.mistakes.append(f"{what}: {response.status} {text[:300]}")
            raise NoAnswer
        self._ledger.answered += 1
        return answer


@dataclass
class Person:
    """Somebody with an account, and what was acknowledged to this person."""

    name: str
    ledger: Ledger = field(repr=False)
    program: Caller = field(repr=False)
    browser: Caller = field(repr=False)
    verifier: Verifier | None = field(repr=False, default=None)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)
    """Held while this person does one thing."""
    user_id: str = ""
    jwt: str = field(repr=False, default="")
    live: dict[str, str] = field(default_factory=dict, repr=False)
    """API tokens that were made, by id."""
    dead: dict[str, str] = field(default_factory=dict, repr=False)
    """API tokens whose revocation was acknowledged."""
    ended: list[str] = field(default_factory=list, repr=False)
    """Login tokens whose logout was acknowledged."""
    ended_at: float = float("-inf")
    """When the last end was acknowledged."""

    async def arrive(self) -> None:
        """Register and log in, before anything breaks."""
        account = {"username": self.name, "password": PASSWORD}
        made = await self.program.ask("POST", "/auth/register", json=account)
        assert made.status == 201, made
        self.user_id = made["id"]
        self.jwt = await self._login(self.browser)
        await self.make_token()

    async def come_back(self) -> None:
        """Log in anew, after everything has ended by itself."""
        self.jwt = await self._login(self.browser)

    async def act(self, rng: random.Random) -> None:
        """Do one thing."""
        deeds: list[tuple[int, Callable[[], Awaitable[None]]]] = [
            (8, self.check),
            (6, self.check_session),
            (8, self.authorize),
            (6, self.check_a_live_token),
            (4, self.check_a_dead_token),
            (3, self.make_token),
            (3, self.revoke_a_token),
            (1, self.log_in_and_out),
        ]
        weights = [weight for weight, _ in deeds]
        (deed,) = rng.choices([deed for _, deed in deeds], weights)
        with suppress(NoAnswer):
            await deed()

    async def check(self) -> None:
        """The login token is believed."""
        answer = await self.program.ask("GET", "/auth/check", bearer=self.jwt)
        self._demand(answer["authenticated"] is True, "the login token was refused", answer)

    async def check_session(self) -> None:
        """The session is believed."""
        answer = await self.browser.ask("GET", "/auth/check")
        self._demand(answer["authenticated"] is True, "the session was refused", answer)

    async def authorize(self) -> None:
        """A permission token is given, and holds."""
        answer = await self.program.ask(
            "GET", f"/auth/authorize?service={SERVICE}", bearer=self.jwt
        )
        self._demand(answer.status == 200, "no permission token", answer)
        if self.verifier is not None and answer.status == 200:
            try:
                caller = await self.verifier.verify_async(answer["token"])
            except InvalidToken as error:
                self.ledger.mistakes.append(f"{self.name}: a permission token was refused: {error}")
            else:
                self._demand(caller.user_id == self.user_id, "somebody else's token", answer)

    async def check_a_live_token(self) -> None:
        """A token that was made is believed."""
        for value in list(self.live.values())[-1:]:
            answer = await self.program.ask("GET", "/auth/check", bearer=value)
            if value in self.live.values():
                self._demand(answer["authenticated"] is True, "an API token was refused", answer)

    async def check_a_dead_token(self) -> None:
        """A token whose end was acknowledged is refused."""
        for value in [*list(self.dead.values())[-1:], *self.ended[-1:]]:
            answer = await self._asked_of_an_end(value)
            self._demand(answer["authenticated"] is False, "an ended token was believed", answer)

    async def _asked_of_an_end(self, value: str) -> Answer:
        """Return what is said of *value*, whose end all know a second after it was acknowledged."""
        while True:
            asked = time.monotonic()
            answer = await self.program.ask("GET", "/auth/check", bearer=value)
            if answer["authenticated"] is False or asked - self.ended_at > KNOWN_EVERYWHERE:
                return answer
            await asyncio.sleep(0.1)

    async def make_token(self) -> None:
        """Make an API token."""
        made = await self.program.ask("POST", "/auth/tokens", bearer=self.jwt, json={})
        self._demand(made.status == 201, "no token was made", made)
        if made.status == 201:
            self.live[made["token_id"]] = made["token"]

    async def revoke_a_token(self) -> None:
        """Revoke the oldest API token but one."""
        if len(self.live) < 2:
            return
        token_id, value = next(iter(self.live.items()))
        del self.live[token_id]  # from here on it may be alive or dead
        gone = await self.program.ask("DELETE", f"/auth/tokens/{token_id}", bearer=self.jwt)
        self._demand(gone.status in {200, 404}, "a token was not revoked", gone)
        if gone.status == 200:
            self.dead[token_id] = value
            self.ended_at = time.monotonic()

    async def log_in_and_out(self) -> None:
        """Log in once more, and end that login."""
        other = await self._login(self.program)
        out = await self.program.ask("POST", "/auth/logout", bearer=other)
        self._demand(out.status == 200, "no logout", out)
        self.ended.append(other)
        self.ended_at = time.monotonic()

    async def take_stock(self) -> None:
        """Compare all that was acknowledged with what is there, once everything works again."""
        for token_id, value in self.live.items():
            answer = await self.program.ask("GET", "/auth/check", bearer=value)
            if answer["authenticated"] is not True:
                self.ledger.losses.append(f"{self.name}: the token {token_id} is gone")
        for value in [*self.dead.values(), *self.ended]:
            answer = await self._asked_of_an_end(value)
            if answer["authenticated"] is not False:
                self.ledger.losses.append(f"{self.name}: the end of a token is gone")
        await self.check()
        await self.check_session()

    async def close(self) -> None:
        """Close every connection."""
        await self.program.close()
        await self.browser.close()

    async def _login(self, caller: Caller) -> str:
        account = {"username": self.name, "password": PASSWORD}
        answer = await caller.ask("POST", "/auth/login", json=account)
        self._demand(answer.status == 200, "the password was refused", answer)
        if answer.status != 200:
            raise NoAnswer
        token: str = answer["token"]
        return token

    def _demand(self, holds: bool, what: str, answer: Answer) -> None:  # noqa: FBT001
        if not holds:
            self.ledger.mistakes.append(f"{self.name}: {what}: {answer.status} {answer.body}")
