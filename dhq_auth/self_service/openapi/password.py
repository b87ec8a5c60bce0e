"""What `/openapi.json` says of changing a password."""

from dhq_auth.errors import Conflict, WeakPassword
from dhq_auth.self_service.openapi.parts import LOGIN_FAULTS
from dhq_auth.web.openapi import (
    ANY_OBJECT,
    BODY_FAULTS,
    NULLABLE_TEXT,
    REQUIRED,
    TEXT,
    answer,
    body,
    operation,
    record,
    redirection,
    refusals,
)

_LOGIN = record(
    {"token": TEXT, "expires_in": {"type": "integer"}, "profile": ANY_OBJECT}, closed=False
)
_FIELDS = {"current_password": NULLABLE_TEXT, "new_password": TEXT}

CHANGE = operation(
    "Change one's own password",
    answer(200, "A new login, as after `/auth/login`, and its cookie.", _LOGIN),
    redirection(303, "The same, for a page's form: back to the profile."),
    refusals(*BODY_FAULTS, WeakPassword, Conflict, *LOGIN_FAULTS),
    description="Ends every session, login token and API token of the user, the one that is "
    "presented too. A wrong current password is 403 with the code `wrong_password`. Who has no "
    "password yet leaves `current_password` out, needs a login of the last ten minutes (403, "
    "`reauthentication_required`), and nothing else ends.",
    body=body(
        json=record(_FIELDS, optional=["current_password"], closed=False),
        form=record(
            {"current_password": TEXT, "new_password": TEXT},
            optional=["current_password"],
            closed=False,
        ),
        required=True,
    ),
    security=REQUIRED,
)
