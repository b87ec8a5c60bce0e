"""An expression with the caller's values put in: yes, no, or the condition on the row that is left.

What is unknown because the caller has no such value is no: above it there are only AND and OR, by
which an unknown part never makes a whole true where a false one would not.
"""

from dhq_auth.policies.caller import AuthUser
from dhq_auth.policies.nodes import TURNED, Among, Attribute, Compare, Group, IsNull, Node, Operand
from dhq_auth.sdk.evaluate import compared
from dhq_auth.sdk.tree import Column, Comparison, Junction, Membership, NullTest, Tree, Value

Outcome = Tree | bool


def outcome(node: Node | None, caller: AuthUser) -> Outcome:
    """Return what *node* comes to for *caller*; None, the empty expression, is yes."""
    match node:
        case None:
            return True
        case Group(word, parts):
            return joined(word, [outcome(part, caller) for part in parts])
        case Compare(operator, left, right):
            return _compared(operator, _known(left, caller), _known(right, caller))
        case Among(operand, items, negated):
            found = _known(operand, caller)
            return _among(found, [_known(item, caller) for item in items], negated=negated)
        case IsNull(operand, negated):
            known = _known(operand, caller)
            if isinstance(known, Column):
                return NullTest(known, negated)
            return (known is None) != negated


def joined(word: str, outcomes: list[Outcome]) -> Outcome:
    """Return the outcome of several that are joined by *word*."""
    decisive = word == "or"  # what one of them makes of the whole
    parts: list[Tree] = []
    for each in outcomes:
        if each is decisive:
            return decisive
        if isinstance(each, Junction) and each.word == word:
            parts += each.parts
        elif not isinstance(each, bool):
            parts.append(each)
    if not parts:
        return not decisive
    return parts[0] if len(parts) == 1 else Junction(word, tuple(parts))


def _known(operand: Operand, caller: AuthUser) -> Value | Column | None:
    match operand:
        case Column():
            return operand
        case Attribute(name):
            value: Value | None = getattr(caller, name)
            return value
        case _:
            return operand.value


def _compared(operator: str, left: Value | Column | None, right: Value | Column | None) -> Outcome:
    if left is None or right is None:
        return False
    if isinstance(left, Column):
        return Comparison(operator, left, right)
    if isinstance(right, Column):
        return Comparison(TURNED[operator], right, left)
    return compared(operator, left, right) is True


def _among(
    found: Value | Column | None, items: list[Value | Column | None], *, negated: bool
) -> Outcome:
    """Return the outcome of `found in (items)`: an equality with one, or a difference from all."""
    word, operator = ("and", "!=") if negated else ("or", "=")
    values = [item for item in items if not isinstance(item, Column | None)]
    outcomes = [
        _compared(operator, found, item) for item in items if isinstance(item, Column | None)
    ]
    if isinstance(found, Column):
        outcomes += [Membership(found, tuple(values), negated)] if values else []
    else:
        outcomes += [_compared(operator, found, value) for value in values]
    return joined(word, outcomes)
