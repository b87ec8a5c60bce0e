"""The claim `filters` of a service token: every rule of the service, the caller's values put in.

    {"v": 1,
     "user": {"email": "…"},
     "rules": {"todos": {"all": {"where": …, "params": …, "set": …, "tree": […]}, "read": true},
               "*": {"all": false}}}

A table that is not named goes by `*`, an action that is not named by `all`. What is not there is
denied; `true` is allowed, `false` denied. With `"ask": true` the rules did not fit into the token.
"""

from collections.abc import Mapping
from typing import Any, Final

from dhq_auth.sdk.decision import Action, Decision, Effect, check_action
from dhq_auth.sdk.sql import render
from dhq_auth.sdk.tree import Tree, equalities, from_json, to_json

VERSION: Final = 1
EVERY_TABLE: Final = "*"
EVERY_ACTION: Final = "all"


class AskServer(Exception):
    """The token does not say: the rules did not fit into it."""


def entry_of(outcome: Tree | bool) -> dict[str, Any] | bool:  # noqa: FBT001 - a value, not a flag
    """Return what the claim holds for a rule that comes to *outcome*."""
    if isinstance(outcome, bool):
        return outcome
    sql = render(outcome)
    entry: dict[str, Any] = {"where": sql.text, "params": sql.params, "tree": to_json(outcome)}
    fixed = equalities(outcome)
    return {**entry, "set": fixed} if fixed else entry


def decide(
    filters: Mapping[str, Any] | None, table: str, action: Action, *, anonymous: bool = False
) -> Decision:
    """Return what the claim *filters* says of *action* on *table*.

    Raises AskServer where it is silent for want of room, and ValueError if it is of a form that is
    not known, or *action* is none: of neither may be made a yes.
    """
    check_action(action)
    if filters is None:
        return Decision(Effect.DENY, action, reason="no rules", anonymous=anonymous)
    if filters.get("v") != VERSION:
        raise ValueError("the claim filters is of a version that is not known")
    if filters.get("ask"):
        raise AskServer
    match _rule(filters.get("rules"), table, action):
        case True:
            return Decision(Effect.ALLOW, action, reason="a rule allows it", anonymous=anonymous)
        case {"tree": tree}:
            return Decision(
                Effect.FILTER,
                action,
                from_json(tree),
                reason="a rule allows it for some rows",
                anonymous=anonymous,
            )
        case False:
            return Decision(Effect.DENY, action, reason="no rule allows it", anonymous=anonymous)
    raise ValueError("the claim filters is of a form that is not known")


def _rule(rules: object, table: str, action: Action) -> object:
    """Return the entry that decides; raises ValueError for claims that are not of the form."""
    if not isinstance(rules, Mapping):
        raise ValueError("the claim filters has no rules")
    # The name of the wildcard is nobody's table.
    name = table if table in rules and table != EVERY_TABLE else EVERY_TABLE
    of_table = rules.get(name, {})
    if not isinstance(of_table, Mapping):
        raise ValueError("the claim filters has a rule that is not of the form")
    return of_table.get(action, of_table.get(EVERY_ACTION, False))
