"""Permission tokens: a new one where the answer is new, else the one that was handed out before."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from dhq_auth.clock import Clock
from dhq_auth.credentials import Authenticated
from dhq_auth.hookspecs import Grant
from dhq_auth.opaque import new_id
from dhq_auth.passwords.store import password_id
from dhq_auth.principal import AuthMethod
from dhq_auth.revocations.memory import Memory, Shelf, Tag
from dhq_auth.tokens.signing import SERVICE, TokenSigner
from dhq_auth.tokens.store import KeyPurpose

SIZE: Final = 2048
"""Tokens that are remembered: up to MAX_TOKEN bytes each, but one or two KiB as a rule."""
SERVICES: Final = 256
"""Services of which it is remembered how much room a token has for what they grant."""


@dataclass(frozen=True, slots=True)
class Signed:
    """The answer that has a permission token, as JSON, and how long that token is.

    It is given out again before `given_until`, unless what its `tags` name has ended.
    """

    body: bytes
    token_length: int
    given_until: datetime
    tags: tuple[Tag, ...]

    def and_more(self, more: Mapping[str, object]) -> bytes:
        """Return the answer with *more* to be said, as JSON."""
        return b"%b, %b" % (self.body[:-1], json.dumps(more).encode()[1:])


class SignedGrants:
    """Signs grants; the same one again is the same token, while half of its life is left."""

    def __init__(
        self, signer: TokenSigner, memory: Memory, *, lifetime: timedelta, now: Clock
    ) -> None:
        self._signer = signer
        self._lifetime = lifetime
        self._now = now
        self._shelf = Shelf[Signed](memory, SIZE)
        self._rooms = lru_cache(SERVICES)(self._room)

    async def sign(
        self, who: Authenticated, service: str, grant: Grant, digest: str, mark: int
    ) -> Signed:
        """Return a token that says what *grant* lets in *service*; *digest* is that of it.

        *mark* was taken before it was known *who* asks.

        Of what was made with one credential nobody gets a token who has come with another: by its
        `sid` it is revoked. A token that was revoked by itself is not handed out again.
        """
        now = self._now()
        made_with = _made_with(who)
        key = (who.user.id, service, made_with, digest, self._kid)
        if (signed := self._shelf.get(key, now)) is not None:
            return signed
        token_id = new_id()
        claims = _claims(service, grant)
        tags: list[Tag] = [("user", who.user.id), ("jti", token_id)]
        if made_with is not None:
            tags.append(("sid", made_with))
        token = await self._signer.sign(
            SERVICE,
            who.user.id,
            self._lifetime,
            {**claims, **_sid(made_with)},
            token_id=token_id,
        )
        body = json.dumps({"token": token, "userid": who.user.id, **claims}).encode()
        until = now + self._lifetime / 2
        signed = Signed(body, len(token), until, tuple(tags))
        self._shelf.put(key, signed, since=now, until=until, tags=signed.tags, mark=mark)
        return signed

    def room(self, who: Authenticated, service: str) -> int:
        """Return how many bytes of JSON a provider may give, so that the token can be read."""
        made_with = _made_with(who)
        lengths = (_written(who.user.id), None if made_with is None else _written(made_with))
        return self._rooms(self._kid, service, *lengths)

    @property
    def _kid(self) -> str:
        return self._signer.keyring.signing(KeyPurpose.SERVICE).kid

    def _room(self, _kid: str, service: str, user_id: int, made_with: int | None) -> int:
        """Return the room by the lengths of both identifiers, which are many, but of few lengths."""
        sid = _sid(None if made_with is None else "x" * made_with)
        claims = {"permissions": {}, "service": service, "filters": {}, **sid}
        return self._signer.room(SERVICE, "x" * user_id, claims)


def _written(text: str) -> int:
    """Return the length of *text* as JSON, without its quotes."""
    return len(json.dumps(text)) - 2


def _sid(made_with: str | None) -> dict[str, str]:
    return {} if made_with is None else {"sid": made_with}


def _claims(service: str, grant: Grant) -> dict[str, object]:
    claims: dict[str, object] = {"permissions": dict(grant.permissions), "service": service}
    return claims if grant.filters is None else {**claims, "filters": dict(grant.filters)}


def _made_with(who: Authenticated) -> str | None:
    """Return the claim `sid`: with what it names, the token is revoked.

    None for what is not ours to end: the user who comes with it may be.
    """
    principal = who.principal
    if principal.method in (AuthMethod.API_TOKEN, AuthMethod.DEVELOPER_TOKEN):
        return principal.token_id
    if who.account is not None:
        return password_id(who.user.id, who.account.changed_at)
    return principal.session_id
