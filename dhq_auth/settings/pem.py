"""Keys in PEM, as files, or on one line: PRIVATE_KEY and PUBLIC_KEY, both RSA."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # loading OpenSSL costs more than the rest of the settings
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

MIN_RSA_BITS = 2048
_BLOCK = r"-----BEGIN ([A-Z ]+)-----[^-]+-----END \1-----\s*"
_PRIVATE = (
    "RSA private keys in PEM, without a passphrase, as tools/generate_key_pair.sh prints them"
)
_PUBLIC = "RSA public keys in PEM, those of PRIVATE_KEY in the same order"


def private_keys(raw: str) -> "tuple[RSAPrivateKey, ...]":
    """Read RSA private keys in PEM; of several the first signs."""
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    keys = []
    for block in blocks(raw, _PRIVATE):
        try:
            key = load_pem_private_key(block, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise ValueError(_PRIVATE) from error
        if not isinstance(key, RSAPrivateKey):
            raise ValueError(f"{_PRIVATE} (this one is not RSA)")
        if key.key_size < MIN_RSA_BITS:
            raise ValueError(f"an RSA key of {MIN_RSA_BITS} bits or more (it has {key.key_size})")
        keys.append(key)
    if len({key.public_key().public_numbers() for key in keys}) < len(keys):
        raise ValueError("different keys (the same one stands there twice)")
    return tuple(keys)


def public_keys(raw: str) -> "tuple[RSAPublicKey, ...]":
    """Read RSA public keys in PEM."""
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415

    keys = []
    for block in blocks(raw, _PUBLIC):
        try:
            key = load_pem_public_key(block)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise ValueError(_PUBLIC) from error
        if not isinstance(key, RSAPublicKey):
            raise ValueError(f"{_PUBLIC} (this one is not RSA)")
        keys.append(key)
    return tuple(keys)


def blocks(raw: str, wanted: str) -> list[bytes]:
    r"""Return the PEM blocks of *raw*, and nothing else may stand there.

    A newline may be a literal `\n`, and quotes may stand around it all: environment files need
    them for a shell, and `docker --env-file` hands them on.
    """
    if raw[:1] == raw[-1:] and raw[:1] in {"'", '"'}:
        raw = raw[1:-1]
    raw = raw.replace("\\n", "\n").strip()
    blocks = [match[0].encode() for match in re.finditer(_BLOCK, raw)]
    if not blocks or re.sub(_BLOCK, "", raw):
        raise ValueError(wanted)
    return blocks
