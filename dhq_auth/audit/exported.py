"""Checking an export, far from the database that it is of."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from dhq_auth.audit.chain import FIELDS
from dhq_auth.audit.check import Check, Seen

_NAMES = {*FIELDS, "hash", "previous"}


class NoExport(Exception):
    """What was given is not what `audit export` prints; the text says where."""


def check_export(lines: Iterable[bytes], *, some: bool = False, seen: Seen | None = None) -> Check:
    """Check the rows of *lines*, one each, and that what was *seen* is as it was then.

    With *some* it is an export of some rows: those between them need not be there. There are no
    seals in an export: that somebody has put all of it together anew shows by what was seen alone.
    Raises NoExport.
    """
    check, began = Check(seen=seen), False
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        row = _row(number, line)
        position = row["position"]
        if not began or (some and position > check.position + 1):
            check.jump(position - 1, row["previous"])
            began = True
        check.rows_and_seals([row], ())
    check.end(None, 0, 0)
    return check


def _row(number: int, line: bytes) -> Mapping[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        raise NoExport(f"line {number} is not JSON in UTF-8") from None
    if not isinstance(row, dict) or row.keys() != _NAMES:
        raise NoExport(f"line {number} is no row of an export")
    if type(row["position"]) is not int or not isinstance(row["previous"], str | None):
        raise NoExport(f"line {number} has no place in the chain")
    return row
