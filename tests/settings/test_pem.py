"""PRIVATE_KEY and PUBLIC_KEY: which forms of a key are read, and which keys are not good enough."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from dhq_auth.settings import from_environ
from tests.settings.conftest import faults_of

WANTED = "RSA private keys in PEM, without a passphrase, as tools/generate_key_pair.sh prints them"


def pem(key, form=PrivateFormat.PKCS8, encryption=None):
    return key.private_bytes(Encoding.PEM, form, encryption or NoEncryption()).decode()


def public_pem(key):
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def numbers(settings):
    return [key.public_key().public_numbers() for key in settings.private_keys]


@pytest.mark.slow
def test_newlines_may_be_literal_or_real_and_quotes_may_stand_around(pair):
    expected = [pair.key.public_key().public_numbers()]
    one_line = pair.private.replace("\n", "\\n")
    traditional = pem(pair.key, PrivateFormat.TraditionalOpenSSL)
    for text in (
        pair.private,
        pair.private.strip(),
        pair.private.replace("\n", "\r\n"),
        one_line,
        f"'{one_line}'",
        f'"{one_line}"',
        traditional,
        traditional.replace("\n", "\\n"),
    ):
        settings = from_environ({"PRIVATE_KEY": text})
        assert numbers(settings) == expected
        assert settings.warnings == ()


@pytest.mark.slow
def test_the_first_of_several_blocks_signs_and_the_order_is_kept(pair, other_pair):
    both = [pair.key.public_key().public_numbers(), other_pair.key.public_key().public_numbers()]
    text = pair.private + other_pair.private
    assert numbers(from_environ({"PRIVATE_KEY": text})) == both
    assert numbers(from_environ({"PRIVATE_KEY": text.replace("\n", "\\n")})) == both
    assert numbers(from_environ({"PRIVATE_KEY": other_pair.private + pair.private})) == both[::-1]


@pytest.mark.slow
def test_the_public_key_belongs_to_the_first_private_key(pair, other_pair):
    private = pair.private + other_pair.private
    assert from_environ({"PRIVATE_KEY": private, "PUBLIC_KEY": pair.public})
    assert from_environ({"PRIVATE_KEY": private, "PUBLIC_KEY": pair.public + other_pair.public})
    for environ in (
        {"PRIVATE_KEY": pair.private, "PUBLIC_KEY": other_pair.public},
        {"PRIVATE_KEY": private, "PUBLIC_KEY": other_pair.public},
        {"PRIVATE_KEY": private, "PUBLIC_KEY": other_pair.public + pair.public},
        {"PRIVATE_KEY": pair.private, "PUBLIC_KEY": pair.public + other_pair.public},
    ):
        (fault,) = faults_of(**environ)
        assert fault == "PUBLIC_KEY: does not belong to PRIVATE_KEY; leave it out, or give its pair"


def test_a_public_key_alone_is_refused(pair):
    (fault,) = faults_of(PUBLIC_KEY=pair.public)
    assert fault == "PUBLIC_KEY: is set without PRIVATE_KEY; give both, or neither"
    (fault,) = faults_of(PUBLIC_KEY=pair.public, PRIVATE_KEY="bad")
    assert fault.startswith("PRIVATE_KEY: ")


def test_a_key_with_a_passphrase_is_refused(pair):
    locked = BestAvailableEncryption(b"passphrase")
    for form in (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL):
        (fault,) = faults_of(PRIVATE_KEY=pem(pair.key, form, locked))
        assert fault == f"PRIVATE_KEY: read a secret, not shown; expected: {WANTED}"


def test_a_key_that_is_not_rsa_is_refused(pair):
    curve = ec.generate_private_key(ec.SECP256R1())
    for key in (curve, ed25519.Ed25519PrivateKey.generate()):
        (fault,) = faults_of(PRIVATE_KEY=pem(key))
        assert fault.endswith(f"{WANTED} (this one is not RSA)")
        (fault,) = faults_of(PRIVATE_KEY=pair.private, PUBLIC_KEY=public_pem(key))
        assert fault.endswith("in the same order (this one is not RSA)")


def test_a_short_key_is_refused(short_pair):
    (fault,) = faults_of(PRIVATE_KEY=short_pair.private)
    assert fault.endswith("expected: an RSA key of 2048 bits or more (it has 1024)")


def test_the_same_key_twice_is_refused(pair):
    traditional = pem(pair.key, PrivateFormat.TraditionalOpenSSL)
    (fault,) = faults_of(PRIVATE_KEY=pair.private + traditional)
    assert fault.endswith("expected: different keys (the same one stands there twice)")


def test_what_is_not_wholly_keys_is_refused(pair, other_pair):
    for text in (
        "no key",
        pair.public,
        f"junk {pair.private}",
        f"{pair.private}junk",
        f"{pair.private}junk\n{other_pair.private}",
        pair.private + other_pair.private[:800],
        pair.private[:800] + other_pair.private,
        pair.private.replace("END PRIVATE", "END PUBLIC"),
        pair.private.replace("A", "B"),
        pair.private.replace("PRIVATE KEY", "CERTIFICATE"),
        "-----BEGIN PRIVATE KEY-----\n\n-----END PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
        "-----BEGIN DSA PRIVATE KEY-----\nAAAA\n-----END DSA PRIVATE KEY-----",
        "'",
        "-----BEGIN" * 2000,
    ):
        (fault,) = faults_of(PRIVATE_KEY=text)
        assert fault == f"PRIVATE_KEY: read a secret, not shown; expected: {WANTED}"
        for public in {text, pair.private} - {pair.public}:
            (fault,) = faults_of(PUBLIC_KEY=public)
            assert "expected: RSA public keys in PEM, those of PRIVATE_KEY" in fault


def test_a_key_of_an_unknown_algorithm_is_refused():
    unknown = "MC4CAQAwBQYDK2V/BCIEIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    text = f"-----BEGIN PRIVATE KEY-----\n{unknown}\n-----END PRIVATE KEY-----"
    (fault,) = faults_of(PRIVATE_KEY=text)
    assert fault.endswith(WANTED)
