"""Where a browser that carries a token may be sent: the one judge of `next`.

The rule is that our reading of an address and the browser's (the WHATWG URL standard) must be the
same. What browsers read in another way than it is written (control characters, blanks, backslashes,
a user name before the host, a missing slash, `127.1`) is refused; what is left is compared by
scheme, host, port and whole path segments.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import quote, unquote

DEFAULT_PORTS = {"http": 80, "https": 443}
MAX_LENGTH = 4096
HAND_OFF = ".dhq-auth"
"""The first segment of the paths that the proxy of an application hands over to us."""
_UNSAFE = re.compile(r"[\x00-\x20\x7f-\xa0\\\u2028\u2029\ufeff\ud800-\udfff]")
_AUTHORITY = re.compile(
    r"(?P<host>\[[0-9a-fA-F:]+\]|\w[\w-]*(?:\.\w[\w-]*)*\.?)(?::(?P<port>[1-9][0-9]{0,4}))?",
    re.ASCII,
)
# A host of which browsers make an IPv4 address: 127.0.0.1, but 127.1, 0x7f.1 and 127.0.0.1. too.
_IPV4 = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)\.?")
_ASCII = "".join(map(chr, range(0x21, 0x7F)))


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port (RFC 6454 4), with the port always there."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> "Origin":
        """Return the origin of the absolute *url*; ValueError says what is wrong with it."""
        if match := _UNSAFE.search(url):
            raise ValueError(f"it contains the character {match[0]!a}")
        scheme, separator, rest = url.partition("://")
        scheme = scheme.lower()
        if not separator or scheme not in DEFAULT_PORTS:
            raise ValueError("it does not begin with https:// or http://")
        authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
        if "@" in authority:
            raise ValueError("it has a user name before the host")
        if not authority.isascii():
            raise ValueError("its host is not in ASCII: an international name begins with xn--")
        match = _AUTHORITY.fullmatch(authority)
        port = int(match["port"] or DEFAULT_PORTS[scheme]) if match else 0
        if not match or port > 65535:
            raise ValueError("its host or port is not valid")
        return cls(scheme, _canonical(match["host"].lower()), port)

    @property
    def is_loopback(self) -> bool:
        """Whether only programs on the same machine can be behind it."""
        if self.host == "localhost" or self.host.endswith(".localhost"):
            return True
        try:
            return ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        port = "" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}"


@dataclass(frozen=True, slots=True)
class RedirectPattern:
    """One entry of ALLOWED_REDIRECTS: an origin, an origin with a path prefix, or any port."""

    origin: Origin
    prefix: tuple[str, ...] = ()
    any_port: bool = False

    @classmethod
    def parse(cls, text: str) -> "RedirectPattern":
        """Read `https://app.example.com`, `https://app.example.com/area` or `http://localhost:*`."""
        address = text.removesuffix("/").removesuffix(":*")
        any_port = address != text.removesuffix("/")
        origin, segments = _place(address)
        if any_port and (segments != [""] or not origin.is_loopback):
            raise ValueError("only a loopback host may have any port, and no path behind it")
        if "?" in text or "#" in text:
            raise ValueError("it has a query or a fragment")
        while segments and not segments[-1]:
            segments.pop()
        return cls(origin, tuple(segments), any_port)

    def allows(self, origin: Origin, segments: Sequence[str] = ()) -> bool:
        """Whether an address of *origin*, its path resolved into *segments*, is inside."""
        if (origin.scheme, origin.host) != (self.origin.scheme, self.origin.host):
            return False
        if not self.any_port and origin.port != self.origin.port:
            return False
        return tuple(segments[: len(self.prefix)]) == self.prefix

    def __str__(self) -> str:
        origin = f"{self.origin.scheme}://{self.origin.host}:*" if self.any_port else self.origin
        return "/".join([str(origin), *self.prefix])


@dataclass(frozen=True, slots=True)
class Redirects:
    """ALLOWED_REDIRECTS, and which of those take only one-time codes."""

    patterns: tuple[RedirectPattern, ...]
    code_only: tuple[RedirectPattern, ...] = ()

    def check(self, url: str) -> str:
        """Return *url* fit for a Location header, or raise ValueError with what is wrong.

        Every byte stays as it was, but that characters outside ASCII are percent-encoded.
        """
        origin, segments = _place(url)
        if not any(pattern.allows(origin, segments) for pattern in self.patterns):
            raise ValueError(f"no entry of ALLOWED_REDIRECTS covers it (its origin is {origin})")
        if not all(map(_is_plain, segments)) and any(
            pattern.prefix and pattern.origin == origin
            for pattern in (*self.patterns, *self.code_only)
        ):
            raise ValueError("servers may read its path in more than one way")
        if len(address := quote(url, safe=_ASCII)) > MAX_LENGTH:
            raise ValueError(f"it is longer than {MAX_LENGTH} characters")
        return address

    def takes_tokens(self, url: str) -> bool:
        """Whether a JWT may be put into the checked *url*, and not only a one-time code."""
        origin, segments = _place(url)
        if segments[0] == HAND_OFF:
            return False
        return not any(pattern.allows(origin, segments) for pattern in self.code_only)


def handed_over(url: str) -> Origin | None:
    """Return the origin of the checked *url* if it is one that an application hands over to us.

    The application may see what is sent there (a service worker sees every address of its origin),
    so that it must be good for nothing but a session at that origin.
    """
    origin, segments = _place(url)
    return origin if segments[0] == HAND_OFF else None


def with_parameter(url: str, name: str, value: str) -> str:
    """Return *url* with the query parameter *name* added last, every other byte as it was.

    An old `jwt` goes, whatever is added: a stale token must not survive beside the answer.
    """
    base, hash_sign, fragment = url.partition("#")
    base, _, query = base.partition("?")
    parts = query.split("&") if query else []
    kept = [part for part in parts if unquote(part.partition("=")[0]) not in {name, "jwt"}]
    query = "&".join([*kept, f"{name}={quote(value, safe='')}"])
    return f"{base}?{query}{hash_sign}{fragment}"


def _canonical(host: str) -> str:
    """Return *host* as browsers write it; refuse an IP address in an unusual spelling."""
    try:
        if host.startswith("["):
            address = IPv6Address(host[1:-1])
            if address.ipv4_mapped is None:
                return f"[{address.compressed}]"
        elif not _IPV4.fullmatch(host):
            return host
        return str(IPv4Address(host))
    except ValueError:
        raise ValueError("its host is not an IP address in the usual spelling") from None


def _place(url: str) -> tuple[Origin, list[str]]:
    """Return the origin of *url* and the segments of its path, as browsers resolve them."""
    origin = Origin.of(url)
    path = re.split(r"[?#]", url.partition("://")[2], maxsplit=1)[0].partition("/")[2]
    segments: list[str] = []
    for segment in quote(path, safe=_ASCII).split("/"):
        match segment.lower().replace("%2e", "."):
            case ".":
                continue
            case "..":
                del segments[-1:]
            case _:
                segments.append(segment)
    return origin, segments


def _is_plain(segment: str) -> bool:
    """Whether servers that decode *segment* see one segment, too, and no way up (`..%2f`, `..;`)."""
    decoded = unquote(segment)
    return decoded.partition(";")[0] != ".." and not set("/\\%") & set(decoded)
