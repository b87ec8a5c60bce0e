"""Encoded hashes: which kinds can be taken over from other systems, and how each is verified.

Cost is bounded when a hash is imported and again whenever it is used: a row in the database cannot
keep a thread for longer than two or three seconds, nor more than 256 MiB.
"""

import binascii
import hashlib
import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

MAX_BCRYPT_ROUNDS: Final = 14
MAX_PBKDF2_ITERATIONS: Final = 5_000_000
MAX_ARGON2_MEMORY: Final = 256 * 1024
MAX_ARGON2_TIME: Final = 64
MAX_ARGON2_LANES: Final = 16
MAX_ARGON2_WORK: Final = 2 * 1024**2
"""KiB times passes: about two seconds."""

ACCEPTED: Final = (
    "expected: $argon2id$…, $argon2i$… or $argon2d$…; $2a$…, $2b$… or $2y$… (bcrypt); or what "
    "Django keeps: pbkdf2_sha256$…, pbkdf2_sha1$…, pbkdf2_sha512$…, argon2$…, bcrypt$… or "
    "bcrypt_sha256$…"
)
_BCRYPT_TAKES: Final = 72
"""Bytes of a password that bcrypt looks at; the systems that made these hashes cut there."""
_BCRYPT_DIGITS: Final = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_BCRYPT: Final = r"\$2[aby]\$(?P<rounds>[0-9]{2})\$(?P<salt>[./A-Za-z0-9]{22})[./A-Za-z0-9]{31}"
_DIGEST_SIZES: Final = {"sha1": 20, "sha256": 32, "sha512": 64}


def check(stored: str) -> str:
    """Return the hash *stored* as it is kept; ValueError says what is accepted."""
    for kind in KINDS:
        if match := kind.pattern.fullmatch(stored):
            return kind.normal(match)
    raise ValueError(ACCEPTED)


def is_usable(stored: str) -> bool:
    """Whether *stored* is of a kind that `matches` knows, within the bounds of its cost."""
    try:
        return check(stored) == stored
    except ValueError:
        return False


def matches(stored: str, passwords: Iterable[bytes]) -> bool:
    """Whether *stored*, which is usable, was made of one of *passwords*; takes its time."""
    kind = next(kind for kind in KINDS if kind.pattern.fullmatch(stored))
    return any(kind.verify(password, stored) for password in passwords)


def _normal_argon2(match: re.Match[str]) -> str:
    memory, time, lanes = (int(match[part]) for part in ("memory", "time", "lanes"))
    if not (
        8 * lanes <= memory <= MAX_ARGON2_MEMORY
        and 1 <= time <= MAX_ARGON2_TIME
        and 1 <= lanes <= MAX_ARGON2_LANES
        and memory * time <= MAX_ARGON2_WORK
    ):
        raise ValueError(
            f"of argon2, m is accepted from 8 per lane to {MAX_ARGON2_MEMORY} (KiB), t to "
            f"{MAX_ARGON2_TIME}, m times t to {MAX_ARGON2_WORK}, p to {MAX_ARGON2_LANES}"
        )
    for part, least in (("salt", 8), ("hash", 16)):
        if not least <= len(_decoded(match[part])) <= 64:
            raise ValueError(f"the {part} of an argon2 hash has {least} to 64 bytes")
    return match["encoded"]


def _normal_pbkdf2(match: re.Match[str]) -> str:
    if not 1 <= int(match["iterations"]) <= MAX_PBKDF2_ITERATIONS:
        raise ValueError(f"of PBKDF2, 1 to {MAX_PBKDF2_ITERATIONS} iterations are accepted")
    size, digest = _DIGEST_SIZES[match["digest"]], _decoded(match["hash"])
    if len(digest) != size:
        raise ValueError(f"the hash of pbkdf2_{match['digest']} has {size} bytes")
    return match["before"] + b64encode(digest).decode()


