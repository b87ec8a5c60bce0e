"""RSA keys, made once per run."""

from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from dhq_auth.settings import SettingsError, from_environ


@dataclass(frozen=True)
class KeyPair:
    """A key, and its two halves in PEM."""

    key: RSAPrivateKey
    private: str
    public: str

    @classmethod
    def generate(cls, bits: int = 2048) -> "KeyPair":
        key = generate_private_key(65537, bits)
        pkcs8 = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        spki = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return cls(key, pkcs8.decode(), spki.decode())


@pytest.fixture(scope="session")
def pair():
    return KeyPair.generate()


@pytest.fixture(scope="session")
def other_pair():
    return KeyPair.generate()


@pytest.fixture(scope="session")
def short_pair():
    return KeyPair.generate(1024)


def faults_of(**environ: str) -> tuple[str, ...]:
    """Return the faults for which the start is refused."""
    with pytest.raises(SettingsError) as refusal:
        from_environ(environ)
    return refusal.value.faults
