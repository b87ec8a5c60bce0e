"""What `/openapi.json` says of the routes of the operator's tools."""

from dhq_auth.errors import Forbidden, Unavailable
from dhq_auth.web.openapi import ANY_OBJECT, TEXT, answer, operation, record, refusals

_OK = record({"status": {"const": "OK"}})

HEALTHZ = operation("The process is alive", answer(200, "Alive.", _OK))
READYZ = operation("Database and keys are there", answer(200, "Ready.", _OK), refusals(Unavailable))
METRICS = operation(
    "Numbers for Prometheus, to those whom METRICS_FROM allows",
    answer(200, "Prometheus' text format, version 0.0.4.", TEXT, media_type="text/plain"),
    refusals(Forbidden),
)
OPENAPI = operation("This document", answer(200, "The OpenAPI document.", ANY_OBJECT))
