"""ISSUER_<NAME>_KEY: what verifies the JWTs of another system, and by which one algorithm."""

from base64 import b64decode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from dhq_auth.settings import parse, pem
from dhq_auth.settings.parse import Secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

MIN_HMAC_BYTES: Final = 32
"""As many as the hash has (RFC 7518 3.2)."""
_WANTED: Final = (
    "one public key in PEM (RSA, EC on P-256, Ed25519), or an HS256 secret of "
    f"{MIN_HMAC_BYTES} or more bytes"
)


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A key and the algorithm that it is for; of a secret, the bytes of its text count."""

    algorithm: str
    value: "RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey | Secret" = field(repr=False)


def verification_key(raw: str) -> VerificationKey:
    """Read a public key in PEM, or else a secret that is not a public key in disguise.

    Who takes the text of a public key for a secret lets everybody sign (RFC 8725 2.1).
    """
    if "-----BEGIN" in raw:
        return _public_key(raw)
    if raw.startswith("{") or "://" in raw:
        raise ValueError(f"{_WANTED}, not a JWK nor an address (that is ISSUER_<NAME>_URL)")
    if raw.startswith(("ssh-", "ecdsa-")) or _is_der(raw):
        raise ValueError(f"{_WANTED} (this is a key in another form than PEM)")
    if len(raw.encode(errors="replace")) < MIN_HMAC_BYTES:
        raise ValueError(_WANTED)
    return VerificationKey("HS256", parse.secret(raw))


def _public_key(raw: str) -> VerificationKey:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - as in pem
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415

    blocks = pem.blocks(raw, _WANTED)
    if any(b"PRIVATE KEY" in block for block in blocks):
        raise ValueError(f"{_WANTED} (this is a private one, which stays with who signs)")
    if len(blocks) != 1:
        raise ValueError(f"{_WANTED} (there are {len(blocks)})")
    try:
        key = load_pem_public_key(blocks[0])
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError(_WANTED) from error
    return _for_one_algorithm(key)


def _for_one_algorithm(key: "PublicKeyTypes") -> VerificationKey:
    """Return *key* with the one algorithm that it is for (RFC 7518 3.1, RFC 8037 3.1)."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa  # noqa: PLC0415

    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < pem.MIN_RSA_BITS:
            bits = f"an RSA key of {pem.MIN_RSA_BITS} bits or more"
            raise ValueError(f"{bits} (it has {key.key_size})")
        return VerificationKey("RS256", key)
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return VerificationKey("ES256", key)
    if isinstance(key, ed25519.Ed25519PublicKey):
        return VerificationKey("EdDSA", key)
    raise ValueError(f"{_WANTED} (this one is of another kind)")


def _is_der(raw: str) -> bool:
    """Whether *raw* is a key or a certificate in base64, as PEM has it between its lines."""
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - as in pem
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from cryptography.x509 import load_der_x509_certificate  # noqa: PLC0415

    try:
        data = b64decode("".join(raw.replace("\\n", "").split()), validate=True)
    except ValueError:
        return False
    for load in (
        serialization.load_der_public_key,
        lambda der: serialization.load_der_private_key(der, None),
        load_der_x509_certificate,
    ):
        try:
            load(data)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            continue
        return True
    return False
