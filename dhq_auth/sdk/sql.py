"""A condition as SQL that SQLite and PostgreSQL read alike."""

from dataclasses import dataclass, field
from typing import Final

from dhq_auth.sdk.tree import Column, Comparison, Junction, Membership, NullTest, Tree, Value
from dhq_auth.sdk.words import quoted

SPELT: Final = {"!=": "<>"}
"""Operators that standard SQL writes otherwise than we."""


@dataclass(frozen=True, slots=True)
class Sql:
    """A condition with named parameters (`:p1`), and their values by name."""

    text: str
    params: dict[str, Value]


def render(tree: Tree) -> Sql:
    """Return *tree* as SQL; every value is a parameter.

    It may be joined to other conditions by AND as it is: an OR stands in parentheses.
    """
    writer = _Writer()
    return Sql(writer.condition(tree, outer="and"), writer.params)


@dataclass(slots=True)
class _Writer:
    params: dict[str, Value] = field(default_factory=dict)
    names: dict[tuple[type, Value], str] = field(default_factory=dict)

    def condition(self, tree: Tree, outer: str) -> str:
        """Return *tree* as a part of conditions that are joined by the word *outer*."""
        match tree:
            case Junction(word, parts):
                text = f" {word.upper()} ".join(self.condition(part, word) for part in parts)
                return text if word == outer else f"({text})"
            case Comparison(operator, column, operand):
                right = quoted(operand.name) if isinstance(operand, Column) else self.value(operand)
                return f"{quoted(column.name)} {SPELT.get(operator, operator)} {right}"
            case Membership(column, values, negated):
                word = "NOT IN" if negated else "IN"
                return f"{quoted(column.name)} {word} ({', '.join(map(self.value, values))})"
            case NullTest(column, negated):
                return f"{quoted(column.name)} IS {'NOT ' if negated else ''}NULL"

    def value(self, value: Value) -> str:
        """Return the parameter that stands for *value*: one for each, however often it occurs."""
        key = (type(value), value)
        if key not in self.names:
            self.names[key] = f"p{len(self.names) + 1}"
            self.params[self.names[key]] = value
        return f":{self.names[key]}"
