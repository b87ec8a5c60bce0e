"""Permission providers: exactly the one of the service asked for answers, or there is no token."""

import logging
from collections.abc import Iterable
from typing import Any

import pluggy

from dhq_auth import tracing
from dhq_auth.errors import Unavailable, UnknownService, UpstreamFailed, UpstreamTimeout
from dhq_auth.hookspecs import PROJECT, Grant, GrantContext, ProviderSpec, hookimpl
from dhq_auth.metrics.timed import Observe, nobody, timed
from dhq_auth.plugins.call import Caller
from dhq_auth.plugins.errors import PluginError, located
from dhq_auth.plugins.find import PROVIDERS, configured, misspelt
from dhq_auth.plugins.grants import BadGrant, checked
from dhq_auth.plugins.signature import hook
from dhq_auth.settings import Service

_log = logging.getLogger(__name__)


class PermissionProviders:
    """The permission providers by the name of their service.

    *observe* is told of each question. Raises PluginError with a line for each that cannot be used.
    """

    def __init__(
        self,
        wanted: Iterable[Service],
        *,
        timeout: float,
        calls: int,
        max_size: int,
        observe: Observe = nobody,
    ) -> None:
        self._max_size = max_size
        self._observe = observe
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(ProviderSpec)
        self._providers: dict[str, _Provider] = {}
        faults = []
        for service in wanted:
            try:
                plugin = configured(service.provider, PROVIDERS, service.options)
                provider = _Provider(plugin, Caller(timeout, calls))
            except PluginError as error:
                entry = "" if service.alias == service.provider else f"{service.alias}:"
                faults.append(f"ALLOWED_SERVICES: {entry}{service.provider}: {error}")
                continue
            self._manager.register(provider, service.alias)
            self._providers[service.alias] = provider
        if faults:
            raise PluginError("\n".join(faults))

    async def grant(self, context: GrantContext) -> Grant:
        """Ask the provider of the service.

        Raises UnknownService; UpstreamFailed (it raised, or answered something else than a grant
        of JSON values); UpstreamTimeout; Unavailable when the database is away that it reads: but
        never returns a grant that nobody gave.
        """
        provider = self._providers.get(context.service)
        if provider is None:
            raise UnknownService(permissions={})
        service = context.service
        try:
            with (
                timed(self._observe, service),
                tracing.span("permission lookup", dhq__auth_service=service),
            ):
                return checked(await provider.grant(context), self._max_size)
        except (TimeoutError, UpstreamTimeout):
            _log.warning("the permission provider of %s is too slow", service)
            raise UpstreamTimeout(
                "The permission provider did not answer in time.", permissions={}
            ) from None
        except Unavailable:
            raise
        except BadGrant as error:
            _log.error("the answer of the permission provider of %s: %s", service, error)
            raise UpstreamFailed("The permission provider failed.", permissions={}) from error
        except Exception as error:
            _log.warning(
                "the permission provider of %s failed: %s",
                service,
                located(error),
                exc_info=error if _log.isEnabledFor(logging.DEBUG) else None,
            )
            raise UpstreamFailed("The permission provider failed.", permissions={}) from error

    async def close(self) -> None:
        """Close the providers."""
        for service, provider in self._providers.items():
            try:
                await provider.close()
            except Exception as error:  # noqa: BLE001 - somebody else's code may raise anything
                _log.warning(
                    "the permission provider of %s did not close: %s", service, located(error)
                )


class _Provider:
    """A permission provider in the full form, one object for each alias."""

    def __init__(self, plugin: Any, call: Caller) -> None:
        self._call = call
        self._grant = hook(plugin, "grant", "context")
        self._v1 = hook(plugin, "get_permissions", "service", "userid", by_position=True)
        self._close = hook(plugin, "close")
        if self._grant is None and self._v1 is None:
            near = misspelt(plugin, ("get_permissions", "grant"))
            raise PluginError(
                "it has neither grant(context) nor get_permissions(service, userid)"
                + (f", but {near}" if near else "")
            )

    @hookimpl
    async def grant(self, context: GrantContext) -> object:
        """Ask the plugin, in the form that it has."""
        if self._grant is not None:
            return await self._call(self._grant.with_values(context=context))
        assert self._v1 is not None  # noqa: S101 - one of the two is there since the start
        userid = context.user["id"]
        answer = await self._call(self._v1.with_values(service=context.service, userid=userid))
        return Grant(answer)

    async def close(self) -> None:
        """Let the plugin close what it has opened, then let go of its threads."""
        try:
            if self._close is not None:
                await self._call(self._close.with_values())
        finally:
            self._call.close()
