"""The grammar of expressions.

    expression = conjunction { "or" conjunction }
    conjunction = term { "and" term }
    term = "not" term | "(" expression ")" | condition
    condition = operand [ comparison operand | [ "not" ] "in" "(" operand { "," operand } ")"
                        | "is" [ "not" ] "null" ]
    comparison = "=" | "!=" | "<>" | "<" | "<=" | ">" | ">="
    operand = column | "auth_user" "." attribute | text | number | "true" | "false" | "null"

Nothing else. An operand alone is a condition if it can be true: a column (`published` is
`published = true`), `auth_user.is_admin`, `true`. Keywords may be in capitals.
"""

from functools import lru_cache
from typing import Final

from dhq_auth.policies.nodes import (
    ATTRIBUTES,
    Among,
    Attribute,
    Compare,
    IsNull,
    Literal,
    Node,
    Operand,
    grouped,
    negated,
)
from dhq_auth.policies.scanner import MAX_LENGTH, ExpressionError, Token, tokens
from dhq_auth.policies.types import Types
from dhq_auth.sdk.tree import COLUMN, OPERATORS, Column

MAX_DEPTH: Final = 32
"""Parentheses and NOTs within one another."""
_OPERAND: Final = "a column, auth_user.…, a text in single quotes, a number, true, false or null"
_CALLER: Final = "auth_user"


def parse(expression: str) -> Node | None:
    """Return what *expression* says; None if it is empty, which is: everybody, every row.

    Raises ExpressionError, with the position of the first fault.
    """
    return _Parser(expression).whole()


def parsed(expression: str) -> Node | ExpressionError | None:
    """Return what `parse` returns or raises, remembered: expressions are few and asked for often."""
    # What is too long was written past us, and is not worth its memory.
    return (_remembered if len(expression) <= MAX_LENGTH else _parsed)(expression)


def _parsed(expression: str) -> Node | ExpressionError | None:
    try:
        return parse(expression)
    except ExpressionError as error:
        return error.with_traceback(None)


_remembered = lru_cache(maxsize=4096)(_parsed)


class _Parser:
    """Reads an expression from left to right."""

    def __init__(self, expression: str) -> None:
        self._tokens = tokens(expression)
        self._token = next(self._tokens)
        self._types = Types()
        self._depth = 0

    def whole(self) -> Node | None:
        if self._token.kind == "end":
            return None
        node = self._expression()
        if self._token.kind != "end":
            raise self._unexpected("and, or, or the end")
        return node

    def _expression(self) -> Node:
        parts = [self._conjunction()]
        while self._takes("or"):
            parts.append(self._conjunction())
        return grouped("or", parts)

    def _conjunction(self) -> Node:
        parts = [self._term()]
        while self._takes("and"):
            parts.append(self._term())
        return grouped("and", parts)

    def _term(self) -> Node:
        start = self._token
        if self._takes("not"):
            self._deeper(start)
            node = negated(self._term())
        elif self._takes("("):
            self._deeper(start)
            node = self._expression()
            self._demand(")", "and, or, or )")
        else:
            return self._condition()
        self._depth -= 1
        return node

    def _deeper(self, start: Token) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ExpressionError(
                start.position, f"at most {MAX_DEPTH} parentheses within one another", "one more"
            )

    def _condition(self) -> Node:
        start = self._token
        left = self._operand()
        operator = self._token
        if operator.kind == "mark" and operator.text in OPERATORS:
            self._advance()
            right = self._operand()
            self._types.compare(operator, left, right)
            return Compare(operator.text, left, right)
        if self._takes("is"):
            without = self._takes("not")
            self._demand("null", "null" if without else "null or not null")
            return IsNull(left, without)
        if self._takes("not"):
            self._demand("in", "in")
            return self._among(operator, left, without=True)
        if self._takes("in"):
            return self._among(operator, left, without=False)
        return self._alone(start, left)

    def _among(self, operator: Token, left: Operand, *, without: bool) -> Node:
        self._demand("(", "( and a list")
        items = [self._operand()]
        while self._takes(","):
            items.append(self._operand())
        self._demand(")", ", or )")
        for item in items:
            self._types.compare(operator, left, item)
        return Among(left, tuple(items), without)

    def _alone(self, start: Token, operand: Operand) -> Node:
        """Return the condition that *operand* is by itself."""
        if not self._types.may_be_true(start, operand):
            raise self._unexpected(
                "a comparison, in (…), or is null: this alone is neither true nor false"
            )
        return Compare("=", operand, Literal(value=True))

    def _operand(self) -> Operand:
        token = self._token
        match token.kind, token.text:
            case "keyword", "true" | "false" | "null":
                self._advance()
                return Literal({"true": True, "false": False, "null": None}[token.text])
            case "text", value:
                self._advance()
                return Literal(value)
            case "number", _:
                self._advance()
                return Literal(self._types.number(token))
            case "name", name:
                self._advance()
                return self._attribute(token) if name.lower() == _CALLER else self._column(token)
        if token.kind == "mark" and token.text == "(":
            raise self._unexpected(f"{_OPERAND}, not a list or a sub-query")
        raise self._unexpected(_OPERAND)

    def _column(self, token: Token) -> Column:
        if self._token.text == "(" and self._token.kind == "mark":
            raise ExpressionError(token.position, f"{_OPERAND}, no functions", str(token))
        if self._token.text == "." and self._token.kind == "mark":
            raise ExpressionError(
                token.position, "a column without its table, or auth_user.…", str(token)
            )
        if not COLUMN.fullmatch(token.text):
            raise ExpressionError(token.position, "a column of at most 63 characters", str(token))
        return Column(token.text)

    def _attribute(self, start: Token) -> Attribute:
        known = ", ".join(ATTRIBUTES)
        if self._token.text != "." or self._token.kind != "mark":
            raise ExpressionError(start.position, f"auth_user. and one of {known}", str(start))
        self._advance()
        token = self._token
        if token.kind != "name" or token.text.lower() not in ATTRIBUTES:
            raise self._unexpected(f"one of {known}")
        self._advance()
        return Attribute(token.text.lower())

    def _takes(self, text: str) -> bool:
        """Step over the keyword or the mark *text*, and say whether it stood there."""
        if self._token.kind not in ("keyword", "mark") or self._token.text != text:
            return False
        self._advance()
        return True

    def _demand(self, text: str, expected: str) -> None:
        if not self._takes(text):
            raise self._unexpected(expected)

    def _advance(self) -> None:
        self._token = next(self._tokens)

    def _unexpected(self, expected: str) -> ExpressionError:
        return ExpressionError(self._token.position, expected, str(self._token))
