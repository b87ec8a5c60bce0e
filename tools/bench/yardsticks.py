"""What figures are compared with: a bare server, bare signatures, the bare password hash."""

import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from dhq_auth.passwords.hashing import Argon2Cost, PasswordHasher
from tools.bench.peers.peer import PASSWORD
from tools.bench.process import ROOT, Command, Site

HASHING: Final = max(1, (os.cpu_count() or 1) - 1)
"""Threads that hash passwords, as many as the service has."""
SIGNING_SECONDS: Final = 0.5
MESSAGE: Final = b"what is signed is hashed first, whatever its length" * 8


@dataclass(frozen=True, slots=True)
class Bare:
    """How often something alone is done in a second, and the CPU milliseconds of each."""

    rate: float
    cpu_ms: float


def hello(site: Site) -> Command:
    """Return how to start the bare server."""
    return Command(argv=[sys.executable, ROOT / "tools/bench/hello.py", str(site.port)], ready="/")


def signatures() -> Bare:
    """Sign by RSA-2048 with SHA-256, in one thread and with nothing around it."""
    key = _key()
    return _repeated(lambda: key.sign(MESSAGE, padding.PKCS1v15(), SHA256()), SIGNING_SECONDS)


def hashes(seconds: float) -> Bare:
    """Hash passwords at the cost of the service, in as many threads as it has."""
    with ThreadPoolExecutor(HASHING) as pool:
        found = list(pool.map(lambda _: _repeated(hash_once, seconds), range(HASHING)))
    cpu_ms = sum(each.cpu_ms for each in found) / HASHING
    return Bare(sum(each.rate for each in found), cpu_ms)


def hash_once() -> str:
    """Return the hash of the password, at the cost of the service and with a salt of its own."""
    return PasswordHasher(Argon2Cost(), queue=0)._hash(PASSWORD.encode())  # noqa: SLF001


@cache
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def _repeated(once: Callable[[], object], seconds: float) -> Bare:
    """Do *once* again and again; count the time of this thread alone."""
    once()
    began, spent, done = time.perf_counter(), time.thread_time(), 0
    while (took := time.perf_counter() - began) < seconds:
        once()
        done += 1
    return Bare(done / took, (time.thread_time() - spent) * 1000 / done)
