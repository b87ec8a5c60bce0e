"""Extensions that deliver: which events they want, and what came of a try, whatever they do."""

import inspect
from datetime import timedelta
from typing import Any, Final

from dhq_auth.events import kinds
from dhq_auth.hookspecs import Delivery, NotDelivered
from dhq_auth.plugins.call import Caller
from dhq_auth.plugins.errors import PluginError, described, located
from dhq_auth.plugins.find import misspelt
from dhq_auth.plugins.signature import Hook, hook

MAX_NAME: Final = 64
"""Characters of the name of an extension that delivers: the database knows it by that."""
MAX_REASON: Final = 200


class Carrier:
    """An extension that carries events of some `kinds` on, a few at a time."""

    def __init__(self, plugin: object, name: str, call: Caller) -> None:
        deliver = hook(plugin, "deliver", "delivery")
        if deliver is None:
            raise PluginError("it has subscribes(kind), but no deliver(delivery)")
        if len(name) > MAX_NAME:
            raise PluginError(f"its name is longer than {MAX_NAME} characters; give it an alias")
        self._deliver = deliver
        self._call = call
        self.kinds = _wanted(plugin)

    async def __call__(self, delivery: Delivery) -> None:
        """Let the extension carry *delivery*; raise NotDelivered, and nothing else, if it fails."""
        try:
            answer = await self._call(self._deliver.with_values(delivery=delivery))
        except NotDelivered as error:
            raise _anew(error) from error
        except TimeoutError:
            raise NotDelivered("no answer in time") from None
        except Exception as error:
            raise NotDelivered(located(error)) from error
        if answer is not None:
            what = type(answer).__name__
            raise NotDelivered(f"deliver answered {what}, where None says that it arrived")

    def close(self) -> None:
        """Let go of the threads."""
        self._call.close()


def carrier_of(plugin: object, name: str, call: Caller) -> Carrier | None:
    """Return what delivers for the extension *name*, or None where *plugin* does not deliver.

    Raises PluginError where it cannot be used.
    """
    if hasattr(plugin, "deliver") or hasattr(plugin, "subscribes"):
        return Carrier(plugin, name, call)
    return None


def _wanted(plugin: object) -> frozenset[str]:
    """Ask *plugin* which kinds of events it wants; all, if it does not say."""
    subscribes = hook(plugin, "subscribes", "kind")
    if subscribes is None:
        if near := misspelt(plugin, ("subscribes",)):
            raise PluginError(f"it has no hook named {near}")
        return kinds()
    if inspect.iscoroutinefunction(subscribes.function):
        raise PluginError("subscribes(kind) must be a plain function, not an async one")
    return frozenset(kind for kind in sorted(kinds()) if _says_yes(subscribes, kind))


def _says_yes(subscribes: Hook, kind: str) -> bool:
    try:
        answer: Any = subscribes.with_values(kind=kind)()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin may exit, too; its name is to be told
        raise PluginError(f"subscribes({kind!r}) failed: {described(error)}") from error
    if not isinstance(answer, bool):
        what = type(answer).__name__
        raise PluginError(f"subscribes({kind!r}) answered {what}; expected: True or False")
    return answer


def _anew(failed: NotDelivered) -> NotDelivered:
    """Return what a plugin says by *failed*, and nothing else that it has put there."""
    reason: object = getattr(failed, "reason", None)
    wait: object = getattr(failed, "retry_after", None)
    text = "".join(filter(str.isprintable, reason)) if isinstance(reason, str) else ""
    return NotDelivered(
        text[:MAX_REASON] or "no reason is given",
        retry_after=wait if isinstance(wait, timedelta) else None,
        for_good=getattr(failed, "for_good", False) is True,
    )
