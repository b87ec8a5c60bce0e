"""What `/openapi.json` says of the question of proxies."""

from dhq_auth.errors import (
    Forbidden,
    InvalidCredential,
    InvalidRequest,
    TooManyRequests,
    Unavailable,
)
from dhq_auth.web.openapi import (
    EMPTY_OBJECT,
    REQUIRED,
    TEXT,
    Schema,
    answer,
    operation,
    redirection,
    refusals,
)


def _header(name: str, meaning: str) -> Schema:
    return {"name": name, "in": "header", "description": meaning, "schema": TEXT}


VERIFY = operation(
    "Whether a proxy may let a request through",
    answer(
        200,
        "It may. `X-Auth-User` is the id, `X-Auth-Username` is there if one was chosen, "
        "`X-Auth-Email` if it is verified: percent-encoded UTF-8.",
        EMPTY_OBJECT,
    ),
    redirection(
        302, "To the login, and from there back: for a browser, if `X-Auth-Redirect` is on."
    ),
    refusals(InvalidRequest, InvalidCredential, Forbidden, TooManyRequests, Unavailable),
    description="For nginx `auth_request`, Traefik and Caddy forward-auth, and Envoy, which "
    "appends the path: any method, `/auth/verify/…` too. The headers below count from "
    "TRUSTED_PROXIES alone. A 401 to a browser has the address of the login in `X-Auth-Login`.",
    parameters=[
        _header("X-Auth-Redirect", "`on`: lead browsers to the login by 302"),
        _header("X-Original-URL", "what the browser asked for (nginx)"),
        _header("X-Original-Method", "and how"),
        _header("X-Forwarded-Proto", "`https` or `http` (Traefik, Caddy)"),
        _header("X-Forwarded-Host", "host and port"),
        _header("X-Forwarded-Uri", "path and query"),
        _header("X-Forwarded-Method", "the method"),
    ],
    security=REQUIRED,
)
