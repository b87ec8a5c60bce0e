"""What an expression still asks for, once what the caller has is known, in the words of expressions."""

from dataclasses import replace
from decimal import Decimal

from dhq_auth.policies.caller import AuthUser
from dhq_auth.policies.nodes import (
    Among,
    Attribute,
    Compare,
    Group,
    IsNull,
    Literal,
    Node,
    Operand,
    operands,
)
from dhq_auth.policies.outcome import outcome
from dhq_auth.sdk.tree import Column, Value

Unmet = Node | bool


def unmet(node: Node, caller: AuthUser) -> Unmet:
    """Return what must hold besides what does for *caller*.

    True if nothing is left to ask for, False if nothing that a caller or a row has would do. A
    column is compared with what the caller has, where the caller has it.
    """
    match node:
        case Group(word, parts):
            return _joined(word, [unmet(part, caller) for part in parts])
        case _ if any(isinstance(operand, Column) for operand in operands(node)):
            return False if _is_never(node) else _filled(node, caller)
        case _ if outcome(node, caller) is True:
            return True
        case _:
            asks = any(isinstance(operand, Attribute) for operand in operands(node))
            return node if asks and not _is_never(node) else False


def written(node: Node, outer: str = "") -> str:
    """Return *node* as an expression; one within a group by the word *outer* in parentheses."""
    match node:
        case Group(word, parts):
            text = f" {word} ".join(written(part, word) for part in parts)
            return f"({text})" if outer == "and" else text
        case Compare(operator, left, right):
            return f"{_written(left)} {operator} {_written(right)}"
        case Among(operand, items, negated):
            word = "not in" if negated else "in"
            return f"{_written(operand)} {word} ({', '.join(map(_written, items))})"
        case IsNull(operand, negated):
            return f"{_written(operand)} is {'not ' if negated else ''}null"


def _joined(word: str, parts: list[Unmet]) -> Unmet:
    decisive = word == "or"
    if any(part is decisive for part in parts):
        return decisive
    left: list[Node] = []
    for part in parts:
        if not isinstance(part, bool) and part not in left:
            left.append(part)
    if not left:
        return not decisive
    return left[0] if len(left) == 1 else Group(word, tuple(left))


def _is_never(node: Node) -> bool:
    """Say whether *node* compares with `null`, which is never true."""
    match node:
        case Compare(_, left, right):
            return Literal(None) in (left, right)
        case Among(operand, items, negated):
            hopeless = any if negated else all
            return operand == Literal(None) or hopeless(item == Literal(None) for item in items)
    return False


def _filled(node: Node, caller: AuthUser) -> Node:
    """Return *node*, a condition on a column, with the values that *caller* has."""
    match node:
        case Compare(_, left, right):
            return replace(node, left=_known(left, caller), right=_known(right, caller))
        case Among(operand, items, _):
            known = tuple(_known(item, caller) for item in items)
            return replace(node, operand=_known(operand, caller), items=known)
    return node


def _known(operand: Operand, caller: AuthUser) -> Operand:
    if isinstance(operand, Attribute) and (value := getattr(caller, operand.name)) is not None:
        return Literal(value)
    return operand


def _written(operand: Operand) -> str:
    match operand:
        case Column(name):
            return name
        case Attribute(name):
            return f"auth_user.{name}"
        case Literal(value):
            return _literal(value)


def _literal(value: Value | None) -> str:
    match value:
        case None | bool():
            return {None: "null", True: "true", False: "false"}[value]
        case str():
            return "'{}'".format(value.replace("'", "''"))
        case _:
            return format(Decimal(repr(value)), "f")
