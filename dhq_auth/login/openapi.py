"""What `/openapi.json` says of the routes of a login."""

from dhq_auth.errors import (
    Conflict,
    InvalidGrant,
    InvalidRequest,
    LoginFailed,
    NotFound,
    RedirectNotAllowed,
    TooManyRequests,
    Unavailable,
    UpstreamFailed,
    UpstreamTimeout,
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
EXCHANGE = operation(
    "Redeem a one-time login code",
    answer(
        200,
        "The login token.",
        record(
            {
                "token": TEXT,
                "expires_in": {"type": "integer", "description": "seconds"},
                "profile": _PROFILE,
            }
        ),
    ),
    refusals(*BODY_FAULTS, InvalidGrant, Unavailable),
    body=body(json=_REDEMPTION, form=_REDEMPTION, required=True),
)
