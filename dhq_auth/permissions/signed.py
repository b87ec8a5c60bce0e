"""Permission tokens: a new one where the answer is new, else the one that was handed out before."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from dhq_auth.clock import Clock
from dhq_auth.credentials import Authenticated
from dhq_auth.opaque import new_id
from dhq_auth.revocations.memory import Memory, Shelf, Tag
from dhq_auth.tokens.signing import SERVICE, TokenSigner
from dhq_auth.tokens.store import KeyPurpose

SIZE: Final = 2048
"""Tokens that are remembered: up to MAX_TOKEN bytes each, but one or two KiB as a rule."""


class SignedGrants:
    """Signs grants; the same one again is the same token, while half of its life is left."""

    def __init__(
        self, signer: TokenSigner, memory: Memory, *, lifetime: timedelta, now: Clock
    ) -> None:
        self._signer = signer
        self._memory = memory
        self._lifetime = lifetime
        self._now = now
        self._shelf = Shelf[str](memory, SIZE)

    async def token(
        self, who: Authenticated, service: str, digest: str, claims: Mapping[str, object]
    ) -> str:
        """Return a token that says *claims*; *digest* is that of what they grant in *service*.

        Of what was made with one credential nobody gets a token who has come with another: by its
        `sid` it is revoked. A token that was revoked by itself is not handed out again.
        """
        now, mark = self._now(), self._memory.mark()
        made_with = claims.get("sid")
        kid = self._signer.keyring.signing(KeyPurpose.SERVICE).kid
        key = (who.user.id, service, made_with, digest, kid)
        if (token := self._shelf.get(key, now)) is not None:
            return token
        token_id = new_id()
        token = await self._signer.sign(
            SERVICE, who.user.id, self._lifetime, claims, token_id=token_id
        )
        tags: list[Tag] = [("user", who.user.id), ("jti", token_id)]
        if isinstance(made_with, str):
            tags.append(("sid", made_with))
        until = now + self._lifetime / 2
        self._shelf.put(key, token, since=now, until=until, tags=tuple(tags), mark=mark)
        return token
