"""What `/openapi.json` says of looking at tokens, and of those that leaked."""

from dhq_auth.errors import (
    InvalidCredential,
    InvalidRequest,
    TooManyRequests,
    Unavailable,
)
from dhq_auth.principal import AuthMethod
from dhq_auth.self_service.openapi.parts import DONE, NULLABLE_TIME, SCOPES
from dhq_auth.web.openapi import (
    BODY_FAULTS,
    FALSE,
    NULLABLE_TEXT,
    REQUIRED,
    TEXT,
    answer,
    body,
    operation,
    record,
    refusals,
)

_INFO = record(
    {
        "kind": {"enum": [str(method) for method in AuthMethod]},
        "owner": {**TEXT, "description": "the id of the user"},
        "token_id": NULLABLE_TEXT,
        "session_id": NULLABLE_TEXT,
        "scopes": SCOPES,
        "expired": FALSE,
        "created_at": NULLABLE_TIME,
        "expires_at": {**NULLABLE_TIME, "description": "null: never, or not by itself"},
        "used_at": {**NULLABLE_TIME, "description": "the use before this one, to the minute"},
    }
)
_LEAKED = record({"token": {**TEXT, "minLength": 1}}, closed=False)

INFO = operation(
    "What is presented",
    answer(200, "Its kind, its owner, its times; it may be any credential.", _INFO),
    refusals(InvalidRequest, InvalidCredential, TooManyRequests, Unavailable),
    security=REQUIRED,
)
LEAKED = operation(
    "End a token that leaked",
    answer(200, "It counts no more; the answer is the same for what is no token.", DONE),
    refusals(*BODY_FAULTS, TooManyRequests, Unavailable),
    description="Whoever holds a token of ours may end it, without any credential. A login token "
    "ends with its session, a service token alone.",
    body=body(json=_LEAKED, form=_LEAKED, required=True),
)
