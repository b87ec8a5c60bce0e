"""A permission provider that never answers."""

import asyncio


async def get_permissions(service: str, userid: str) -> dict[str, bool]:
    await asyncio.Event().wait()
    return {}
