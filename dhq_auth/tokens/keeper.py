"""Keeps the keys of a process as the database has them, and lets them turn over by age."""

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import chain, repeat
from typing import Final

from dhq_auth.errors import Unavailable
from dhq_auth.settings import Settings
from dhq_auth.tokens import store
from dhq_auth.tokens.errors import KeysUnusable
from dhq_auth.tokens.keyring import Keyring
from dhq_auth.tokens.load import KeyLoader, KeyRows, LoadedKeys, read_rows
from dhq_auth.tokens.notes import note_use, rewrap
from dhq_auth.tokens.rotation import Due, Rotation
from dhq_auth.tokens.states import is_supplanted
from dhq_auth.tokens.store import KeyPurpose, Mark, StoredKey
from dhq_auth.tokens.wrapping import Wrapping, wrapping_of
from dhq_auth.work import Work

log = logging.getLogger(__name__)

LOOK_EVERY: Final = 0.5
"""Seconds between two looks at the database: what others did is known within a second, also where
the machine is busy."""
SPACING: Final = 0.1
"""Seconds between two looks, however many tokens name keys that nobody has."""
TURN_EVERY: Final = 60.0
"""Seconds between two looks at the age of the keys; a random tenth of it is added."""
AFTER_START: Final = 5.0
"""Seconds for which a process that has just started does nothing but answer."""
UPGRADE: Final = timedelta(days=1)
"""How long the version before, which does not follow new keys, may run beside this one."""


class KeyKeeper:
    """Fills *keyring* from the database of *work*, and keeps it as the database has it.

    *changed* is called after each change: what an older key has proved is to be proved again.
    """

    def __init__(
        self,
        work: Work,
        settings: Settings,
        keyring: Keyring,
        *,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._work = work
        self._changed = changed
        self._settings = settings
        self._keyring = keyring
        self._wrapping = Wrapping([])
        self._marks: frozenset[Mark] = frozenset()
        self._told: set[str] = set()
        self._one_look = asyncio.Lock()
        self._looked_at = float("-inf")
        self._upcoming: asyncio.Task[None] | None = None
        self._looks: set[asyncio.Task[None]] = set()

    async def load(self) -> None:
        """Open all keys, and make those that are missing; the first thing to do.

        Raises KeysUnusable where a key cannot be opened, Unavailable.
        """
        self._wrapping = wrapping_of(self._work.database, self._settings)
        loaded = await self._loaded()
        for fault in loaded.faults.values():
            raise fault
        self._take(loaded)
        await rewrap(self._work, loaded.rows, self._wrapping)
        await self._note(loaded.rows)

    async def look(self) -> None:
        """Take up what was changed before now; those who ask at once share one look.

        Raises Unavailable where the database cannot be asked.
        """
        if self._upcoming is None:
            self._upcoming = asyncio.create_task(self._look())
            self._looks.add(self._upcoming)
            self._upcoming.add_done_callback(self._looked)
        try:
            async with asyncio.timeout(self._settings.limits.database_timeout):
                await asyncio.shield(self._upcoming)
        except TimeoutError:
            raise Unavailable("the database does not answer") from None

    async def turn_over(self) -> None:
        """Announce keys where those that are there are old, and forget those that are over.

        Raises Unavailable.
        """
        await self.look()
        async with self._work.read() as db:
            rows = await read_rows(db)
        await self._note(rows)
        rotation = Rotation(self._work, self._settings, self._wrapping)
        for purpose in KeyPurpose:
            if due := self._due(purpose, rows):
                await rotation.announce(purpose, due)
        await rotation.forget_what_is_over()

    async def keep(self) -> None:
        """Look and turn over, for as long as the process lives; a failure is tried again."""
        try:
            await asyncio.gather(
                _repeat("looking for new keys", self.look, lambda: LOOK_EVERY),
                _repeat("turning keys over", self.turn_over, _pauses(AFTER_START, TURN_EVERY)),
            )
        finally:
            for look in self._looks:
                look.cancel()
            await asyncio.gather(*self._looks, return_exceptions=True)

    async def _look(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with self._one_look:
                await asyncio.sleep(max(0.0, self._looked_at + SPACING - loop.time()))
                self._looked_at = loop.time()
                self._upcoming = None  # who asks from now on wants a later look
                if await store.marks_now(self._work.database) != self._marks:
                    self._take(await self._loaded())
        except KeysUnusable as error:
            self._tell(str(error))
            raise Unavailable("the keys cannot be opened") from error
        finally:
            if self._upcoming is asyncio.current_task():
                self._upcoming = None

    def _looked(self, look: asyncio.Task[None]) -> None:
        self._looks.discard(look)
        if not look.cancelled():
            look.exception()  # nobody may have waited for it

    async def _loaded(self) -> LoadedKeys:
        loader = KeyLoader(self._work, self._settings, self._wrapping)
        return await loader.load(known=self._keyring)

    def _take(self, loaded: LoadedKeys) -> None:
        for fault in loaded.faults.values():
            self._tell(str(fault))
        self._keyring.replace(loaded.keys, loaded.secret, sealed=loaded.faults.keys())
        self._changed()
        self._marks = loaded.rows.marks

    def _tell(self, fault: str) -> None:
        if fault not in self._told:
            self._told.add(fault)
            log.error("%s; until then the keys that are known are used", fault)

    async def _note(self, rows: KeyRows) -> None:
        await note_use(self._work, rows, self._settings, self._keyring, self._wrapping)

    def _due(self, purpose: KeyPurpose, rows: KeyRows) -> Due | None:
        """Return what says whether keys for *purpose* are old; None where they may grow old."""
        upkeep = self._settings.upkeep
        login = purpose is KeyPurpose.LOGIN
        lifetime = upkeep.key_lifetime if login else upkeep.service_key_lifetime
        if lifetime is None or is_supplanted(purpose, self._settings):
            return None
        upgraded_at = rows.secret.created_at if rows.secret else None
        return partial(_is_old, lifetime, upgraded_at)


def _is_old(
    lifetime: timedelta, upgraded_at: datetime | None, keys: Sequence[StoredKey], now: datetime
) -> bool:
    """Whether the newest of *keys* has signed for *lifetime*.

    One that the version before has made is left alone for a while: it may still run beside us, and
    learns of new keys only when it starts.
    """
    if not keys or keys[0].begins + lifetime > now:
        return False
    return keys[0].signs_from is not None or (
        upgraded_at is not None and upgraded_at + UPGRADE <= now
    )


async def _repeat(
    what: str, do: Callable[[], Coroutine[None, None, None]], pause: Callable[[], float]
) -> None:
    """Do it again and again, each time after a *pause*; why it fails is told once."""
    told = False
    while True:
        await asyncio.sleep(pause())
        try:
            await do()
            told = False
        except Unavailable:  # of which the log tells where it is found
            continue
        except Exception:
            if not told:
                log.exception("%s failed; it is tried again", what)
            told = True


def _pauses(first: float, then: float) -> Callable[[], float]:
    """Return a function that gives pauses, each up to a tenth longer, so that processes differ."""
    pauses = chain([first], repeat(then))
    return lambda: next(pauses) * random.uniform(1, 1.1)  # noqa: S311 - no secret
