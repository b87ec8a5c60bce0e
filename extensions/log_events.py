"""Logs every event: one record of the logger `dhq_auth.events` for each.

The message says it on one line; the fields `kind`, `user_id`, `detail`, `address` and `request_id`
say it to machines (LOG_FORMAT=json). Events hold no secrets; what others sent is escaped. No
options: INSTALLED_EXTENSIONS=log_events.
"""

import json
import logging

from dhq_auth import Event

_log = logging.getLogger("dhq_auth.events")


async def on_event(event: Event) -> None:
    """Log *event*."""
    told = {
        "kind": event.kind,
        "user_id": event.user_id,
        "detail": event.detail,
        "address": event.source.address,
        "request_id": event.source.request_id,
    }
    # As JSON, in ASCII: no control character is left, whatever formatter there is.
    shown = {name: json.dumps(value, default=str) for name, value in told.items()}
    _log.info(
        "%(kind)s user_id=%(user_id)s detail=%(detail)s address=%(address)s request_id=%(request_id)s",
        {**shown, "kind": event.kind},
        extra=told,
    )
