"""Where a browser that carries a token may be sent: the one judge of `next`.

The rule is that our reading of an address and the browser's must be the same: whatever browsers
read differently from RFC 3986 (control characters, blanks, backslashes, a user name before the
host) is refused, and what is left is compared by scheme, host, port and whole path segments.
"""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import quote, unquote, urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}
MAX_LENGTH = 4096
_UNSAFE = re.compile(r"[\x00-\x20\x7f-\xa0\\\u2028\u2029\ufeff]")
_HOST = re.compile(r"\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?\.?")
_AUTHORITY = re.compile(r"(?P<host>\[[^\]@]*\]|[^:@\[\]]*)(?::(?P<port>[0-9]{1,5}))?")
_JWT_PARAMETER = re.compile(r"(?:j|%6a)(?:w|%77)(?:t|%74)(?:=.*)?", re.IGNORECASE | re.DOTALL)


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
        if not separator or scheme.lower() not in DEFAULT_PORTS:
            raise ValueError("it is not an absolute http or https address")
        authority = _AUTHORITY.fullmatch(re.split(r"[/?#]", rest, maxsplit=1)[0])
        if authority is None or not _HOST.fullmatch(authority["host"].lower()):
            raise ValueError("its host or port is not valid")
        host = authority["host"].lower()
        if host.startswith("["):
            host = f"[{ip_address(host[1:-1]).compressed}]"
        port = int(authority["port"] or DEFAULT_PORTS[scheme.lower()])
        if not 0 < port < 65536:
            raise ValueError("its port is not between 1 and 65535")
        return cls(scheme.lower(), host, port)

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
    path: str = "/"
    any_port: bool = False

    @classmethod
    def parse(cls, text: str) -> "RedirectPattern":
        """Read `https://app.example.com`, `https://app.example.com/area` or `http://localhost:*`."""
        any_port = text.rstrip("/").endswith(":*")
        address = text.rstrip("/").removesuffix(":*") if any_port else text
        origin = Origin.of(address)
        if any_port and not origin.is_loopback:
            raise ValueError("only a loopback host may have any port")
        split = urlsplit(address)
        if split.query or split.fragment:
            raise ValueError("it may have no query and no fragment")
        return cls(origin, "/" + "/".join(_segments(split.path)), any_port)

    def allows(self, origin: Origin, path: str) -> bool:
        """Whether an address of *origin* with *path* is inside."""
        if (origin.scheme, origin.host) != (self.origin.scheme, self.origin.host):
            return False
        if not self.any_port and origin.port != self.origin.port:
            return False
        prefix = _segments(self.path)
        return _segments(path)[: len(prefix)] == prefix

    def __str__(self) -> str:
        origin = f"{self.origin.scheme}://{self.origin.host}:*" if self.any_port else self.origin
        return f"{origin}{self.path.rstrip('/')}"


@dataclass(frozen=True, slots=True)
class Redirects:
    """ALLOWED_REDIRECTS, and which of those take only one-time codes."""

    patterns: tuple[RedirectPattern, ...]
    code_only: tuple[RedirectPattern, ...] = ()

    def check(self, url: str) -> str:
        """Return *url* fit for a Location header, or raise ValueError with what is wrong.

        Every byte stays as it was, but that characters outside ASCII are percent-encoded.
        """
        origin, path = _place(url)
        if not any(pattern.allows(origin, path) for pattern in self.patterns):
            raise ValueError(f"{origin} is not in ALLOWED_REDIRECTS")
        return quote(url, safe="".join(map(chr, range(0x21, 0x7F))))

    def takes_tokens(self, url: str) -> bool:
        """Whether a JWT may be put into the checked *url*, and not only a one-time code."""
        origin, path = _place(url)
        return not any(pattern.allows(origin, path) for pattern in self.code_only)


def with_parameter(url: str, name: str, value: str) -> str:
    """Return *url* with the query parameter *name* added last, every other byte as it was.

    An old `jwt` goes, whatever is added: a stale token must not survive beside the answer.
    """
    base, hash_sign, fragment = url.partition("#")
    base, question_mark, query = base.partition("?")
    kept = query.split("&") if question_mark and query else []
    kept = [part for part in kept if not _is_parameter(part, name)]
    query = "&".join([*kept, f"{name}={quote(value, safe='')}"])
    return f"{base}?{query}{hash_sign}{fragment}"


def _is_parameter(part: str, name: str) -> bool:
    return bool(_JWT_PARAMETER.fullmatch(part)) or unquote(part.partition("=")[0]) == name


def _place(url: str) -> tuple[Origin, str]:
    if len(url) > MAX_LENGTH:
        raise ValueError(f"it is longer than {MAX_LENGTH} characters")
    origin = Origin.of(url)
    path = re.split(r"[?#]", url.partition("://")[2], maxsplit=1)[0].partition("/")[2]
    return origin, path


def _segments(path: str) -> list[str]:
    """Return the segments of *path* without dot segments, as browsers resolve them."""
    segments: list[str] = []
    for segment in path.split("/"):
        match segment.lower().replace("%2e", "."):
            case "" | ".":
                continue
            case "..":
                del segments[-1:]
            case _:
                segments.append(segment)
    return segments
