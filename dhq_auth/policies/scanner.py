"""An expression cut into words; whatever is not of the grammar is refused where it stands."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MAX_LENGTH: Final = 1024
"""Characters of an expression."""
KEYWORDS: Final = frozenset({"and", "or", "not", "in", "is", "null", "true", "false"})


class ExpressionError(ValueError):
    """An expression that is not of the grammar: where, and what would be right.

    `position` counts characters from 1; `expected` and `found` are words for people.
    """

    def __init__(self, position: int, expected: str, found: str) -> None:
        super().__init__(f"character {position}: expected {expected}, found {found}")
        self.position = position
        self.expected = expected
        self.found = found


@dataclass(frozen=True, slots=True)
class Token:
    """A word: its kind (`name`, `keyword`, `text`, `number`, `mark`, `end`) and where it stands.

    `text` is the value of a text, a keyword in lower case, else what was written.
    """

    kind: str
    text: str
    position: int

    def __str__(self) -> str:
        """Return what to call it in an error."""
        if self.kind == "end":
            return "the end"
        return "a text" if self.kind == "text" else repr(self.text)


_TOKEN: Final = re.compile(
    r"""
    (?P<blank>[ \t\r\n]+)
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<number>-?[0-9]+(?:\.[0-9]+)?)(?![A-Za-z0-9_.])
    | (?P<text>'(?:[^']|'')*+')
    | (?P<mark><=|>=|!=|<>|<|>|=|\(|\)|,|\.)
    """,
    re.VERBOSE | re.ASCII,
)
_DIGIT: Final = re.compile(r"-?[0-9]", re.ASCII)
_REFUSED: Final = (
    ("--", "no comments"),
    ("/*", "no comments"),
    ("::", "no casts"),
    (";", "one expression"),
    ('"', "a column without quotes, or a text in single quotes"),
    ("`", "a column without quotes"),
    ("'", "the ' that ends this text"),
)
"""What people try, and what to tell them."""
_CONTROL: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""What no text holds: control characters, halves of characters, and marks that turn lines around."""


def tokens(expression: str) -> Iterator[Token]:
    """Give the words of *expression*, the end as the last; raises ExpressionError."""
    if len(expression) > MAX_LENGTH:
        raise ExpressionError(
            MAX_LENGTH + 1, f"at most {MAX_LENGTH:,} characters", f"{len(expression):,}"
        )
    at = 0
    while at < len(expression):
        match = _TOKEN.match(expression, at)
        if match is None:
            raise _refused(expression, at)
        if match.lastgroup != "blank":
            yield _token(str(match.lastgroup), match.group(), at + 1)
        at = match.end()
    yield Token("end", "", len(expression) + 1)


def _token(kind: str, written: str, position: int) -> Token:
    if kind == "name" and written.lower() in KEYWORDS:
        return Token("keyword", written.lower(), position)
    if kind == "text":
        if control := _CONTROL.search(written):
            raise ExpressionError(
                position + control.start(), "a printable character", repr(control.group())
            )
        return Token(kind, written[1:-1].replace("''", "'"), position)
    return Token(kind, "!=" if written == "<>" else written, position)


def _refused(expression: str, at: int) -> ExpressionError:
    rest = expression[at:]
    for beginning, expected in _REFUSED:
        if rest.startswith(beginning):
            return ExpressionError(at + 1, expected, repr(beginning))
    expected = "a column, auth_user.…, a text, a number, an operator or a parenthesis"
    if _DIGIT.match(rest):
        expected = "a number: digits, and digits behind a point"
    return ExpressionError(at + 1, expected, repr(rest[0]))
