"""Our own JWTs: one type per purpose, signed in a thread, verified strictly."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from joserfc import jws
from joserfc.jwk import RSAKey

from dhq_auth.clock import Clock
from dhq_auth.errors import InvalidCredential
from dhq_auth.opaque import new_id
from dhq_auth.sdk import strict
from dhq_auth.tokens.errors import UnknownKey
from dhq_auth.tokens.keyring import Keyring
from dhq_auth.tokens.store import KeyPurpose

ALGORITHMS = ["RS256"]


@dataclass(frozen=True, slots=True)
class TokenType:
    """A purpose of tokens: its `typ` (RFC 8725 3.11), whose key signs it, what it must carry."""

    typ: str
    purpose: KeyPurpose
    required: tuple[str, ...]


LOGIN = TokenType("login+jwt", KeyPurpose.LOGIN, ("sub", "jti", "sid"))
SERVICE = TokenType("JWT", KeyPurpose.SERVICE, ("sub", "jti", "service"))
REVOCATIONS = TokenType("revocations+jwt", KeyPurpose.SERVICE, ())
"""What is no credential of anybody: a page of the feed, for the readers of service tokens."""


@dataclass(frozen=True, slots=True)
class VerifiedClaims:
    """The claims of a token that `TokenSigner.verify` has believed; made nowhere else."""

    user_id: str
    token_id: str
    session_id: str
    issued_at: datetime
    expires_at: datetime


class TokenSigner:
    """Signs and verifies the tokens of one issuer.

    *look* brings the keyring up to date, or raises Unavailable.
    """

    def __init__(
        self,
        keyring: Keyring,
        *,
        issuer: str,
        now: Clock,
        leeway: timedelta,
        max_length: int,
        look: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.keyring = keyring
        self._look = look
        self._issuer = issuer
        self._now = now
        self._leeway = leeway
        self._max_length = max_length
        self._threads = ThreadPoolExecutor(max(1, (os.cpu_count() or 2) - 1), "signing")

    async def sign(
        self,
        token_type: TokenType,
        user_id: str,
        lifetime: timedelta,
        claims: Mapping[str, Any],
        *,
        token_id: str | None = None,
    ) -> str:
        """Return a token of *token_type* for *user_id* that lives for *lifetime*.

        *token_id* is its `jti`, a new one unless it is given (RFC 7519 4.1.7).
        """
        key = self.keyring.signing(token_type.purpose)
        payload = self._payload(user_id, lifetime, claims)
        if token_id is not None:
            payload["jti"] = token_id
        return await self._signed(_header(token_type, key.kid), payload, key.jwk)

    async def state(self, token_type: TokenType, claims: Mapping[str, Any]) -> str:
        """Return *claims* as something that we say now, and that speaks for no user."""
        key = self.keyring.signing(token_type.purpose)
        said = {**claims, "iss": self._issuer, "iat": int(self._now().timestamp())}
        return await self._signed(_header(token_type, key.kid), said, key.jwk)

    async def _signed(self, header: dict[str, Any], payload: dict[str, Any], key: RSAKey) -> str:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._threads, jws.serialize_compact, header, _json(payload), key, ALGORITHMS
        )

    def room(self, token_type: TokenType, user_id: str, claims: Mapping[str, Any]) -> int:
        """Return by how many bytes of JSON *claims* may grow until a token is too long to be read.

        It is below zero where it is too long already.
        """
        key = self.keyring.signing(token_type.purpose)
        header = _encoded(len(_json(_header(token_type, key.kid))))
        left = self._max_length - len("..") - header - _encoded(key.signature_length)
        return left * 3 // 4 - len(_json(self._payload(user_id, timedelta(0), claims)))

    def _payload(
        self, user_id: str, lifetime: timedelta, claims: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return all the claims of a token that is made now."""
        now = self._now()
        return {
            **claims,
            "iss": self._issuer,
            "sub": user_id,
            "userid": user_id,
            "iat": int(now.timestamp()),
            "exp": int((now + lifetime).timestamp()),
            "jti": new_id(),
        }

    async def verified(self, token: str, token_type: TokenType) -> VerifiedClaims:
        """Return the claims of *token* as `verify` does; a key may be newer than our last look.

        Raises Unavailable where it is unknown, and nobody can be asked for it.
        """
        try:
            return self.verify(token, token_type)
        except UnknownKey:
            if self._look is None:
                raise
            await self._look()
            return self.verify(token, token_type)

    def verify(self, token: str, token_type: TokenType) -> VerifiedClaims:
        """Return the claims of *token* (RFC 7519 7.2, RFC 8725), by the keys that are known.

        Raises InvalidCredential with the reason `expired`, or `invalid` for every other fault;
        UnknownKey, which is one, for a key that we do not have.
        """
        try:
            return self._believed(token, token_type, *strict.parts_of(token, self._max_length))
        except strict.MALFORMED as error:
            raise InvalidCredential("the token is not valid") from error

    def verify_of(
        self, token: str, token_type: TokenType, known: Callable[[object], bool]
    ) -> VerifiedClaims | None:
        """Return the claims of *token* as `verify` does, or None where its session is not *known*.

        Then nobody has looked at its signature.
        """
        try:
            header, claims = strict.parts_of(token, self._max_length)
            if not known(claims.get("sid")):
                return None
            return self._believed(token, token_type, header, claims)
        except strict.MALFORMED as error:
            raise InvalidCredential("the token is not valid") from error

    def _believed(
        self, token: str, token_type: TokenType, header: dict[str, Any], claims: dict[str, Any]
    ) -> VerifiedClaims:
        """Return what *token* says, of which *header* and *claims* are; raises what `MALFORMED` names."""
        kid = header.get("kid")
        if header != {"typ": token_type.typ, "alg": "RS256", "kid": kid}:
            raise ValueError("another type of token, or another algorithm")
        if not strict.is_signed(token, self.keyring.verifying(token_type.purpose, kid)):
            raise ValueError("signed by another key, or changed since")
        if claims.get("iss") != self._issuer:
            raise ValueError("from another issuer")
        if "aud" in claims:
            raise ValueError("for another audience")  # RFC 7519 4.1.3: ours name none
        for name in token_type.required:
            if not _is_id(claims.get(name)):
                raise ValueError(f"without {name}")
        expires_at, issued_at = (
            strict.numeric_date(claims.get("exp")),
            strict.numeric_date(claims.get("iat")),
        )
        if "nbf" in claims and strict.numeric_date(claims["nbf"]) > self._now() + self._leeway:
            raise ValueError("not valid yet")
        if expires_at <= self._now() - self._leeway:
            raise InvalidCredential("the token has expired", reason="expired")
        return VerifiedClaims(
            claims["sub"], claims["jti"], claims.get("sid", ""), issued_at, expires_at
        )

    def close(self) -> None:
        """Finish the signatures under way (a millisecond), and let go of the threads."""
        self._threads.shutdown()


def _header(token_type: TokenType, kid: str) -> dict[str, Any]:
    return {"typ": token_type.typ, "alg": "RS256", "kid": kid}


def _json(value: object) -> str:
    """Return *value* as joserfc writes it."""
    return json.dumps(value, separators=(",", ":"))


def _encoded(length: int) -> int:
    """Return the length of so many bytes in base64url without padding (RFC 7515 2)."""
    return -(-length * 4 // 3)


def _is_id(value: object) -> bool:
    """Whether *value* may be one of our identifiers: nothing that a database could choke on."""
    return isinstance(value, str) and value != "" and value.isascii() and value.isprintable()
