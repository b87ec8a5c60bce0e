"""The keys of this service: which signs, which verify, which the world may see."""

import base64
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
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

from dhq_auth.errors import StartRefused
from dhq_auth.opaque import SECRET_LENGTH, derive, new_secret
from dhq_auth.tokens.store import KeyPurpose, StoredKey

KEY_BITS = 2048
_WRAPPED = "fernet:"


class KeysUnusable(StartRefused):
    """The keys cannot be used; the text names the setting that is at fault."""


def new_private_key(bits: int = KEY_BITS) -> rsa.RSAPrivateKey:
    """Make an RSA key (RFC 8017); half a second of arithmetic: call it in a thread."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


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
        self._fernets = [Fernet(_fernet_key(key)) for key in secret_keys]

    def wrap(self, pem: str) -> str:
        """Return *pem* as it may lie in the database."""
        if not self._fernets:
            return pem
        return _WRAPPED + self._fernets[0].encrypt(pem.encode()).decode()

    def unwrap(self, stored: str) -> str:
        """Return what `wrap` was given, or raise KeysUnusable."""
        if not stored.startswith(_WRAPPED):
            return stored
        if not self._fernets:
            raise KeysUnusable(
                "SECRET_KEY: is not set, but the keys in the database are wrapped with one; "
                "give it back"
            )
        try:
            return MultiFernet(self._fernets).decrypt(_wrapped(stored)).decode()
        except InvalidToken:
            raise KeysUnusable(
                "SECRET_KEY: does not open the keys in the database; give the key that wrapped "
                "them (for SQLite: the file .secret-key beside the database), behind a new one "
                "if there is one: SECRET_KEY=new;old"
            ) from None

    def is_current(self, stored: str) -> bool:
        """Whether *stored* is wrapped as `wrap` would do it today."""
        if not self._fernets:
            return True
        try:
            self._fernets[0].decrypt(_wrapped(stored))
        except InvalidToken:
            return False
        return True


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key with its `kid`, the RFC 7638 thumbprint."""

    kid: str
    purpose: KeyPurpose
    jwk: RSAKey
    public_pem: str
    created_at: datetime | None = None

    @property
    def signature_length(self) -> int:
        """Bytes of a signature: as many as the modulus has (RFC 8017 8.2)."""
        return (self.jwk.raw_value.key_size + 7) // 8

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
        self._by_kid: dict[tuple[KeyPurpose, object], RSAKey] = {}
        for key in keys:
            if (key.purpose, key.kid) not in self._by_kid:
                self._by_kid[key.purpose, key.kid] = key.jwk
                self._keys[key.purpose].append(key)

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


def secret_of(keys: Iterable[SigningKey], purpose: str) -> str:
    """Return the secret for *purpose* that every process of one database has, and nobody else.

    It is derived from the private half of the oldest login key: *keys* are, of each purpose, the
    newest first. The database holds nothing more for it.
    """
    *_, oldest = (key for key in keys if key.purpose is KeyPurpose.LOGIN)
    return derive(oldest.jwk.as_pem(private=True).decode(), purpose)


def from_stored(keys: Iterable[StoredKey], wrapping: Wrapping) -> list[SigningKey]:
    """Open *keys*; raises KeysUnusable where SECRET_KEY does not fit, or a key was tampered with.

    Loading checks that the two halves of a key belong together (Fernet has, where it is wrapped),
    its `kid` that it is the one that we made.
    """
    return [_opened(key, wrapping) for key in keys]


def has_secret_key_beside(database: Path) -> bool:
    """Whether there is a file that takes the place of SECRET_KEY."""
    return _beside(database).exists()


def secret_key_beside(database: Path) -> str:
    """Return the secret key in the 0600 file beside *database*, made at the first call.

    Of several processes that start at once one wins: the file appears whole or not at all. Raises
    KeysUnusable for a file that cannot be read or made, or does not hold what we wrote.
    """
    path = _beside(database)
    try:
        if not path.exists():
            _make_secret_key(path)
        secret = path.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise KeysUnusable(
            f"SECRET_KEY: {path}, which takes its place, cannot be made or read: {error}"
        ) from error
    if len(secret) != SECRET_LENGTH:
        raise KeysUnusable(
            f"SECRET_KEY: {path}, which takes its place, is damaged: it has {len(secret)} "
            f"characters, not {SECRET_LENGTH}; restore it from a backup"
        )
    return secret


def _beside(database: Path) -> Path:
    return database.with_name(f"{database.name}.secret-key")


def _opened(stored: StoredKey, wrapping: Wrapping) -> SigningKey:
    pem = wrapping.unwrap(stored.private_key).encode()
    # What was wrapped is authentic, as we made it: to prove its primes again takes 60 ms.
    authentic = stored.private_key.startswith(_WRAPPED)
    try:
        key = load_pem_private_key(pem, password=None, unsafe_skip_rsa_key_validation=authentic)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _unusable(stored, "cannot be read") from None
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < KEY_BITS:
        raise _unusable(stored, f"is not an RSA key of {KEY_BITS} bits or more")
    opened = SigningKey.of(key, stored.purpose, stored.created_at)
    if opened.kid != stored.kid:
        raise _unusable(stored, f"is another key, {opened.kid}")
    return opened


def _unusable(stored: StoredKey, why: str) -> KeysUnusable:
    return KeysUnusable(
        f"DATABASE_URL: the {stored.purpose} key {stored.kid} in the database {why}; restore the "
        "table signing_keys from a backup, or delete the row and a new key is made"
    )


def _make_secret_key(path: Path) -> None:
    descriptor, draft = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(new_secret())
            file.flush()
            os.fsync(descriptor)
        with suppress(FileExistsError):  # another process made it
            os.link(draft, path)
    finally:
        os.unlink(draft)  # noqa: PTH108 - mkstemp gives a string


def _wrapped(stored: str) -> bytes:
    return stored.removeprefix(_WRAPPED).encode()


def _fernet_key(secret: str) -> bytes:
    derived = HKDF(SHA256(), 32, salt=None, info=b"dhq-auth signing keys").derive(secret.encode())
    return base64.urlsafe_b64encode(derived)
