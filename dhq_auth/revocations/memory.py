"""What a process remembers between requests, and forgets when it ends or changes, here or elsewhere.

What this process commits is forgotten before it is answered. What others commit comes by the feed,
a moment later; where the feed cannot be read for so long, nothing that is remembered counts.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Final, Generic, TypeVar

from dhq_auth.errors import Unavailable
from dhq_auth.events import Event, KeyRevoked, PermissionsGranted

Value = TypeVar("Value")
Tag = tuple[str, str]
"""What something remembered depends on: a kind of the feed, and its value."""

LONGEST: Final = timedelta(minutes=1)
"""For how long anything may be believed without a look at its rows: somebody may change them by hand."""
TRUSTED: Final = 0.7
"""Seconds for which a look at the feed vouches for what is remembered."""
FORGOTTEN: Final = 4096
"""Tags of which it is known when they were last forgotten."""


class Memory:
    """All that a process remembers of credentials and users; a bounded number of things."""

    def __init__(self) -> None:
        self._shelves: list[Shelf[object]] = []
        self._known_until = float("-inf")
        self._look: Callable[[], Awaitable[None]] | None = None
        self._count = 0
        self._floor = 0
        self._forgotten: OrderedDict[Tag, int] = OrderedDict()

    @property
    def counts(self) -> bool:
        """Whether it is known well enough what has ended elsewhere."""
        return monotonic() < self._known_until

    def look_by(self, look: Callable[[], Awaitable[None]]) -> None:
        """Have *look*, which all who need it share, called where the last one is too old."""
        self._look = look

    async def refresh(self) -> None:
        """Look at the feed if the last look was too long ago: one for all, where all are waiting.

        Else whoever is late would ask for everything anew, and be later still. Where it fails or takes
        long, nothing counts: a disk may be full, and can be read all the same.
        """
        if not self.counts and self._look is not None:
            with suppress(Unavailable, TimeoutError):
                async with asyncio.timeout(TRUSTED):
                    await self._look()

    def vouch(self, began: float) -> None:
        """Let what is remembered count: all that was committed before *began* is known."""
        self._known_until = began + TRUSTED

    def mark(self) -> int:
        """Return a mark for `Shelf.put`, to be taken before what is to be remembered is read."""
        return self._count

    def hear(self, events: Iterable[Event]) -> None:
        """Forget all about the users of *events*, whatever happened; after the commit.

        But what a user was granted says nothing of the user, nor of a credential.
        """
        events = [event for event in events if not isinstance(event, PermissionsGranted)]
        if any(isinstance(event, KeyRevoked) for event in events):
            self.forget_everything()
        self.forget(("user", event.user_id) for event in events if event.user_id is not None)

    def forget(self, tags: Iterable[Tag]) -> None:
        """Forget what depends on any of *tags*."""
        for tag in tags:
            self._count += 1
            self._forgotten[tag] = self._count
            self._forgotten.move_to_end(tag)
            if len(self._forgotten) > FORGOTTEN:
                self._floor = self._forgotten.popitem(last=False)[1]
            for shelf in self._shelves:
                shelf.drop(tag)

    def forget_everything(self) -> None:
        """Forget all of it."""
        self._count += 1
        self._floor = self._count
        for shelf in self._shelves:
            shelf.clear()

    def has_forgotten(self, tags: Iterable[Tag], mark: int) -> bool:
        """Whether any of *tags* may have been forgotten since *mark*."""
        return mark < self._floor or any(self._forgotten.get(tag, 0) > mark for tag in tags)

    def add(self, shelf: "Shelf[object]") -> None:
        """Let *shelf* be part of this."""
        self._shelves.append(shelf)


@dataclass(frozen=True, slots=True)
class _Item(Generic[Value]):
    value: Value
    since: datetime
    until: datetime
    tags: tuple[Tag, ...]


class Shelf(Generic[Value]):
    """Things of one kind in *memory*, by a key: *size* of them, the last used ones."""

    def __init__(self, memory: Memory, size: int) -> None:
        self._memory = memory
        self._size = size
        self._items: OrderedDict[Hashable, _Item[Value]] = OrderedDict()
        self._keys: dict[Tag, set[Hashable]] = {}
        memory.add(self)  # type: ignore[arg-type]  # it is only told to drop

    def __contains__(self, key: Hashable) -> bool:
        return key in self._items

    def get(self, key: Hashable, now: datetime) -> Value | None:
        """Return what is remembered under *key*, if it still counts."""
        item = self._items.get(key)
        if item is None or not self._memory.counts:
            return None
        if not item.since <= now < item.until:  # a clock may be set back, too
            self._remove(key)
            return None
        self._items.move_to_end(key)
        return item.value

    def put(
        self,
        key: Hashable,
        value: Value,
        *,
        since: datetime,
        until: datetime,
        tags: tuple[Tag, ...],
        mark: int,
    ) -> None:
        """Remember *value*, which was read after *mark*, as long as none of *tags* is forgotten.

        It counts from *since* on and before *until*.
        """
        if self._memory.has_forgotten(tags, mark):
            return
        self._remove(key)
        self._items[key] = _Item(value, since, until, tags)
        for tag in tags:
            if (keys := self._keys.get(tag)) is None:
                self._keys[tag] = {key}
            else:
                keys.add(key)
        if len(self._items) > self._size:
            self._remove(next(iter(self._items)))

    def discard(self, key: Hashable) -> None:
        """Forget what is remembered under *key*, if anything is."""
        self._remove(key)

    def drop(self, tag: Tag) -> None:
        """Forget what depends on *tag*."""
        for key in tuple(self._keys.get(tag, ())):
            self._remove(key)

    def clear(self) -> None:
        """Forget all of it."""
        self._items.clear()
        self._keys.clear()

    def __len__(self) -> int:
        return len(self._items)

    def _remove(self, key: Hashable) -> None:
        item = self._items.pop(key, None)
        for tag in item.tags if item else ():
            keys = self._keys[tag]
            keys.discard(key)
            if not keys:
                del self._keys[tag]
