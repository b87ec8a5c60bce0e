"""REL-18: traffic for half an hour, and what it leaves behind; `python -m tests.faults.soak`.

Two workers on SQLite, or on PostgreSQL with `--postgres`, with lifetimes so short that what is made
is over within the run. Memory, descriptors and rows are looked at while it goes on; the slopes are
those of a straight line through the second half, when everything has found its level.
"""

import argparse
import asyncio
import sqlite3
import statistics
import sys
import tempfile
import time
from contextlib import closing, nullcontext
from dataclasses import dataclass
from pathlib import Path

from tests.fakes.postgres import PostgresServer
from tests.faults.processes import descriptors, resident
from tests.faults.stage import Stage

EVERY = 10.0
"""Seconds from one look to the next."""
SHORT = {
    "SESSION_DURATION": "120",
    "LOGIN_TOKEN_LIFETIME": "120",
    "LOGIN_ATTEMPT_LIFETIME": "60",
    "LOGIN_WINDOW": "60",
    "SERVICE_TOKEN_LIFETIME": "60",
}


@dataclass(frozen=True)
class Look:
    """What a process takes at a moment."""

    at: float
    resident: float
    """MiB of all workers."""
    descriptors: int
    rows: int
    """Of all tables that people fill; the audit log, which is kept for long, is not among them."""


def main() -> int:
    """Run for as long as asked, and report; the code is 1 where anything was wrong or grows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--people", type=int, default=6)
    parser.add_argument("--postgres", action="store_true")
    options = parser.parse_args()
    server = PostgresServer() if options.postgres else nullcontext()
    with tempfile.TemporaryDirectory() as folder, server as postgres:
        file = Path(folder) / "soak.db"
        url = postgres.url(postgres.create()) if postgres else f"sqlite:///{file}"
        stage = Stage(Path(folder), 1, DATABASE_URL=url, WORKERS="2", **SHORT)
        return asyncio.run(soak(stage, url, options.minutes * 60, options.people, postgres))


async def soak(
    stage: Stage, url: str, seconds: float, people: int, postgres: PostgresServer | None
) -> int:
    """Let *people* go on for *seconds*, and report."""
    looks: list[Look] = []
    try:
        await stage.start()
        await stage.populate([f"person{number}" for number in range(people)])
        begun = time.monotonic()
        renewing = asyncio.create_task(renew(stage))
        async with stage.traffic():
            while (at := time.monotonic() - begun) < seconds:
                pid = stage.replicas[0].pid
                looks.append(Look(at, resident(pid), descriptors(pid), rows(url, postgres)))
                await asyncio.sleep(min(EVERY, seconds / 20))
        renewing.cancel()
        return report(stage, looks)
    finally:
        await stage.close()


async def renew(stage: Stage) -> None:
    """Let everybody log in anew before what they have is over."""
    while True:
        await asyncio.sleep(30)
        for person in stage.people:
            async with person.turn:  # or an answer to the old cookie comes after the new one
                await person.come_back()
            person.dead.clear()
            person.ended.clear()


def rows(url: str, postgres: PostgresServer | None) -> int:
    """Return how many rows there are in the tables that are to be kept small."""
    tables = ("login_attempts", "login_codes", "sessions", "revocations", "rate_limits")
    question = " + ".join(f"(SELECT count(*) FROM {table})" for table in tables)  # noqa: S608
    if postgres is not None:
        return int(postgres.execute(f"SELECT {question}", url.rpartition("/")[2]))
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=10)) as db:
        return int(db.execute(f"SELECT {question}").fetchone()[0])


def report(stage: Stage, looks: list[Look]) -> int:
    """Print the figures; return 1 where anything was wrong."""
    half = looks[len(looks) // 2 :]
    hours = [look.at / 3600 for look in half]
    figures = stage.ledger.figures()
    print(", ".join(f"{name} {value}" for name, value in figures.items()))  # noqa: T201
    for name in ("resident", "descriptors", "rows"):
        values = [getattr(look, name) for look in half]
        slope = statistics.linear_regression(hours, values).slope
        print(  # noqa: T201
            f"{name}: {values[0]:.0f} at half time, {values[-1]:.0f} at the end, "
            f"{max(values):.0f} at most; {slope:+.1f} an hour"
        )
    print(*stage.ledger.mistakes[:20], sep="\n", end="")  # noqa: T201
    return 1 if stage.ledger.mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
