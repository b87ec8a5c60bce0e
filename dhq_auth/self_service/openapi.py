"""What `/openapi.json` says of the routes of one's own account."""

from dhq_auth.errors import InvalidCredential, InvalidRequest, Unavailable
from dhq_auth.web.openapi import (
    BODY_FAULTS,
    EMPTY_OBJECT,
    FALSE,
    NULL,
    NULLABLE_TEXT,
    OPTIONAL,
    PLAIN_TEXT,
    REQUIRED,
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
_END_ALL = "end every session and token of the user"

UPDATE = operation(
    "Choose a username, once",
    answer(200, "Whether it was done; `error` is for people.", _OUTCOME),
    refusals(*BODY_FAULTS, Unavailable),
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
LOGOUT = operation(
    "End what is presented",
    answer(200, "The session has ended, and with it its login token.", EMPTY_OBJECT),
    redirection(303, "The same, for a page's form: on to the farewell page."),
    refusals(*BODY_FAULTS, InvalidCredential, Unavailable),
    description="Ends the sessions of the token and of the cookie, whichever are presented.",
    body=body(
        json=record(
            {"all": {"type": ["boolean", "null"], "description": _END_ALL}},
            optional=["all"],
            closed=False,
        ),
        form=record(
            {"all": {"enum": ["true", "false", ""], "description": _END_ALL}},
            optional=["all"],
            closed=False,
        ),
    ),
    security=REQUIRED,
)
