"""A span: what was done, when, and how it ended."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Final, Literal, Protocol, Self

from dhq_auth.errors import AuthError
from dhq_auth.tracing.context import TraceContext, continued

Kind = Literal["server", "client", "internal"]
Value = str | int | float | bool


class Span(Protocol):
    """What is under way."""

    trace_id: str

    def tell(self, **attributes: Value) -> None:
        """Add *attributes*; of a name, `_` stands for a dot and `__` for a `_`."""

    @property
    def headers(self) -> dict[str, str]:
        """What tells others, who are asked by this, which trace they are a part of."""


class Exporter(Protocol):
    """Who makes spans that are exported."""

    def span(
        self, name: str, kind: Kind, attributes: dict[str, Value], parent: TraceContext | None
    ) -> AbstractContextManager[Span]:
        """Begin a span below *parent*, or below the one that is under way."""

    def leaf(
        self, name: str, kind: Kind, attributes: dict[str, Value]
    ) -> Callable[[BaseException | None], None]:
        """Begin a span below the one that is under way; return what ends it."""


class _Nothing:
    """The span of who exports none."""

    __slots__ = ()
    trace_id = ""

    def tell(self, **attributes: Value) -> None:
        """Tell nobody."""

    @property
    def headers(self) -> dict[str, str]:
        """Say nothing: who does not record must not pretend to."""
        return {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        pass


_NOTHING: Final = _Nothing()
_exporter: Exporter | None = None


def export_by(exporter: Exporter | None) -> None:
    """Make every span from now on one of *exporter*; with None there are none."""
    global _exporter  # noqa: PLW0603 - one for the process, like the handlers of its log
    _exporter = exporter


def is_on() -> bool:
    """Whether spans are exported."""
    return _exporter is not None


def span(
    name: str, *, kind: Kind = "internal", **attributes: Value
) -> AbstractContextManager[Span]:
    """Return a span for what is done inside; *attributes* as for `Span.tell`.

    *name* is one of few: never what somebody sent.
    """
    if _exporter is None:
        return _NOTHING
    return _exporter.span(name, kind, dotted(attributes), None)


def leaf(name: str, *, kind: Kind, **attributes: Value) -> Callable[[BaseException | None], None]:
    """Begin a span that has none below it, where there is no inside; return what ends it."""
    if _exporter is None:
        return _nothing_ends
    return _exporter.leaf(name, kind, dotted(attributes))


def _nothing_ends(_error: BaseException | None) -> None:
    pass


def serving(
    name: str, traceparent: Sequence[str], **attributes: Value
) -> AbstractContextManager[Span]:
    """Return the span of a request, in the trace that its *traceparent* headers name, if any."""
    if _exporter is None:
        return _NOTHING
    return _exporter.span(name, "server", dotted(attributes), continued(traceparent))


def dotted(attributes: dict[str, Value]) -> dict[str, Value]:
    """Return *attributes* by the names that OpenTelemetry has for them."""
    return {
        name.replace("__", "\0").replace("_", ".").replace("\0", "_"): value
        for name, value in attributes.items()
    }


def what_failed(error: BaseException) -> str | None:
    """Return the kind of a failure of ours or of others; None for what a caller is refused."""
    if isinstance(error, AuthError):
        return error.code if error.status >= 500 else None
    return type(error).__name__
