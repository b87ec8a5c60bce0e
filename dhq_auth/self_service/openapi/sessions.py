"""What `/openapi.json` says of sessions."""

from dhq_auth.errors import InvalidRequest, NotFound
from dhq_auth.self_service.openapi.parts import (
    DONE,
    ID,
    LOGIN_FAULTS,
    NULLABLE_TIME,
    PART,
    PATH_ID,
    TIME,
    collection,
)
from dhq_auth.web.openapi import (
    BODY_FAULTS,
    NULLABLE_TEXT,
    REQUIRED,
    TEXT,
    answer,
    operation,
    record,
    refusals,
)

_SESSION = record(
    {
        "id": ID,
        "current": {"type": "boolean", "description": "whether it is what this request presents"},
        "provider": {**TEXT, "description": "by what the user logged in"},
        "address": NULLABLE_TEXT,
        "user_agent": NULLABLE_TEXT,
        "created_at": TIME,
        "used_at": {**NULLABLE_TIME, "description": "kept where sessions end by idleness"},
        "expires_at": {**NULLABLE_TIME, "description": "null: not by itself"},
    }
)

LIST = operation(
    "One's own sessions",
    answer(200, "Those that a cookie or a login token can use.", collection(_SESSION)),
    refusals(InvalidRequest, *LOGIN_FAULTS),
    parameters=PART,
    security=REQUIRED,
)
END_ONE = operation(
    "End one session",
    answer(200, "It has ended, and with it its login tokens.", DONE),
    refusals(*BODY_FAULTS, NotFound, *LOGIN_FAULTS),
    parameters=[PATH_ID],
    security=REQUIRED,
)
END_ALL = operation(
    "End all of one's own sessions",
    answer(200, "They have ended, and with them every login token; API tokens live on.", DONE),
    refusals(*BODY_FAULTS, *LOGIN_FAULTS),
    security=REQUIRED,
)
