"""Spans by OpenTelemetry, sent to a collector by OTLP over HTTP.

It is on where OTEL_EXPORTER_OTLP_ENDPOINT (or …_TRACES_ENDPOINT) is set and the packages are there
(`pip install 'dhq-auth[otel]'`). All the other `OTEL_…` variables are OpenTelemetry's own. Spans are
sent by a thread, in batches; while the collector is away they are dropped, and nobody waits.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from dhq_auth.tracing.context import TraceContext
from dhq_auth.tracing.spans import Kind, Span, Value, dotted, export_by, what_failed

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
SPOKEN: Final = "http/protobuf"
FAREWELL: Final = 2.0
"""Seconds for the last spans to be sent when the process ends."""
TELL_AGAIN: Final = 60.0
"""Seconds between two lines of the log that say the same of the collector."""

log = logging.getLogger(__name__)
_provider: Any = None


def configure(environ: Mapping[str, str]) -> None:
    """Export spans from now on, if *environ* says where to and the packages are there."""
    global _provider
    if not _is_wanted(environ):
        return
    try:
        _provider, exporter = _open()
    except ImportError as error:
        log.warning(
            "no traces: %s is set, but a package is missing (%s): pip install 'dhq-auth[otel]'",
            next(name for name in ENDPOINTS if environ.get(name)),
            error.name,
        )
        return
    except Exception as error:  # noqa: BLE001 - one of its variables; nobody logs in by a trace
        log.warning("no traces: OpenTelemetry does not take its variables: %s", error)
        return
    export_by(exporter)


def close() -> None:
    """Send the last spans, and end; a collector that does not answer keeps nobody."""
    global _provider  # noqa: PLW0603 - see `configure`
    export_by(None)
    if _provider is not None:
        farewell = threading.Thread(target=_provider.shutdown, daemon=True)
        farewell.start()
        farewell.join(FAREWELL)
        _provider = None


def _is_wanted(environ: Mapping[str, str]) -> bool:
    """Whether *environ* names a collector that we can speak to, and does not turn traces off."""
    if not any(environ.get(name) for name in ENDPOINTS):
        return False
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    if environ.get("OTEL_TRACES_EXPORTER", "otlp").strip() != "otlp":
        return False
    protocol = next((environ[name] for name in PROTOCOLS if environ.get(name)), SPOKEN)
    if protocol != SPOKEN:
        log.warning("no traces: OTLP is spoken by %s, not by %s", SPOKEN, protocol)
    return protocol == SPOKEN


def _open() -> tuple[Any, "_Exporter"]:
    """Return OpenTelemetry's provider, with what makes spans of it; raises ImportError."""
    # Loaded here alone: a fifth of a second and seven MiB, for who wants traces.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter  # noqa: PLC0415

    class Told(SpanExporter):
        """Says what becomes of a batch once in a while, instead of each time and at length."""

        def __init__(self) -> None:
            self._exporter = OTLPSpanExporter()
            self._told_at = float("-inf")

        def export(self, spans: Sequence[Any]) -> Any:
            result = self._exporter.export(spans)
            if result.value and (now := time.monotonic()) - self._told_at >= TELL_AGAIN:
                self._told_at = now
                log.warning("traces cannot be sent to the collector, and are dropped")
            return result

        def shutdown(self) -> None:
            self._exporter.shutdown()  # type: ignore[no-untyped-call]

    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    named = Resource.create()
    if str(named.attributes["service.name"]).startswith("unknown_service"):  # nobody named it
        named = named.merge(Resource({"service.name": "dhq-auth"}))
    provider = TracerProvider(resource=named, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(Told()))
    return provider, _Exporter(provider.get_tracer("dhq_auth"))


class _Exporter:
    """Makes spans of OpenTelemetry."""

    def __init__(self, tracer: Any) -> None:
        from opentelemetry import trace  # noqa: PLC0415 - see `_open`

        self._tracer = tracer
        self._trace = trace
        self._kinds = {
            "server": trace.SpanKind.SERVER,
            "client": trace.SpanKind.CLIENT,
            "internal": trace.SpanKind.INTERNAL,
        }

    @contextmanager
    def span(
        self, name: str, kind: Kind, attributes: dict[str, Value], parent: TraceContext | None
    ) -> Iterator[Span]:
        """Begin a span, and end it with what is inside; of a failure only its kind is told."""
        with self._tracer.start_as_current_span(
            name,
            context=self._context(parent) if parent else None,
            kind=self._kinds[kind],
            attributes=attributes,
            # The text of an exception may hold what somebody sent.
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield _Span(span)
            except BaseException as error:
                self._note(span, error)
                raise

    def leaf(
        self, name: str, kind: Kind, attributes: dict[str, Value]
    ) -> Callable[[BaseException | None], None]:
        """Begin a span; return what ends it."""
        span = self._tracer.start_span(name, kind=self._kinds[kind], attributes=attributes)

        def end(error: BaseException | None) -> None:
            self._note(span, error)
            span.end()

        return end

    def _note(self, span: Any, error: BaseException | None) -> None:
        if error is not None and (failure := what_failed(error)):
            span.set_attribute("error.type", failure)
            span.set_status(self._trace.StatusCode.ERROR)

    def _context(self, parent: TraceContext) -> Any:
        """Return the context of a request: below its caller's span, or at the root of a trace."""
        from opentelemetry.context import Context  # noqa: PLC0415 - see `_open`

        if parent.parent_id is None:
            return Context()
        above = self._trace.SpanContext(
            trace_id=int(parent.trace_id, 16),
            span_id=int(parent.parent_id, 16),
            is_remote=True,
            trace_flags=self._trace.TraceFlags(int(parent.sampled)),
        )
        return self._trace.set_span_in_context(self._trace.NonRecordingSpan(above), Context())


class _Span:
    """A span of OpenTelemetry."""

    def __init__(self, span: Any) -> None:
        self._span = span
        self._context = span.get_span_context()
        self.trace_id = f"{self._context.trace_id:032x}"

    def tell(self, **attributes: Value) -> None:
        """Add *attributes*."""
        self._span.set_attributes(dotted(attributes))

    @property
    def headers(self) -> dict[str, str]:
        """What tells others which span asks them."""
        span_id, flags = self._context.span_id, int(self._context.trace_flags)
        return {"traceparent": f"00-{self.trace_id}-{span_id:016x}-{flags:02x}"}
