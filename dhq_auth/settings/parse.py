"""From the text of a variable to its value; a ValueError says what would be right."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TypeVar

from dhq_auth.redirects import Origin, RedirectPattern
from dhq_auth.settings.environment import MASK

Value = TypeVar("Value")
Network = IPv4Network | IPv6Network

MAX_TEXT = 1024
_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1, "": 1}
_SIZES = {"m": 1024**2, "k": 1024, "": 1}
# What SQLAlchemy reads, but without an `@` that could be a part of the password.
_POSTGRES_URL = re.compile(
    r"(?P<scheme>postgres|postgresql|postgresql\+asyncpg)://"
    r"(?:(?P<user>[^:/@]*)(?::[^@]*)?@)?"
    r"(?P<place>(?:\[[0-9a-fA-F:]+\]|[\w.-]*)(?::[0-9]{1,5})?(?:/[^/?@]*)?)(?:\?[^@]*)?"
)
_SQLITE_URL = re.compile(r"(?P<place>sqlite(?:\+aiosqlite)?:///[^?]+)(?:\?.*)?")


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A text that no log and no traceback shows."""

    value: str

    def __repr__(self) -> str:
        return "Secret(…)"


def text(raw: str) -> str:
    """Take *raw* as it is, if it is one line of a sensible length."""
    if not raw.isprintable() or len(raw) > MAX_TEXT:
        raise ValueError(f"at most {MAX_TEXT} characters, none of them a control character")
    return raw


def secret(raw: str) -> Secret:
    """Take *raw* as a secret."""
    return Secret(text(raw))


def switch(raw: str) -> bool:
    """Read `on` or `off`."""
    match raw.lower():
        case "on" | "true" | "yes" | "1":
            return True
        case "off" | "false" | "no" | "0":
            return False
    raise ValueError("on or off")


def integer(low: int, high: int) -> Callable[[str], int]:
    """Make a reader of whole numbers between *low* and *high*."""

    def read(raw: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", raw) or not low <= int(raw) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(raw)

    return read


def size(low: int, high: int) -> Callable[[str], int]:
    """Make a reader of sizes in bytes, `64k` or `1m` included."""

    def read(raw: str) -> int:
        match = re.fullmatch(r"([0-9]{1,9})([km]?)", raw.lower())
        if not match or not low <= (value := int(match[1]) * _SIZES[match[2]]) <= high:
            bounds = f"from {_short(low, _SIZES)} to {_short(high, _SIZES)}"
            raise ValueError(f"a size in bytes {bounds}, such as 64k")
        return value

    return read


def duration(low: int, high: int) -> Callable[[str], timedelta]:
    """Make a reader of durations: seconds, or `15m`, `12h`, `14d`; *low*, *high* in seconds."""

    def read(raw: str) -> timedelta:
        match = re.fullmatch(r"([0-9]{1,9})([smhd]?)", raw.lower())
        if not match or not low <= (value := int(match[1]) * _UNITS[match[2]]) <= high:
            bounds = f"from {_short(low, _UNITS)} to {_short(high, _UNITS)}"
            raise ValueError(f"a duration {bounds}, such as 30s, 15m, 12h or 14d")
        return timedelta(seconds=value)

    return read


def seconds(low: float, high: float) -> Callable[[str], float]:
    """Make a reader of deadlines in seconds, fractions allowed."""

    def read(raw: str) -> float:
        match = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)s?", raw)
        if not match or not low <= float(match[1]) <= high:
            raise ValueError(f"a number of seconds from {low:g} to {high:g}")
        return float(match[1])

    return read


def session_duration(raw: str) -> timedelta | None:
    """Read a duration in seconds; zero or less never ends (None)."""
    if re.fullmatch(r"0|-[0-9]{1,9}", raw):
        return None
    try:
        return duration(1, 36500 * 86400)(raw)
    except ValueError as error:
        raise ValueError(f"{error}; or 0, which never ends") from error


def one_of(*choices: str) -> Callable[[str], str]:
    """Make a reader of one word among *choices*."""

    def read(raw: str) -> str:
        if raw.lower() not in choices:
            raise ValueError(f"one of {', '.join(choices)}")
        return raw.lower()

    return read


def list_of(item: Callable[[str], Value]) -> Callable[[str], tuple[Value, ...]]:
    """Make a reader of `;`-separated lists; its ValueError has an argument for each bad entry."""

    def read(raw: str) -> tuple[Value, ...]:
        entries = [entry.strip() for entry in raw.split(";") if entry.strip()]
        values, faults = [], []
        for place, entry in enumerate(entries, start=1):
            try:
                values.append(item(entry))
            except ValueError as error:
                faults.append(f"entry {place} to be {error}" if len(entries) > 1 else str(error))
        if faults:
            raise ValueError(*faults)
        if raw and not entries:
            raise ValueError("one entry at least, or nothing at all")
        return tuple(values)

    return read


