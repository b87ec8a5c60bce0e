"""Whose credential it was a moment ago, so that the same one costs nothing again."""

from collections.abc import Callable
from hashlib import sha256
from typing import Final

from dhq_auth.clock import Clock
from dhq_auth.credentials.kind import Authenticated
from dhq_auth.hookspecs import Presented
from dhq_auth.principal import AuthMethod
from dhq_auth.revocations.memory import LONGEST, Memory, Shelf

SIZE: Final = 4096
"""Credentials that are remembered, by a digest of each: about two KiB apiece."""


class Recent:
    """Credentials that were believed, each by its `key_of`, until something about them ends."""

    def __init__(self, memory: Memory, now: Clock) -> None:
        self._memory = memory
        self._now = now
        self._shelf = Shelf[Authenticated](memory, SIZE)

    def mark(self) -> int:
        """Return a mark for `put`, to be taken before anything is read."""
        return self._memory.mark()

    async def get(self, key: bytes) -> Authenticated | None:
        """Return whose it was, if it is known that nothing it depends on has ended."""
        if key not in self._shelf:
            return None
        if not self._memory.counts:
            await self._memory.refresh()
        return self.known(key)

    def known(self, key: bytes) -> Authenticated | None:
        """Return whose it was as `get` does, without waiting for what may not be known by now."""
        return self._shelf.get(key, self._now())

    def holds(self, key: bytes, who: Authenticated) -> Callable[[], bool]:
        """Return what tells whether it is still known to be that of *who*, as it was."""
        return lambda: self._shelf.get(key, self._now()) is who

    def put(self, key: bytes, who: Authenticated, mark: int) -> None:
        """Remember *who*, where that may be."""
        if who.good_until is None:
            return
        principal, tags = who.principal, [("user", who.user.id)]
        if principal.session_id is not None:
            tags.append(("sid", principal.session_id))
        if principal.token_id is not None:  # of an API token the feed calls it `sid`
            is_jwt = principal.method is AuthMethod.LOGIN_TOKEN
            tags.append(("jti" if is_jwt else "sid", principal.token_id))
        now = self._now()
        until = min(who.good_until, now + LONGEST)
        self._shelf.put(key, who, since=now, until=until, tags=tuple(tags), mark=mark)


def key_of(presented: Presented) -> bytes:
    """Return what *presented* is remembered by.

    Never the credential itself: memory is read by debuggers, and written to swap.
    """
    return sha256(f"{presented.scheme} {presented.value}".encode(errors="surrogatepass")).digest()
