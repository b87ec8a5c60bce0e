"""What goes wrong with a database: whose fault it is, and whether waiting helps."""

import errno
import sqlite3
from typing import Final

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

_SQLITE_MISTAKES: Final = {
    *(sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM),
    *(sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB),
}
_SQLITE_AWAY: Final = {
    *_SQLITE_MISTAKES,
    *(sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR),
    sqlite3.SQLITE_NOMEM,
}
# SQLSTATE: not allowed in, no such database, no such option, no right to.
_POSTGRES_MISTAKES: Final = ("28", "3D000", "42704", "42501")
_OF_ANOTHER: Final = ("26000", "42P05")
"""SQLSTATE: a prepared statement is not there, or is there already: the connection was another's."""
# SQLSTATE: connection, read-only server, rolled back, resources, lock, operator, system, internal.
_POSTGRES_AWAY: Final = (
    *("08", "25006", "40", "53", "55P03", "57", "58", "XX", "42501"),
    *_OF_ANOTHER,
)
_CONTENTION: Final = ("40001", "40P01")
"""SQLSTATE: not serializable, deadlock."""
_CONFLICTS: Final = {
    *(sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY),
    *(sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY, "23505", "23503"),
}
_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""What may be over in a while, of what can befall a file."""


class ConnectionRefused(ConnectionError):
    """A connection was not made: the server says why, by *sqlstate*, or our side does."""

    def __init__(self, reason: str, sqlstate: str | None = None) -> None:
        super().__init__(reason)
        self.sqlstate = sqlstate


def is_conflict(error: Exception) -> bool:
    """Whether something is there already, or no longer there, that a change refers to."""
    return isinstance(error, DBAPIError) and code(error) in _CONFLICTS


def is_contention(error: Exception) -> bool:
    """Whether another transaction was in the way, and the same one again may go through."""
    return isinstance(error, DBAPIError) and str(code(error)).startswith(_CONTENTION)


def is_away(error: Exception) -> bool:
    """Whether the database does not do its work, whatever is asked of it."""
    if not isinstance(error, DBAPIError) or error.connection_invalidated:
        return True
    match code(error):
        case int(number):
            return number & 0xFF in _SQLITE_AWAY
        case str(state):
            return state.startswith(_POSTGRES_AWAY)
    return False


def is_mistake(error: BaseException | None, *, local: bool) -> bool:
    """Whether waiting changes nothing: somebody must set right the settings, or the database.

    Of a *local* file everything is here from the beginning; a server may come later.
    """
    if isinstance(error, TimeoutError | PoolTimeout):
        return False
    match code(error):
        case int(number):
            return number & 0xFF in _SQLITE_MISTAKES
        case str(state):
            return state.startswith(_POSTGRES_MISTAKES)
    if isinstance(error, ConnectionRefused):
        return True
    return local and isinstance(error, OSError) and error.errno not in _ROOM


def code(error: BaseException | None) -> int | str | None:
    """Return SQLite's extended result code, or PostgreSQL's SQLSTATE."""
    said = error.orig if isinstance(error, DBAPIError) else error
    number = getattr(said, "sqlite_errorcode", None)
    return number if number is not None else getattr(said, "sqlstate", None)


def is_busy(error: Exception) -> bool:
    """Whether somebody else has SQLite's lock."""
    number = code(error)
    return isinstance(number, int) and number & 0xFF == sqlite3.SQLITE_BUSY


def reason(error: BaseException | None) -> str:
    """Return in one line, without the statement, what the driver says of *error*."""
    said = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(said, TimeoutError | PoolTimeout):
        return "no answer in time"
    if code(said) in _OF_ANOTHER:
        return "a pooler gives a connection for one transaction: add ?statement_cache_size=0"
    return " ".join(str(said).split()) or type(said).__name__
