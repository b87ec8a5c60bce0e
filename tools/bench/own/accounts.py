"""Accounts to log in: each once, since a password that was right is remembered for a while."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Final

from sqlalchemy import text

from dhq_auth.db import Database
from tools.bench.yardsticks import HASHING, hash_once

NUMBER: Final = 192 * HASHING
"""More than are logged in within one load; half of them are for the storm."""
NAMES: Final = tuple(f"login{number}" for number in range(NUMBER))
_ONE: Final = "(SELECT CAST(:name AS TEXT) AS name, min(created_at) AS at FROM policies) AS one"
_USER: Final = (
    "INSERT INTO users (id, idhash, username, username_key, email_verified, is_admin, is_active,"
    f" created_at, updated_at) SELECT name, name, name, name, false, false, true, at, at FROM {_ONE}"
)
_HASH: Final = (
    "INSERT INTO passwords (user_id, hash, changed_at)"
    f" SELECT name, CAST(:hash AS TEXT), at FROM {_ONE}"
)


@cache
def hashes() -> tuple[str, ...]:
    """Return a hash for each of the accounts; it takes a while, once."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return tuple(pool.map(lambda _: hash_once(), NAMES))


async def add(url: str) -> None:
    """Add the accounts to the database at *url*, unless they are there."""
    database = Database(url, pool=1, timeout=60)
    try:
        async with database.write() as db:
            there = text("SELECT count(*) FROM passwords WHERE user_id = :name")
            if (await db.execute(there, {"name": NAMES[0]})).scalar():
                return
            made = [
                {"name": name, "hash": each} for name, each in zip(NAMES, hashes(), strict=True)
            ]
            await db.execute(text(_USER), [{"name": each["name"]} for each in made])
            await db.execute(text(_HASH), made)
    finally:
        await database.close()
