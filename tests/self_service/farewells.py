"""An extension that hears who logs out."""

from collections.abc import Mapping

heard: list[Mapping[str, object]] = []


async def on_user_logout(user_info: Mapping[str, object]) -> None:
    heard.append(user_info)
