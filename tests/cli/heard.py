"""An extension that remembers what it heard."""

from typing import Any

TOLD: list[tuple[str, str]] = []


def on_new_user(user_info: dict[str, Any]) -> None:
    TOLD.append(("new", user_info["id"]))


def on_user_logout(user_info: dict[str, Any]) -> None:
    TOLD.append(("logout", user_info["id"]))
