"""The chain as docs/audit.md describes it: others check it by that, so it never changes."""

import json
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256

import pytest

from dhq_auth.audit.chain import FIELDS, GENESIS, Seal, canonical, holds, link, signed, told

ROW = {
    "position": 1,
    "id": 7,
    "at": "2026-11-22T10:00:00.000000Z",
    "kind": "username.chosen",
    "user_id": "u1",
    "actor": None,
    "address": "192.0.2.1",
    "request_id": "r",
    "detail": {"username": 'ä☃\U0001f600"\\\n', "a": 1.5},
}
SEAL = Seal(3, "ab" * 32, 1, datetime(2026, 11, 22, 10, tzinfo=UTC))


def test_a_row_is_hashed_as_sorted_json_in_ascii_behind_the_hash_before() -> None:
    whole = (
        '{"actor":null,"address":"192.0.2.1","at":"2026-11-22T10:00:00.000000Z",'
        '"detail":{"a":1.5,"username":"\\u00e4\\u2603\\ud83d\\ude00\\"\\\\\\n"},"id":7,'
        '"kind":"username.chosen","position":1,"request_id":"r","user_id":"u1"}'
    )
    assert canonical({**ROW, "hash": "x", "previous": "y"}) == whole
    assert link(GENESIS, ROW) == sha256(f"{'0' * 64}\n{whole}".encode()).hexdigest()
    assert link(GENESIS, ROW) == "b2ead5d96257815644ec6059e115fda8a6397923b42a37622c19cc3f0eb7cd55"


def test_what_is_read_back_has_the_same_hash() -> None:
    assert link("x", json.loads(canonical(ROW))) == link("x", ROW)


@pytest.mark.parametrize("name", FIELDS)
def test_each_column_counts(name: str) -> None:
    assert link("x", {**ROW, name: "another"}) != link("x", ROW)
    assert link("x", {**ROW, name: None}) != link("x", {**ROW, name: "None"})


def test_a_time_is_the_same_wherever_it_is_written() -> None:
    noon = datetime(2026, 11, 22, 12, 0, 0, 5, tzinfo=timezone(timedelta(hours=2)))
    assert told(noon) == told(noon.astimezone(UTC)) == "2026-11-22T10:00:00.000005Z"


@pytest.mark.parametrize(
    "other",
    [
        Seal(4, SEAL.hash, 1, SEAL.sealed_at),
        Seal(3, "cd" * 32, 1, SEAL.sealed_at),
        Seal(3, SEAL.hash, 2, SEAL.sealed_at),
        Seal(3, SEAL.hash, 1, SEAL.sealed_at + timedelta(microseconds=1)),
        Seal(3, SEAL.hash, 1, SEAL.sealed_at, SEAL.sealed_at),
    ],
    ids=["position", "hash", "previous", "sealed_at", "pruned_at"],
)
def test_a_seal_holds_for_what_it_was_made_for_alone(other: Seal) -> None:
    seal = signed("key", SEAL)
    assert holds("key", seal)
    assert not holds("another key", seal)
    assert not holds("key", SEAL)
    forged = Seal(
        other.position, other.hash, other.previous, other.sealed_at, other.pruned_at, seal.mac
    )
    assert not holds("key", forged)
