"""Finding and calling plugins: by entry point, else by module; plain functions in threads.

Permission providers and extensions are registered with pluggy, which checks their signatures.
Extensions are walked one by one, since pluggy would stop at the first that fails and knows no
coroutines; of the providers exactly the one of the service asked for is called.
"""

import asyncio
import inspect
import json
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

import pluggy

from dhq_auth.errors import UnknownService, UpstreamFailed, UpstreamTimeout
from dhq_auth.events import Event, UserEvent
from dhq_auth.hookspecs import PROJECT, ExtensionSpec, Grant, GrantContext, ProviderSpec, hookimpl
from dhq_auth.settings import Extension, Service

log = logging.getLogger(__name__)

PROVIDERS = "dhq_auth.providers"
EXTENSIONS = "dhq_auth.extensions"
MAX_THREADS = 16
FULL_FORM = ("grant", "context")
V1_FUNCTION = ("get_permissions", "service", "userid")


class PluginError(Exception):
    """A plugin that was asked for cannot be used; the text says which, and why."""


class _Manager(pluggy.PluginManager):
    """A plugin manager that takes plain functions, not only those marked with `hookimpl`."""

    def __init__(self, spec: type) -> None:
        super().__init__(PROJECT)
        self._names = {name for name in vars(spec) if not name.startswith("_")}
        self.add_hookspecs(spec)

    def parse_hookimpl_opts(self, plugin: object, name: str) -> Any:
        """Take every function that is named like a hook for one."""
        options = super().parse_hookimpl_opts(plugin, name)
        if options is None and name in self._names and inspect.isroutine(getattr(plugin, name)):
            return {}
        return options


