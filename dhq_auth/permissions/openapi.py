"""What `/openapi.json` says of the routes of permission tokens."""

from dhq_auth.errors import (
    Forbidden,
    InvalidCredential,
    InvalidRequest,
    RevocationsGone,
    TooManyRequests,
    Unavailable,
    UnknownService,
    UpstreamFailed,
    UpstreamTimeout,
)
from dhq_auth.web.openapi import (
    EMPTY_OBJECT,
    PLAIN_TEXT,
    REQUIRED,
    TEXT,
    Answers,
    answer,
    operation,
    parameter,
    record,
    refusals,
)

_GRANTED = record(
    {
        "token": {"type": "string", "description": "the same, as a signed JWT (RS256)"},
        "userid": TEXT,
        "permissions": {
            "type": "object",
            "description": "what the user may do; true only where nothing else is to be asked",
        },
        "service": TEXT,
        "filters": {"type": "object", "description": "what is allowed under conditions"},
        "fresh_for": {
            "type": "integer",
            "minimum": 0,
            "description": "seconds in which the service need not ask again",
        },
        "stale_since": {
            "type": "string",
            "format": "date-time",
            "description": "set where an earlier answer stands in for a provider that failed",
        },
        "explanation": {
            "type": ["object", "null"],
            "description": "why, if it was asked for; null where the provider does not say",
        },
    },
    optional=("filters", "fresh_for", "stale_since", "explanation"),
)
_PUBLIC_JWK = record(
    {
        "kty": {"const": "RSA"},
        "kid": {"type": "string", "description": "the RFC 7638 thumbprint"},
        "use": {"const": "sig"},
        "alg": {"const": "RS256"},
        "n": TEXT,
        "e": TEXT,
    }
)

_NOT_MODIFIED: Answers = {"304": {"description": "What `If-None-Match` names still holds."}}

AUTHORIZE = operation(
    "What the user may do in a service, signed",
    answer(200, "What the user may do.", _GRANTED),
    refusals(
        InvalidRequest,
        InvalidCredential,
        Forbidden,
        UnknownService,
        TooManyRequests,
        UpstreamFailed,
        Unavailable,
        UpstreamTimeout,
        members={"permissions": EMPTY_OBJECT},
    ),
    parameters=[
        parameter(
            "service", "one of ALLOWED_SERVICES", {**PLAIN_TEXT, "minLength": 1}, required=True
        ),
        parameter(
            "explain", "whether to say why, beside the token", {"enum": ["1", "true", "0", "false"]}
        ),
    ],
    security=REQUIRED,
)
PUBLIC_KEY = operation(
    "The key by which service tokens are checked, as PEM",
    answer(200, "The public key that signs now (SPKI).", TEXT, media_type="text/plain"),
    _NOT_MODIFIED,
    refusals(Unavailable),
)
JWKS = operation(
    "The keys by which service tokens are checked, as a JWK set",
    answer(
        200,
        "All service keys, those announced included.",
        record({"keys": {"type": "array", "items": _PUBLIC_JWK}}),
    ),
    _NOT_MODIFIED,
)
REVOCATIONS = operation(
    "What was revoked before its time, for services that check tokens without asking",
    answer(
        200,
        "A page as a JWT (`typ: revocations+jwt`, `aud: revocations`), signed by the key of service "
        "tokens. Its claims: `entries`, each with `at` (seconds) and one of `sid`, `jti`, `user` "
        "(tokens issued until `at`), `kid`; `next`, to be sent as `since`; `more`, whether there is "
        "more already; `kept`, for how many seconds entries count.",
        {},
        media_type="application/jwt",
    ),
    refusals(InvalidRequest, RevocationsGone, Unavailable),
    parameters=[
        parameter(
            "since",
            "`next` of the page before; without it, all that counts is told, and nothing awaited",
            {"type": "string", "pattern": "^([0-9]{1,18}(-[0-9a-f]{8})?)?$"},
        ),
        parameter(
            "wait",
            "seconds to wait for something new",
            {"type": "integer", "minimum": 0, "maximum": 25, "default": 25},
        ),
    ],
)
