"""From the text of a variable to its value; a ValueError says what would be right."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING, TypeVar

from dhq_auth.redirects import Origin, RedirectPattern

if TYPE_CHECKING:  # loading OpenSSL costs more than the rest of the settings
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

Value = TypeVar("Value")
Network = IPv4Network | IPv6Network

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_SIZES = {"": 1, "k": 1024, "m": 1024**2}
_PEM_BLOCK = re.compile(r"-----BEGIN ([A-Z ]+)-----[^-]+-----END \1-----")
MIN_RSA_BITS = 2048


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A text that no log and no traceback shows."""

    value: str

    def __repr__(self) -> str:
        return "Secret(…)"


def text(raw: str) -> str:
    """Take *raw* as it is."""
    return raw


def secret(raw: str) -> Secret:
    """Take *raw* as a secret."""
    return Secret(raw)


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
        if not re.fullmatch(r"-?[0-9]{1,9}", raw) or not low <= int(raw) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(raw)

    return read


def size(low: int, high: int) -> Callable[[str], int]:
    """Make a reader of sizes in bytes, `64k` or `1m` included."""

    def read(raw: str) -> int:
        match = re.fullmatch(r"([0-9]{1,9})([km]?)", raw.lower())
        if not match or not low <= (value := int(match[1]) * _SIZES[match[2]]) <= high:
            raise ValueError(f"a size in bytes from {low} to {high}, such as 64k")
        return value

    return read


def duration(low: int, high: int) -> Callable[[str], timedelta]:
    """Make a reader of durations: seconds, or `15m`, `12h`, `14d`; *low*, *high* in seconds."""

    def read(raw: str) -> timedelta:
        match = re.fullmatch(r"([0-9]{1,9})([smhd]?)", raw.lower())
        if not match or not low <= (value := int(match[1]) * _UNITS[match[2]]) <= high:
            raise ValueError(f"a duration from {low} s to {high} s, such as 30s, 15m, 12h or 14d")
        return timedelta(seconds=value)

    return read


def seconds(low: float, high: float) -> Callable[[str], float]:
    """Make a reader of deadlines in seconds, fractions allowed."""

    def read(raw: str) -> float:
        if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?", raw) or not low <= float(raw) <= high:
            raise ValueError(f"a number of seconds from {low:g} to {high:g}")
        return float(raw)

    return read


def session_duration(raw: str) -> timedelta | None:
    """Read a duration in seconds; zero or less never ends (None)."""
    if re.fullmatch(r"0|-[0-9]{1,9}", raw):
        return None
    return duration(1, 100 * 365 * 86400)(raw)


def one_of(*choices: str) -> Callable[[str], str]:
    """Make a reader of one word among *choices*."""

    def read(raw: str) -> str:
        if raw.lower() not in choices:
            raise ValueError(f"one of {', '.join(choices)}")
        return raw.lower()

    return read


def list_of(item: Callable[[str], Value]) -> Callable[[str], tuple[Value, ...]]:
    """Make a reader of `;`-separated lists."""

    def read(raw: str) -> tuple[Value, ...]:
        return tuple(item(part) for part in map(str.strip, raw.split(";")) if part)

    return read


def name(raw: str) -> str:
    """Read a short name, as it stands in addresses and in the names of variables."""
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,31}", raw.lower()):
        raise ValueError("a name of letters, digits, - and _, beginning with a letter")
    return raw.lower()


def cookie_name(raw: str) -> str:
    """Read the name of a cookie (RFC 6265 4.1.1)."""
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}", raw):
        raise ValueError("a cookie's name: letters, digits, - and _")
    return raw


def external_address(raw: str) -> Origin:
    """Read the origin at which browsers reach the service; a bare hostname means https."""
    address = raw.rstrip("/")
    origin = Origin.of(address if "://" in address else f"https://{address}")
    if address.partition("://")[2].count("/"):
        raise ValueError("scheme, host and port, without a path")
    return origin


