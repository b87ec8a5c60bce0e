"""Writing OpenAPI 3.1 Operation Objects, and the document of all routes."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache, cached_property, partial
from importlib.metadata import version
from typing import Any

from aiohttp import web

from dhq_auth.errors import (
    AuthError,
    Conflict,
    Forbidden,
    InvalidCredential,
    InvalidRequest,
    PayloadTooLarge,
    RequestTimeout,
    TooManyRequests,
    Unavailable,
    UnsupportedMediaType,
)
from dhq_auth.web.params import FORM, JSON
from dhq_auth.web.routing import Route

Schema = Mapping[str, Any]
Answers = dict[str, Schema]


class Document:
    """The OpenAPI document of those *routes* that have an operation.

    It is written when it is asked for: most processes never are.
    """

    def __init__(
        self, routes: Iterable[Route], *, external_address: str, session_cookie: str
    ) -> None:
        self._write = partial(_document, [*routes], external_address, session_cookie)

    @cached_property
    def content(self) -> dict[str, Any]:
        """What it says."""
        return self._write()


DOCUMENT = web.AppKey("DOCUMENT", Document)

TEXT: Schema = {"type": "string"}
PLAIN_TEXT: Schema = {"type": "string", "maxLength": 255, "pattern": r"^[^\u0000]*$"}
NULLABLE_TEXT: Schema = {"type": ["string", "null"]}
URI: Schema = {"type": "string", "format": "uri"}
TRUE: Schema = {"const": True}
FALSE: Schema = {"const": False}
NULL: Schema = {"const": None}
ANY_OBJECT: Schema = {"type": "object"}
EMPTY_OBJECT: Schema = {"type": "object", "maxProperties": 0}
PROBLEM: Schema = {"$ref": "#/components/schemas/Problem"}

CREDENTIALS = ("bearer", "auth_token", "jwt", "basic", "session")
REQUIRED: Sequence[Schema] = [{name: []} for name in CREDENTIALS]
OPTIONAL: Sequence[Schema] = [{}, *REQUIRED]

BODY_FAULTS = (InvalidRequest, RequestTimeout, PayloadTooLarge, UnsupportedMediaType)
_MORE_CODES = {
    InvalidRequest: ["malformed_request"],
    InvalidCredential: ["missing_credential"],
    Forbidden: [
        *("login_required", "reauthentication_required", "insufficient_scope"),
        *("wrong_password", "password_login_off", "registration_closed", "foreign_form"),
        *("setup_code_required", "origin_not_allowed", "original_request_unclear", "sessions_off"),
    ],
    Conflict: [
        *("username_taken", "email_taken", "last_administrator", "setup_done"),
        *("too_many_tokens", "policy_exists", "administrators_locked_out"),
    ],
}


def operation(
    summary: str,
    *answers: Answers,
    description: str = "",
    parameters: Sequence[Schema] = (),
    body: Schema | None = None,
    security: Sequence[Schema] = (),
) -> Schema:
    """Return an Operation Object; without *security* no credential is looked at."""
    responses = {status: each for part in answers for status, each in part.items()}
    written: dict[str, Any] = {
        "summary": summary,
        "responses": dict(sorted(responses.items())),
        "security": security,
    }
    optional = {"description": description, "parameters": parameters, "requestBody": body}
    return written | {name: value for name, value in optional.items() if value}


def record(
    properties: Mapping[str, Schema], *, optional: Iterable[str] = (), closed: bool = True
) -> Schema:
    """Return the schema of an object whose *properties* are required but for the *optional*."""
    schema = {
        "type": "object",
        "properties": dict(properties),
        "required": [name for name in properties if name not in set(optional)],
    }
    return {**schema, "additionalProperties": False} if closed else schema


def parameter(name: str, meaning: str, schema: Schema = TEXT, *, required: bool = False) -> Schema:
    """Return a Parameter Object of the query."""
    described = {"name": name, "in": "query", "description": meaning, "schema": schema}
    return {**described, "required": True} if required else described


def body(*, json: Schema, form: Schema, required: bool = False) -> Schema:
    """Return a Request Body Object: JSON or a form; a field that is not named is ignored."""
    each_once = {**form, "additionalProperties": TEXT}
    return {
        "required": required,
        "content": {JSON: {"schema": json}, FORM: {"schema": each_once}},
    }


def answer(
    status: int, meaning: str, schema: Schema, *, media_type: str = JSON, **headers: str
) -> Answers:
    """Return the Response Object of *status*, with the meaning of its further *headers*.

    An empty *schema* is for what is no JSON, nor text that says more than its type.
    """
    content: Schema = {"schema": schema} if schema else {}
    described = {"description": meaning, "content": {media_type: content}}
    return {str(status): _with_headers(described, headers)}


def redirection(status: int, meaning: str) -> Answers:
    """Return the Response Object of a redirect."""
    return {str(status): _with_headers({"description": meaning}, {"Location": "where to go on"})}


def refusals(*errors: type[AuthError], members: Mapping[str, Schema] | None = None) -> Answers:
    """Return the Response Objects of *errors*, of which each answer has these *members* too."""
    by_status: dict[int, list[type[AuthError]]] = {}
    for error in errors:
        by_status.setdefault(error.status, []).append(error)
    if members is None:
        return {str(status): _common_refusal(tuple(same)) for status, same in by_status.items()}
    return {str(status): _refusal(same, members) for status, same in by_status.items()}


def _document(
    routes: Iterable[Route], external_address: str, session_cookie: str
) -> dict[str, Any]:
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        if route.operation is not None:
            paths.setdefault(route.path, {})[route.method.lower()] = _told(route, route.operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "dhq-auth",
            "version": version("dhq-auth"),
            "description": "Log in anywhere, carry one signed token.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": external_address}],
        "paths": paths,
        "components": {
            "schemas": {"Problem": _PROBLEM},
            "headers": _HEADERS,
            "securitySchemes": {
                **_SECURITY,
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": session_cookie,
                    "description": "Counts from our own pages and in top-level navigations only.",
                },
            },
        },
    }


def _told(route: Route, written: Schema) -> Schema:
    """Return the operation of *route*, with its name, and the 503 of a service that is starting."""
    name = f"{route.method}{route.path}".lower().translate(_NO_IDENTIFIER)
    told = {"operationId": name, **written}
    if not route.early:
        told["responses"] = dict(sorted({**refusals(Unavailable), **written["responses"]}.items()))
    return told


@cache
def _common_refusal(errors: tuple[type[AuthError], ...]) -> Schema:
    """Return what most operations may answer: in memory once, since it is large."""
    return _refusal(errors, {})


def _refusal(errors: Sequence[type[AuthError]], members: Mapping[str, Schema]) -> Schema:
    codes = [code for error in errors for code in (error.code, *_MORE_CODES.get(error, ()))]
    told: Schema = record({"code": {"enum": codes}, **members}, closed=False)
    described = {
        "description": "; ".join(dict.fromkeys(error.title for error in errors)),
        "content": {
            "application/problem+json": {"schema": {"allOf": [PROBLEM, told]}},
            "text/html": {"schema": TEXT},
        },
    }
    headers = {}
    if any(issubclass(error, InvalidCredential) for error in errors):
        headers["WWW-Authenticate"] = "what would be accepted (RFC 6750 3)"
    if TooManyRequests in errors or Unavailable in errors:
        headers["Retry-After"] = "seconds to wait"
    return _with_headers(described, headers)


def _with_headers(response: dict[str, Any], headers: Mapping[str, str]) -> Schema:
    special = {
        name.replace("_", "-"): {"description": meaning, "required": True, "schema": TEXT}
        for name, meaning in headers.items()
    }
    return {**response, "headers": {**_COMMON, **special} if special else _COMMON}


_NO_IDENTIFIER = str.maketrans("/.-", "___", "{}")
_HEADERS = {
    "X-Request-Id": {
        "description": "the number to quote when asking about this answer",
        "required": True,
        "schema": TEXT,
    },
    "Cache-Control": {
        "description": "`no-store` for everything that carries a token or is about a person",
        "required": True,
        "schema": TEXT,
    },
}
_COMMON = {name: {"$ref": f"#/components/headers/{name}"} for name in _HEADERS}
_PROBLEM = {
    "type": "object",
    "description": "Problem Details (RFC 9457)",
    "properties": {
        "type": TEXT,
        "title": TEXT,
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "stable, for programs"},
        "detail": {"type": "string", "description": "for people"},
        "request_id": TEXT,
    },
    "required": ["type", "title", "status", "code", "request_id"],
}
_SECURITY = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API token (`6879-…`), a login token, or a JWT of a trusted issuer.",
    },
    "basic": {
        "type": "http",
        "scheme": "basic",
        "description": "A username or email, and the password.",
    },
    "auth_token": {
        "type": "apiKey",
        "in": "header",
        "name": "Auth-Token",
        "description": "Where it is empty, `jwt` counts.",
    },
    "jwt": {
        "type": "apiKey",
        "in": "query",
        "name": "jwt",
        "description": "With POST also a field of the form or of the JSON object.",
    },
}
