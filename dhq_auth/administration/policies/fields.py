"""What callers send of a policy: texts, and none of them is taken for another that is missing."""

from dhq_auth.errors import InvalidRequest
from dhq_auth.message import Message
from dhq_auth.policies.draft import FIELDS, RULE_ACTIONS, Draft, check_action, check_name
from dhq_auth.web.params import Params

CHOSEN_BY = ("service", "table_name", "action")


def draft_of_sent(sent: Params) -> Draft:
    """Return the policy that is sent, not yet checked.

    The expression must be there: an empty one, which is everybody and every row, is said, and not
    what is left where a client forgot it.
    """
    for name in ("table_name", "action", "expression"):
        if name not in sent:
            raise InvalidRequest(Message("The parameter {name} is missing.", name=name))
    return Draft(**changes_of(sent))


def changes_of(sent: Params) -> dict[str, str]:
    """Return the fields of a policy that are sent; all else is ignored."""
    return {name: _text(sent, name) for name in FIELDS if name in sent}


def chosen_by(sent: Params) -> dict[str, str]:
    """Return by which fields a list is chosen."""
    chosen = {name: _text(sent, name) for name in CHOSEN_BY if name in sent}
    for name, value in chosen.items():
        if name == "action":
            check_action(value, RULE_ACTIONS)
        else:
            check_name(name, value)
    return chosen


def _text(sent: Params, name: str) -> str:
    value = sent[name]
    if not isinstance(value, str):
        raise InvalidRequest(Message("The parameter {name} must be a text.", name=name))
    return value
