"""The settings of plugins: which ones there are, and what is handed to each."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from dhq_auth.settings import parse
from dhq_auth.settings.credentials import BUILT_IN
from dhq_auth.settings.environment import Environment, variable


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A permission provider under the name by which services ask for it."""

    alias: str
    provider: str
    options: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """An extension, or a kind of credential, that is to be loaded, and the name it goes by."""

    name: str
    plugin: str
    options: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginVariables:
    """Which plugins there are."""

    services: tuple[tuple[str, str], ...] | None = variable(
        "ALLOWED_SERVICES",
        "",
        parse.list_of(parse.aliased("provider")),
        "permission providers, `[alias:]provider;…`, by entry-point name or module",
    )
    extensions: tuple[tuple[str, str], ...] | None = variable(
        "INSTALLED_EXTENSIONS",
        "",
        parse.list_of(parse.aliased("extension")),
        "extensions, `[alias:]extension;…`, by entry-point name or module",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugins:
    """The plugins that are to be loaded, by what they are for."""

    services: tuple[Service, ...]
    extensions: tuple[Extension, ...]
    credentials: tuple[Extension, ...]


def read_plugins(env: Environment, credentials: Iterable[str]) -> Plugins:
    """Read which plugins there are, and their options; of *credentials* some are kinds of ours.

    What stands under `EXTENSION_<NAME>_` is for the extension and for the kind of credential of
    that name.
    """
    plugins = PluginVariables(**env.values(PluginVariables))
    services, extensions = plugins.services or (), tuple(dict.fromkeys(plugins.extensions or ()))
    aliases = [alias for alias, _ in services]
    _refuse_twice(env, "ALLOWED_SERVICES", aliases)
    _refuse_twice(env, "INSTALLED_EXTENSIONS", [name for name, _ in extensions])
    of_services = _options(env, "PROVIDER", "ALLOWED_SERVICES", aliases)
    kinds = [kind for kind in credentials if kind not in BUILT_IN]
    names = dict.fromkeys((*(name for name, _ in extensions), *kinds))
    options = _options(env, "EXTENSION", "INSTALLED_EXTENSIONS", names)
    return Plugins(
        services=tuple(
            Service(alias=alias, provider=provider, options=of_services[alias])
            for alias, provider in services
        ),
        extensions=tuple(
            Extension(name=name, plugin=plugin, options=options[name])
            for name, plugin in extensions
        ),
        credentials=tuple(
            Extension(name=kind, plugin=kind, options=options.get(kind, {})) for kind in credentials
        ),
    )


def _refuse_twice(env: Environment, listing: str, aliases: Sequence[str]) -> None:
    for alias in sorted({alias for alias in aliases if aliases.count(alias) > 1}):
        env.fault(listing, f"{alias!r} stands there twice; give one an alias")


def _options(
    env: Environment, kind: str, listing: str, names: Iterable[str]
) -> dict[str, dict[str, str]]:
    """Return the options of each name: of two names that fit a variable, the longer has it."""
    prefixes = {name: f"{kind}_{re.sub('[^A-Za-z0-9]', '_', name).upper()}_" for name in names}
    owners: dict[str, str] = {}
    found = {}
    for name, prefix in prefixes.items():
        longer = [p for p in prefixes.values() if p != prefix and p.startswith(prefix)]
        found[name] = env.options(prefix, not_under=longer)
        if found[name] and prefix in owners:
            both = f"{owners[prefix]!r} and {name!r}"
            env.fault(listing, f"{both} would both get {prefix}…; give one another name")
        owners[prefix] = name
    env.expect_family(f"{kind}_", listing)
    return found
