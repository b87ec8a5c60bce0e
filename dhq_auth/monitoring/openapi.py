"""What `/openapi.json` says of the routes of the operator's tools."""

from dhq_auth.errors import Unavailable
from dhq_auth.web.openapi import ANY_OBJECT, answer, operation, record, refusals

_OK = record({"status": {"const": "OK"}})

HEALTHZ = operation("The process is alive", answer(200, "Alive.", _OK))
READYZ = operation("Database and keys are there", answer(200, "Ready.", _OK), refusals(Unavailable))
OPENAPI = operation("This document", answer(200, "The OpenAPI document.", ANY_OBJECT))
