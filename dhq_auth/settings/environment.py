"""Reading variables: the value or its default, `X_FILE`, and every fault, not the first alone."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

from dhq_auth.settings.parse import Secret

Value = TypeVar("Value")
MAX_SECRET_FILE = 64 * 1024
MASK = "********"


class SettingsError(Exception):
    """The settings cannot be used; `faults` has one line for each, without a secret."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


@dataclass(frozen=True, slots=True)
class Variable(Generic[Value]):
    """A variable of the environment: its name, how to read it, and what it means."""

    name: str
    default: str | None
    parse: Callable[[str], Value]
    meaning: str
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What one variable came to, fit to be shown: secrets are masked."""

    name: str
    value: str
    source: str


def variable(
    name: str,
    default: str | None,
    parse: Callable[[str], Value],
    meaning: str,
    *,
    secret: bool = False,
) -> Any:
    """Declare the dataclass field that the variable *name* fills; without a default: optional."""
    return field(metadata={"variable": Variable(name, default, parse, meaning, secret)})


def variables_of(cls: type) -> list[Variable[Any]]:
    """Return the variables that the fields of the dataclass *cls* declare."""
    return [f.metadata["variable"] for f in fields(cls) if "variable" in f.metadata]


class Environment:
    """A process environment while it is read: collects what is wrong, and what was asked for."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = {name: value.strip() for name, value in environ.items() if value.strip()}
        self.faults: list[str] = []
        self.readings: list[Reading] = []
        self._asked: set[str] = set()

    def value(self, wanted: Variable[Value]) -> Value | None:
        """Return the value of *wanted*, or None if it is unset or at fault (then noted)."""
        raw, source = self._raw(wanted)
        if raw is None:
            self.readings.append(Reading(wanted.name, "", source))
            return None
        self.readings.append(Reading(wanted.name, _shown(wanted, raw), source))
        try:
            return wanted.parse(raw)
        except ValueError as error:
            read = "a secret, not shown" if wanted.secret else repr(raw[:80])
            self.fault(wanted.name, f"read {read}; expected: {error}")
            return None

    def values(self, cls: type) -> dict[str, Any]:
        """Return the values of all fields of *cls* that declare a variable."""
        return {
            f.name: self.value(f.metadata["variable"])
            for f in fields(cls)
            if "variable" in f.metadata
        }

    def options(self, prefix: str, *, not_under: Iterable[str] = ()) -> dict[str, str]:
        """Return what stands under *prefix* as `{lower-case rest: value}`, for a plugin."""
        longer = tuple(not_under)
        found = {
            name: value
            for name, value in self._environ.items()
            if name.startswith(prefix) and not (longer and name.startswith(longer))
        }
        self._asked |= found.keys()
        return {name[len(prefix) :].lower(): value for name, value in found.items()}

    def fault(self, name: str, text: str) -> None:
        """Note that the variable *name* is at fault."""
        self.faults.append(f"{name}: {text}")

    def refuse_unknown(self, prefix: str, known: Iterable[str]) -> None:
        """Refuse what begins with *prefix* and was not asked for: a misspelt option."""
        for name in sorted(self._environ.keys() - self._asked):
            if name.startswith(prefix):
                self.fault(name, f"is not known; known are {', '.join(sorted(known))}")

    def near_misses(self) -> list[str]:
        """Return a warning for each variable that looks like a misspelt one of ours."""
        known = sorted(self._asked)
        return [
            f"{name} is not read by anything; did you mean {close[0]}?"
            for name in sorted(self._environ.keys() - self._asked)
            if (close := get_close_matches(name, known, n=1, cutoff=0.85))
        ]

    def _raw(self, wanted: Variable[Any]) -> tuple[str | None, str]:
        self._asked.add(wanted.name)
        raw = self._environ.get(wanted.name)
        if wanted.secret:
            self._asked.add(f"{wanted.name}_FILE")
            if path := self._environ.get(f"{wanted.name}_FILE"):
                if raw is not None:
                    self.fault(wanted.name, f"is set, and {wanted.name}_FILE too; keep one of them")
                return self._content(wanted.name, path), "file"
        return (raw, "environment") if raw is not None else (wanted.default, "default")

    def _content(self, name: str, path: str) -> str | None:
        try:
            with Path(path).open(encoding="utf-8") as file:
                content = file.read(MAX_SECRET_FILE).strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text in UTF-8"
            self.fault(f"{name}_FILE", f"{path!r} cannot be read: {reason}")
            return None
        if not content:
            self.fault(f"{name}_FILE", f"{path!r} is empty")
            return None
        return content


def _shown(variable: Variable[Any], raw: str) -> str:
    if not variable.secret:
        return raw
    if "://" not in raw:
        return MASK
    # An address that may hold a password: everything but that is worth seeing.
    split = urlsplit(raw)
    user, separator, host = split.netloc.rpartition("@")
    user = f"{user.partition(':')[0]}:{MASK}" if separator else ""
    query = "?…" if split.query else ""
    return f"{split.scheme}://{user}{separator}{host}{split.path}{query}"


__all__ = ["Environment", "Reading", "Secret", "SettingsError", "Variable", "variable"]
