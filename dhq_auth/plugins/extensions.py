"""Extensions: told of what happened, after it has; whatever they do stops nobody."""

import asyncio
import copy
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

import pluggy

from dhq_auth.events import Event, UserEvent
from dhq_auth.hookspecs import PROJECT, ExtensionSpec, UserInfo, hookimpl
from dhq_auth.plugins.call import Caller
from dhq_auth.plugins.carriers import Carrier, carrier_of
from dhq_auth.plugins.errors import PluginError, located
from dhq_auth.plugins.find import EXTENSIONS, configured, misspelt
from dhq_auth.plugins.signature import Hook, hook
from dhq_auth.settings import Extension

_log = logging.getLogger(__name__)

_HOOKS: Final[Mapping[str, str]] = {
    "on_new_user": "user_info",
    "on_user_login": "user_info",
    "on_user_logout": "user_info",
    "on_event": "event",
}
"""The hooks that hear of what happened, each with the name of its argument."""


class Extensions:
    """The installed extensions, in the order of INSTALLED_EXTENSIONS.

    `carriers` are those that deliver, by name; each has *delivery_calls* tries in flight at most,
    of *delivery_timeout* seconds, beside what its other hooks have. Raises PluginError with a line for each that cannot be used.
    """

    def __init__(
        self,
        wanted: Iterable[Extension],
        *,
        timeout: float,
        calls: int,
        delivery_timeout: float = 30,
        delivery_calls: int = 10,
    ) -> None:
        self._timeout = timeout
        self._delivery = (delivery_timeout, delivery_calls)
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(ExtensionSpec)
        self._installed: list[_Extension] = []
        self.carriers: dict[str, Carrier] = {}
        self._walks: set[asyncio.Task[None]] = set()
        faults = []
        for extension in wanted:
            try:
                self._install(extension, Caller(timeout, calls))
            except PluginError as error:
                faults.append(f"INSTALLED_EXTENSIONS: {extension.name}: {error}")
        if faults:
            raise PluginError("\n".join(faults))

    async def announce(self, events: Sequence[Event]) -> None:
        """Tell every extension of *events*, one after the other.

        Who waits for it goes on after the time that one hook has; the rest is told all the same.
        """
        if not self._installed or not events:
            return
        walk = asyncio.create_task(self._walk(events))
        self._walks.add(walk)
        walk.add_done_callback(self._walks.discard)
        await asyncio.wait({walk}, timeout=self._timeout)

    def failures(self) -> Iterable[tuple[str, str, int]]:
        """Return how often each hook of each extension has failed: extension, hook, number."""
        for extension in self._installed:
            for name, number in extension.failures.items():
                yield extension.name, name, number

    async def close(self) -> None:
        """Let what is being told come to its end, then close the extensions, the last one first."""
        if self._walks:
            await asyncio.wait(self._walks, timeout=self._timeout)
        for walk in self._walks:
            walk.cancel()
        for extension in reversed(self._installed):
            await extension.close()
        for carrier in self.carriers.values():
            carrier.close()

    def _install(self, wanted: Extension, call: Caller) -> None:
        plugin = configured(wanted.plugin, EXTENSIONS, wanted.options)
        for other in self._installed:
            if other.plugin is plugin:
                raise PluginError(f"it is installed already, as {other.name}")
        carrier = carrier_of(plugin, wanted.name, Caller(*self._delivery))
        extension = _Extension(plugin, wanted.name, call, delivers=carrier is not None)
        if carrier is not None:
            self.carriers[wanted.name] = carrier
        self._manager.register(extension, wanted.name)
        self._installed.append(extension)

    async def _walk(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, UserEvent):
                await self._each(event.hook, partial(_user_of, event))
            await self._each("on_event", partial(_copy_of, event))

    async def _each(self, name: str, argument: Callable[[], Any]) -> None:
        # pluggy keeps the last registered at the end of its list, and would call it first, all in
        # one go up to the first exception, and without awaiting any: so they are walked here.
        for implementation in getattr(self._manager.hook, name).get_hookimpls():
            await implementation.function(argument())


class _Extension:
    """A plugin with every hook of extensions; those that it lacks do nothing."""

    def __init__(self, plugin: object, name: str, call: Caller, *, delivers: bool) -> None:
        self.plugin = plugin
        self.name = name
        self._call = call
        self.failures: Counter[str] = Counter()
        if near := misspelt(plugin, tuple(_HOOKS)):
            raise PluginError(f"it has no hook named {near}")
        found = {each: hook(plugin, each, _HOOKS[each], optional=True) for each in _HOOKS}
        if not delivers and not any(found.values()):
            raise PluginError(f"it has none of the hooks {', '.join(_HOOKS)}, deliver")
        self._hooks: dict[str, Hook | None] = {**found, "close": hook(plugin, "close")}

    @hookimpl
    async def on_new_user(self, user_info: UserInfo) -> None:
        """Tell of an account that was made."""
        await self._tell("on_new_user", user_info=user_info)

    @hookimpl
    async def on_user_login(self, user_info: UserInfo) -> None:
        """Tell of a session that began."""
        await self._tell("on_user_login", user_info=user_info)

    @hookimpl
    async def on_user_logout(self, user_info: UserInfo) -> None:
        """Tell of a session that was ended, or all of a user."""
        await self._tell("on_user_logout", user_info=user_info)

    @hookimpl
    async def on_event(self, event: Event) -> None:
        """Tell of anything."""
        await self._tell("on_event", event=event)

    async def close(self) -> None:
        """Let the plugin close what it has opened, then let go of its threads."""
        await self._tell("close")
        self._call.close()

    async def _tell(self, name: str, **values: Any) -> None:
        found = self._hooks[name]
        if found is None:
            return
        try:
            await self._call(found.with_values(**values))
        except Exception as error:  # noqa: BLE001 - somebody else's code may raise anything
            self.failures[name] += 1
            _log.warning(
                "extension %(extension)s failed in %(hook)s: %(error)s (failures: %(failures)d)",
                {
                    "extension": self.name,
                    "hook": name,
                    "error": located(error),
                    "failures": self.failures[name],
                },
                exc_info=error if _log.isEnabledFor(logging.DEBUG) else None,
            )


# What one extension changes in its argument must not reach the next.


def _user_of(event: UserEvent) -> dict[str, Any]:
    return copy.deepcopy(dict(event.user_info))


def _copy_of(event: Event) -> Event:
    return replace(event, user_info=_user_of(event)) if isinstance(event, UserEvent) else event
