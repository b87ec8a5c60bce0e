"""Whether permission providers and extensions load with the options that they are given."""

import asyncio
import threading
from collections.abc import Callable
from typing import Final

from dhq_auth.cli.doctor.finding import Findings, fault, ok
from dhq_auth.plugins import Extensions, PermissionProviders, PluginError
from dhq_auth.settings import Settings

SERVICES: Final = "ALLOWED_SERVICES"
EXTENSIONS: Final = "INSTALLED_EXTENSIONS"


async def check_plugins(settings: Settings) -> Findings:
    """Load all plugins as the start does."""
    limits = settings.limits
    if not settings.services:
        what = "no service is known: /auth/authorize gives no tokens"
        yield ok(SERVICES, what, "if you have services: ALLOWED_SERVICES=notes:static")

    def providers() -> PermissionProviders:
        return PermissionProviders(
            settings.services,
            timeout=limits.permission_timeout,
            calls=limits.plugin_calls,
            max_size=limits.max_token,
        )

    def extensions() -> Extensions:
        return Extensions(
            settings.extensions, timeout=limits.extension_timeout, calls=limits.plugin_calls
        )

    services = [
        each.provider if each.alias == each.provider else f"{each.alias}:{each.provider}"
        for each in settings.services
    ]
    async for finding in _loaded(SERVICES, services, providers):
        yield finding
    names = [each.name for each in settings.extensions]
    async for finding in _loaded(EXTENSIONS, names, extensions):
        yield finding


async def _loaded(
    subject: str, names: list[str], load: Callable[[], PermissionProviders | Extensions]
) -> Findings:
    """Load what *names* lists, and say of each how it went."""
    faults: list[str] = []
    try:
        await (await _in_thread(load)).close()
    except PluginError as error:
        faults = [line.removeprefix(f"{subject}: ") for line in str(error).splitlines()]
    for line in faults:
        yield fault(subject, line, f"correct {subject}, the plugin or its options")
    for name in names:
        if not any(line.startswith(f"{name}: ") for line in faults):
            yield ok(subject, f"{name}: loads")


async def _in_thread(
    load: Callable[[], PermissionProviders | Extensions],
) -> PermissionProviders | Extensions:
    """Return what *load* returns; one that hangs is left behind and keeps nobody."""
    loop = asyncio.get_running_loop()
    result: asyncio.Future[PermissionProviders | Extensions] = loop.create_future()

    def settle(loaded: PermissionProviders | Extensions | None, error: Exception | None) -> None:
        if result.done():
            return
        if error is not None:
            result.set_exception(error)
        elif loaded is not None:
            result.set_result(loaded)

    def work() -> None:
        loaded, failed = None, None
        try:
            loaded = load()
        except Exception as error:  # noqa: BLE001 - somebody else's code may raise anything
            failed = error
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, loaded, failed)

    threading.Thread(target=work, name="plugins", daemon=True).start()
    return await result
