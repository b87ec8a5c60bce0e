"""Trusted issuers: whose JWTs are believed, and what is refused before the first of them comes."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, x25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from joserfc.jwk import RSAKey

from dhq_auth.settings import from_environ
from tests.settings.conftest import faults_of

SECRET = "a secret of thirty-two characters"


def corp(**options: str):
    return {"TRUSTED_ISSUERS": "corp"} | {f"ISSUER_CORP_{k}": v for k, v in options.items()}


def public_pem(key, form=PublicFormat.SubjectPublicKeyInfo):
    return key.public_key().public_bytes(Encoding.PEM, form).decode()


def private_pem(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def body_of(pem: str) -> str:
    return "".join(line for line in pem.splitlines() if not line.startswith("-----"))


def issuer_of(**options: str):
    (issuer,) = from_environ(corp(**options)).trusted_issuers
    return issuer


def refused(**options: str) -> str:
    (fault,) = faults_of(**corp(**options))
    return fault


def test_an_issuer_with_an_address_has_plain_defaults():
    issuer = issuer_of(URL="https://corp.example/realm/")
    assert (issuer.url, issuer.key) == ("https://corp.example/realm/", None)
    assert (issuer.identity, issuer.name) == ("https://corp.example/realm/", "corp")
    assert (issuer.algorithm, issuer.claim) == ("RS256", "user_id")
    assert (issuer.audience, issuer.local) == (None, False)


def test_each_kind_of_key_has_its_one_algorithm(pair):
    for key, algorithm in (
        (pair.public, "RS256"),
        (pair.public.replace("\n", "\\n"), "RS256"),
        (f"'{pair.public}'", "RS256"),
        (public_pem(pair.key, PublicFormat.PKCS1), "RS256"),
        (public_pem(ec.generate_private_key(ec.SECP256R1())), "ES256"),
        (public_pem(ed25519.Ed25519PrivateKey.generate()), "EdDSA"),
        (SECRET, "HS256"),
        ("ä" * 16, "HS256"),  # bytes count
    ):
        issuer = issuer_of(KEY=key)
        assert (issuer.algorithm, issuer.identity, issuer.url) == (algorithm, "corp", None)


def test_a_key_may_come_from_a_file(pair, tmp_path):
    file = tmp_path / "corp.pem"
    file.write_text(pair.public)
    assert issuer_of(KEY_FILE=str(file)).key == issuer_of(KEY=pair.public).key


def test_a_private_key_is_refused_in_whatever_form(pair):
    edwards = ed25519.Ed25519PrivateKey.generate()
    for key in (
        pair.private,
        pair.private + pair.public,
        pair.public + pair.private,
        private_pem(edwards),
        pair.key.private_bytes(
            Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
        ).decode(),
    ):
        assert "(this is a private one, which stays with who signs)" in refused(KEY=key)
    assert "in another form than PEM" in refused(KEY=body_of(pair.private))


def test_no_public_text_is_taken_for_a_secret(pair):
    jwk = RSAKey.import_key(pair.key.public_key()).as_dict(private=False)
    openssh = pair.key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    certificate = certificate_of(pair.key)
    der = pair.key.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)
    for key in (
        body_of(pair.public),
        body_of(pair.public).replace("AQAB", "AQAB\n"),
        body_of(certificate),
        base64.b64encode(der).decode(),
        openssh,
        json.dumps(jwk),
        "https://corp.example/.well-known/jwks.json",
        certificate,
        pair.public[: len(pair.public) // 2],
        pair.public.replace("A", "B"),
        f"{pair.public}\ngarbage",
        f"{SECRET} -----BEGIN",
    ):
        assert "expected: one public key in PEM (RSA, EC on P-256, Ed25519), or" in refused(KEY=key)


def certificate_of(key) -> str:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "corp")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(Encoding.PEM).decode()


def test_keys_that_are_not_good_enough_are_refused(pair, other_pair, short_pair):
    assert "2048 bits or more (it has 1024)" in refused(KEY=short_pair.public)
    assert "(there are 2)" in refused(KEY=pair.public + other_pair.public)
    for key in (
        ec.generate_private_key(ec.SECP384R1()),
        ec.generate_private_key(ec.SECP256K1()),
        ed448.Ed448PrivateKey.generate(),
        x25519.X25519PrivateKey.generate(),
    ):
        assert "(this one is of another kind)" in refused(KEY=public_pem(key))
    assert "HS256 secret of 32 or more bytes" in refused(KEY="x" * 31)


def test_a_listed_issuer_needs_an_address_or_a_key_and_not_both():
    assert refused() == "ISSUER_CORP_URL: is missing, and ISSUER_CORP_KEY too; give one of them"
    both = refused(URL="https://corp.example", KEY=SECRET)
    assert both == "ISSUER_CORP_KEY: is set beside ISSUER_CORP_URL; give one of them"


def test_a_bad_address_or_key_is_not_called_missing_too():
    for url in ("http://corp.example", "https://corp.example?x", "corp.example", "ftp://c.example"):
        assert "expected: an https address" in refused(URL=url)
    assert refused(KEY="short").startswith("ISSUER_CORP_KEY: read a secret, not shown; expected:")


@pytest.mark.parametrize("address", ["http://localhost:8080", "http://127.0.0.1:5000/realm"])
def test_an_issuer_of_this_machine_needs_no_tls(address):
    assert issuer_of(URL=address).url == address


@pytest.mark.parametrize(
    "url",
    [
        "https://login.example.com",
        "https://login.example.com/",
        "https://LOGIN.example.com",
        "https://login.example.com:443",
        "https://login.example.com//",
    ],
)
def test_we_are_no_trusted_issuer_of_ourselves(url):
    (fault,) = faults_of(EXTERNAL_ADDRESS="login.example.com", **corp(URL=url))
    assert fault.startswith(f"ISSUER_CORP_URL: is {url}, our own EXTERNAL_ADDRESS; expected: ")


def test_another_issuer_may_be_below_our_own_origin():
    environ = corp(URL="https://example.com/realms/corp")
    (issuer,) = from_environ(environ | {"EXTERNAL_ADDRESS": "https://example.com"}).trusted_issuers
    assert issuer.own_address == "https://example.com"


@pytest.mark.parametrize(
    ("option", "first", "second"),
    [
        ("URL", "https://corp.example", "https://corp.example"),
        ("URL", "https://corp.example", "https://corp.example/"),
        ("KEY", SECRET, SECRET),
    ],
)
def test_two_issuers_that_cannot_be_told_apart_are_refused(option, first, second):
    two = {f"ISSUER_CORP_{option}": first, f"ISSUER_OTHER_{option}": second}
    (fault,) = faults_of(TRUSTED_ISSUERS="corp;other", **two)
    assert fault == f"TRUSTED_ISSUERS: corp and other have the same {option}"


def test_two_spellings_of_one_public_key_are_one_key(pair):
    two = {"ISSUER_A_KEY": pair.public, "ISSUER_B_KEY": public_pem(pair.key, PublicFormat.PKCS1)}
    (fault,) = faults_of(TRUSTED_ISSUERS="a;b", **two)
    assert fault.endswith("a and b have the same KEY")


@pytest.mark.parametrize("algorithm", ["none", "HS256", "rs256", "RS512", "ES384", "RS256;ES256"])
def test_one_of_the_known_algorithms_is_pinned(algorithm):
    fault = refused(URL="https://corp.example", ALGORITHM=algorithm)
    assert fault.endswith("expected: one of RS256, PS256, ES256, EdDSA")


def test_a_key_has_its_algorithm_by_itself(pair):
    fault = refused(KEY=pair.public, ALGORITHM="PS256")
    assert fault.startswith("ISSUER_CORP_ALGORITHM: is for ISSUER_CORP_URL; ISSUER_CORP_KEY has")


@pytest.mark.parametrize("claim", ["iss", "aud", "exp", "nbf", "iat", "jti"])
def test_a_claim_that_is_the_same_for_many_is_nobodys_name(claim):
    fault = refused(KEY=SECRET, CLAIM=claim)
    assert "expected: the name of a claim that says who somebody is" in fault


def test_subjects_are_linked_or_local():
    assert refused(KEY=SECRET, SUBJECTS="all").endswith("expected: one of linked, local")


def test_an_unknown_option_is_refused_with_the_known_ones():
    fault = refused(KEY=SECRET, SECRT="never shown")
    known = "URL, ISSUER_CORP_KEY, ISSUER_CORP_ALGORITHM, ISSUER_CORP_CLAIM, ISSUER_CORP_AUDIENCE"
    assert fault == (
        f"ISSUER_CORP_SECRT: is not known; known are ISSUER_CORP_{known}, ISSUER_CORP_SUBJECTS"
    )
    assert "URL_FILE: is not known" in refused(KEY=SECRET, URL_FILE="/x")


def test_options_of_a_name_that_is_not_listed_are_warned_of():
    (warning,) = from_environ({"ISSUER_CORP_KEY": SECRET}).warnings
    assert warning == (
        "ISSUER_CORP_KEY is not read by anything: TRUSTED_ISSUERS lists no name for it"
    )


def test_names_may_begin_alike_but_not_share_their_variables():
    names = {"ISSUER_CORP_KEY": SECRET, "ISSUER_CORP_EU_KEY": SECRET[::-1]}
    settings = from_environ({"TRUSTED_ISSUERS": "corp;corp-eu"} | names)
    assert [issuer.name for issuer in settings.trusted_issuers] == ["corp", "corp-eu"]
    (fault,) = faults_of(TRUSTED_ISSUERS="corp-eu;corp_eu", ISSUER_CORP_EU_KEY=SECRET)
    assert fault == (
        "TRUSTED_ISSUERS: corp-eu and corp_eu would both read ISSUER_CORP_EU_…; rename one of them"
    )


def test_no_key_is_shown():
    settings = from_environ(corp(KEY=SECRET))
    shown = f"{settings!r} {settings.trusted_issuers} {settings.readings}"
    assert SECRET not in shown