def origin_pattern(raw: str) -> RedirectPattern:
    """Read an origin such as `https://app.example.com`, or `http://localhost:*`."""
    pattern = RedirectPattern.parse(raw)
    if pattern.path != "/":
        raise ValueError("scheme, host and port, without a path")
    return pattern


def url(raw: str) -> str:
    """Read an http or https address without query and fragment; a last slash stays."""
    Origin.of(raw)
    if "?" in raw or "#" in raw:
        raise ValueError("an address without query and fragment")
    return raw


def secure_url(raw: str) -> str:
    """Read an https address, or an http one on a loopback host."""
    where = Origin.of(url(raw))
    if where.scheme != "https" and not where.is_loopback:
        raise ValueError("an https address (http only for a loopback host)")
    return raw


def redirect(raw: str) -> RedirectPattern:
    """Read one entry of ALLOWED_REDIRECTS."""
    return RedirectPattern.parse(raw)


def network(raw: str) -> Network:
    """Read an address or a network such as `10.0.0.0/8`."""
    try:
        return ip_network(raw)
    except ValueError as error:
        raise ValueError("an address or a network such as 10.0.0.0/8") from error


def database_url(raw: str) -> Secret:
    """Read a database URL; it may hold a password, so it is a secret."""
    scheme, separator, rest = raw.partition(":")
    if not separator or scheme not in {
        "sqlite", "sqlite+aiosqlite", "postgres", "postgresql", "postgresql+asyncpg",
    }:  # fmt: skip
        raise ValueError("sqlite:///path/to/file.db or postgresql://user:password@host/name")
    if scheme.startswith("sqlite") and (rest in {"", "//", "///"} or ":memory:" in rest):
        raise ValueError("a file, as in sqlite:///data/dhq-auth.db: memory is gone at the end")
    return Secret(raw)


def service(raw: str) -> tuple[str, str]:
    """Read `[alias:]provider` into (alias, provider)."""
    alias, separator, provider = raw.partition(":")
    alias, provider = alias.strip(), provider.strip() if separator else alias.strip()
    if not alias or not provider or re.search(r"[\s/?#&]", alias):
        raise ValueError("[alias:]provider, the alias without blanks and without / ? # &")
    return alias, provider


def secret_key(raw: str) -> Secret:
    """Read one key of SECRET_KEY."""
    if len(raw) < 32:
        raise ValueError("32 or more random characters, e.g. from: openssl rand -base64 33")
    return Secret(raw)


def _pem_blocks(raw: str, kind: str) -> list[bytes]:
    raw = raw.replace("\\n", "\n").strip()
    blocks = [match[0].encode() for match in _PEM_BLOCK.finditer(raw)]
    if not blocks or not raw.startswith("-----BEGIN"):
        raise ValueError(f"an RSA {kind} key in PEM, as tools/generate_key_pair.sh prints it")
    return blocks


def private_keys(raw: str) -> "tuple[RSAPrivateKey, ...]":
    """Read RSA private keys in PEM, literal backslash-n for newlines included."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    keys = []
    for block in _pem_blocks(raw, "private"):
        try:
            key = load_pem_private_key(block, password=None)
        except (ValueError, TypeError) as error:
            raise ValueError("an RSA private key in PEM, without a passphrase") from error
        if not isinstance(key, RSAPrivateKey) or key.key_size < MIN_RSA_BITS:
            raise ValueError(f"an RSA key of {MIN_RSA_BITS} bits or more")
        keys.append(key)
    return tuple(keys)


def public_key(raw: str) -> "RSAPublicKey":
    """Read one RSA public key in PEM."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415

    try:
        key = load_pem_public_key(_pem_blocks(raw, "public")[0])
    except ValueError as error:
        raise ValueError("an RSA public key in PEM") from error
    if not isinstance(key, RSAPublicKey):
        raise ValueError("an RSA public key in PEM")  # noqa: TRY004 - the text is the fault
    return key