class Caller:
    """Calls plugin functions: coroutines here, plain ones in threads; nobody waits for ever."""

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        self._threads = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="plugin")

    async def __call__(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return what *function* answers; TimeoutError after `timeout` seconds."""
        async with asyncio.timeout(self.timeout):
            if inspect.iscoroutinefunction(function):
                return await function(*arguments)
            loop = asyncio.get_running_loop()
            result = await loop.run_in_executor(self._threads, partial(function, *arguments))
            return await result if inspect.isawaitable(result) else result

    def close(self) -> None:
        """Let go of the threads; one that hangs is left behind."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class Extensions:
    """The installed extensions, in the order of INSTALLED_EXTENSIONS."""

    def __init__(self, wanted: Iterable[Extension], call: Caller) -> None:
        self._call = call
        self._manager = _Manager(ExtensionSpec)
        for extension in wanted:
            plugin = _configured(extension.name, EXTENSIONS, extension.options)
            _register(self._manager, plugin, extension.name)

    async def announce(self, event: Event) -> None:
        """Tell every extension of *event*; one that fails or hangs is logged and stops nobody."""
        if isinstance(event, UserEvent):
            await self._walk(event.hook, lambda: dict(event.user_info))
        await self._walk("on_event", lambda: event)

    async def _walk(self, hook: str, argument: Callable[[], Any]) -> None:
        # pluggy keeps the last registered at the end of its list, and calls it first.
        for implementation in getattr(self._manager.hook, hook).get_hookimpls():
            arguments = (
                (argument(),) if implementation.argnames or implementation.kwargnames else ()
            )
            try:
                await self._call(implementation.function, *arguments)
            except Exception as error:  # noqa: BLE001 - somebody else's code may raise anything
                log.warning(
                    "extension %s failed in %s: %s",
                    implementation.plugin_name, hook, type(error).__name__,
                    extra={"extension": implementation.plugin_name},
                )  # fmt: skip


class PermissionProviders:
    """The permission providers by the name of their service."""

    def __init__(self, wanted: Iterable[Service], call: Caller) -> None:
        self._manager = _Manager(ProviderSpec)
        self._grants: dict[str, Callable[[GrantContext], Awaitable[Any]]] = {}
        for service in wanted:
            plugin = _configured(service.provider, PROVIDERS, service.options)
            provider = _Provider(plugin, service.provider, call)
            _register(self._manager, provider, service.alias)
            self._grants[service.alias] = provider.grant

    @property
    def services(self) -> tuple[str, ...]:
        """The names of the services."""
        return tuple(self._grants)

    async def grant(self, context: GrantContext) -> Grant:
        """Ask the provider of the service.

        Raises UnknownService, UpstreamFailed (it raised, or answered something else than a grant
        of JSON values) or UpstreamTimeout: never a grant that nobody gave.
        """
        ask = self._grants.get(context.service)
        if ask is None:
            raise UnknownService(permissions={})
        try:
            return _checked(await ask(context))
        except TimeoutError:
            log.warning("permission provider of %s is too slow", context.service)
            raise UpstreamTimeout("the permission provider did not answer in time") from None
        except Exception as error:
            log.warning(
                "permission provider of %s failed: %s", context.service, type(error).__name__
            )
            raise UpstreamFailed("the permission provider failed") from error


def known(group: str) -> list[str]:
    """Return the short names that installed packages offer in *group*."""
    return sorted({point.name for point in entry_points(group=group)})


def find(name: str, group: str) -> Any:
    """Return the plugin *name*: an entry point of *group*, else a module.

    Raises PluginError: not found (naming what is known), or what its import raised.
    """
    points = [point for point in entry_points(group=group) if point.name == name]
    try:
        return points[0].load() if points else import_module(name)
    except ModuleNotFoundError as error:
        if not points and error.name and f"{name}.".startswith(f"{error.name}."):
            offered = ", ".join(known(group)) or "none"
            raise PluginError(
                f"{name}: there is neither a module nor an entry point of this name in {group} "
                f"(known: {offered})"
            ) from error
        raise PluginError(f"{name}: its import failed: {error}") from error
    except Exception as error:
        raise PluginError(f"{name}: its import failed: {type(error).__name__}: {error}") from error


def _configured(name: str, group: str, options: Mapping[str, str]) -> Any:
    """Return the plugin *name*, or the object that its `configure(options)` returns."""
    plugin = find(name, group)
    configure = getattr(plugin, "configure", None)
    if configure is None:
        if options:
            raise PluginError(f"{name}: takes no options, but has {', '.join(sorted(options))}")
        return plugin
    try:
        return configure(dict(options)) or plugin
    except Exception as error:
        raise PluginError(f"{name}: configure(options) refused: {error}") from error


def _register(manager: pluggy.PluginManager, plugin: object, name: str) -> None:
    try:
        manager.register(plugin, name)
    except (ValueError, pluggy.PluginValidationError) as error:
        raise PluginError(f"{name}: {' '.join(str(error).split())}") from error


class _Provider:
    """A permission provider in the full form, one object for each alias."""

    def __init__(self, plugin: Any, name: str, call: Caller) -> None:
        self._call = call
        self._v1 = not hasattr(plugin, "grant")
        hook, *arguments = V1_FUNCTION if self._v1 else FULL_FORM
        self._function: Any = getattr(plugin, hook, None)
        if not callable(self._function):
            raise PluginError(
                f"{name}: has neither grant(context) nor get_permissions(service, userid)"
            )
        try:
            inspect.signature(self._function).bind(*arguments)
        except TypeError as error:
            wanted = f"{hook}({', '.join(arguments)})"
            raise PluginError(f"{name}: must be callable as {wanted}: {error}") from error

    @hookimpl
    async def grant(self, context: GrantContext) -> Any:
        """Ask the plugin, in the form that it has."""
        if self._v1:
            return Grant(await self._call(self._function, context.service, context.user["id"]))
        return await self._call(self._function, context)


def _checked(grant: object) -> Grant:
    """Return *grant* if it is one, of JSON values only; raise TypeError or ValueError."""
    if not isinstance(grant, Grant) or not isinstance(grant.permissions, Mapping):
        raise TypeError("not a grant")
    for part in (grant.permissions, grant.filters or {}):
        json.dumps(dict(part), allow_nan=False)
        if not all(isinstance(key, str) for key in part):
            raise TypeError("the names of permissions are texts")
    return grant
