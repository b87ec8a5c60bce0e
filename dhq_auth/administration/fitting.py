"""A condition made to fit the columns of a table of ours, so that databases and we read it alike.

What compares a column with a value of another type is unknown, as `sdk.evaluate` has it: no
database is asked, whose answer would be an error, or depend on which it is.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from dhq_auth.policies.outcome import Outcome, joined
from dhq_auth.sdk.tree import (
    Column,
    Comparison,
    Junction,
    Membership,
    Tree,
    Value,
    columns,
)


def fitted(tree: Tree, types: Mapping[str, type]) -> Outcome:
    """Return what is left of *tree* for rows whose columns have these *types*.

    False where nothing is: above the leaves there are only AND and OR, so unknown is as good as no;
    and where *tree* speaks of a column that is none of them, whatever else it says.
    """
    if not set(columns(tree)) <= types.keys():
        return False
    return _fitted(tree, types)


def _fitted(tree: Tree, types: Mapping[str, type]) -> Outcome:
    match tree:
        case Junction(word, parts):
            return joined(word, [_fitted(part, types) for part in parts])
        case Comparison(_, column, Column(other)):
            return tree if types[column.name] is types[other] else False
        case Comparison(_, column, operand) if not isinstance(operand, Column):
            fit = _value(operand, types[column.name])
            return False if fit is None else replace(tree, operand=fit)
        case Membership(column, values, negated):
            fits = [_value(value, types[column.name]) for value in values]
            known = tuple(fit for fit in fits if fit is not None)
            if not known or (negated and len(known) < len(values)):
                return False
            return replace(tree, values=known)
    return tree


def _value(value: Value, kind: type) -> Value | None:
    """Return *value* as a column of *kind* is compared with it, None if it cannot be."""
    if kind is datetime and isinstance(value, str):
        return _moment(value)
    return value if type(value) is kind else None


def _moment(text: str) -> str | None:
    """Return the time that *text* is, in UTC; without a zone it is taken to be that."""
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        return None


def implying(implied: Comparison, tree: Tree) -> Tree:
    """Return *tree* with *implied* in each of its cases that does not speak of that column."""
    name = implied.column.name
    match tree:
        case _ if _always_speaks_of(name, tree):
            return tree
        case Junction("or", parts):
            return Junction("or", tuple(implying(implied, part) for part in parts))
        case Junction("and", parts):
            # Where a part speaks of it in some cases, the others are in that part.
            here = next((part for part in parts if name in columns(part)), None)
            if here is not None:
                held = (implying(implied, part) if part is here else part for part in parts)
                return Junction("and", tuple(held))
            return Junction("and", (*parts, implied))
    return Junction("and", (tree, implied))


def _always_speaks_of(name: str, tree: Tree) -> bool:
    if isinstance(tree, Junction):
        every = all if tree.word == "or" else any
        return every(_always_speaks_of(name, part) for part in tree.parts)
    return name in columns(tree)
