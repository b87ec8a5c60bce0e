"""Words that SQLite or PostgreSQL would not take for the name of a column, unless quoted."""

from typing import Final

WORDS: Final = frozenset(
    """
    add all alter analyse analyze and any array as asc asymmetric authorization autoincrement
    between binary both case cast check collate collation column commit concurrently constraint
    create cross current_catalog current_date current_role current_schema current_time
    current_timestamp current_user default deferrable delete desc distinct do drop else end
    escape except exists false fetch for foreign freeze from full grant group having if ilike in
    index indexed initially inner insert intersect into is isnull join lateral leading left like
    limit localtime localtimestamp natural not nothing notnull null offset on only or order
    outer overlaps placing primary raise references returning right rollback select session_user
    set similar some symmetric system_user table tablesample then to trailing transaction true
    union unique update user using values variadic verbose when where window with
    """.split()  # noqa: SIM905 - they read better as a text
)


def quoted(name: str) -> str:
    """Return the column *name* as SQL: as it is where that means the same, else in quotes.

    PostgreSQL would fold capitals, and `user` alone would be the role that is connected.
    """
    if name.islower() and name not in WORDS:
        return name
    return f'"{name}"'
