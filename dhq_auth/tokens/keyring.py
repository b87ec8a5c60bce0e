"""The keys of this process: which signs now, which verify, which the world may see."""

import hmac
import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from joserfc.jwk import RSAKey

from dhq_auth.clock import Clock, utcnow
from dhq_auth.errors import Unavailable
from dhq_auth.tokens.errors import UnknownKey
from dhq_auth.tokens.key import SigningKey
from dhq_auth.tokens.store import KeyPurpose

_THUMBPRINT: Final = re.compile(r"[A-Za-z0-9_-]{43}")
"""SHA-256 in base64url (RFC 7638 3.1)."""


class Keyring:
    """The keys of both purposes; of each all verify, and the newest whose time has come signs.

    *keys* are, of each purpose, the newest first; what cannot be opened is *sealed*, by its `kid`.
    """

    def __init__(
        self, keys: Iterable[SigningKey] = (), secret: bytes = b"", *, now: Clock = utcnow
    ) -> None:
        self.now = now
        self._secret = secret
        self.replace(keys)

    def replace(
        self, keys: Iterable[SigningKey], secret: bytes | None = None, sealed: Collection[str] = ()
    ) -> None:
        """Take *keys* for all that were there, at once; without a *secret* it stays as it was."""
        ordered: dict[KeyPurpose, list[SigningKey]] = {purpose: [] for purpose in KeyPurpose}
        by_kid: dict[tuple[KeyPurpose, object], RSAKey] = {}
        for key in keys:
            if (key.purpose, key.kid) not in by_kid:
                by_kid[key.purpose, key.kid] = key.jwk
                ordered[key.purpose].append(key)
        self._keys, self._by_kid, self._sealed = ordered, by_kid, frozenset(sealed)
        self._jwks_text = json.dumps(self.jwks())
        if secret is not None:
            self._secret = secret

    @property
    def is_complete(self) -> bool:
        """Whether there is a key to sign with for every purpose."""
        return all(any(key.signs_from for key in keys) for keys in self._keys.values())

    def signing(self, purpose: KeyPurpose) -> SigningKey:
        """Return the key that signs now; raises Unavailable where there is none.

        Where the time of none has come, since a clock was set back, it is the oldest.
        """
        now, oldest = self.now(), None
        for key in self._keys[purpose]:
            if key.signs_from is not None:
                if key.signs_from <= now:
                    return key
                oldest = key
        if oldest is None:
            raise Unavailable("there is no key to sign with")
        return oldest

    def signing_since(self, purpose: KeyPurpose) -> datetime | None:
        """Return since when the key of *purpose* signs; None for one of PRIVATE_KEY, and for none.

        By it monitoring tells the age of keys.
        """
        if not any(key.signs_from for key in self._keys[purpose]):
            return None
        key = self.signing(purpose)
        return key.created_at and key.signs_from

    def verifying(self, purpose: KeyPurpose, kid: object) -> RSAKey:
        """Return the key of *purpose* that is called *kid*.

        Raises UnknownKey for a name that may be that of a new key, ValueError for what is none,
        Unavailable for a key that is there and that we cannot open.
        """
        if not isinstance(kid, str) or not _THUMBPRINT.fullmatch(kid):
            raise ValueError("signed by what is no key of ours")
        key = self._by_kid.get((purpose, kid))
        if key is not None:
            return key
        if kid in self._sealed:
            raise Unavailable("the key of the token cannot be opened here")
        raise UnknownKey("signed by an unknown key")

    def __iter__(self) -> Iterator[SigningKey]:
        return (key for keys in self._keys.values() for key in keys)

    def jwks(self) -> dict[str, list[dict[str, Any]]]:
        """Return the public service keys as a JWK set (RFC 7517 5); login keys are not in it."""
        service = self._keys[KeyPurpose.SERVICE]
        return {"keys": [dict(key.jwk.as_dict(private=False)) for key in service]}

    @property
    def jwks_text(self) -> str:
        """The JWK set as JSON, made once for the keys that there are."""
        return self._jwks_text

    def secret_of(self, purpose: str) -> str:
        """Return the secret for *purpose*, 43 base64url characters.

        Every process of one database has the same, whatever becomes of its keys; who has only the
        database has it not.
        """
        value = hmac.digest(self._secret, purpose.encode(), sha256)
        return urlsafe_b64encode(value).rstrip(b"=").decode()
