"""The file beside an SQLite database that takes the place of SECRET_KEY."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from dhq_auth.opaque import SECRET_LENGTH, new_secret
from dhq_auth.tokens.errors import KeysUnusable


def secret_key_file(database: Path) -> Path:
    """Return where the secret key of *database* is, once it was made."""
    return database.with_name(f"{database.name}.secret-key")


def secret_key_beside(database: Path) -> str:
    """Return the secret key in the 0600 file beside *database*, made at the first call.

    Of several processes that start at once one wins: the file appears whole or not at all. Raises
    KeysUnusable for a file that cannot be read or made, or does not hold what we wrote.
    """
    path = secret_key_file(database)
    try:
        if not path.exists():
            _make(path)
        secret = path.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise KeysUnusable(
            f"SECRET_KEY: {path}, which takes its place, cannot be made or read: {error}"
        ) from error
    if len(secret) != SECRET_LENGTH:
        raise KeysUnusable(
            f"SECRET_KEY: {path}, which takes its place, is damaged: it has {len(secret)} "
            f"characters, not {SECRET_LENGTH}; restore it from a backup"
        )
    return secret


def _make(path: Path) -> None:
    descriptor, draft = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(new_secret())
            file.flush()
            os.fsync(descriptor)
        with suppress(FileExistsError):  # another process made it
            os.link(draft, path)
    finally:
        os.unlink(draft)  # noqa: PTH108 - mkstemp gives a string
