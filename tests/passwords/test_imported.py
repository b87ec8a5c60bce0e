"""Hashes of other systems verify, at a bounded cost; what is none is False, never an error."""

import hashlib
from base64 import b64encode

import bcrypt
import pytest
from argon2 import PasswordHasher as Argon2Library
from hypothesis import example, given
from hypothesis import strategies as st

from dhq_auth.passwords import imported
from dhq_auth.passwords.hashing import PasswordHasher

PASSWORD = "correct horse battery stäple"
BEYOND_72 = (
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    "chars after 72 are ignored"
)
BCRYPT = "$2b$04$UVFa1PtPlJsfNyksEu.gGeRy7Azir2q.llMxvHVF6jHbHpm5Cq53u"
ARGON2 = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
PBKDF2 = "pbkdf2_sha256$1000$seasalt2024$tFAhbbKuQlOAbLEz5RCg54ytlbRWVjGnaz50jnryRVE="

KNOWN = {
    # By Django 5.2, its own hashers with less cost.
    "Django, PBKDF2-SHA256": (PBKDF2, PASSWORD),
    "Django, PBKDF2-SHA1": ("pbkdf2_sha1$1000$seasalt2024$mAtO757wxwfZhOiJqDOegRNzD40=", PASSWORD),
    "Django, PBKDF2-SHA512": (
        (
            "pbkdf2_sha512$1000$seasalt2024$GIVVDoHy7pnqYyr9GziOOaSpfEGAjO/3AfX2htlwIuHtQ39Ehx/UQkn"
            "jE13nVpH2Ao8inurvNjZSfQvuTUejbw=="
        ),
        PASSWORD,
    ),
    "Django, argon2": (
        (
            "argon2$argon2id$v=19$m=64,t=2,p=8$c29tZXNhbHQxMjM$"
            "uGlnWNCp8RrLPdEM8Kmp8NhvP2InTBBTk8UWInvWBww"
        ),
        PASSWORD,
    ),
    "Django, bcrypt": (f"bcrypt${BCRYPT}", PASSWORD),
    "Django, bcrypt of SHA-256": (
        "bcrypt_sha256$$2b$04$v6.4/CK5CGPxiFD2cTY4RuDmVOli4qCuhsUYB27E.5juazu.dv2ji",
        PASSWORD,
    ),
    "Django, bcrypt of SHA-256, long": (
        "bcrypt_sha256$$2b$04$lXLSLjbsPuTDq8tKopzRue8pqmcXT/vW1bKpUzPRwNKOYNrRo5Fia",
        "x" * 100,
    ),
    # RFC 6070 2, the third.
    "RFC 6070": ("pbkdf2_sha1$4096$salt$SwB5AbdlSJq+rUnZJvch0GWkKcE=", "password"),
    # The tests of the reference implementation of Argon2.
    "argon2i": (
        "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8",
        "password",
    ),
    "argon2id": (ARGON2, "password"),
    "argon2id, two lanes": (
        "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
        "password",
    ),
    "argon2i, version 1.0": (
        "$argon2i$m=256,t=2,p=1$c29tZXNhbHQ$/U3YPXYsSb3q9XxHvc0MLxur+GP960kN9j7emXX8zwY",
        "password",
    ),
    # The tests of crypt_blowfish, and the example in PHP's manual.
    "bcrypt 2a": ("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"),
    "bcrypt 2a, beyond 72 bytes": (
        "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui",
        BEYOND_72,
    ),
    "bcrypt 2y": ("$2y$07$BCryptRequires22Chrcte/VlQH0piJtjXl.0t1XkA8pw9dMXTpOq", "rasmuslerdorf"),
}


@pytest.mark.parametrize("name", KNOWN)
async def test_a_hash_of_another_system_verifies_and_is_to_be_made_anew(
    hasher: PasswordHasher, name: str
) -> None:
    foreign, password = KNOWN[name]
    stored = imported.check(foreign)
    assert imported.check(stored) == stored
    assert await hasher.verify(password, stored)
    assert not await hasher.verify(f"x{password}", stored)
    assert hasher.outdated(stored)


@pytest.mark.parametrize("digest", ["sha1", "sha256", "sha512"])
async def test_pbkdf2_is_that_of_the_standard_library(hasher: PasswordHasher, digest: str) -> None:
    derived = hashlib.pbkdf2_hmac(digest, PASSWORD.encode(), b"salt/.+", 7)
    stored = f"pbkdf2_{digest}$7$salt/.+${b64encode(derived).decode()}"
    assert await hasher.verify(PASSWORD, imported.check(stored))
    assert not await hasher.verify(PASSWORD, imported.check(stored.replace("$7$", "$8$")))


async def test_hashes_of_the_libraries_verify(hasher: PasswordHasher) -> None:
    for stored in (
        Argon2Library(time_cost=2, memory_cost=64, parallelism=4, salt_len=8).hash(PASSWORD),
        bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode(),
    ):
        assert imported.check(stored) == stored
        assert await hasher.verify(PASSWORD, stored)
        assert not await hasher.verify(PASSWORD.upper(), stored)


async def test_bcrypt_looks_at_72_bytes_as_where_the_hash_was_made(hasher: PasswordHasher) -> None:
    stored, _ = KNOWN["bcrypt 2a, beyond 72 bytes"]
    assert await hasher.verify(BEYOND_72[:72], stored)
    assert not await hasher.verify(BEYOND_72[:71], stored)
    # A character of several bytes may be cut in two.
    cut = bcrypt.hashpw(("x" * 71 + "é").encode()[:72], bcrypt.gensalt(4)).decode()
    assert await hasher.verify("x" * 71 + "é", cut)


