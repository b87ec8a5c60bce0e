"""What a request presents to prove whose it is, as it stands there: nothing of it is believed."""

import re

from aiohttp import hdrs, web
from multidict import istr

from dhq_auth.errors import InvalidCredential
from dhq_auth.hookspecs import Presented
from dhq_auth.message import Message
from dhq_auth.web.params import Params

_CREDENTIALS = re.compile(r"([A-Za-z][A-Za-z0-9!#$%&'*+.^_`|~-]*)(?: +(.*))?")
AUTH_TOKEN = istr("Auth-Token")
JWT_PARAMETER = "jwt"


def presented(request: web.Request, params: Params) -> Presented | None:
    """Return the first of `Authorization`, `Auth-Token` and `jwt` that is there (contract, §2).

    Raises InvalidCredential where one of the headers is there twice, or is none (RFC 9110 11.4).
    """
    jwt = params.string(JWT_PARAMETER)  # malformed is malformed, whether it counts or not
    authorization, token = (_one(request, name) for name in (hdrs.AUTHORIZATION, AUTH_TOKEN))
    if authorization is not None:
        match = _CREDENTIALS.fullmatch(authorization.rstrip(" "))
        if match is None or not match[2]:
            raise InvalidCredential(
                "Authorization must be `Bearer` and a token, or `Basic` and name and password"
            )
        return Presented(match[1].lower(), match[2])
    token = token or jwt
    return Presented("bearer", token) if token else None


def _one(request: web.Request, name: istr) -> str | None:
    found = request.headers.getall(name, ())
    if len(found) > 1:
        raise InvalidCredential(Message("the header {name} stands there more than once", name=name))
    return found[0] if found else None
