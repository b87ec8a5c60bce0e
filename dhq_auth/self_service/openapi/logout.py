"""What `/openapi.json` says of the logout."""

from dhq_auth.errors import Forbidden, InvalidCredential, TooManyRequests, Unavailable
from dhq_auth.web.openapi import (
    BODY_FAULTS,
    EMPTY_OBJECT,
    REQUIRED,
    answer,
    body,
    operation,
    record,
    redirection,
    refusals,
)

_END_ALL = "end every session and token of the user"

LOGOUT = operation(
    "End what is presented",
    answer(200, "The session has ended, and with it its login token.", EMPTY_OBJECT),
    redirection(303, "The same, for a page's form: on to the farewell page."),
    refusals(*BODY_FAULTS, InvalidCredential, Forbidden, TooManyRequests, Unavailable),
    description="Ends the sessions of the token and of the cookie, whichever are presented. "
    "Name and password have none: with them send `all`.",
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
