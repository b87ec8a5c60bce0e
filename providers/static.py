"""Permissions from a TOML or JSON file: `ALLOWED_SERVICES=notes:static`, `PROVIDER_NOTES_FILE=…`.

The file has a table for each service, by the name under which it is asked for, in it one for each
user, and in that the permissions, each any value of JSON::

    ["*"."*"]                 # every user of every service
    read = true

    [notes."*"]               # every user of the service `notes`
    notes_per_day = 10

    [notes."0b1cA5…"]         # one user of it
    write = true

`*` stands for every service or every user. What is more specific wins, permission by permission:
`*.*`, then `*.user`, then `service.*`, then `service.user`. Users are named by their id alone: an
id is never given to anybody else, while who takes a name that was written here in advance would
take its permissions too. A file whose name ends in `.json` is JSON, any other is TOML.

A changed file counts from the next second on. One that cannot be used stops the start; later on
it leaves what was there before in force, and one line in the log.
"""

import asyncio
import json
import logging
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Any, Final

from dhq_auth import Grant, GrantContext
from dhq_auth.plugins.grants import BadGrant, JsonCopier
from dhq_auth.plugins.options import read_options
from dhq_auth.settings.environment import variable
from dhq_auth.settings.parse import text

_log = logging.getLogger(__name__)

LOOK_EVERY: Final = 1.0
"""Seconds between two looks at whether the file has changed."""

Tables = Mapping[str, Mapping[str, Mapping[str, Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options."""

    file: str | None = variable("FILE", None, text, "path of the TOML or JSON file")


def configure(options: Mapping[str, str]) -> "StaticPermissions":
    """Return a provider that answers from the file that *options* name.

    Raises ValueError for a file that cannot be used.
    """
    path = read_options(Options, options).file
    if path is None:
        raise ValueError("FILE: is missing; expected: the path of a TOML or JSON file")
    return StaticPermissions(Path(path))


class StaticPermissions:
    """The permissions in the file *path*; `clock` gives seconds."""

    def __init__(self, path: Path, clock: Callable[[], float] = monotonic) -> None:
        self._path = path
        self._clock = clock
        self._looked_at = clock()
        self._version = _version(path)
        self._tables = read(path)

    async def grant(self, context: GrantContext) -> Grant:
        """Say what the file says now."""
        now = self._clock()
        if now - self._looked_at >= LOOK_EVERY:
            self._looked_at = now
            await asyncio.to_thread(self._look)
        permissions: dict[str, Any] = {}
        for service in ("*", context.service):
            for user in ("*", context.user["id"]):
                permissions |= self._tables.get(service, {}).get(user, {})
        until_next_look = timedelta(seconds=self._looked_at + LOOK_EVERY - now)
        return Grant(permissions, fresh_for=max(timedelta(0), until_next_look))

    def _look(self) -> None:
        """Read the file if it has changed since it was read, be it well or in vain."""
        version = _version(self._path)
        if version == self._version:
            return
        self._version = version
        try:
            self._tables = read(self._path)
        except ValueError as error:
            _log.error("%s; what it said before stays in force", error)
        else:
            _log.info("%s was read anew", self._path)


def read(path: Path) -> Tables:
    """Return the permissions in the file *path*; ValueError says what is wrong with it, and where.

    Nothing of it is taken for granted: tables of tables of tables, and then values of JSON.
    """
    try:
        content = path.read_text(encoding="utf-8")
        tables = _json(content) if path.suffix == ".json" else tomllib.loads(content)
        return _checked(tables)
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: is not text in UTF-8") from error
    except RecursionError as error:
        raise ValueError(f"{path}: is nested too deeply") from error
    except (ValueError, BadGrant) as error:
        raise ValueError(f"{path}: {error}") from error


def _version(path: Path) -> tuple[int, ...] | None:
    """Return what changes whenever the file does, or None if it is not there."""
    try:
        now = path.stat()
    except OSError:
        return None
    return now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns


def _json(content: str) -> object:
    return json.loads(content, object_pairs_hook=_once, parse_constant=_refused)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"{name!r} stands twice in one object")
        found[name] = value
    return found


def _refused(constant: str) -> object:
    raise ValueError(f"{constant} is no JSON")


def _checked(tables: object) -> Tables:
    if not isinstance(tables, dict):
        raise ValueError(f"is {_kind(tables)}; expected: a table of services")
    copier = JsonCopier()
    for service, users in tables.items():
        if not isinstance(users, dict):
            raise ValueError(f"[{_key(service)}] is {_kind(users)}; expected: a table of users")
        for user, permissions in users.items():
            place = f"{_key(service)}.{_key(user)}"
            if not isinstance(permissions, dict):
                kind = _kind(permissions)
                raise ValueError(f"[{place}] is {kind}; expected: a table of permissions")
            copier.mapping(permissions, place)
    return tables


def _key(name: str) -> str:
    """Return *name* as it is written in a file."""
    plain = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if plain else json.dumps(name)


def _kind(value: object) -> str:
    kinds = {bool: "a boolean", str: "a text", list: "a list", type(None): "null"}
    return kinds.get(type(value), "a number" if isinstance(value, int | float) else "a date")
