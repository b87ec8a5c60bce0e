"""Whether a function of a plugin can be called as its hook, found out before anybody waits for it.

Hooks get their arguments by name, as pluggy passes them; a hook that needs none may leave it out.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from dhq_auth.hookspecs import PROJECT
from dhq_auth.plugins.errors import PluginError

_BY_POSITION = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL)


@dataclass(frozen=True, slots=True)
class Hook:
    """A function of a plugin that can be called as its hook; `names` are passed by name."""

    function: Callable[..., Any]
    names: tuple[str, ...] | None

    def with_values(self, **values: Any) -> Callable[[], Any]:
        """Return the function with *values* in their order, waiting only to be called."""
        if self.names is None:
            return partial(self.function, *values.values())
        return partial(self.function, **{name: values[name] for name in self.names})


def hook(
    plugin: object, name: str, *arguments: str, optional: bool = False, by_position: bool = False
) -> Hook | None:
    """Return the function *name* of *plugin*, or None if there is none.

    An *optional* argument may be left out. Raises PluginError if the function cannot be called as
    `name(*arguments)`, or is marked with options of pluggy that would have no effect here.
    """
    function = getattr(plugin, name, None)
    if function is None:
        return None
    wanted = f"{name}({', '.join(arguments)})"
    if not callable(function):
        raise PluginError(f"{name} is no function; it must be callable as {wanted}")
    options = getattr(function, f"{PROJECT}_impl", None) or {}
    if asked := ", ".join(option for option, value in options.items() if value):
        raise PluginError(f"{name}: hookimpl takes no options here, but has {asked}")
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some functions written in C do not tell
        return Hook(function, None)
    try:
        return Hook(function, _names(signature, arguments, by_position=by_position, empty=optional))
    except TypeError:
        raise PluginError(f"{name}{_shown(signature)} must be callable as {wanted}") from None


def _names(
    signature: inspect.Signature, arguments: tuple[str, ...], *, by_position: bool, empty: bool
) -> tuple[str, ...] | None:
    """Return which *arguments* to pass by name, or None to pass all of them in their order."""
    parameters = signature.parameters.values()
    if by_position or any(parameter.kind in _BY_POSITION for parameter in parameters):
        signature.bind(*arguments)
        return None
    open_ended = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    taken = tuple(name for name in arguments if open_ended or name in signature.parameters)
    signature.bind(**dict.fromkeys(taken))
    strays = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD and p.name not in taken]
    if taken != arguments and (strays or not empty):
        raise TypeError("it would not hear what it is told")
    return taken


def _shown(signature: inspect.Signature) -> str:
    """Return the parameters by name alone: a default may be what no log should hold."""
    without = [
        p.replace(annotation=p.empty, default=p.empty if p.default is p.empty else _Unsaid())
        for p in signature.parameters.values()
    ]
    return str(signature.replace(parameters=without, return_annotation=signature.empty))


class _Unsaid:
    def __repr__(self) -> str:
        return "…"
