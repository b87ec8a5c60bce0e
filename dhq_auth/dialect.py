"""PostgreSQL's dialect, and what it lacks for engines that speak its protocol: CockroachDB's name."""

from contextlib import suppress
from typing import Any, Final

from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

AS_OLD_AS: Final = (12,)
"""The version of PostgreSQL beyond which nothing is expected of an engine that names none."""


class RelatedDialect(PGDialect_asyncpg):
    """The dialect of PostgreSQL, YugabyteDB and CockroachDB."""

    supports_statement_cache = True

    def _get_server_version_info(self, connection: Any) -> tuple[int, ...]:
        """Return the version of PostgreSQL that the server is, or is like."""
        try:
            version: tuple[int, ...] = super()._get_server_version_info(connection)  # type: ignore[no-untyped-call]
        except AssertionError:  # it calls itself otherwise
            return AS_OLD_AS
        return version

    async def setup_asyncpg_json_codec(self, conn: Any) -> None:
        """Let the driver know the type `json`, where there is one beside `jsonb`."""
        with suppress(ValueError):
            await super().setup_asyncpg_json_codec(conn)  # type: ignore[no-untyped-call]
