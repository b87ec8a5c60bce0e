"""Databases that an operator may have, other than ours."""

import sqlite3
from pathlib import Path

LEGACY = """
CREATE TABLE users (
    id VARCHAR(128) NOT NULL PRIMARY KEY, provider_id VARCHAR(128),
    username VARCHAR(128) NOT NULL UNIQUE, name VARCHAR(128), email VARCHAR(128),
    avatar_url VARCHAR(512), join_date TIMESTAMP
);
INSERT INTO users VALUES ('0cc175b9c0f1b6a831c399e269772661', 'google:1001', 'ada', 'Ada',
    'ada@example.com', NULL, '2018-01-01 00:00:00')
"""
FOREIGN = "CREATE TABLE users (id INTEGER PRIMARY KEY, password TEXT)"
OTHERS = "CREATE TABLE invoices (id INTEGER PRIMARY KEY)"
NEWER = """
CREATE TABLE alembic_version (version_num VARCHAR(32));
INSERT INTO alembic_version VALUES ('9999')
"""


def sqlite_database(folder: Path, sql: str) -> Path:
    """Make a private SQLite file with *sql*."""
    file = folder / "made.db"
    with sqlite3.connect(file) as db:
        db.executescript(sql)
    db.close()
    file.chmod(0o600)
    return file
