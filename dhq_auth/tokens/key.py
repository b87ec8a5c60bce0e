"""A signing key: made, given its `kid`, opened as it lies in the database."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography.exceptions import InternalError, InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from joserfc.jwk import RSAKey

from dhq_auth.tokens.errors import KeysUnusable
from dhq_auth.tokens.store import GivenKey, KeyPurpose, StoredKey
from dhq_auth.tokens.wrapping import Wrapping, is_wrapped

KEY_BITS: Final = 2048
ALWAYS: Final = datetime.min.replace(tzinfo=UTC)
"""From when on a key signs for which nothing is said about it."""


def new_private_key(bits: int = KEY_BITS) -> rsa.RSAPrivateKey:
    """Make an RSA key (RFC 8017); half a second of arithmetic: call it in a thread."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def private_pem(key: rsa.RSAPrivateKey) -> str:
    """Return *key* as PKCS #8 PEM."""
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem.decode()


def public_pem(key: rsa.RSAPublicKey) -> str:
    """Return *key* as SPKI PEM."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key with its `kid`, the RFC 7638 thumbprint.

    It signs from `signs_from` on, until a newer one does; with None it only verifies.
    """

    kid: str
    purpose: KeyPurpose
    jwk: RSAKey
    public_pem: str
    created_at: datetime | None = None
    signs_from: datetime | None = ALWAYS

    @property
    def signature_length(self) -> int:
        """Bytes of a signature: as many as the modulus has (RFC 8017 8.2)."""
        return (self.jwk.raw_value.key_size + 7) // 8

    @classmethod
    def of(
        cls,
        key: rsa.RSAPrivateKey | rsa.RSAPublicKey,
        purpose: KeyPurpose,
        created_at: datetime | None = None,
        signs_from: datetime | None = ALWAYS,
    ) -> "SigningKey":
        """Give *key* its `kid`; a public one cannot sign, whatever is said."""
        jwk = RSAKey.import_key(key)
        kid = jwk.thumbprint()
        jwk = RSAKey.import_key(key, {"kid": kid, "use": "sig", "alg": "RS256"})
        if isinstance(key, rsa.RSAPublicKey):
            return cls(kid, purpose, jwk, public_pem(key), created_at, None)
        return cls(kid, purpose, jwk, public_pem(key.public_key()), created_at, signs_from)


def stored_form(
    key: SigningKey, generation: int, wrapping: Wrapping, lifetime: timedelta
) -> StoredKey:
    """Return *key*, whose times are known, as it may lie in the database."""
    private_key = key.jwk.private_key
    if private_key is None or key.created_at is None:
        raise TypeError("what is stored has a private half, and was made at a time")
    return StoredKey(
        key.kid,
        key.purpose,
        generation,
        wrapping.wrap(private_pem(private_key)),
        key.created_at,
        key.signs_from,
        int(lifetime.total_seconds()),
    )


def open_stored(stored: StoredKey, wrapping: Wrapping) -> SigningKey:
    """Open *stored*; raises KeysUnusable where SECRET_KEY does not fit, or it was tampered with.

    A signature shows that the two halves of a key belong together (Fernet has, where it is wrapped),
    its `kid` that it is the one that we made.
    """
    what = f"the {stored.purpose} key {stored.kid}"
    pem = wrapping.unwrap(stored.private_key, what).encode()
    try:
        # To prove its primes again would take 60 ms; whoever can write here has primes, too.
        key = load_pem_private_key(pem, password=None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _unusable(stored, "cannot be read") from None
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < KEY_BITS:
        raise _unusable(stored, f"is not an RSA key of {KEY_BITS} bits or more")
    if not (is_wrapped(stored.private_key) or _is_whole(key)):
        raise _unusable(stored, "cannot be read")
    opened = SigningKey.of(key, stored.purpose, stored.created_at, stored.begins)
    if opened.kid != stored.kid:
        raise _unusable(stored, f"is another key, {opened.kid}")
    return opened


def _is_whole(key: rsa.RSAPrivateKey) -> bool:
    """Whether what *key* signs is good by its public half (RFC 8017 8.2)."""
    try:
        signature = key.sign(b"", PKCS1v15(), SHA256())
        key.public_key().verify(signature, b"", PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError, InternalError):
        return False
    return True


def open_given(given: GivenKey, wrapping: Wrapping) -> SigningKey:
    """Open the public half of a key of PRIVATE_KEY that some process has had.

    It is no secret; it is wrapped since nobody else must have us publish a key. Raises KeysUnusable
    if it is not what was written.
    """
    pem = wrapping.unwrap(given.public_key, f"the public key {given.kid}")
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    opened = SigningKey.of(key, KeyPurpose.SERVICE) if isinstance(key, rsa.RSAPublicKey) else None
    if opened is None or opened.kid != given.kid:
        raise KeysUnusable(
            f"DATABASE_URL: the public key {given.kid} in the table given_keys is not what was "
            "written there; delete the row"
        )
    return opened


def _unusable(stored: StoredKey, why: str) -> KeysUnusable:
    return KeysUnusable(
        f"DATABASE_URL: the {stored.purpose} key {stored.kid} in the database {why}; restore the "
        "table signing_keys from a backup, or delete the row and a new key is made"
    )
