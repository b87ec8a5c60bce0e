"""`make bench`, the part about revocation: from "sign out everywhere" to the refusal, offline.

Two replicas of the service on one database, and a service that checks tokens by itself, each in a
process of its own. Somebody signs out everywhere at the one replica; the service follows the other.
Measured is the time from the answer to that request until the service refuses the token.
"""

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

from aiohttp import ClientSession

from tests.fakes.postgres import PostgresServer
from tests.fixtures.process import ServedProcess

NAME: Final = "bench"
PASSWORD: Final = "seven purple rivers sing"  # noqa: S105 - of an account of this run
CHECKER: Final = """
import sys, time
from dhq_auth.sdk import InvalidToken, Verifier
verifier = Verifier(sys.argv[1], service="notes", internal_url=sys.argv[2])
for token in map(str.strip, sys.stdin):
    verifier.verify(token)
    print("believed", flush=True)
    try:
        while True:
            verifier.verify(token)
            time.sleep(0.002)
    except InvalidToken:
        print(time.time(), flush=True)
"""


@asynccontextmanager
async def replicas(url: str, folder: Path) -> AsyncIterator[tuple[str, str]]:
    """Give the addresses of two processes on the database *url*; tokens are of the first."""
    async with AsyncExitStack() as stack:
        environ = {"DATABASE_URL": url, "ALLOWED_SERVICES": "notes:tests.contract.plain_provider"}
        environ |= {"PASSWORD_CHECKS": "100000", "SECRET_KEY": "of this run alone, and of no other"}
        environ |= {"PYTHONPATH": str(Path(__file__).parents[2])}
        first = ServedProcess(folder, environ)
        second = ServedProcess(folder, {**environ, "EXTERNAL_ADDRESS": first.url})
        for process in (first, second):
            stack.push_async_callback(process.close)
            await process.start()
        yield first.url, second.url


async def token(session: ClientSession) -> tuple[str, str]:
    """Log in; return the login token, and a service token that was made with it."""
    sent = {"username": NAME, "password": PASSWORD}
    async with session.post("/auth/login", json=sent) as answer:
        login = str((await answer.json())["token"])
    presented = {"Authorization": f"Bearer {login}"}
    asked = session.get("/auth/authorize", params={"service": "notes"}, headers=presented)
    async with asked as answer:
        return login, str((await answer.json())["token"])


async def measure(url: str, folder: Path, rounds: int) -> list[float]:
    """Return the seconds that each of *rounds* took."""
    async with replicas(url, folder) as (first, second), ClientSession(first) as session:
        sent = {"username": NAME, "password": PASSWORD}
        async with session.post("/auth/register", json=sent) as answer:
            answer.raise_for_status()
        command = [sys.executable, "-c", CHECKER, first, second]
        checker = await asyncio.create_subprocess_exec(
            *command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        if checker.stdin is None or checker.stdout is None:
            raise RuntimeError("the service that checks has no pipes")
        took = []
        for number in range(rounds):
            login, shown = await token(session)
            checker.stdin.write(f"{shown}\n".encode())
            if await checker.stdout.readline() != b"believed\n":
                raise RuntimeError("the token was refused before its time")
            await asyncio.sleep(0.3 + number % 10 / 20)  # at any moment between two looks
            presented = {"Authorization": f"Bearer {login}"}
            everything = session.post("/auth/logout", json={"all": True}, headers=presented)
            async with everything as answer:
                answer.raise_for_status()
            ended = time.time()
            took.append(max(float(await checker.stdout.readline()) - ended, 0))
        checker.kill()
        await checker.wait()
        return took


async def compare(rounds: int) -> None:
    """Measure on both databases, and print what came of it."""
    with tempfile.TemporaryDirectory() as folder, PostgresServer() as postgres:
        for url in (f"sqlite:///{folder}/bench.db", postgres.url(postgres.create())):
            took = await measure(url, Path(folder), rounds)
            print(
                f"{url.partition(':')[0]}: refused offline after {statistics.median(took):.2f} s "
                f"(median), {max(took):.2f} s (worst of {rounds})"
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    asyncio.run(compare(parser.parse_args().rounds))
