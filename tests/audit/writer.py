"""A process that writes to the log and seals it: `python -m tests.audit.writer URL NAME COUNT KEY`."""

import asyncio
import sys
from collections.abc import Sequence

from dhq_auth.audit.sealing import seal
from dhq_auth.clock import utcnow
from dhq_auth.db import Database
from dhq_auth.events import Event, Source, UsernameChosen
from dhq_auth.work import Work


async def main(url: str, name: str, count: str, key: str) -> None:
    """Write *count* rows twice, and seal whatever is there until they are written."""
    database = Database(url, pool=4, timeout=30)

    async def nobody(_events: Sequence[Event]) -> None:
        return None

    work = Work(database, utcnow, nobody)

    async def write() -> None:
        for number in range(int(count)):
            await work.tell(Source(), UsernameChosen(user_id=name, username=str(number)))

    writing = asyncio.gather(write(), write())
    sys.stdout.write("began\n")
    sys.stdout.flush()
    while not writing.done():
        await seal(database, key, utcnow())
        await asyncio.sleep(0)
    await writing
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
