"""A collector of traces: OTLP over HTTP, as OpenTelemetry's own speaks it."""

from typing import Any, Self

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


class Collector:
    """Keeps the spans that it is sent, who says that they are his, and every byte that came."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.resources: list[Any] = []
        self.raw = b""
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/v1/traces", self._take)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self

    async def __aexit__(self, *_raised: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        """What OTEL_EXPORTER_OTLP_ENDPOINT is set to."""
        assert self._runner is not None
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.raw += body
        for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.resources.append(of_resource.resource)
            for of_scope in of_resource.scope_spans:
                self.spans += of_scope.spans
        return web.Response(
            body=ExportTraceServiceResponse().SerializeToString(),
            content_type="application/x-protobuf",
        )

    def named(self, name: str) -> list[Any]:
        """Return the spans of *name*."""
        return [span for span in self.spans if span.name == name]

    def below(self, parent: Any) -> dict[str, Any]:
        """Return the spans directly below *parent*, by name, the last of each."""
        return {s.name: s for s in self.spans if s.parent_span_id == parent.span_id}


def told(about: Any) -> dict[str, str | int]:
    """Return the attributes of a span, or of a resource."""
    return {each.key: each.value.string_value or each.value.int_value for each in about.attributes}
