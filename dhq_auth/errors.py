"""Everything that can be refused, as one tree.

::

    AuthError
    ├── InvalidRequest           400  the request itself is at fault
    │   ├── RedirectNotAllowed        `next` leads where tokens must not go
    │   ├── LoginFailed               the login was begun elsewhere, too long ago, or refused
    │   ├── WeakPassword              nobody may have this password; the detail says why
    │   ├── InvalidGrant              a one-time code is unknown, spent or expired
    │   ├── PayloadTooLarge      413
    │   ├── UnsupportedMediaType 415
    │   └── RequestTimeout       408
    ├── InvalidCredential        401  no credential, or one that does not hold
    │   └── WrongPassword             or no such user: it is never said which
    ├── Forbidden                403
    │   └── InsufficientScope         the token was made for less
    ├── NotFound                 404
    │   └── UnknownService            with empty permissions, as clients of 0.1.6 expect
    ├── MethodNotAllowed         405
    ├── Conflict                 409
    ├── RevocationsGone          410  the feed does not go on from there
    ├── InvalidExpression        422  a policy's expression is not of the grammar
    ├── TooManyRequests          429  with Retry-After
    ├── UpstreamFailed           502  somebody whom we asked answered nonsense
    ├── Unavailable              503  with Retry-After
    └── UpstreamTimeout          504

`code` is stable, for programs; the message is for people, and holds no secret nor somebody else's
exception. One middleware turns these into RFC 9457 answers; pages say them in their reader's tongue.
"""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from dhq_auth.message import Message


class AuthError(Exception):
    """A refusal: what the caller may know about it.

    `extra` is added to the answer for programs; `way_back` is where a person can try again.
    """

    status: ClassVar[int] = 500
    code: str = "internal_error"
    title: ClassVar[str] = "Something went wrong on our side"

    def __init__(self, detail: str = "", *, code: str | None = None, **extra: Any) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        if code is not None:
            self.code = code
        self.extra = extra
        self.way_back: str | None = None

    @property
    def headers(self) -> Mapping[str, str]:
        """The response headers that this refusal demands."""
        return {}


class InvalidRequest(AuthError):
    """The request is malformed; the detail says what would be right."""

    status = 400
    code = "invalid_request"
    title = "The request is not valid"


class RedirectNotAllowed(InvalidRequest):
    """`next` is outside ALLOWED_REDIRECTS."""

    code = "redirect_not_allowed"
    title = "This address may not receive a login"


class LoginFailed(InvalidRequest):
    """The login cannot be completed; the user can start again."""

    code = "login_failed"
    title = "The login did not succeed"


class WeakPassword(InvalidRequest):
    """A password that is easy to guess, or cannot be one; `reason` says why (SP 800-63B-4 3.1.1.2).

    The reasons are too_short, too_long, characters, repeated, sequence, context, common and unchanged.
    """

    code = "weak_password"
    title = "This password cannot be used"

    def __init__(self, detail: str, *, reason: str) -> None:
        super().__init__(detail, reason=reason)
        self.reason = reason


class InvalidGrant(InvalidRequest):
    """A one-time code is unknown, spent, expired or not yours (RFC 6749 5.2)."""

    code = "invalid_grant"
    title = "The code is not valid"


class PayloadTooLarge(InvalidRequest):
    """The body is larger than MAX_BODY."""

    status = 413
    code = "payload_too_large"
    title = "The request is too large"


class UnsupportedMediaType(InvalidRequest):
    """The body is neither JSON nor a form."""

    status = 415
    code = "unsupported_media_type"
    title = "The body has a type that is not understood"


class RequestTimeout(InvalidRequest):
    """The body did not arrive in time."""

    status = 408
    code = "request_timeout"
    title = "The request took too long to arrive"


class InvalidCredential(AuthError):
    """No credential, or one that does not hold; `reason` says which (RFC 6750 3.1)."""

    status = 401
    code = "invalid_token"
    title = "Not authenticated"

    def __init__(self, detail: str = "", *, reason: str = "invalid") -> None:
        super().__init__(detail, code="missing_credential" if reason == "missing" else None)
        self.reason = reason
        self.scheme = "Bearer"

    @property
    def headers(self) -> Mapping[str, str]:
        """Return the challenge; a missing credential is no error (RFC 6750 3, RFC 7617 2)."""
        challenge = f'{self.scheme} realm="dhq-auth"'
        if self.scheme == "Basic":
            challenge += ', charset="UTF-8"'
        elif self.code == "invalid_token":
            challenge += ', error="invalid_token"'
        return {"WWW-Authenticate": challenge}


