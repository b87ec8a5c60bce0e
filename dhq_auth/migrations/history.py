"""What each revision does, and which programs go on working beside it.

A revision that only adds (*expand*) leaves the version before running: replicas are replaced one
after the other. One that takes away (*contract*) comes a version later, when nobody needs what goes.
Each revision says in `works_with` which program is the oldest that it leaves running, by the
revision that this one needs; without it that is itself.
"""

from dataclasses import dataclass

from sqlalchemy import Column, Connection, Integer, String, Table, insert, inspect, select, update

from dhq_auth.db import metadata
from dhq_auth.migrations import config

compatibility = Table(
    "compatibility",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("oldest", String(32), nullable=False),
)
"""One row: the oldest program that works with the schema as it is."""


@dataclass(frozen=True, slots=True)
class Step:
    """A revision that is to be applied."""

    revision: str
    summary: str
    works_with: str

    @property
    def only_adds(self) -> bool:
        """Whether programs of the version before go on."""
        return self.works_with < self.revision


def steps_after(connection: Connection, revision: str | None) -> list[Step]:
    """Return what an upgrade of a database at *revision* would do, in order."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - it takes its time

    found = ScriptDirectory.from_config(config(connection)).walk_revisions()
    steps = [
        Step(
            script.revision,
            (script.doc or "").partition("\n")[0],
            getattr(script.module, "works_with", script.revision),
        )
        for script in found
        if revision is None or script.revision > revision
    ]
    return steps[::-1]


def oldest_program(connection: Connection) -> str | None:
    """Return the oldest program that works with the schema; None where nobody has said so."""
    if not inspect(connection).has_table(compatibility.name):
        return None
    return connection.execute(select(compatibility.c.oldest)).scalar_one_or_none()


def note_oldest(connection: Connection, steps: list[Step]) -> None:
    """Remember which programs are left running by *steps*, which were just applied."""
    oldest = max(step.works_with for step in steps)
    if (known := oldest_program(connection)) is None:
        connection.execute(insert(compatibility).values(id=1, oldest=oldest))
    else:
        connection.execute(update(compatibility).values(oldest=max(oldest, known)))
