"""Reading variables: the value or its default, `X_FILE`, and every fault, not the first alone."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")
MASK = "********"
MAX_SECRET_FILE = 64 * 1024
_MAX_SHOWN = 80
_USERINFO = re.compile(r"://(?:[^/?#:@]*:.*|[^/?#]*)@", re.DOTALL)


class SettingsError(Exception):
    """The settings cannot be used; `faults` has one line for each, without a secret.

    `warnings` may tell why: `GOOGLE_SECRET` is missing where there is a `GOOGLE_SECERT`.
    """

    def __init__(self, faults: Iterable[str], warnings: Iterable[str] = ()) -> None:
        self.faults = tuple(faults)
        self.warnings = tuple(warnings)
        super().__init__("\n".join(self.faults))


def masked(_: str) -> str:
    """Show nothing of a secret."""
    return MASK


def unmasked(raw: str) -> str:
    """Show a value, but for what stands before the host of an address."""
    return _USERINFO.sub(f"://{MASK}@", raw)


@dataclass(frozen=True, slots=True)
class Variable(Generic[Value]):
    """A variable of the environment: its name, how to read it, and what it means.

    A secret may come as a file, too; `show` tells what of a value may be seen.
    """

    name: str
    default: str | None
    parse: Callable[[str], Value]
    meaning: str
    secret: bool = False
    show: Callable[[str], str] = unmasked


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
    show: Callable[[str], str] | None = None,
) -> Any:
    """Declare the dataclass field that the variable *name* fills; without a default: optional."""
    show = show or (masked if secret else unmasked)
    return field(metadata={"variable": Variable(name, default, parse, meaning, secret, show)})


def variables_of(cls: type) -> dict[str, Variable[Any]]:
    """Return the variables that the fields of the dataclass *cls* declare, by field."""
    return {f.name: f.metadata["variable"] for f in fields(cls) if "variable" in f.metadata}


class Environment:
    """A process environment while it is read: collects what is wrong, and what was asked for."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = {name: value.strip() for name, value in environ.items() if value.strip()}
        self.faults: list[str] = []
        self.readings: list[Reading] = []
        self._asked: set[str] = set()
        self._families: dict[str, str] = {}

    def values(self, cls: type, prefix: str = "") -> dict[str, Any]:
        """Return the values of all fields of *cls* that declare a variable; at fault: None."""
        return {
            field: self._value(f"{prefix}{variable.name}", variable)
            for field, variable in variables_of(cls).items()
        }

    def is_set(self, name: str) -> bool:
        """Whether *name*, which was asked for, is there: by itself or as a file, however bad."""
        return not self._environ.keys().isdisjoint({name, f"{name}_FILE"} & self._asked)

    def options(self, prefix: str, *, not_under: Iterable[str] = ()) -> dict[str, str]:
        """Return what stands under *prefix* as `{lower-case rest: value}`, for a plugin."""
        longer = tuple(not_under)
        found = {
            name: value
            for name, value in self._environ.items()
            if name.startswith(prefix) and name != prefix and not name.startswith(longer)
        }
        for name in sorted(found.keys() - self._asked):
            self.readings.append(Reading(_printable(name), MASK, "environment"))
        self._asked |= found.keys()
        return {name[len(prefix) :].lower(): value for name, value in found.items()}

    def fault(self, name: str, text: str) -> None:
        """Note that the variable *name* is at fault."""
        self.faults.append(_printable(f"{name}: {text}"))

    def refuse_unknown(self, prefix: str, known: Iterable[str]) -> None:
        """Refuse what begins with *prefix* and was not asked for: a misspelt option."""
        for name in sorted(self._environ.keys() - self._asked):
            if name.startswith(prefix):
                self._asked.add(name)
                self.fault(name, f"is not known; known are {', '.join(known)}")

    def prefixes(self, listing: str, family: str, names: Iterable[str]) -> dict[str, str]:
        """Return each of *names*, which the variable *listing* lists, by what its own begin with.

        Two that would read the same variables are a fault.
        """
        found: dict[str, str] = {}
        for name in dict.fromkeys(names):
            prefix = f"{family}{name.upper().replace('-', '_')}_"
            if prefix in found:
                both = f"{found[prefix]} and {name}"
                self.fault(listing, f"{both} would both read {prefix}…; rename one of them")
            else:
                found[prefix] = name
        self.expect_family(family, listing)
        return found

    def expect_family(self, prefix: str, listing: str) -> None:
        """Note that names under *prefix* belong to what the variable *listing* lists."""
        self._families[prefix] = listing

    def warnings(self) -> list[str]:
        """Return a warning for each value in quotes, and for what looks like ours but is not read."""
        found = []
        for name, value in sorted(self._environ.items()):
            if name not in self._asked:
                text = self._why_unread(name)
            elif re.fullmatch(r"(['\"])(?!-----BEGIN).+\1", value, re.DOTALL):
                text = "begins and ends with a quote, which is taken as a part of the value"
            else:
                continue
            if text:
                found.append(_printable(f"{name} {text}"))
        return found

    def _why_unread(self, name: str) -> str:
        family = next((each for each in self._families if name.startswith(each)), None)
        text = f": {self._families[family]} lists no name for it" if family else ""
        if close := get_close_matches(name.upper(), sorted(self._asked), n=1, cutoff=0.85):
            text += f"; did you mean {close[0]}?"
        elif name.removesuffix("_FILE") in self._asked:
            text += f"; {name.removesuffix('_FILE')} is not a secret that could come from a file"
        return f"is not read by anything{text}" if text else ""

    def _value(self, name: str, wanted: Variable[Value]) -> Value | None:
        raw, source = self._raw(name, wanted)
        shown = "" if raw is None else wanted.show(raw)
        self.readings.append(Reading(name, _printable(shown), source))
        if raw is None:
            return None
        try:
            return wanted.parse(raw)
        except ValueError as error:
            dots = "…" if len(shown) > _MAX_SHOWN else ""
            read = "a secret, not shown" if shown == MASK else f"{shown[:_MAX_SHOWN]!r}{dots}"
            for expected in error.args:
                where = f"{name}_FILE" if source == "file" else name
                self.fault(where, f"read {read}; expected: {expected}")
            return None

    def _raw(self, name: str, wanted: Variable[Any]) -> tuple[str | None, str]:
        self._asked.add(name)
        raw = self._environ.get(name)
        if wanted.secret:
            self._asked.add(f"{name}_FILE")
            if path := self._environ.get(f"{name}_FILE"):
                if raw is not None:
                    self.fault(name, f"is set, and {name}_FILE too; keep one of them")
                return self._content(f"{name}_FILE", path), "file"
        return (raw, "environment") if raw is not None else (wanted.default, "default")

    def _content(self, name: str, path: str) -> str | None:
        # Who puts the secret itself where its path belongs must not find it in a log.
        shown = repr(path) if path.startswith(("/", "./", "../")) else "what it names (not shown)"
        try:
            with Path(path).open(encoding="utf-8") as file:
                content = file.read(MAX_SECRET_FILE + 1).strip()
        except OSError as error:
            self.fault(name, f"{shown} cannot be read: {error.strerror}; expected: a path")
            return None
        except ValueError:  # UnicodeDecodeError, or a NUL in the path
            self.fault(name, f"{shown} cannot be read: it is not text in UTF-8")
            return None
        if not content or len(content) > MAX_SECRET_FILE:
            how = f"is longer than {MAX_SECRET_FILE} characters" if content else "is empty"
            self.fault(name, f"{shown} {how}")
            return None
        return content


def _printable(text: str) -> str:
    """Return *text* on one line: control characters and the like are escaped."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
