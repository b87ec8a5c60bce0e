"""What Alembic runs: on the connection that it is given, inside the transaction of that."""

from alembic import context

from dhq_auth.accounts import store as _accounts  # noqa: F401 - each store adds its tables
from dhq_auth.audit import store as _audit  # noqa: F401
from dhq_auth.audit.sealed import store as _sealed  # noqa: F401
from dhq_auth.db import metadata
from dhq_auth.duties import store as _duties  # noqa: F401
from dhq_auth.host_sessions import store as _host_sessions  # noqa: F401
from dhq_auth.login import store as _login  # noqa: F401
from dhq_auth.migrations import lock as _lock  # noqa: F401
from dhq_auth.migrations import partial as _partial  # noqa: F401
from dhq_auth.outbox import store as _outbox  # noqa: F401
from dhq_auth.permissions import store as _permissions  # noqa: F401
from dhq_auth.revocations import store as _revocations  # noqa: F401
from dhq_auth.sessions import store as _sessions  # noqa: F401
from dhq_auth.tokens import store as _tokens  # noqa: F401
from dhq_auth.tokens.revoked import store as _revoked  # noqa: F401

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
