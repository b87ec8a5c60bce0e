"""Policies in a file, TOML or JSON: read, or refused with the entry and the field at fault; written.

    [[policies]]
    service = "notes"        # without it: all
    table_name = "todos"
    action = "read"
    expression = "author_id = auth_user.id"
    description = "…"        # may be left out

In JSON it is `{"policies": […]}`, or what `policy list --json` prints; ids and times are passed over.
"""

import json
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from dhq_auth.errors import InvalidExpression, InvalidRequest
from dhq_auth.policies.draft import FIELDS, Draft, checked
from dhq_auth.policies.pointer import pointed
from dhq_auth.policies.store import ALL, Key, Policy

MAX_BYTES: Final = 32 * 1024 * 1024
MAX_ENTRIES: Final = 100_000
_SHOWN: Final = 20
"""Faults that are named; the others are counted."""
_REQUIRED: Final = frozenset({"table_name", "action", "expression"})
_PASSED_OVER: Final = frozenset({"id", "created_at", "updated_at"})


class FaultyDocument(ValueError):
    """A file that cannot be used; the text has lines that name entry and field."""

    def __init__(self, faults: Iterable[str]) -> None:
        said = list(faults)
        more = [f"and {len(said) - _SHOWN} more faults"] if len(said) > _SHOWN else []
        super().__init__("\n".join([*said[:_SHOWN], *more]))


def parsed_document(raw: bytes, name: str) -> Mapping[str, Any]:
    """Return what the file *name* holds: TOML or JSON, by its ending, else by how it begins.

    Raises FaultyDocument.
    """
    if len(raw) > MAX_BYTES:
        raise FaultyDocument([f"{name}: larger than {MAX_BYTES:,} bytes"])
    is_json = name.endswith(".json") or (
        not name.endswith(".toml") and raw.lstrip().startswith(b"{")
    )
    try:
        text = raw.decode("utf-8-sig")
        data = _json(text) if is_json else tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise FaultyDocument([f"{name}: byte {error.start + 1} is not UTF-8"]) from None
    except RecursionError:
        raise FaultyDocument([f"{name}: nested too deeply"]) from None
    except ValueError as error:
        form = "JSON" if is_json else "TOML"
        raise FaultyDocument([f"{name}: not {form}: {error}"]) from None
    if not isinstance(data, dict):
        raise FaultyDocument([f"{name}: expected an object"])
    return data


def entries(data: Mapping[str, Any], field: str) -> list[Any]:
    """Return the list of entries under *field*; raises FaultyDocument if it is none."""
    found = data.get(field)
    if not isinstance(found, list):
        raise FaultyDocument([f"{field}: expected a list"])
    if len(found) > MAX_ENTRIES:
        raise FaultyDocument([f"{field}: more than {MAX_ENTRIES:,}"])
    return found


def known_only(data: Mapping[str, Any], known: Sequence[str]) -> None:
    """Raise FaultyDocument if *data* has other fields than those that are *known*."""
    if unknown := sorted(data.keys() - {*known}):
        named = ", ".join(name[:40] for name in unknown[:_SHOWN])
        raise FaultyDocument([f"unknown: {named}; known: {', '.join(known)}"])


def drafts_in(data: Mapping[str, Any]) -> list[Draft]:
    """Return the policies that *data* holds, each checked; raises FaultyDocument with all faults."""
    field = "items" if "items" in data and "policies" not in data else "policies"
    known_only(data, (field, "next") if field == "items" else (field,))
    if data.get("next") is not None:
        raise FaultyDocument(["next: this is one page of several; give the whole set"])
    found: dict[Key, int] = {}
    drafts, faults = [], []
    for number, entry in enumerate(entries(data, field), 1):
        try:
            draft = _draft(entry)
            if (other := found.setdefault(draft.key, number)) != number:
                raise FaultyDocument([f"for the same service, table and action as policy {other}"])
            drafts.append(draft)
        except FaultyDocument as error:
            faults.append(f"policy {number}{_title(entry)}: {error}")
    if faults:
        raise FaultyDocument(faults)
    return drafts


def toml_of(policies: Iterable[Policy | Draft]) -> str:
    """Return *policies* as a file, ordered by what they are for; the same set, the same text."""
    in_order = sorted(policies, key=lambda policy: policy.key)
    return "\n".join("\n".join(lines_of(policy)) + "\n" for policy in in_order)


def lines_of(policy: Policy | Draft) -> Iterator[str]:
    """Give the lines of *policy* in a file."""
    yield "[[policies]]"
    for name in FIELDS:
        yield f"{name} = {_quoted(getattr(policy, name))}"


def _json(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_once, parse_constant=_refuse)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        ((twice, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"{twice[:40]!r} is there twice in one object")
    return found


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is no number of JSON")


def _draft(entry: Any) -> Draft:
    if not isinstance(entry, dict):
        raise FaultyDocument(["expected a table of fields"])
    given = {name: value for name, value in entry.items() if name not in _PASSED_OVER}
    known_only(given, FIELDS)
    if missing := sorted(_REQUIRED - given.keys()):
        raise FaultyDocument([f"{', '.join(missing)}: missing"])
    for name, value in given.items():
        if not isinstance(value, str):
            raise FaultyDocument([f"{name}: expected a text"])
    try:
        return checked(Draft(**{"service": ALL, "description": "", **given}))
    except InvalidExpression as error:
        lines = pointed(given["expression"], error.extra["position"])
        raise FaultyDocument(["\n".join([f"expression: {error}", *lines])]) from error
    except InvalidRequest as error:
        raise FaultyDocument([str(error)]) from error


def _title(entry: Any) -> str:
    if not isinstance(entry, dict):
        return ""
    named = [entry.get(name) for name in ("service", "table_name", "action")]
    words = [ascii(word)[1:-1] for word in named if isinstance(word, str) and len(word) <= 128]
    return f" ({' '.join(words)})" if words else ""


def _quoted(text: str) -> str:
    """Return *text* as a basic string of TOML, in which DEL is escaped, too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
