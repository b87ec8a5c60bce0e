"""Parts that the operations of one's own account have in common."""

from dhq_auth.errors import Forbidden, InvalidCredential, TooManyRequests, Unavailable
from dhq_auth.web.openapi import NULL, TEXT, TRUE, Schema, parameter, record

ID: Schema = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
TIME: Schema = {"type": "string", "format": "date-time"}
NULLABLE_TIME: Schema = {"type": ["string", "null"], "format": "date-time"}
DONE: Schema = record({"success": TRUE, "message": TEXT})
PART = (
    parameter("limit", "how many items", {"type": "integer", "minimum": 1, "maximum": 1000}),
    parameter("cursor", "`next` of the answer before", {"anyOf": [ID, {"const": ""}]}),
)
PATH_ID: Schema = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "one of those in the list",
    "schema": TEXT,
}
LOGIN_FAULTS = (InvalidCredential, Forbidden, TooManyRequests, Unavailable)
"""What a route may answer that needs a login; with Basic it may be 429, too."""
SCOPES: Schema = {
    "oneOf": [{"type": "array", "items": TEXT}, NULL],
    "description": "null: all that the owner may",
}


def collection(item: Schema) -> Schema:
    """Return the schema of a list of *item* that is read in parts."""
    return record({"items": {"type": "array", "items": item}, "next": {"type": ["string", "null"]}})
