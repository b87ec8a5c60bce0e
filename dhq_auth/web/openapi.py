"""Writing OpenAPI 3.1 Operation Objects, and the document of all routes."""

from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

from dhq_auth.web.routing import Route

Schema = Mapping[str, Any]

TEXT: Schema = {"type": "string"}
NULLABLE_TEXT: Schema = {"type": ["string", "null"]}
PROBLEM: Schema = {"$ref": "#/components/schemas/Problem"}


def record(
    properties: Mapping[str, Schema], *, optional: Iterable[str] = (), closed: bool = False
) -> Schema:
    """Return the schema of an object whose *properties* are required but for the *optional*."""
    schema = {
        "type": "object",
        "properties": dict(properties),
        "required": [name for name in properties if name not in set(optional)],
    }
    return {**schema, "additionalProperties": False} if closed else schema


def parameter(name: str, meaning: str, schema: Schema = TEXT, **more: Any) -> Mapping[str, Any]:
    """Return a Parameter Object of the query."""
    return {"name": name, "in": "query", "description": meaning, "schema": schema, **more}


def answer(meaning: str, schema: Schema, media_type: str = "application/json") -> Schema:
    """Return a Response Object."""
    return {"description": meaning, "content": {media_type: {"schema": schema}}}


def problem(meaning: str) -> Schema:
    """Return the Response Object of a refusal."""
    return answer(meaning, PROBLEM, "application/problem+json")


def document(routes: Iterable[Route], external_address: str) -> dict[str, Any]:
    """Return the OpenAPI document of those *routes* that have an operation."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        if route.operation is not None:
            name = f"{route.method.lower()}{route.path.replace('/', '_').replace('.', '_')}"
            operation = {"operationId": name.replace("{", "").replace("}", ""), **route.operation}
            paths.setdefault(route.path, {})[route.method.lower()] = operation
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
        "components": {"schemas": {"Problem": _PROBLEM}, "securitySchemes": _SECURITY},
    }


_PROBLEM = {
    "type": "object",
    "description": "RFC 9457 Problem Details",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "stable, for programs"},
        "detail": {"type": "string"},
        "request_id": {"type": ["string", "null"]},
    },
    "required": ["type", "title", "status", "code", "request_id"],
}
_SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "auth_token": {"type": "apiKey", "in": "header", "name": "Auth-Token"},
    "jwt": {"type": "apiKey", "in": "query", "name": "jwt"},
    "session": {"type": "apiKey", "in": "cookie", "name": "session"},
}
