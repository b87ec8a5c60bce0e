"""`make bench`, the part about policies: decisions per second, with few policies and with many.

A decision is what `POST /auth/policies/evaluate` asks of the policies: a transaction that reads the
candidates, and their partial evaluation. One process, one coroutine, one connection.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import text

from dhq_auth import migrations
from dhq_auth.db import Database
from dhq_auth.policies.caller import AuthUser
from dhq_auth.policies.decide import decide, judged
from dhq_auth.policies.expression import parse
from dhq_auth.policies.grant import compiled, rules_of
from dhq_auth.policies.resolve import Question, candidates
from tests.fakes.postgres import PostgresServer

SIZES: Final = (10, 1_000, 100_000)
EXPRESSION: Final = "author_id = auth_user.id or (auth_user.is_admin and not archived)"
CALLER: Final = AuthUser(id="u1", username="ada", email="ada@example.com")
QUESTION: Final = Question("t7", "read", "notes")
SERVICE_RULES: Final = 12


@asynccontextmanager
async def database(url: str) -> AsyncIterator[Database]:
    """Give a migrated database at *url*."""
    opened = Database(url, pool=1, timeout=120)
    await migrations.upgrade(opened)
    try:
        yield opened
    finally:
        await opened.close()


async def fill(opened: Database, first: int, end: int) -> None:
    """Add policies for the tables from *first* up to *end*; a few of them for one service alone."""
    async with opened.write() as db:
        await db.execute(
            text(
                "INSERT INTO policies (id, service, table_name, action, expression, description,"
                " created_at, updated_at) WITH RECURSIVE n(i) AS (SELECT CAST(:first AS INTEGER)"
                " UNION ALL SELECT i + 1 FROM n WHERE i < :last), one AS (SELECT created_at AS at"
                " FROM policies WHERE service = 'all' AND table_name = 'all') SELECT 'p' || i, 'all',"
                " 't' || i, 'all', :expression, '', at, at FROM n, one"
            ),
            {"first": first, "last": end - 1, "expression": EXPRESSION},
        )
    if opened.url.get_backend_name() == "postgresql":
        async with opened.write() as db:
            await db.execute(text("ANALYZE policies"))


async def rate(seconds: float, once: Callable[[], object]) -> tuple[float, float]:
    """Call *once*, a coroutine function, for so long; return calls per second and CPU µs of each."""
    await once()  # type: ignore[misc]
    began, spent, calls = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() - began < seconds:
        await once()  # type: ignore[misc]
        calls += 1
    took = time.perf_counter() - began
    return calls / took, (time.process_time() - spent) / calls * 1e6


def each(times: int, once: Callable[[], object]) -> float:
    """Return the CPU µs of one call of *once*."""
    once()
    spent = time.process_time()
    for _ in range(times):
        once()
    return (time.process_time() - spent) / times * 1e6


async def measure(name: str, opened: Database, seconds: float) -> None:
    """Print a row for each number of policies."""
    filled = 0

    async def decision() -> None:
        async with opened.read() as db:
            await decide(db, QUESTION, CALLER)

    async def claims() -> None:
        async with opened.read() as db:
            rules = await rules_of(db, "notes")
        compiled(rules, "notes", CALLER)

    for size in SIZES:
        await fill(opened, filled, size)
        filled = size
        per_second, cpu = await rate(seconds, decision)
        _, whole = await rate(seconds, claims)
        print(f"| {name} | {size:,} | {per_second:,.0f} | {cpu:.0f} | {whole:,.0f} |", flush=True)


async def arithmetic(folder: Path) -> None:
    """Print what is done without a database."""
    async with database(f"sqlite:///{folder}/few.db") as opened:
        await fill(opened, 0, SERVICE_RULES)
        async with opened.read() as db:
            there, rules = await candidates(db, QUESTION), await rules_of(db, "notes")
    decision = each(20_000, lambda: judged(there, QUESTION, CALLER))
    to_filter = each(20_000, lambda: judged(there, QUESTION, CALLER).decision.where)
    print(f"\n- one decision without the database: {decision:.1f} µs, {1e6 / decision:,.0f}/s")
    print(f"- from identity to filter, SQL and parameters included: {to_filter:.1f} µs")
    whole = each(500, lambda: compiled(rules, "notes", CALLER))
    print(f"- all {len(rules or ())} policies of a service put into a claim: {whole:.0f} µs")
    print(
        f"- reading an expression for the first time: {each(2000, lambda: parse(EXPRESSION)):.0f} µs"
    )


async def run(seconds: float) -> None:
    """Measure, and print the figures as Markdown."""
    print("| database | policies | decisions/s | CPU µs each | CPU µs of all for a token |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        async with database(f"sqlite:///{folder}/bench.db") as opened:
            await measure("SQLite", opened, seconds)
        with PostgresServer() as server:
            async with database(server.url(server.create())) as opened:
                await measure("PostgreSQL", opened, seconds)
        await arithmetic(Path(folder))


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=2, help="per figure")
    asyncio.run(run(parser.parse_args().seconds))


if __name__ == "__main__":
    main()
