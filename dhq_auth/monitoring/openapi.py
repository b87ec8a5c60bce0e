"""What `/openapi.json` says of the routes of the operator's tools."""

HEALTHZ = {"summary": "The process is alive"}
READYZ = {"summary": "Database and keys are there"}
OPENAPI = {"summary": "This document"}
