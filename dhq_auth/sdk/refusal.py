"""How the middlewares say that something is refused (RFC 9457, RFC 6750 3)."""

import json
from dataclasses import dataclass
from typing import Final

from dhq_auth.sdk.decision import Denied
from dhq_auth.sdk.remote import Unavailable
from dhq_auth.sdk.service_token import InvalidToken

REFUSED: Final = (InvalidToken, Denied, Unavailable)
"""The exceptions that a middleware turns into an answer."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer: status, headers, body."""

    status: int
    headers: dict[str, str]
    body: bytes


def refusal(error: InvalidToken | Denied | Unavailable) -> Refusal:
    """Return the answer that says *error*, and no more than the caller may know of it."""
    match error:
        case Unavailable():
            headers = {"Retry-After": str(error.retry_after)}
            return _problem(503, "unavailable", "Try again soon", headers)
        case InvalidToken():
            challenge = 'Bearer error="invalid_token"'
            return _problem(
                401, "invalid_token", "Not authenticated", {"WWW-Authenticate": challenge}, error
            )
        case Denied(status=401):
            return missing()
    return _problem(403, "forbidden", "Not allowed", {}, error)


def missing() -> Refusal:
    """Return the answer to one who presented nothing where a token is needed."""
    headers = {"WWW-Authenticate": "Bearer"}  # what is missing is no error: RFC 6750 3
    return _problem(401, "missing_credential", "Not authenticated", headers)


def _problem(
    status: int, code: str, title: str, headers: dict[str, str], error: Exception | None = None
) -> Refusal:
    problem: dict[str, object] = {"type": "about:blank", "title": title, "status": status}
    problem["code"] = code
    if error is not None:
        problem["detail"] = str(error)
    headers = {"Content-Type": "application/problem+json", "Cache-Control": "no-store", **headers}
    return Refusal(status, headers, json.dumps(problem).encode())
