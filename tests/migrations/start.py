"""What a replica does first, in a process of its own, when told to go: `start.py DATABASE_URL`."""

import asyncio
import sys

from dhq_auth import migrations
from dhq_auth.clock import utcnow
from dhq_auth.db import Database
from dhq_auth.settings import from_environ
from tests.fixtures.keys import load_keys


async def start(url: str) -> None:
    settings = from_environ({"DATABASE_URL": url})
    database = Database(url, pool=1, timeout=20)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    await migrations.upgrade(database)
    keys = await load_keys(database, settings, utcnow)
    await database.close()
    sys.stdout.write(" ".join(sorted(key.kid for key in keys)))


if __name__ == "__main__":
    asyncio.run(start(sys.argv[1]))
