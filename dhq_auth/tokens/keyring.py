"""The keys of this service: which signs, which verify, which the world may see."""

import base64
import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from joserfc.jwk import KeySet, RSAKey

from dhq_auth.opaque import new_secret
from dhq_auth.tokens.store import KeyPurpose, StoredKey

log = logging.getLogger(__name__)

KEY_BITS = 2048
_WRAPPED = "fernet:"


class KeysUnusable(Exception):
    """The stored keys cannot be used; the text names the setting that is at fault."""


def new_private_key() -> rsa.RSAPrivateKey:
    """Make an RSA key (RFC 8017); half a second of arithmetic: call it in a thread."""
    return rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)


def private_pem(key: rsa.RSAPrivateKey) -> str:
    """Return *key* as PKCS #8 PEM."""
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem.decode()


def public_pem(key: rsa.RSAPrivateKey) -> str:
    """Return the public half of *key* as SPKI PEM."""
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem.decode()


class Wrapping:
    """Wraps private keys at rest: the first of the secret keys wraps, all unwrap."""

    def __init__(self, secret_keys: Sequence[str]) -> None:
        self._fernet = (
            MultiFernet([Fernet(_fernet_key(k)) for k in secret_keys]) if secret_keys else None
        )

    def wrap(self, pem: str) -> str:
        """Return *pem* as it may lie in the database."""
        if self._fernet is None:
            return pem
        return _WRAPPED + self._fernet.encrypt(pem.encode()).decode()

    def unwrap(self, stored: str) -> str:
        """Return what `wrap` was given, or raise KeysUnusable."""
        if not stored.startswith(_WRAPPED):
            return stored
        if self._fernet is None:
            raise KeysUnusable(
                "SECRET_KEY: the database holds wrapped keys; give the key they need"
            )
        try:
            return self._fernet.decrypt(stored.removeprefix(_WRAPPED)).decode()
        except InvalidToken:
            raise KeysUnusable(
                "SECRET_KEY: does not open the keys in the database; put the old key behind it: "
                "SECRET_KEY=new;old"
            ) from None


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key with its `kid`, the RFC 7638 thumbprint."""

    kid: str
    purpose: KeyPurpose
    jwk: RSAKey
    public_pem: str
    created_at: datetime | None = None

    @classmethod
    def of(
        cls, key: rsa.RSAPrivateKey, purpose: KeyPurpose, created_at: datetime | None = None
    ) -> "SigningKey":
        """Give *key* its `kid`."""
        jwk = RSAKey.import_key(key)
        kid = jwk.thumbprint()
        jwk = RSAKey.import_key(key, {"kid": kid, "use": "sig", "alg": "RS256"})
        return cls(kid, purpose, jwk, public_pem(key), created_at)


class Keyring:
    """The keys of both purposes; of each the first signs and all verify."""

    def __init__(self, keys: Iterable[SigningKey] = ()) -> None:
        self.replace(keys)

    def replace(self, keys: Iterable[SigningKey]) -> None:
        """Take *keys* for all that were there."""
        self._keys: dict[KeyPurpose, list[SigningKey]] = {purpose: [] for purpose in KeyPurpose}
        for key in keys:
            self._keys[key.purpose].append(key)
        self._by_kid = {
            (purpose, key.kid): key.jwk for purpose, keys in self._keys.items() for key in keys
        }

    @property
    def is_complete(self) -> bool:
        """Whether there is a key for every purpose."""
        return all(self._keys.values())

    def signing(self, purpose: KeyPurpose) -> SigningKey:
        """Return the key that signs now."""
        return self._keys[purpose][0]

    def verifying(self, purpose: KeyPurpose, kid: object) -> KeySet:
        """Return the key of *purpose* that is called *kid*, or raise ValueError."""
        key = self._by_kid.get((purpose, kid)) if isinstance(kid, str) else None
        if key is None:
            raise ValueError("signed by an unknown key")
        return KeySet([key])

    def __iter__(self) -> Iterator[SigningKey]:
        return (key for keys in self._keys.values() for key in keys)

    def jwks(self) -> dict[str, list[dict[str, Any]]]:
        """Return the public service keys as a JWK set (RFC 7517 5); login keys are not in it."""
        service = self._keys[KeyPurpose.SERVICE]
        return {"keys": [dict(key.jwk.as_dict(private=False)) for key in service]}


def from_stored(keys: Iterable[StoredKey], wrapping: Wrapping) -> list[SigningKey]:
    """Open *keys*; raises KeysUnusable where SECRET_KEY does not fit."""
    opened = []
    for key in keys:
        loaded = load_pem_private_key(wrapping.unwrap(key.private_key).encode(), password=None)
        if not isinstance(loaded, rsa.RSAPrivateKey):
            raise KeysUnusable(f"the key {key.kid} in the database is not an RSA key")
        opened.append(SigningKey.of(loaded, key.purpose, key.created_at))
    return opened


def secret_key_beside(database: Path) -> str:
    """Return the secret key in the 0600 file beside *database*, made at the first call.

    Of several processes that start at once one wins: the file appears whole or not at all.
    """
    path = database.with_name(f"{database.name}.secret-key")
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(new_secret())
        try:
            os.link(draft, path)
        except FileExistsError:
            log.debug("another process made %s", path)
        finally:
            draft.unlink()
    return path.read_text().strip()


def _fernet_key(secret: str) -> bytes:
    derived = HKDF(SHA256(), 32, salt=None, info=b"dhq-auth signing keys").derive(secret.encode())
    return base64.urlsafe_b64encode(derived)
