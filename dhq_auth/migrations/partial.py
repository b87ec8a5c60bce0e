"""Indexes of some rows only: each engine has its own word for which.

They stand here and not with their tables, since to declare one loads the dialects of all engines,
of which a service uses one. Queries need no declaration, only migrations do.
"""

from sqlalchemy import Index

from dhq_auth.audit.store import audit_events, is_unsealed

Index(
    "ix_audit_events_unsealed",
    audit_events.c.id,
    sqlite_where=is_unsealed,
    postgresql_where=is_unsealed,
)
