"""Kinds of credentials from extensions: asked in their turn, and believed in nothing unchecked."""

import logging
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pluggy

from dhq_auth.errors import InvalidCredential, Unavailable, UpstreamFailed, UpstreamTimeout
from dhq_auth.hookspecs import PROJECT, CredentialContext, CredentialSpec, Subject, hookimpl
from dhq_auth.plugins.call import Caller
from dhq_auth.plugins.errors import PluginError, located
from dhq_auth.plugins.find import CREDENTIALS, configured, misspelt
from dhq_auth.plugins.signature import hook
from dhq_auth.settings import Extension
from dhq_auth.settings.credentials import BUILT_IN

_log = logging.getLogger(__name__)

MAX_ID = 255
MAX_DETAIL = 200
_REASONS = frozenset({"invalid", "expired", "revoked"})
_FAILED = "The check of the credential failed."
_SLOW = "The check of the credential took too long."


class CredentialKinds:
    """The kinds of credentials that extensions bring, by their names in CREDENTIALS.

    Raises PluginError with a line for each that cannot be used.
    """

    def __init__(self, wanted: Iterable[Extension], *, timeout: float, calls: int) -> None:
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(CredentialSpec)
        self._kinds: dict[str, _Kind] = {}
        faults = []
        for each in wanted:
            if each.name in BUILT_IN:
                continue
            try:
                kind = _Kind(configured(each.name, CREDENTIALS, each.options), timeout, calls)
            except PluginError as error:
                faults.append(f"CREDENTIALS: {each.name}: {error}")
                continue
            self._manager.register(kind, each.name)
            self._kinds[each.name] = kind
        if faults:
            raise PluginError("\n".join(faults))

    async def subject(self, name: str, context: CredentialContext) -> Subject | None:
        """Ask the kind *name* whose credential it is; None: not of this kind.

        Raises InvalidCredential; UpstreamFailed (it raised, or answered something else than a
        subject); UpstreamTimeout; Unavailable when the database is away that it reads. An error is
        not *not mine*: nobody else is asked.
        """
        try:
            return _checked(await self._kinds[name].authenticate(context))
        except InvalidCredential as error:
            raise _anew(error) from None
        except (TimeoutError, UpstreamTimeout):
            _log.warning("the kind of credentials %s is too slow", name)
            raise UpstreamTimeout(_SLOW) from None
        except Unavailable:
            raise
        except _BadSubject as error:
            _log.error("the answer of the kind of credentials %s: %s", name, error)
            raise UpstreamFailed(_FAILED) from error
        except Exception as error:
            _log.warning(
                "the kind of credentials %s failed: %s",
                name,
                located(error),
                exc_info=error if _log.isEnabledFor(logging.DEBUG) else None,
            )
            raise UpstreamFailed(_FAILED) from error

    async def close(self) -> None:
        """Close the kinds."""
        for name, kind in self._kinds.items():
            try:
                await kind.close()
            except Exception as error:  # noqa: BLE001 - somebody else's code may raise anything
                _log.warning("the kind of credentials %s did not close: %s", name, located(error))


class _Kind:
    """One kind of credentials, as its plugin judges it."""

    def __init__(self, plugin: Any, timeout: float, calls: int) -> None:
        self._call = Caller(timeout, calls)
        authenticate = hook(plugin, "authenticate", "context")
        if authenticate is None:
            near = misspelt(plugin, ("authenticate",))
            raise PluginError("it has no authenticate(context)" + (f", but {near}" if near else ""))
        self._authenticate = authenticate
        self._close = hook(plugin, "close")

    @hookimpl
    async def authenticate(self, context: CredentialContext) -> object:
        """Ask the plugin."""
        return await self._call(self._authenticate.with_values(context=context))

    async def close(self) -> None:
        """Let the plugin close what it has opened, then let go of its threads."""
        try:
            if self._close is not None:
                await self._call(self._close.with_values())
        finally:
            self._call.close()


class _BadSubject(Exception):
    """An answer that cannot be used; the text says why, in our own words."""


def _checked(answer: object) -> Subject | None:
    """Return *answer* if it is what a kind may answer, else raise _BadSubject."""
    if answer is None:
        return None
    if not isinstance(answer, Subject):
        raise _BadSubject(f"it is of the type {type(answer).__name__}, not a Subject")
    if not _is_id(answer.user_id):
        raise _BadSubject("user_id is no id of a user")
    if answer.token_id is not None and not _is_id(answer.token_id):
        raise _BadSubject("token_id is no short text")
    scopes: object = answer.scopes
    if scopes is not None and not (
        isinstance(scopes, frozenset) and all(isinstance(scope, str) for scope in scopes)
    ):
        raise _BadSubject("scopes is no frozenset of texts")
    ends: object = answer.expires_at
    if ends is not None and (not isinstance(ends, datetime) or ends.utcoffset() is None):
        raise _BadSubject("expires_at is no datetime with a time zone")
    return answer


def _is_id(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_ID and value.isprintable()


def _anew(refused: InvalidCredential) -> InvalidCredential:
    """Return what a plugin says by *refused*, and nothing else that it has put there."""
    detail: object = getattr(refused, "detail", None)
    reason: object = getattr(refused, "reason", None)
    text = "".join(filter(str.isprintable, detail)) if isinstance(detail, str) else ""
    known = isinstance(reason, str) and reason in _REASONS
    return InvalidCredential(text[:MAX_DETAIL], reason=str(reason) if known else "invalid")