def name(raw: str) -> str:
    """Read a short name, as it stands in addresses and in the names of variables."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,31}", raw):
        raise ValueError("a name of at most 32 letters, digits, - and _ that begins with a letter")
    return raw.lower()


def cookie_name(raw: str) -> str:
    """Read the name of a cookie (RFC 6265 4.1.1)."""
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}", raw):
        raise ValueError("a cookie's name: at most 64 letters, digits, - and _")
    return raw


def host(raw: str) -> str:
    """Read an address or host name to listen on."""
    try:
        return str(ip_address(raw.removeprefix("[").removesuffix("]")))
    except ValueError:
        if len(raw) > 253 or not re.fullmatch(r"[A-Za-z][A-Za-z0-9.-]*", raw):
            raise ValueError("127.0.0.1, 0.0.0.0, :: or a host name, without a port") from None
        return raw


def external_address(raw: str) -> Origin:
    """Read the origin at which browsers reach the service; a bare hostname means https."""
    address = raw.removesuffix("/")
    address = address if "://" in address else f"https://{address}"
    with _explained("an origin such as https://login.example.com"):
        origin = Origin.of(address)
        if re.search(r"[/?#]", address.partition("://")[2]):
            raise ValueError("it has a path, a query or a fragment")
        return origin


def origin_pattern(raw: str) -> RedirectPattern:
    """Read an origin such as `https://app.example.com`, or `http://localhost:*`."""
    with _explained("an origin such as https://app.example.com"):
        pattern = RedirectPattern.parse(raw)
        if pattern.prefix:
            raise ValueError("it has a path")
        return pattern


def redirect(raw: str) -> RedirectPattern:
    """Read one entry of ALLOWED_REDIRECTS."""
    with _explained("https://app.example.com, https://app.example.com/area or http://localhost:*"):
        return RedirectPattern.parse(raw)


def secure_url(raw: str) -> str:
    """Read an https address, or an http one on a loopback host; a last slash stays."""
    with _explained("an https address such as https://login.example.com"):
        where = Origin.of(raw)
        if where.scheme != "https" and not where.is_loopback:
            raise ValueError("http is for loopback hosts only")
        if "?" in raw or "#" in raw:
            raise ValueError("it has a query or a fragment")
        return text(raw)


def scopes(raw: str) -> str:
    """Read OAuth scopes (RFC 6749 3.3), `openid` among them (OpenID Connect Core 3.1.2.1)."""
    found = raw.replace(";", " ").split()
    if "openid" not in found or not all(re.fullmatch(r"[!#-\[\]-~]+", each) for each in found):
        raise ValueError("scopes between blanks, openid among them, such as openid email profile")
    return " ".join(found)


def network(raw: str) -> Network:
    """Read an address or a network such as `10.0.0.0/8`."""
    try:
        return ip_network(raw)
    except ValueError as error:
        hint = " (with zeros behind the prefix)" if "host bits" in str(error) else ""
        raise ValueError(f"an address, or a network such as 10.0.0.0/8{hint}") from error


def database_url(raw: str) -> Secret:
    """Read a database URL; it may hold a password, so it is a secret."""
    if _SQLITE_URL.fullmatch(raw):
        if ":memory:" in raw or "mode=memory" in raw:
            raise ValueError("a file, as in sqlite:///data/dhq-auth.db: memory is gone at the end")
    elif not _POSTGRES_URL.fullmatch(raw):
        raise ValueError(
            "sqlite:///path/to/file.db or postgresql://user:password@host:5432/name, "
            "an @ in the password written as %40"
        )
    return secret(raw)


def shown_database_url(raw: str) -> str:
    """Return of a database URL what may be seen: neither the password nor the query."""
    if match := _SQLITE_URL.fullmatch(raw):
        return match["place"]
    if not (match := _POSTGRES_URL.fullmatch(raw)):
        return MASK
    user = "" if match["user"] is None else f"{match['user']}:{MASK}@"
    return f"{match['scheme']}://{user}{match['place']}"


def aliased(what: str) -> Callable[[str], tuple[str, str]]:
    """Make a reader of `[alias:]plugin` into (alias, plugin); *what* kind of plugin it is."""

    def read(raw: str) -> tuple[str, str]:
        alias, separator, plugin = map(str.strip, raw.partition(":"))
        plugin = plugin if separator else alias
        if not alias or not plugin or re.search(r"[\s/?#&]", alias) or not text(raw):
            raise ValueError(f"[alias:]{what}, the alias without blanks and without / ? # &")
        return alias, plugin

    return read


def secret_key(raw: str) -> Secret:
    """Read one key of SECRET_KEY."""
    if len(raw) < 32:
        raise ValueError("32 or more random characters, e.g. from: openssl rand -base64 33")
    return secret(raw)


@contextmanager
def _explained(wanted: str) -> Iterator[None]:
    """Say what would be right before a fault that says what is wrong."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{wanted} ({error})") from error


def _short(number: int, units: dict[str, int]) -> str:
    """Return *number* in the largest of *units* that divides it."""
    for unit, factor in units.items():
        if number >= factor and number % factor == 0:
            return f"{number // factor}{unit}"
    return str(number)
