"""An extension that hears of every way in and out, and whether it was committed by then."""

import sqlite3
from collections.abc import Mapping
from typing import Any

heard: list[tuple[str, str]] = []
rows_then: list[int] = []
database: list[str] = []


def _note(hook: str, user_info: Mapping[str, Any]) -> None:
    heard.append((hook, str(user_info["username"] or user_info["name"])))
    if database:
        with sqlite3.connect(database[0]) as db:
            (count,) = db.execute("SELECT count(*) FROM audit_events").fetchone()
        db.close()
        rows_then.append(count)


def on_new_user(user_info: Mapping[str, Any]) -> None:
    _note("new", user_info)


def on_user_login(user_info: Mapping[str, Any]) -> None:
    _note("in", user_info)


def on_user_logout(user_info: Mapping[str, Any]) -> None:
    _note("out", user_info)
