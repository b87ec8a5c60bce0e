"""What `/openapi.json` says of the routes of administration."""

from collections.abc import Mapping

from dhq_auth.errors import (
    Conflict,
    Forbidden,
    InsufficientScope,
    InvalidCredential,
    InvalidRequest,
    NotFound,
    TooManyRequests,
    Unavailable,
    WeakPassword,
    WrongPassword,
)
from dhq_auth.web.openapi import (
    BODY_FAULTS,
    EMPTY_OBJECT,
    NULLABLE_TEXT,
    REQUIRED,
    TEXT,
    Schema,
    answer,
    body,
    operation,
    parameter,
    record,
    refusals,
)

_FLAG: Schema = {"type": "boolean"}
_FORM_FLAG: Schema = {"enum": ["true", "false"]}
_TIME: Schema = {"type": "string", "format": "date-time"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
# One line of printable text.
_NAME: Schema = {"type": "string", "maxLength": 255, "pattern": "^[ -~]*$"}
_NAMES = ("name", "first_name", "last_name")
_USERNAME: Schema = {
    "type": "string",
    "maxLength": 64,
    "pattern": "^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$",
}
_EMAIL: Schema = {"type": "string", "maxLength": 254, "pattern": r"^[a-z0-9.]{1,64}@[a-z0-9.]+$"}
_PASSWORD: Schema = {"type": "string", "format": "password", "maxLength": 1024}
_CURSOR: Schema = {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"}

USER = record(
    {
        "id": {"type": "string", "description": "opaque; never used for somebody else"},
        "username": NULLABLE_TEXT,
        "email": NULLABLE_TEXT,
        "email_verified": {"type": "boolean", "description": "otherwise it is only claimed"},
        "first_name": NULLABLE_TEXT,
        "last_name": NULLABLE_TEXT,
        "name": NULLABLE_TEXT,
        "avatar_url": NULLABLE_TEXT,
        "is_admin": _FLAG,
        "is_active": {"type": "boolean", "description": "a disabled user has no access at all"},
        "created_at": _TIME,
        "updated_at": _TIME,
    }
)
_NEW_USER = {
    "username": _USERNAME,
    "email": _EMAIL,
    "password": _PASSWORD,
    **dict.fromkeys(_NAMES, _NAME),
}
_CLEARABLE: Schema = {**_NAME, "type": ["string", "null"]}
_CHANGES = dict.fromkeys(_NAMES, _CLEARABLE)
_FORM_CHANGES = dict.fromkeys(_NAMES, _NAME)
_RIGHTS = ("is_admin", "is_active")
_ID = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "the id of a user",
    "schema": {"type": "string", "minLength": 1},
}
_NOT_ALLOWED = (InvalidCredential, WrongPassword, Forbidden, InsufficientScope)
_ALWAYS = (*_NOT_ALLOWED, TooManyRequests, Unavailable)
MINE = parameter(
    "mine",
    "read what is the caller's own, by the policies for `read_mine`",
    {"enum": ["", "true", "false"]},
)
_GUARDED = "For whom the policies on `auth_users` let: by default administrators."
_LAST = "The last enabled administrator can be neither deleted, demoted nor disabled."
_ENDS = "Every session and token of the user ends at once."


def _open(properties: Mapping[str, Schema]) -> Schema:
    """Return the schema of an object that may have these properties, and others."""
    return record(properties, optional=properties, closed=False)


LIST = operation(
    "List users",
    answer(
        200,
        "A page of users, the oldest first.",
        record({"items": {"type": "array", "items": USER}, "next": NULLABLE_TEXT}),
    ),
    refusals(InvalidRequest, *_ALWAYS),
    description=f"{_GUARDED} Who is added while one turns pages is on the last one.",
    parameters=[
        MINE,
        parameter(
            "limit",
            "users of a page",
            {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100},
        ),
        parameter("cursor", "`next` of the page before", _CURSOR),
    ],
    security=REQUIRED,
)
ADD = operation(
    "Add a user",
    answer(201, "The user.", USER),
    refusals(*BODY_FAULTS, WeakPassword, Conflict, *_ALWAYS),
    description=f"{_GUARDED} At least a username or an email; one that an administrator "
    "gives counts as verified. Names that nobody can choose, such as `support`, may be given. What is not named "
    "here is ignored.",
    body=body(
        json=_open({**_NEW_USER, "is_admin": _FLAG}),
        form=_open({**_NEW_USER, "is_admin": _FORM_FLAG}),
        required=True,
    ),
    security=REQUIRED,
)
SHOW = operation(
    "Get a user",
    answer(200, "The user.", USER),
    refusals(InvalidRequest, NotFound, *_ALWAYS),
    description=_GUARDED,
    parameters=[_ID],
    security=REQUIRED,
)
CHANGE = operation(
    "Change a user",
    answer(200, "The user as it is now.", USER),
    refusals(*BODY_FAULTS, NotFound, Conflict, *_ALWAYS),
    description=f"{_GUARDED} What is not sent stays; null clears a name; what is not "
    f"named here, such as email and password, is ignored. With `is_active: false`: {_ENDS} {_LAST}",
    parameters=[_ID],
    body=body(
        json=_open({**_CHANGES, **dict.fromkeys(_RIGHTS, _FLAG)}),
        form=_open({**_FORM_CHANGES, **dict.fromkeys(_RIGHTS, _FORM_FLAG)}),
    ),
    security=REQUIRED,
)
DELETE = operation(
    "Delete a user",
    answer(200, "The user is gone, with all that was the user's.", EMPTY_OBJECT),
    refusals(*BODY_FAULTS, NotFound, Conflict, *_ALWAYS),
    description=f"{_GUARDED} {_ENDS} {_LAST}",
    parameters=[_ID],
    security=REQUIRED,
)
SHOW_ME = operation(
    "Get one's own record",
    answer(200, "The user who is asking.", USER),
    refusals(InvalidRequest, *_ALWAYS),
    security=REQUIRED,
)
CHANGE_ME = operation(
    "Change one's own names",
    answer(200, "The user as it is now.", USER),
    refusals(*BODY_FAULTS, NotFound, *_ALWAYS),
    description="What is not sent stays; null clears a name; what is not named here is ignored, "
    "rights, email and password too.",
    body=body(json=_open(_CHANGES), form=_open(_FORM_CHANGES)),
    security=REQUIRED,
)
DELETE_ME = operation(
    "Delete one's own account",
    answer(200, "The account is gone, with all that was its own.", EMPTY_OBJECT),
    refusals(*BODY_FAULTS, Conflict, *_ALWAYS),
    description=f"Needs a login of the last ten minutes, or name and password. {_ENDS} {_LAST}",
    security=REQUIRED,
)
SETUP = operation(
    "Make the first administrator, once",
    answer(
        201,
        "Shown this once; the password is to be changed within seven days.",
        record({"username": TEXT, "password": _PASSWORD}),
    ),
    refusals(*BODY_FAULTS, Forbidden, Conflict, TooManyRequests, Unavailable),
    description="From this machine itself, with EXTERNAL_ADDRESS and `Host` loopback and not "
    "led by a page of another site, without a code; otherwise with the setup code, which the "
    "start has written to a file (code `setup_code_required`). 409 afterwards, and where there "
    "is an administrator.",
    body=body(json=_open({"code": NULLABLE_TEXT}), form=_open({"code": TEXT})),
)
STATUS = operation(
    "Whether the service is there", answer(200, "It is.", record({"status": {"const": "OK"}}))
)
STATS = operation(
    "How many there are",
    answer(
        200,
        "Enabled users, and the sessions and API tokens that can be used.",
        record(dict.fromkeys(("users", "sessions", "tokens"), _COUNT)),
    ),
    refusals(InvalidRequest, *_ALWAYS),
    security=REQUIRED,
)
UNAUTHORIZED = operation("A 401, to look at", refusals(InvalidCredential))
FORBIDDEN = operation("A 403, to look at", refusals(Forbidden))
