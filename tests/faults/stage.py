"""Where faults happen: replicas of the real program on one database, and people who use them."""

import asyncio
import itertools
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from aiohttp import ClientError, ClientSession, ClientTimeout

from dhq_auth.clock import utcnow
from dhq_auth.sdk import Verifier
from tests.faults.ledger import Ledger
from tests.faults.people import SERVICE, Caller, NoAnswer, Person
from tests.fixtures.process import ServedProcess

PAUSE = 0.02
"""Seconds between two acts of a person."""
HEALING = 30.0
"""Seconds after which what has not healed never will."""
GENEROUS = {
    "ALLOWED_SERVICES": f"{SERVICE}:tests.storage.everything",
    "LOGIN_STARTS": "100000",
    "PASSWORD_CHECKS": "100000",
    "POLICY_QUESTIONS": "100000",
    "MAX_API_TOKENS": "100000",
    "LOG_FORMAT": "text",
}
"""Bounds on one address, from which all of a stage come, are not what faults are about."""


class Stage:
    """Replicas on one database, of one address, with the figures of what is asked of them."""

    def __init__(
        self, folder: Path, replicas: int, within: Sequence[str] = (), **environ: str
    ) -> None:
        self.ledger = Ledger()
        self.replicas: list[ServedProcess] = []
        self.address = environ.get("EXTERNAL_ADDRESS", "")
        for number in range(replicas):
            home = folder / f"replica-{number}"
            home.mkdir(exist_ok=True)
            known = {"EXTERNAL_ADDRESS": self.address} if self.address else {}
            replica = ServedProcess(home, {**GENEROUS, **environ, **known}, within)
            self.address = self.address or replica.url
            self.replicas.append(replica)
        self._turns = itertools.cycle(self.replicas)
        self.people: list[Person] = []
        self.now = utcnow
        self.verifier: Verifier | None = None

    def anywhere(self) -> str:
        """Return the address of the next replica in turn."""
        return next(self._turns).url

    async def start(self) -> None:
        """Start every replica."""
        await asyncio.gather(*(replica.start() for replica in self.replicas))
        first = self.replicas[0].url
        self.verifier = Verifier(self.address, service=SERVICE, internal_url=first, now=self.now)

    async def populate(self, names: Sequence[str], where: Callable[[], str] | None = None) -> None:
        """Let people register, who ask *where*: by default each replica in turn."""
        where = where or self.anywhere
        for name in names:
            person = Person(
                name,
                self.ledger,
                Caller(self.ledger, where, keeps_cookies=False),
                Caller(self.ledger, where, keeps_cookies=True),
                self.verifier,
            )
            self.people.append(person)
            await person.arrive()

    @asynccontextmanager
    async def traffic(self, seed: int = 1) -> AsyncIterator[None]:
        """Let everybody do something all the time."""
        over = asyncio.Event()

        async def live(number: int, person: Person) -> None:
            rng = random.Random(seed * 1000 + number)  # noqa: S311 - the same in every run
            while not over.is_set():
                async with person.turn:
                    await person.act(rng)
                await asyncio.sleep(PAUSE)

        lives = [asyncio.create_task(live(*each)) for each in enumerate(self.people)]
        try:
            yield
        finally:
            over.set()
            await asyncio.gather(*lives)

    async def healed(self, since: float) -> float:
        """Wait until every replica reads and writes; return the seconds since *since* (monotonic)."""
        for replica in self.replicas:
            await ready(replica.url, since)
        while True:
            try:
                await self.people[0].make_token()
            except NoAnswer:
                assert time.monotonic() - since < HEALING, "it does not heal"
                await asyncio.sleep(PAUSE)
            else:
                break
        self.ledger.healed.append(time.monotonic() - since)
        return self.ledger.healed[-1]

    async def judge(self) -> None:
        """Take stock of what people have, and judge."""
        for person in self.people:
            await person.take_stock()
        self.ledger.judge()

    async def close(self) -> None:
        """Leave nothing behind."""
        if self.verifier is not None:
            self.verifier.close()
        for person in self.people:
            await person.close()
        for replica in self.replicas:
            await replica.close()


async def ready(url: str, since: float) -> None:
    """Wait until the service at *url* says that it is ready."""
    async with ClientSession(timeout=ClientTimeout(HEALING)) as session:
        while True:
            with suppress(ClientError):
                async with session.get(f"{url}/readyz") as answer:
                    if answer.status == 200:
                        return
            assert time.monotonic() - since < HEALING, f"{url} does not become ready"
            await asyncio.sleep(PAUSE)
