"""The file with the setup code: there from the start of the service until the setup is done."""

import logging
import os
import tempfile
from pathlib import Path
from typing import Final

from dhq_auth.db import driver_url, sqlite_path
from dhq_auth.settings import Settings

DATA: Final = Path("data")

log = logging.getLogger(__name__)


def code_file(settings: Settings) -> Path:
    """Return where the start writes the code: beside an SQLite database.

    A server elsewhere has no folder here: then it is `data`, where an SQLite database would be by
    default and a container has its volume, or the working directory where there is none.
    """
    database = sqlite_path(driver_url(settings.database_url.value))
    if database is None:
        name = "dhq-auth.setup-code"
        return DATA / name if DATA.is_dir() else Path(name)
    return database.with_name(f"{database.name}.setup-code")


def write_code(path: Path, code: str) -> None:
    """Write *code* to *path*, for its owner alone; the file appears whole or not at all.

    Where it cannot be written the service starts all the same, and the log says what else to do.
    """
    try:
        descriptor, draft = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)  # mode 0600
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(f"{code}\n")
            os.replace(draft, path)  # noqa: PTH105 - mkstemp gives a string
        except BaseException:  # whatever ended it, a half-written secret must not stay
            os.unlink(draft)  # noqa: PTH108 - the same
            raise
    except OSError as error:
        log.warning(
            "there is no administrator yet, and the setup code cannot be written to %s (%s): "
            "`dhq-auth setup` makes the first one without it",
            path,
            error.strerror,
        )
    else:
        log.info("there is no administrator yet; the setup code is in %s", path)


def read_code(path: Path) -> str | None:
    """Return the code in *path*, None if there is none: then the setup is done."""
    try:
        return path.read_text(encoding="ascii").strip() or None
    except (OSError, ValueError):
        return None


def remove_code(path: Path) -> None:
    """Remove the file: the setup is done."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("%s cannot be removed (%s); what it holds is of no use", path, error.strerror)