async def test_bits_of_a_bcrypt_hash_that_carry_nothing_do_not_count(
    hasher: PasswordHasher,
) -> None:
    """Some systems left noise there, which our library would refuse."""
    noisy = BCRYPT[:28] + "f" + BCRYPT[29:-1] + "v"
    assert (BCRYPT[28], BCRYPT[-1]) == ("e", "u")
    assert imported.check(noisy) == BCRYPT
    assert imported.check(f"bcrypt_sha256${noisy}") == f"bcrypt_sha256${BCRYPT}"


def test_padding_that_is_missing_is_added() -> None:
    assert imported.check(PBKDF2.rstrip("=")) == PBKDF2


REFUSED = [
    *("", "plain text", "!", "*", "x" * 100_000, "$", "$$$"),
    *("5f4dcc3b5aa765d61d8327deb882cf99", "md5$salt$5f4dcc3b5aa765d61d8327deb882cf99"),
    *("$1$salt$qJH7.N4xYta3aEG/dfqo/0", "$6$salt$x", "{SSHA}x", "scrypt$x$8$1$x"),
    *(f"{ARGON2}\n", f" {ARGON2}", f"{ARGON2}x" * 50, ARGON2.replace("id", "x")),
    # Somebody who knows this may not say what a password is.
    *("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$", "$argon2id$v=19$m=256,t=2,p=1$$bm9uZQ"),
    *("pbkdf2_sha256$1000$salt$", "pbkdf2_sha256$1000$$AAAA", "pbkdf2_md5$1$s$AAAA"),
    *("bcrypt$", BCRYPT[:-1], f"{BCRYPT}x", BCRYPT.replace("2b", "2x"), f"bcrypt_sha256{BCRYPT}"),
    BCRYPT.replace("04", "٠٤"),
]


@pytest.mark.parametrize("foreign", REFUSED, ids=range(len(REFUSED)))
async def test_what_is_no_hash_is_refused_with_what_is_accepted(
    hasher: PasswordHasher, foreign: str
) -> None:
    with pytest.raises(ValueError, match=r"expected: .*argon2id.*bcrypt.*pbkdf2_sha256"):
        imported.check(foreign)
    assert not await hasher.verify(foreign, foreign)
    assert not await hasher.verify("", foreign)


BEYOND = [
    (ARGON2.replace("m=256", "m=262145"), r"m is accepted .* to 262144 \(KiB\)"),
    (ARGON2.replace("m=256", "m=4294967"), "m is accepted"),
    (ARGON2.replace("m=256", "m=7"), "from 8 per lane"),
    (ARGON2.replace("p=1", "p=16").replace("m=256", "m=127"), "from 8 per lane"),
    (ARGON2.replace("p=1", "p=17"), "p to 16"),
    (ARGON2.replace("t=2", "t=65"), "t to 64"),
    (ARGON2.replace("m=256,t=2", "m=262144,t=9"), "m times t to 2097152"),
    (ARGON2.replace("c29tZXNhbHQ", "c29tZXNhb"), "not in base64"),
    (ARGON2.replace("c29tZXNhbHQ", "c29tZXNh"), "salt of an argon2 hash has 8 to 64"),
    (ARGON2.replace("c29tZXNhbHQ", "c29tZXNhbHR"), "not in base64"),
    (ARGON2[:-23], "hash of an argon2 hash has 16 to 64"),
    (BCRYPT.replace("04", "03"), "rounds from 4 to 14"),
    (BCRYPT.replace("04", "15"), "rounds from 4 to 14"),
    (BCRYPT.replace("04", "99"), "rounds from 4 to 14"),
    (PBKDF2.replace("1000", "5000001"), "1 to 5000000 iterations"),
    (PBKDF2.replace("1000", "9999999999"), "1 to 5000000 iterations"),
    (PBKDF2[:-4], "has 32 bytes"),
    (PBKDF2.replace("sha256", "sha512"), "has 64 bytes"),
    (f"{PBKDF2[:-2]}F=", "not in base64"),
]


@pytest.mark.parametrize(("foreign", "says"), BEYOND, ids=range(len(BEYOND)))
async def test_a_hash_that_costs_too_much_or_proves_too_little_is_refused_wherever_it_is(
    hasher: PasswordHasher, foreign: str, says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        imported.check(foreign)
    assert not await hasher.verify(PASSWORD, foreign)


@pytest.mark.parametrize(
    "foreign",
    [
        ARGON2.replace("m=256,t=2", "m=262144,t=8"),
        ARGON2.replace("p=1", "p=16"),
        BCRYPT.replace("04", "14"),
        PBKDF2.replace("1000", "5000000"),
        "pbkdf2_sha256$1200000$BLwv5hQXkDQtEHw5uN6V1l$" + PBKDF2.rpartition("$")[2],
        "argon2$argon2id$v=19$m=102400,t=2,p=8$" + ARGON2.partition("p=1$")[2],
    ],
    ids=range(6),
)
def test_the_costs_that_other_systems_have_by_default_are_accepted(foreign: str) -> None:
    assert imported.check(foreign)


@given(st.one_of(*(st.from_regex(kind.pattern, fullmatch=True) for kind in imported.KINDS)))
@example(BCRYPT.replace("UVFa1PtPlJsfNyksEu.gGe", "9" * 22))
@pytest.mark.slow
def test_whatever_looks_like_a_hash_is_refused_or_verifies_without_an_error(foreign: str) -> None:
    try:
        stored = imported.check(foreign)
    except ValueError:
        assert not imported.is_usable(foreign)
        return
    assert imported.is_usable(stored)
    cheap = stored.startswith("pbkdf2") or "$04$" in stored or ",t=1," in stored
    assert not cheap or not imported.matches(stored, [b"", b"\x00", PASSWORD.encode(), b"x" * 4096])
