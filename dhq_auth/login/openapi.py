"""What `/openapi.json` says of the routes of a login."""

from dhq_auth.errors import (
    Conflict,
    Forbidden,
    InvalidGrant,
    InvalidRequest,
    LoginFailed,
    NotFound,
    RedirectNotAllowed,
    TooManyRequests,
    Unavailable,
    UpstreamFailed,
    UpstreamTimeout,
    WeakPassword,
    WrongPassword,
)
from dhq_auth.web.openapi import (
    BODY_FAULTS,
    FALSE,
    NULLABLE_TEXT,
    OPTIONAL,
    PLAIN_TEXT,
    TEXT,
    TRUE,
    URI,
    answer,
    body,
    operation,
    parameter,
    record,
    redirection,
    refusals,
)

_PROFILE = record(
    {
        "id": {"type": "string", "description": "opaque; never used for somebody else"},
        "idhash": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
        "name": NULLABLE_TEXT,
        "email": NULLABLE_TEXT,
        "email_verified": {"type": "boolean", "description": "otherwise it is only claimed"},
        "avatar_url": NULLABLE_TEXT,
        "join_date": {"type": "string", "description": "RFC 1123, GMT"},
        "provider_id": {**NULLABLE_TEXT, "description": "such as `github:42`"},
        "username": {"type": "string", "description": "only if one was chosen"},
    },
    optional=["username"],
)
_KNOWN = record({"authenticated": TRUE, "profile": _PROFILE})
_UNKNOWN = record(
    {
        "authenticated": FALSE,
        "reason": {"enum": ["missing", "expired", "revoked", "invalid"]},
        "providers": {
            "type": "object",
            "description": "the providers that are configured, by name",
            "additionalProperties": record({"url": URI}),
        },
    }
)
_NEXT = parameter(
    "next", "where the login leads; inside ALLOWED_REDIRECTS", {"anyOf": [URI, {"const": ""}]}
)

CHECK = operation(
    "Who presents this credential, or where one can log in",
    answer(200, "Known or not: both are an answer.", {"oneOf": [_KNOWN, _UNKNOWN]}),
    refusals(InvalidRequest, RedirectNotAllowed, Unavailable),
    parameters=[_NEXT],
    security=OPTIONAL,
)
LOGIN = operation(
    "Send the browser to a login provider",
    redirection(302, "On to the provider; the login is bound to this browser by a cookie."),
    refusals(
        InvalidRequest,
        RedirectNotAllowed,
        NotFound,
        TooManyRequests,
        Unavailable,
        UpstreamFailed,
        UpstreamTimeout,
    ),
    parameters=[
        {
            "name": "provider",
            "in": "path",
            "required": True,
            "description": "a key of `providers` in the answer of /auth/check",
            "schema": TEXT,
        },
        _NEXT,
        parameter(
            "login_hint",
            "who is to log in, told on to the provider",
            {**PLAIN_TEXT, "maxLength": 320},
        ),
        parameter(
            "response_mode",
            "what `next` gets: the login token as `jwt`, or a one-time `code` for /auth/exchange",
            {"enum": ["jwt", "code"], "default": "jwt"},
        ),
        parameter(
            "code_challenge",
            "with `response_mode=code`: the SHA-256 of the `code_verifier` (RFC 7636 4.2)",
            {"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"},
        ),
        parameter("code_challenge_method", "S256 is the only one", {"enum": ["S256"]}),
    ],
)
CALLBACK = operation(
    "Where the login providers send the browser back to",
    redirection(302, "On to `next`, with the query parameter `jwt` (or `code`) added last."),
    refusals(InvalidRequest, LoginFailed, NotFound, Conflict, Unavailable),
    refusals(UpstreamFailed, UpstreamTimeout),
    description="A login that is refused or fails ends here: on a page that says why and leads "
    "back, never with a token.",
    parameters=[
        parameter("state", "what we sent to the provider; spent by this request"),
        parameter("code", "what the login token is made from"),
        parameter("iss", "who answers (RFC 9207)"),
        parameter("error", "why there is no code (RFC 6749 4.1.2.1)"),
        parameter("error_description", "the same for people; it is not shown"),
    ],
)
_REDEMPTION = record(
    {
        "code": {"type": "string", "minLength": 1, "description": "redeemed once, for a minute"},
        "code_verifier": {"type": "string", "pattern": "^[A-Za-z0-9._~-]{43,128}$"},
    },
    closed=False,
)
_LOGIN = record(
    {
        "token": TEXT,
        "expires_in": {"type": "integer", "description": "seconds"},
        "profile": _PROFILE,
    }
)
EXCHANGE = operation(
    "Redeem a one-time login code",
    answer(200, "The login token.", _LOGIN),
    refusals(*BODY_FAULTS, InvalidGrant, Unavailable),
    body=body(json=_REDEMPTION, form=_REDEMPTION, required=True),
)

_NAME = {"type": ["string", "null"], "description": "one of username and email is needed"}
_PERSON = {"type": ["string", "null"], "maxLength": 255}
_NAMED = {"username": _NAME, "email": _NAME}
_PASSWORD = {"type": "string", "minLength": 1, "maxLength": 1024}
_CREDENTIALS = record({**_NAMED, "password": _PASSWORD}, optional=_NAMED, closed=False)
_NAMES = {"name": _PERSON, "first_name": _PERSON, "last_name": _PERSON}
_REGISTRATION = record(
    {**_NAMED, "password": _PASSWORD, **_NAMES}, optional=[*_NAMED, *_NAMES], closed=False
)
_FORM = (
    "A page's form is answered with 303, to `next` with the query parameter `jwt` (or `code`), "
    "else to /profile; `next`, `response_mode` and `code_challenge` are as for a login at a "
    "provider."
)

PASSWORD_LOGIN = operation(
    "Log in with name and password",
    answer(200, "The login token; a session cookie is set, too.", _LOGIN),
    redirection(303, "The same, for a page's form."),
    refusals(*BODY_FAULTS, RedirectNotAllowed, WrongPassword, Forbidden),
    refusals(TooManyRequests, Unavailable),
    description=f"An unknown name and a wrong password are answered alike. {_FORM}",
    body=body(json=_CREDENTIALS, form=_CREDENTIALS, required=True),
)
REGISTER = operation(
    "Make an account with a password",
    answer(201, "The account.", record({"id": TEXT, "username": NULLABLE_TEXT})),
    redirection(303, "The same, for a page's form, which is logged in by that."),
    refusals(*BODY_FAULTS, WeakPassword, RedirectNotAllowed, Forbidden, Conflict),
    refusals(TooManyRequests, Unavailable),
    description="A username that is taken is refused; of an email nothing is told. "
    f"REGISTRATION=closed refuses with 403. {_FORM}",
    body=body(json=_REGISTRATION, form=_REGISTRATION, required=True),
)