class WrongPassword(InvalidCredential):
    """Name and password do not go together; it is never said which of them is wrong."""

    code = "wrong_password"
    title = "The name or the password is wrong"

    def __init__(self) -> None:
        super().__init__("There is no account with this name and password.")


class Forbidden(AuthError):
    """The caller is known, and may not."""

    status = 403
    code = "forbidden"
    title = "Not allowed"


class InsufficientScope(Forbidden):
    """The token was made for less than this (RFC 6750 3.1)."""

    code = "insufficient_scope"
    title = "This token may not be used for that"

    def __init__(self, scope: str) -> None:
        super().__init__(Message("The token needs the scope {scope}.", scope=scope))
        self.scope = scope

    @property
    def headers(self) -> Mapping[str, str]:
        """Name the scope that is missing, unless a header cannot hold it (RFC 6749 3.3)."""
        challenge = 'Bearer realm="dhq-auth", error="insufficient_scope"'
        if re.fullmatch(r"[!#-\[\]-~]+", self.scope):
            challenge += f', scope="{self.scope}"'
        return {"WWW-Authenticate": challenge}


class NotFound(AuthError):
    """There is no such thing, or none of yours."""

    status = 404
    code = "not_found"
    title = "Not found"


class UnknownService(NotFound):
    """The service is not in ALLOWED_SERVICES."""

    code = "unknown_service"
    title = "This service is not known here"


class MethodNotAllowed(AuthError):
    """The route exists, for other methods."""

    status = 405
    code = "method_not_allowed"
    title = "This method is not for this address"

    def __init__(self, allowed: list[str]) -> None:
        super().__init__(Message("Use {allowed}.", allowed=" or ".join(allowed)))
        self.allowed = allowed

    @property
    def headers(self) -> Mapping[str, str]:
        """Name what is allowed (RFC 9110 10.2.1)."""
        return {"Allow": ", ".join(self.allowed)}


class Conflict(AuthError):
    """It exists already, or has changed meanwhile."""

    status = 409
    code = "conflict"
    title = "This conflicts with what is there"


class RevocationsGone(AuthError):
    """The feed of revocations does not go on from where the caller was: begin anew."""

    status = 410
    code = "revocations_gone"
    title = "Begin anew, without since"


class InvalidExpression(AuthError):
    """A policy's expression cannot be read; `position` counts characters from 1."""

    status = 422
    code = "invalid_expression"
    title = "The expression is not valid"


class _RetryLater(AuthError):
    def __init__(self, detail: str = "", *, retry_after: int = 5) -> None:
        super().__init__(detail)
        self.retry_after = retry_after

    @property
    def headers(self) -> Mapping[str, str]:
        """Say when to come back, in seconds (RFC 9110 10.2.3)."""
        return {"Retry-After": str(self.retry_after)}


class TooManyRequests(_RetryLater):
    """A limit is reached; `limit` is what it is called in our metrics."""

    status = 429
    code = "too_many_requests"
    title = "Too many requests"

    def __init__(self, detail: str = "", *, retry_after: int = 5, limit: str = "other") -> None:
        super().__init__(detail, retry_after=retry_after)
        self.limit = limit


class Unavailable(_RetryLater):
    """Something that we need, such as the database, is away: an error, not a denial."""

    status = 503
    code = "unavailable"
    title = "Not available for the moment"


class UpstreamFailed(AuthError):
    """Somebody whom we had to ask failed or answered nonsense."""

    status = 502
    code = "upstream_failed"
    title = "A service that was asked did not answer properly"


class UpstreamTimeout(AuthError):
    """Somebody whom we had to ask was too slow."""

    status = 504
    code = "upstream_timeout"
    title = "A service that was asked did not answer in time"


class StartRefused(Exception):
    """The service cannot start: one line for the operator.

    It names the setting that is at fault and what would be right, and holds no secret.
    """