def _normal_bcrypt(match: re.Match[str]) -> str:
    """Clear the bits of salt and hash that carry nothing: some systems left noise there."""
    if not 4 <= int(match["rounds"]) <= MAX_BCRYPT_ROUNDS:
        raise ValueError(f"of bcrypt, rounds from 4 to {MAX_BCRYPT_ROUNDS} are accepted")
    end, text = match.end("salt"), match[0]
    salt, last = _BCRYPT_DIGITS.index(text[end - 1]), _BCRYPT_DIGITS.index(text[-1])
    clean = (
        f"{text[: end - 1]}{_BCRYPT_DIGITS[salt & 0b110000]}{text[end:-1]}"
        f"{_BCRYPT_DIGITS[last & 0b111100]}"
    )
    return clean.removeprefix("bcrypt$")


def _decoded(text: str) -> bytes:
    """Return what *text* is in base64 without padding; ValueError unless it is the one spelling."""
    with suppress(binascii.Error):
        data = b64decode(text + "=" * (-len(text) % 4))
        if b64encode(data).decode().rstrip("=") == text:
            return data
    raise ValueError("salt or hash is not in base64")


def _verify_argon2(password: bytes, stored: str) -> bool:
    # Here and below: loaded when the first password comes, not at start.
    from argon2.exceptions import Argon2Error  # noqa: PLC0415
    from argon2.low_level import Type, verify_secret  # noqa: PLC0415

    kind = {"d": Type.D, "i": Type.I, "id": Type.ID}[stored.split("$")[1].removeprefix("argon2")]
    try:
        return verify_secret(stored.encode(), password, kind)
    except Argon2Error:
        return False


def _verify_pbkdf2(password: bytes, stored: str) -> bool:
    algorithm, iterations, salt, expected = stored.split("$")
    digest = algorithm.removeprefix("pbkdf2_")
    found = hashlib.pbkdf2_hmac(digest, password, salt.encode(), int(iterations))
    return hmac.compare_digest(found, b64decode(expected))


def _verify_bcrypt(password: bytes, stored: str) -> bool:
    import bcrypt  # noqa: PLC0415

    return bcrypt.checkpw(password[:_BCRYPT_TAKES], stored.encode())


def _verify_bcrypt_sha256(password: bytes, stored: str) -> bool:
    """Do as Django: bcrypt gets the hexadecimal digits of the digest, so that nothing is cut."""
    digest = hashlib.sha256(password).hexdigest().encode()
    return _verify_bcrypt(digest, stored.removeprefix("bcrypt_sha256$"))


@dataclass(frozen=True, slots=True)
class _Kind:
    pattern: re.Pattern[str]
    normal: Callable[[re.Match[str]], str]
    verify: Callable[[bytes, str], bool]


KINDS: Final = (
    _Kind(
        re.compile(
            r"(?:argon2)?(?P<encoded>\$argon2(?:id|i|d)\$(?:v=(?:16|19)\$)?"
            r"m=(?P<memory>[1-9][0-9]{0,6}),t=(?P<time>[1-9][0-9]{0,4}),p=(?P<lanes>[1-9][0-9]{0,2})"
            r"\$(?P<salt>[A-Za-z0-9+/]{1,100})\$(?P<hash>[A-Za-z0-9+/]{1,100}))"
        ),
        _normal_argon2,
        _verify_argon2,
    ),
    _Kind(
        re.compile(
            r"(?P<before>pbkdf2_(?P<digest>sha1|sha256|sha512)\$(?P<iterations>[1-9][0-9]{0,9})"
            r"\$[!-#%-~]{1,128}\$)(?P<hash>[A-Za-z0-9+/]{1,100})={0,2}"
        ),
        _normal_pbkdf2,
        _verify_pbkdf2,
    ),
    _Kind(re.compile(rf"(?:bcrypt\$)?{_BCRYPT}"), _normal_bcrypt, _verify_bcrypt),
    _Kind(re.compile(rf"bcrypt_sha256\${_BCRYPT}"), _normal_bcrypt, _verify_bcrypt_sha256),
)
