"""What `/openapi.json` says of usernames."""

from dhq_auth.errors import InsufficientScope, InvalidRequest, Unavailable
from dhq_auth.web.openapi import (
    BODY_FAULTS,
    FALSE,
    NULL,
    NULLABLE_TEXT,
    OPTIONAL,
    PLAIN_TEXT,
    TEXT,
    TRUE,
    answer,
    body,
    operation,
    parameter,
    record,
    redirection,
    refusals,
)

_USERNAME = parameter(
    "username", "case does not matter; a text that is nobody's name is no error", PLAIN_TEXT
)
_PUBLIC_PROFILE = record(
    {
        "id": TEXT,
        "name": NULLABLE_TEXT,
        "username": TEXT,
        "avatar_url": NULLABLE_TEXT,
        "join_date": {"type": "string", "description": "RFC 1123, GMT"},
        "gravatar": NULL,
    }
)
_OUTCOME = {
    "oneOf": [
        record({"success": TRUE}),
        record({"success": FALSE, "error": TEXT}),
    ]
}
UPDATE = operation(
    "Choose a username, once",
    answer(200, "Whether it was done; `error` is for people.", _OUTCOME),
    redirection(303, "For a page's form: back to the profile, or to the login."),
    refusals(*BODY_FAULTS, InsufficientScope, Unavailable),
    description="`username` and `jwt` may stand in the query, in a form or in JSON, each in one "
    "of them. Other fields, such as an email, are ignored with success. A missing or bad "
    "credential is answered with 200, too, as in 0.1.6: with `success: false`.",
    body=body(
        json=record({"username": NULLABLE_TEXT}, optional=["username"], closed=False),
        form=record({"username": TEXT}, optional=["username"], closed=False),
    ),
    security=OPTIONAL,
)
RESOLVE = operation(
    "Which user has a username",
    answer(200, "The user's id, or null.", record({"userid": NULLABLE_TEXT})),
    refusals(InvalidRequest, Unavailable),
    parameters=[_USERNAME],
)
GET_PROFILE = operation(
    "What everybody may know of a user",
    answer(
        200,
        "The public profile; never an email, nor a hash of one.",
        {
            "oneOf": [
                record({"found": TRUE, "profile": _PUBLIC_PROFILE}),
                record({"found": FALSE, "profile": NULL}),
            ]
        },
    ),
    refusals(InvalidRequest, Unavailable),
    parameters=[_USERNAME],
)
