"""The types in an expression: what would be compared with another type is refused when written.

A column has the type that it is first compared with; what it has in the database is not known here.
"""

from dataclasses import dataclass, field
from typing import Final

from dhq_auth.policies.nodes import ATTRIBUTES, Attribute, Literal, Operand
from dhq_auth.policies.scanner import ExpressionError, Token
from dhq_auth.sdk.tree import Column

TEXT: Final = "a text"
NUMBER: Final = "a number"
BOOLEAN: Final = "true or false"
_DIGITS: Final = 15
"""Of a fraction: as many as every database keeps of a binary one."""
_LARGEST: Final = 2**63 - 1


@dataclass(slots=True)
class Types:
    """What is known of the columns so far."""

    columns: dict[str, str] = field(default_factory=dict)

    def compare(self, operator: Token, left: Operand, right: Operand) -> None:
        """Note that *left* and *right* are compared; raises ExpressionError if they cannot be."""
        kinds = [self._kind(left), self._kind(right)]
        known = [kind for kind in kinds if kind]
        if len(set(known)) > 1:
            raise ExpressionError(
                operator.position, f"{known[0]} on both sides", f"{known[0]} and {known[1]}"
            )
        if known and known[0] == BOOLEAN and operator.text[0] in "<>":
            raise ExpressionError(operator.position, "= or !=, for true and false", str(operator))
        for operand in (left, right):
            if known and isinstance(operand, Column):
                self.columns[operand.name] = known[0]

    def may_be_true(self, start: Token, operand: Operand) -> bool:
        """Say whether *operand* alone is a condition; note that it is true or false if so."""
        kind = self._kind(operand)
        if isinstance(operand, Column):
            if kind not in (None, BOOLEAN):
                raise ExpressionError(start.position, f"{kind} compared, as before", str(start))
            self.columns[operand.name] = BOOLEAN
            return True
        return kind == BOOLEAN

    def number(self, token: Token) -> int | float:
        """Return the number that *token* is; raises ExpressionError if databases would differ."""
        digits = token.text.lstrip("-")
        if "." not in digits:
            whole = int(token.text)
            if abs(whole) > _LARGEST:
                raise ExpressionError(token.position, "a number of 64 bits", token.text)
            return whole
        if len(digits.replace(".", "").lstrip("0")) > _DIGITS:
            raise ExpressionError(token.position, f"at most {_DIGITS} digits", token.text)
        return float(token.text)

    def _kind(self, operand: Operand) -> str | None:
        match operand:
            case Column(name):
                return self.columns.get(name)
            case Attribute(name):
                return TEXT if ATTRIBUTES[name] is str else BOOLEAN
            case Literal(bool()):
                return BOOLEAN
            case Literal(str()):
                return TEXT
            case Literal(int() | float()):
                return NUMBER
        return None
