"""What a caller may do with the rows of a table: all of it, nothing, or under a condition."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, Final, Literal

from dhq_auth.sdk.column_types import typed
from dhq_auth.sdk.evaluate import evaluate
from dhq_auth.sdk.sql import Sql, render
from dhq_auth.sdk.tree import Tree, Value, equalities, from_json, to_json

Action = Literal["create", "read", "update", "delete", "read_mine"]
ACTIONS: Final[tuple[Action, ...]] = ("create", "read", "update", "delete", "read_mine")


def check_action(action: object) -> None:
    """Raise ValueError unless *action* is one: what another word allows, nobody has said."""
    if action not in ACTIONS:
        raise ValueError(f"an action is one of {', '.join(ACTIONS)}; not {action!r}")


class Effect(StrEnum):
    """The kinds of answers."""

    ALLOW = "allow"
    DENY = "deny"
    FILTER = "filter"


class Denied(Exception):
    """The caller may not do this; `status` is 401 for one who is not known, else 403."""

    def __init__(self, detail: str, *, anonymous: bool = False) -> None:
        super().__init__(detail)
        self.status = 401 if anonymous else 403


@dataclass(frozen=True)
class Decision:
    """The answer for one action.

    A filter has a `tree`: `where` chooses the rows that may be read, changed or deleted; a row that
    is made takes `set` over what the client sent; a row that is made or changed must keep `check`.
    """

    effect: Effect
    action: Action
    tree: Tree | None = None
    policy_id: str | None = None
    reason: str = ""
    anonymous: bool = False

    @cached_property
    def _sql(self) -> Sql | None:
        return None if self.tree is None else render(self.tree)

    @property
    def where(self) -> str | None:
        """The condition on rows that are there, as SQL; None where there is none."""
        return self._sql.text if self._sql and self.action != "create" else None

    @property
    def check(self) -> str | None:
        """The condition on the row that is written, as SQL; None where there is none."""
        return self._sql.text if self._sql and self.action in ("create", "update") else None

    @property
    def params(self) -> dict[str, Value]:
        """The values of `where` and `check` by name."""
        return dict(self._sql.params) if self._sql else {}

    @property
    def set(self) -> dict[str, Value]:
        """What a row that is made gets, by column, whatever the client sent."""
        return equalities(self.tree) if self.tree and self.action == "create" else {}

    def demand(self) -> None:
        """Raise Denied if nothing of this is allowed."""
        if self.effect is Effect.DENY:
            raise Denied("This is not allowed.", anonymous=self.anonymous)

    def reaches(self, row: Mapping[str, Any], types: Mapping[str, str] | None = None) -> bool:
        """Say whether *row*, as it is in the database, may be read, changed or deleted.

        *types* names those of columns that *row* has as text and the database otherwise
        (`{"user_id": "uuid"}`). Raises MissingColumn if *row* lacks a column of the condition, and
        ValueError for create, which is about no row that is there: that is for `check`.
        """
        if self.action == "create":
            raise ValueError("a row that is made is not in the database yet: use check()")
        if self.tree is None:
            return self.effect is Effect.ALLOW
        return evaluate(self.tree, typed(row, types)) is True

    def to_json(self) -> dict[str, Any]:
        """Return it as `POST /auth/policies/evaluate` answers it."""
        return {
            "decision": str(self.effect),
            "where": self.where,
            "params": self.params,
            "set": self.set,
            "check": self.check,
            "policy_id": self.policy_id,
            "reason": self.reason,
            "tree": None if self.tree is None else to_json(self.tree),
        }


def from_answer(data: Mapping[str, Any], action: Action, *, anonymous: bool = False) -> Decision:
    """Return the decision that an answer of `evaluate` is; raises ValueError if it is none."""
    effect = Effect(str(data.get("decision")))
    return Decision(
        effect,
        action,
        from_json(data.get("tree")) if effect is Effect.FILTER else None,
        data.get("policy_id"),
        str(data.get("reason", "")),
        anonymous,
    )


def check(
    row: Mapping[str, Any], decision: Decision, types: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return *row* as it may be written, `set` put in; raises Denied if it may not be.

    *row* is the whole row as it would be in the database afterwards; *types* is as for `reaches`,
    and what is put in is of these types. Raises MissingColumn if *row* lacks a column of the
    condition.
    """
    decision.demand()
    written = {**row, **typed(decision.set, types)}
    if decision.tree is not None and evaluate(decision.tree, typed(written, types)) is not True:
        raise Denied("The row may not be written like this.", anonymous=decision.anonymous)
    return written
