"""What `/openapi.json` says of API tokens."""

from dhq_auth.errors import Conflict, InvalidRequest, NotFound, WrongPassword
from dhq_auth.self_service.openapi.parts import (
    DONE,
    ID,
    LOGIN_FAULTS,
    NULLABLE_TIME,
    PART,
    PATH_ID,
    SCOPES,
    TIME,
    collection,
)
from dhq_auth.web.openapi import (
    BODY_FAULTS,
    NULLABLE_TEXT,
    OPTIONAL,
    REQUIRED,
    TEXT,
    TRUE,
    answer,
    body,
    operation,
    record,
    refusals,
)

TOKEN = record(
    {
        "token_id": ID,
        "title": TEXT,
        "hint": {**TEXT, "description": "the last four characters of its value"},
        "developer": {"type": "boolean", "description": "whether it is the developer token"},
        "scopes": SCOPES,
        "created_at": TIME,
        "expires_at": {**NULLABLE_TIME, "description": "null: never"},
        "used_at": {**NULLABLE_TIME, "description": "its last use, to the minute"},
        "revoked_at": NULLABLE_TIME,
    }
)
MADE = record(
    {
        "success": TRUE,
        "token": {**TEXT, "pattern": "^6879-[0-9A-Za-z]{49}$", "description": "shown this once"},
        "token_id": ID,
        "title": TEXT,
        "expires_at": NULLABLE_TIME,
    }
)
_NAME_AND_PASSWORD = {
    "username": {**NULLABLE_TEXT, "description": "or `email`, beside `password`"},
    "email": NULLABLE_TEXT,
    "password": NULLABLE_TEXT,
}
_WANTED = {
    "title": {**NULLABLE_TEXT, "maxLength": 255},
    "expires_in": {"type": ["integer", "null"], "description": "seconds; null: never expires"},
    "expires_at": {**NULLABLE_TIME, "description": "instead of `expires_in`"},
    "scopes": {
        "oneOf": [{"type": "array", "items": TEXT, "minItems": 1}, {"type": ["string", "null"]}],
        "description": "`profile`, `policies`, `admin`, `authorize:SERVICE`, as a list or with "
        "blanks between them; without any the token may do all that its owner may",
    },
}
_MAKE = {**_WANTED, **_NAME_AND_PASSWORD}
_REVOKE = {"token": {**TEXT, "minLength": 1}, "token_id": {**TEXT, "minLength": 1}}
_USER = {"type": ["object", "null"], "properties": _NAME_AND_PASSWORD}
_IN_FORM = dict.fromkeys((*_WANTED, *_NAME_AND_PASSWORD), TEXT)

LIST = operation(
    "One's own API tokens",
    answer(200, "Those that ended in the last 30 days, too; never a value.", collection(TOKEN)),
    refusals(InvalidRequest, *LOGIN_FAULTS),
    parameters=PART,
    security=REQUIRED,
)
MAKE = operation(
    "Make an API token",
    answer(201, "The token, of which a digest alone is kept.", MADE),
    refusals(*BODY_FAULTS, Conflict, WrongPassword, *LOGIN_FAULTS),
    description="By a login, or by name and password in the body in its place.",
    body=body(
        json=record(_MAKE, optional=_MAKE, closed=False),
        form=record(_IN_FORM, optional=_IN_FORM, closed=False),
    ),
    security=OPTIONAL,
)
END_ONE = operation(
    "Revoke one API token",
    answer(200, "It counts no more.", DONE),
    refusals(*BODY_FAULTS, NotFound, *LOGIN_FAULTS),
    parameters=[PATH_ID],
    security=REQUIRED,
)
END_ALL = operation(
    "Revoke all of one's own API tokens",
    answer(200, "None counts any more, the developer token neither.", DONE),
    refusals(*BODY_FAULTS, *LOGIN_FAULTS),
    security=REQUIRED,
)
REVOKE = operation(
    "Revoke an API token by value or id, or all",
    answer(200, "It counts no more; without `token` and `token_id`: none does.", DONE),
    refusals(*BODY_FAULTS, NotFound, WrongPassword, *LOGIN_FAULTS),
    description="By a login, or by name and password as `user` in its place (JSON alone).",
    body=body(
        json=record({**_REVOKE, "user": _USER}, optional=[*_REVOKE, "user"], closed=False),
        form=record(_REVOKE, optional=_REVOKE, closed=False),
    ),
    security=OPTIONAL,
)
