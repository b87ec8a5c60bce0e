"""Finding a plugin, by entry point or else by module, and handing it its options."""

import inspect
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from dhq_auth.plugins.errors import PluginError, described
from dhq_auth.plugins.signature import hook
from dhq_auth.settings.credentials import BUILT_IN

PROVIDERS: Final = "dhq_auth.providers"
EXTENSIONS: Final = "dhq_auth.extensions"
CREDENTIALS: Final = "dhq_auth.credentials"
_HOOK_CLOSENESS: Final = 0.85


def known(group: str) -> list[str]:
    """Return the short names that installed packages offer in *group*; kinds of ours, too."""
    ours = BUILT_IN if group == CREDENTIALS else ()
    return sorted({*ours, *(point.name for point in entry_points(group=group))})


def find(name: str, group: str) -> Any:
    """Return the plugin *name*: an entry point of *group*, else a module.

    Raises PluginError: not found (naming what is known), or what its import raised.
    """
    point = _entry_point(name, group)
    if point is None and not all(part.isidentifier() for part in name.split(".")):
        raise _missing(name, group)
    try:
        return import_module(name) if point is None else point.load()
    except ModuleNotFoundError as error:
        if point is None and error.name and f"{name}.".startswith(f"{error.name}."):
            raise _missing(name, group) from error
        raise PluginError(f"its import failed: {described(error)}") from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin may exit, too; its name is to be told
        raise PluginError(f"its import failed: {described(error)}") from error


def configured(name: str, group: str, options: Mapping[str, str]) -> Any:
    """Return the plugin *name*, or the object that its `configure(options)` returns.

    Raises PluginError: not found, not to be imported, or not content with *options*.
    """
    plugin = find(name, group)
    configure = hook(plugin, "configure", "options")
    if configure is None:
        if options:
            given = ", ".join(sorted(options))
            raise PluginError(f"it takes no options (it has no configure), but was given {given}")
        return plugin
    if inspect.iscoroutinefunction(configure.function):
        raise PluginError("configure(options) must be a plain function, not an async one")
    try:
        made = configure.with_values(options=dict(options))()
    except KeyboardInterrupt:
        raise
    except ValueError as error:  # what is wrong with the options, in the plugin's words
        raise PluginError(f"configure(options) refused: {' '.join(str(error).split())}") from error
    except BaseException as error:  # as above
        raise PluginError(f"configure(options) failed: {described(error)}") from error
    return plugin if made is None else made


def misspelt(plugin: object, hooks: Sequence[str]) -> str:
    """Return `name (did you mean hook?)` for a function that is named almost like one of *hooks*.

    Returns an empty text if there is none.
    """
    for name in dir(plugin):
        close = get_close_matches(name, hooks, n=1, cutoff=_HOOK_CLOSENESS)
        if close and name not in hooks and not name.startswith("_"):
            return f"{name} (did you mean {close[0]}?)"
    return ""


def _entry_point(name: str, group: str) -> EntryPoint | None:
    points = {point.value: point for point in entry_points(group=group) if point.name == name}
    if len(points) > 1:
        offers = " and ".join(sorted(points))
        raise PluginError(f"{offers} both go by this name in {group}; name the module")
    return next(iter(points.values()), None)


def _missing(name: str, group: str) -> PluginError:
    offered = known(group)
    close = get_close_matches(name, offered, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    return PluginError(
        f"there is neither a module nor an entry point of this name in {group} "
        f"(known: {', '.join(offered) or 'none'}){hint}"
    )
