"""What `/openapi.json` says of the routes of policies."""

from typing import Final

from dhq_auth.administration.openapi import MINE
from dhq_auth.errors import (
    Conflict,
    Forbidden,
    InsufficientScope,
    InvalidCredential,
    InvalidExpression,
    InvalidRequest,
    NotFound,
    TooManyRequests,
    Unavailable,
    WrongPassword,
)
from dhq_auth.policies.draft import MAX_DESCRIPTION, RULE_ACTIONS
from dhq_auth.policies.scanner import MAX_LENGTH
from dhq_auth.policies.store import ALL
from dhq_auth.sdk.decision import ACTIONS
from dhq_auth.web.openapi import (
    BODY_FAULTS,
    EMPTY_OBJECT,
    NULLABLE_TEXT,
    OPTIONAL,
    REQUIRED,
    TEXT,
    Answers,
    Schema,
    answer,
    body,
    operation,
    parameter,
    record,
    refusals,
)

_NAME: Schema = {"type": "string", "pattern": r"^[A-Za-z0-9_][A-Za-z0-9_.\-]{0,127}$"}
_ACTION: Schema = {"enum": [*RULE_ACTIONS]}
_TIME: Schema = {"type": "string", "format": "date-time"}
_EXPRESSION: Schema = {
    "type": "string",
    "maxLength": MAX_LENGTH,
    "description": "`and or not ()`, `= != < <= > >=`, `in (…)`, `is [not] null`, columns, texts in "
    "single quotes, numbers, `true`, `false`, and `auth_user.` with `id`, `username`, `email`, "
    "`is_admin` or `is_authenticated`; an empty one is: everybody, every row",
}
POLICY: Final = record(
    {
        "id": TEXT,
        "service": {"type": "string", "description": "`all`: every service"},
        "table_name": {"type": "string", "description": "`all`: every table"},
        "action": TEXT,
        "expression": TEXT,
        "description": TEXT,
        "created_at": _TIME,
        "updated_at": _TIME,
    }
)
_FIELDS: Final = {
    "service": {**_NAME, "default": ALL},
    "table_name": _NAME,
    "action": _ACTION,
    "expression": _EXPRESSION,
    "description": {
        "type": "string",
        "maxLength": MAX_DESCRIPTION,
        "pattern": r"^[ -~\n]*$",
    },
}
_WRITTEN: Final = record(_FIELDS, optional=("service", "description"), closed=False)
_CHANGES: Final = record(_FIELDS, optional=_FIELDS, closed=False)
_ID: Final = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "the id of a policy",
    "schema": {"type": "string", "minLength": 1},
}
_NOT_ALLOWED = (InvalidCredential, WrongPassword, Forbidden, InsufficientScope)
_ALWAYS = (*_NOT_ALLOWED, TooManyRequests, Unavailable)
_GUARDED = "For whom the policies on `auth_policies` let: by default administrators."
_KEPT = "One administrator always keeps every right on `auth_policies`: else 409."
_FAULTY: Answers = refusals(
    InvalidExpression,
    members={
        "position": {"type": "integer", "minimum": 1, "description": "the first wrong character"},
        "expected": {"type": "string", "description": "what would be right there"},
        "found": {"type": "string", "description": "what stands there"},
    },
)

LIST = operation(
    "List policies",
    answer(
        200,
        "A page of policies, in the order of service, table and action.",
        record({"items": {"type": "array", "items": POLICY}, "next": NULLABLE_TEXT}),
    ),
    refusals(InvalidRequest, *_ALWAYS),
    description=_GUARDED,
    parameters=[
        parameter("service", "those for this service alone", _NAME),
        parameter("table_name", "those for this table alone", _NAME),
        parameter("action", "those for this action alone", _ACTION),
        MINE,
        parameter(
            "limit",
            "policies of a page",
            {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100},
        ),
        parameter(
            "cursor",
            "`next` of the page before",
            {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"},
        ),
    ],
    security=REQUIRED,
)
ADD = operation(
    "Add a policy",
    answer(201, "The policy, which is in force.", POLICY),
    refusals(*BODY_FAULTS, Conflict, *_ALWAYS),
    _FAULTY,
    description=f"{_GUARDED} There is one policy for each service, table and action: 409 for "
    f"another. {_KEPT}",
    body=body(json=_WRITTEN, form=_WRITTEN, required=True),
    security=REQUIRED,
)
SHOW = operation(
    "Get a policy",
    answer(200, "The policy.", POLICY),
    refusals(InvalidRequest, NotFound, *_ALWAYS),
    description=_GUARDED,
    parameters=[_ID],
    security=REQUIRED,
)
CHANGE = operation(
    "Change a policy",
    answer(200, "The policy as it is now, which is in force.", POLICY),
    refusals(*BODY_FAULTS, NotFound, Conflict, *_ALWAYS),
    _FAULTY,
    description=f"{_GUARDED} What is not sent stays. {_KEPT}",
    parameters=[_ID],
    body=body(json=_CHANGES, form=_CHANGES),
    security=REQUIRED,
)
DELETE = operation(
    "Delete a policy",
    answer(200, "The policy is gone.", EMPTY_OBJECT),
    refusals(*BODY_FAULTS, NotFound, Conflict, *_ALWAYS),
    description=f"{_GUARDED} {_KEPT}",
    parameters=[_ID],
    security=REQUIRED,
)

_QUESTION: Final = {
    "table": {**_NAME, "not": {"const": ALL}},
    "action": {"enum": [*ACTIONS]},
    "service": {**_NAME, "default": ALL},
}
_USER: Final = {"type": "string", "pattern": "^[a-z0-9]{1,64}$"}
EVALUATE = operation(
    "Ask what may be done",
    answer(
        200,
        "What may be done with which rows.",
        record(
            {
                "decision": {"enum": ["allow", "deny", "filter"]},
                "where": {
                    **NULLABLE_TEXT,
                    "description": "on rows that are there, as SQL with named parameters (`:p1`)",
                },
                "params": {"type": "object", "description": "the values of the parameters"},
                "set": {"type": "object", "description": "what a new row gets, whatever was sent"},
                "check": {**NULLABLE_TEXT, "description": "on the row that is written, as SQL"},
                "policy_id": {**NULLABLE_TEXT, "description": "the policy that decides"},
                "reason": TEXT,
                "tree": {"type": ["array", "null"], "description": "the condition as JSON"},
            }
        ),
    ),
    refusals(*BODY_FAULTS, NotFound, *_ALWAYS),
    description="About the caller, the anonymous one too, whatever a token is good for; about "
    "another `user` for those alone whom the policies let read all of `auth_policies`, with a token "
    "of the scope `policies`. `mine` makes `read` a `read_mine`.",
    body=body(
        json=record(
            {
                **_QUESTION,
                "service": {**_QUESTION["service"], "type": ["string", "null"]},
                "user": {**_USER, "type": ["string", "null"]},
                "mine": {"type": ["boolean", "null"]},
            },
            optional=("service", "user", "mine"),
            closed=False,
        ),
        form=record(
            {**_QUESTION, "user": _USER, "mine": {"enum": ["true", "false"]}},
            optional=("service", "user", "mine"),
            closed=False,
        ),
        required=True,
    ),
    security=OPTIONAL,
)
