"""What `/openapi.json` says of the developer token."""

from dhq_auth.errors import InvalidRequest, NotFound
from dhq_auth.self_service.openapi.parts import DONE, LOGIN_FAULTS
from dhq_auth.self_service.openapi.tokens import MADE, TOKEN
from dhq_auth.web.openapi import BODY_FAULTS, REQUIRED, answer, operation, refusals

SHOW = operation(
    "One's own developer token",
    answer(200, "What is known of it; never its value.", TOKEN),
    refusals(InvalidRequest, NotFound, *LOGIN_FAULTS),
    security=REQUIRED,
)
MAKE = operation(
    "Make the developer token, again if there is one",
    answer(201, "The token; the one before counts no more.", MADE),
    refusals(*BODY_FAULTS, *LOGIN_FAULTS),
    security=REQUIRED,
)
END = operation(
    "Revoke the developer token",
    answer(200, "It counts no more.", DONE),
    refusals(*BODY_FAULTS, NotFound, *LOGIN_FAULTS),
    security=REQUIRED,
)
