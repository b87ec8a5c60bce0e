"""Whether the database is there, up to date, writable, and for our eyes only."""

from dhq_auth.cli.db import MEANING
from dhq_auth.cli.doctor.finding import Finding, Findings, fault, ok, warning
from dhq_auth.cli.opened import reached
from dhq_auth.clock import utcnow
from dhq_auth.db import Database, sqlite_path
from dhq_auth.migrations.state import State, state_of
from dhq_auth.settings import Settings
from dhq_auth.tokens.revoked.store import revoke_token

SUBJECT = "DATABASE_URL"
_BESIDE = ("", "-wal", "-shm", ".secret-key")
_UNUSABLE = (State.NEWER, State.FOREIGN)


async def check_database(settings: Settings) -> Findings:
    """Look at the database; nothing is changed or made."""
    async with reached(settings) as database:
        state, revision = await state_of(database)
        what = f"{database} ({revision or 'no revision'}) {MEANING[state]}"
        if state in _UNUSABLE:
            yield fault(SUBJECT, what, "see `dhq-auth db check`; take a backup before anything")
        elif state in {State.CURRENT, State.AHEAD}:
            yield ok(SUBJECT, what)
            yield await _written(database)
        else:
            yield warning(SUBJECT, what, "start the service, or run `dhq-auth db upgrade`")
        for finding in _exposed(database):
            yield finding


class _Undo(Exception):
    pass


async def _written(database: Database) -> Finding:
    """Write a row and take it back."""
    try:
        async with database.write() as db:
            await revoke_token(db, "dhq-auth doctor", utcnow(), utcnow())
            raise _Undo
    except _Undo:
        return ok(SUBJECT, "can be written to")
    except Exception as error:  # noqa: BLE001 - whatever it is, the operator reads it
        reason = getattr(error.__cause__ or error, "orig", None) or error
        return fault(
            SUBJECT,
            f"cannot be written to: {' '.join(str(reason).split())}",
            "give the service's user the right to write to it, and room",
        )


def _exposed(database: Database) -> list[Finding]:
    """Return a finding for each file that other users of this machine can read."""
    path = sqlite_path(database.url)
    files = [path.with_name(path.name + suffix) for suffix in _BESIDE] if path else []
    return [
        warning(
            SUBJECT,
            f"other users of this machine can read {file}, which holds what they must not know",
            f"chmod 600 {file}",
        )
        for file in files
        if file.exists() and file.stat().st_mode & 0o077
    ]
