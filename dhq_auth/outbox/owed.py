"""What is owed to whom: a row for each event and each extension that wants to deliver it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from dhq_auth.clock import rfc3339
from dhq_auth.db import Db
from dhq_auth.events import Event, Source, UserEvent
from dhq_auth.outbox import store
from dhq_auth.plugins.carriers import Carrier


class Owed:
    """Keeps what the *carriers*, by name, are to deliver."""

    def __init__(self, carriers: Mapping[str, Carrier]) -> None:
        self._carriers = carriers

    async def keep(
        self, db: Db, events: Sequence[Event], source: Source, happened_at: datetime
    ) -> None:
        """Write what is owed of *events*, in the transaction of *db* in which they happen."""
        wanted = [
            store.Wanted(name, event.kind, payload_of(event, source, happened_at))
            for event in events
            for name, carrier in self._carriers.items()
            if event.kind in carrier.kinds
        ]
        if wanted:
            await store.add(db, wanted, happened_at)


def payload_of(event: Event, source: Source, happened_at: datetime) -> dict[str, Any]:
    """Return what is told of *event*: what `on_event` sees, as JSON values.

    Its form is that of Standard Webhooks: `type`, `timestamp`, `data`.
    """
    data: dict[str, Any] = {
        "user_id": event.user_id,
        "detail": event.detail,
        "actor": source.actor,
        "address": source.address,
        "request_id": source.request_id,
    }
    if isinstance(event, UserEvent):
        data["user"] = dict(event.user_info)
    return {"type": event.kind, "timestamp": rfc3339(happened_at), "data": data}
