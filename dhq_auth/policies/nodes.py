"""What an expression is made of, once it is read.

There is no NOT: it was pushed to the leaves, where SQL's three-valued logic gives each its opposite
(`not a = b` is `a != b`, unknown where either is NULL).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from dhq_auth.sdk.tree import Column, Value

ATTRIBUTES: Final = {
    "id": str,
    "username": str,
    "email": str,
    "is_admin": bool,
    "is_authenticated": bool,
}
"""What is known of the caller, by its name after `auth_user.`, and its type."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """What the caller has under a name (`auth_user.id`)."""

    name: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that is written out; None is `null`."""

    value: Value | None


Operand = Column | Attribute | Literal


@dataclass(frozen=True, slots=True)
class Compare:
    """Two operands compared."""

    operator: str
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class Among:
    """An operand that equals one of several; with *negated*, none."""

    operand: Operand
    items: tuple[Operand, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class IsNull:
    """An operand that is NULL; with *negated*, is not."""

    operand: Operand
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Conditions of which all hold (`and`), or at least one (`or`)."""

    word: str
    parts: "tuple[Node, ...]"


Node = Compare | Among | IsNull | Group

OPPOSITE: Final = {"=": "!=", "!=": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
TURNED: Final = {"=": "=", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}
"""What an operator becomes when its operands change places."""


def negated(node: Node) -> Node:
    """Return the opposite of *node*: true where it is false, and unknown where it is unknown."""
    match node:
        case Group(word, parts):
            return Group("or" if word == "and" else "and", tuple(map(negated, parts)))
        case Compare(operator, _, _):
            return replace(node, operator=OPPOSITE[operator])
        case _:
            return replace(node, negated=not node.negated)


def grouped(word: str, parts: list[Node]) -> Node:
    """Return *parts* joined by *word*, groups by the same word merged into one."""
    if len(parts) == 1:
        return parts[0]
    merged: list[Node] = []
    for part in parts:
        merged += part.parts if isinstance(part, Group) and part.word == word else (part,)
    return Group(word, tuple(merged))


def operands(node: Node) -> Iterator[Operand]:
    """Give every operand of *node*, from left to right."""
    match node:
        case Group(_, parts):
            for part in parts:
                yield from operands(part)
        case Compare(_, left, right):
            yield left
            yield right
        case Among(operand, items, _):
            yield operand
            yield from items
        case IsNull(operand, _):
            yield operand


def attributes(node: Node) -> set[str]:
    """Return the names of what *node* asks of the caller."""
    return {operand.name for operand in operands(node) if isinstance(operand, Attribute)}
