"""The hash chain over the audit log; nothing here knows the database.

A row at position *n* has the hash SHA-256(hash at *n* - 1, newline, the row as canonical JSON), in
hexadecimal. Before position 1 stands GENESIS. What is sealed at once gets a seal: an HMAC-SHA-256
of where the chain then ends, by a key that the database does not hold in the clear. So whoever can
only write to the database can neither change a row nor put together another chain.
"""

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

GENESIS: Final = "0" * 64
"""The hash before the first row."""
FIELDS: Final = (
    *("position", "id", "at", "kind", "user_id", "actor"),
    *("address", "request_id", "detail"),
)
"""What of a row its hash is over: all of it."""


@dataclass(frozen=True, slots=True)
class Seal:
    """Where the chain ended at one time.

    `previous` is the position of the seal before. Of an anchor, before which the rows were removed,
    `pruned_at` says when.
    """

    position: int
    hash: str
    previous: int
    sealed_at: datetime
    pruned_at: datetime | None = None
    mac: str = ""


def told(moment: datetime) -> str:
    """Return *moment*, an aware time, as it stands in the chain: RFC 3339, in UTC, microseconds."""
    whole = moment.astimezone(UTC).isoformat(timespec="microseconds")
    return whole.replace("+00:00", "Z")


def canonical(row: Mapping[str, Any]) -> str:
    """Return *row* as its hash is over it: JSON in ASCII, without blanks, its keys sorted.

    `at` is text already, as `told` has it. What stands in it beside FIELDS does not count.
    """
    fields = {name: row[name] for name in FIELDS}
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), default=repr)


def link(previous: str, row: Mapping[str, Any]) -> str:
    """Return the hash of *row*, which follows the row with the hash *previous*."""
    return sha256(f"{previous}\n{canonical(row)}".encode()).hexdigest()


def signed(key: str, seal: Seal) -> Seal:
    """Return *seal* with the MAC of who has *key*."""
    return replace(seal, mac=_mac(key, seal))


def holds(key: str, seal: Seal) -> bool:
    """Whether *seal* was made by who has *key*."""
    return hmac.compare_digest(_mac(key, seal).encode(), seal.mac.encode(errors="replace"))


def _mac(key: str, seal: Seal) -> str:
    pruned_at = told(seal.pruned_at) if seal.pruned_at else None
    said = [seal.position, seal.hash, seal.previous, told(seal.sealed_at), pruned_at]
    return hmac.new(key.encode(), json.dumps(said).encode(), sha256).hexdigest()
