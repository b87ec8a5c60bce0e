"""Checking the chain: rows and seals in their order, in whatever pieces they come."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from dhq_auth.audit.chain import GENESIS, Seal, holds, link

MAX_FAULTS: Final = 100
"""Faults that are kept; the others are counted."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What does not fit, at which position: `kind` for programs, `text` for people."""

    position: int
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Seen:
    """A row that somebody saw in the chain before, and wrote down elsewhere."""

    position: int
    hash: str


@dataclass(slots=True)
class Check:
    """How far the chain fits: `position` and `hash` are of its last row so far.

    Without a *key* seals count for nothing. `rows` is how many there were, `waiting` how many have
    no seal yet.
    """

    key: str | None = None
    seen: Seen | None = None
    position: int = 0
    hash: str | None = GENESIS
    rows: int = 0
    seals: int = 0
    waiting: int = 0
    sealed_at: datetime | None = None
    anchor: Seal | None = None
    faults: list[Fault] = field(default_factory=list)
    faults_in_all: int = 0
    _last_seal: int = 0

    @property
    def seen_is_gone(self) -> bool:
        """Whether the row that was seen is so old that it was removed."""
        anchor = self.anchor
        return bool(self.seen and anchor and self.seen.position < anchor.position)

    def begin(self, anchor: Seal) -> None:
        """Go on after *anchor*: what stood before it was removed, as AUDIT_RETENTION says.

        One that is behind already says nothing new; one that we have not made says nothing at all.
        """
        if anchor.position <= self.position or not self._is_ours(anchor):
            return
        self.anchor = anchor
        self.position, self.hash = anchor.position, anchor.hash
        self._last_seal, self.sealed_at = anchor.position, anchor.sealed_at
        self._look(anchor.hash)

    def jump(self, position: int, hash: str | None) -> None:  # noqa: A002 - its name in a row
        """Go on behind *position*, where the chain is known by *hash* alone."""
        self.position, self.hash = position, hash

    def rows_and_seals(self, rows: Iterable[Mapping[str, Any]], seals: Iterable[Seal]) -> None:
        """Check the next *rows*, and the *seals* of positions up to the last of them."""
        left = list(seals)[::-1]
        for row in rows:
            self._row(row)
            while left and left[-1].position <= self.position:
                self._seal(left.pop())

    def end(self, newest: Seal | None, counter: int, last_position: int) -> None:
        """Check that nothing is missing at the end."""
        last = max(newest.position if newest else 0, counter)
        if last > self.position:
            self._fault(
                self.position + 1,
                "cut",
                f"{_rows(self.position + 1, last)} been removed from the end",
            )
        elif self._last_seal < last_position:
            self._fault(
                self._last_seal + 1,
                "seal_missing",
                f"{_rows(self._last_seal + 1, last_position)} a position, but no seal",
            )
        if self.seen and self.seen.position > self.position:
            self._fault(
                self.seen.position, "cut", f"row {self.seen.position} was seen, and is not there"
            )

    def overdue(self, count: int, oldest: datetime) -> None:
        """Tell that *count* rows are not sealed, for far too long."""
        self._fault(
            self.position + 1,
            "unsealed",
            f"{count} rows are not sealed, the first of {oldest:%Y-%m-%d %H:%M:%S}Z: does the "
            "service run, and what does its log say?",
        )

    def _row(self, row: Mapping[str, Any]) -> None:
        self.rows += 1
        position, stored = row["position"], row["hash"]
        if not isinstance(position, int) or position <= self.position:
            self._fault(
                position if isinstance(position, int) else self.position + 1,
                "added",
                f"row {row['id']} was added: its place in the chain is that of another, or none",
            )
            return
        if position > self.position + 1:
            gone = _rows(self.position + 1, position - 1)
            self._fault(self.position + 1, "missing", f"{gone} been removed")
        elif self.hash is not None and link(self.hash, row) != stored:
            self._fault(position, "changed", f"row {row['id']} is not as it was sealed")
        self.position, self.hash = position, stored if isinstance(stored, str) else ""
        self._look(self.hash)

    def _look(self, stored: str) -> None:
        if self.seen and self.seen.position == self.position and self.seen.hash != stored:
            self._fault(self.position, "not_seen", "this is another row than was seen there")

    def _seal(self, seal: Seal) -> None:
        self.seals += 1
        self.sealed_at = seal.sealed_at
        if self._judge(seal):
            if seal.position == self.position and seal.hash != self.hash:
                self._fault(
                    self._last_seal + 1,
                    "rewritten",
                    f"{_rows(self._last_seal + 1, seal.position)} not been sealed as they are: "
                    "somebody has put this part of the chain together anew",
                )
            elif seal.previous != self._last_seal:
                self._fault(
                    seal.previous, "seal_missing", f"the seal of row {seal.previous} was removed"
                )
        self._last_seal = seal.position

    def _judge(self, seal: Seal) -> bool:
        """Whether we have made *seal*; it is a fault if not."""
        if self._is_ours(seal):
            return True
        self._fault(
            seal.position, "forged", f"the seal of row {seal.position} was not made by this service"
        )
        return False

    def _is_ours(self, seal: Seal) -> bool:
        return self.key is None or holds(self.key, seal)

    def _fault(self, position: int, kind: str, text: str) -> None:
        self.faults_in_all += 1
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(Fault(position, kind, text))


def _rows(first: int, last: int) -> str:
    return f"row {first} has" if first == last else f"rows {first} to {last} have"
