"""Which request a thing belongs to: W3C Trace Context, and OpenTelemetry where it is wanted.

- `context`: what a caller's `traceparent` says, if it says it strictly.
- `spans`: `span(…)` around what takes its time; it costs nothing unless traces are exported.
- `export`: OpenTelemetry, loaded only if its packages are there and an endpoint is named.

As with the log, what a process exports is decided once, by `configure`, where it starts. A span
never holds a query string, a parameter of a statement, a text that somebody sent, or a user.
"""

from dhq_auth.tracing.context import TraceContext, continued, new_id, trace_id
from dhq_auth.tracing.export import close, configure
from dhq_auth.tracing.spans import Span, is_on, leaf, serving, span

__all__ = [
    "Span",
    "TraceContext",
    "close",
    "configure",
    "continued",
    "is_on",
    "leaf",
    "new_id",
    "serving",
    "span",
    "trace_id",
]
