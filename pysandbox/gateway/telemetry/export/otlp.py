"""Records as OpenTelemetry's: an invocation or a proxied request is a span, a log line or an alert a log record.

OTLP/HTTP, protobuf. The trace is the correlation id's, as the host's ``traceparent`` says it to upstreams; a span's id
is its record's, and a log record's ``log.record.uid`` too, so that what comes twice can be known. Names are those of
the semantic conventions where these have one. Needs the extra ``otel``. Must not know: SQL.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs, SeverityNumber
from opentelemetry.proto.metrics.v1.metrics_pb2 import ResourceMetrics, ScopeMetrics
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from pysandbox import __version__
from pysandbox.core.telemetry.record import FAILED, REQUEST
from pysandbox.gateway.telemetry.export.attributes import attributes
from pysandbox.gateway.telemetry.export.queue import Batch
from pysandbox.gateway.telemetry.export.totals import metrics
from pysandbox.gateway.telemetry.export.wire import NotTakenError, Sender
from pysandbox.gateway.telemetry.intake import epoch_ms

_SEVERITY: Final = {
    "debug": SeverityNumber.SEVERITY_NUMBER_DEBUG, "info": SeverityNumber.SEVERITY_NUMBER_INFO,
    "warning": SeverityNumber.SEVERITY_NUMBER_WARN, "error": SeverityNumber.SEVERITY_NUMBER_ERROR}
_HEADERS: Final = {"Content-Type": "application/x-protobuf"}
_SCOPE: Final = InstrumentationScope(name="pysandbox", version=__version__)
_NS: Final = 1_000_000
_Part = TypeVar("_Part")
_Place = tuple[str, str]
"""Tenant and environment: what makes a resource."""


@dataclass(frozen=True, slots=True)
class OtlpDestination:
    """``url``: the collector's, without ``/v1/…``. ``now_s()``: epoch seconds."""

    url: str
    wire: Sender
    now_s: Callable[[], float]
    name: str = "otlp"

    async def send(self, batch: Batch) -> int:
        """Spans, then log records. What the collector refused of them for good (its partial success)."""
        spans, logs = traces_request(batch), logs_request(batch, int(self.now_s() * 1e9))
        refused = 0
        if spans.resource_spans:
            answer = await self._post("traces", spans.SerializeToString())
            told = _read(ExportTraceServiceResponse, answer)
            refused += told.partial_success.rejected_spans
        if logs.resource_logs:
            answer = await self._post("logs", logs.SerializeToString())
            refused += _read(ExportLogsServiceResponse, answer).partial_success.rejected_log_records
        return min(refused, len(batch.records))

    async def send_totals(self, rows: Sequence[Mapping[str, Any]], begin_s: int, until_s: int) -> None:
        """Counts of a day so far: what is lost or comes twice is made good by the next. Raises as `send` does."""
        request = ExportMetricsServiceRequest(resource_metrics=[
            ResourceMetrics(resource=_resource(tenant, ""), scope_metrics=[ScopeMetrics(scope=_SCOPE, metrics=made)])
            for tenant, made in metrics(rows, begin_s, until_s).items()])
        await self._post("metrics", request.SerializeToString())

    async def _post(self, signal: str, body: bytes) -> bytes:
        answer = await self.wire.post(f"{self.url.rstrip('/')}/v1/{signal}", body, _HEADERS)
        if not 200 <= answer.status < 300:
            raise answer.refusal(self.now_s)
        return answer.body


def traces_request(batch: Batch) -> ExportTraceServiceRequest:
    """The invocations of a batch, and the proxied requests."""
    found = _by_place(
        (tenant, told, _SPANS[told["kind"]](told)) for tenant, told in batch.records if told["kind"] in _SPANS)
    return ExportTraceServiceRequest(resource_spans=[
        ResourceSpans(resource=_resource(*place), scope_spans=[ScopeSpans(scope=_SCOPE, spans=spans)])
        for place, spans in found.items()])


def logs_request(batch: Batch, now_ns: int) -> ExportLogsServiceRequest:
    """The log lines and alerts of a batch, and before them how many records it has to do without."""
    found = _by_place(
        (tenant, told, _log_record(told)) for tenant, told in batch.records if told["kind"] not in _SPANS)
    resources = [
        ResourceLogs(resource=_resource(*place), scope_logs=[ScopeLogs(scope=_SCOPE, log_records=made)])
        for place, made in found.items()]
    if batch.gap:
        gap = LogRecord(
            time_unix_nano=now_ns, severity_number=SeverityNumber.SEVERITY_NUMBER_WARN, severity_text="WARNING",
            event_name="pysandbox.export.gap", attributes=attributes({"pysandbox.export.dropped": batch.gap}),
            body=AnyValue(string_value=f"{batch.gap} records before this were dropped"))
        resources.insert(0, ResourceLogs(
            resource=_resource("", ""), scope_logs=[ScopeLogs(scope=_SCOPE, log_records=[gap])]))
    return ExportLogsServiceRequest(resource_logs=resources)


def _span(told: Mapping[str, Any]) -> Span:
    measured, error = told["metrics"], told["errorDetails"]
    end_ns = epoch_ms(told["timestamp"]) * _NS
    status = Status(code=Status.STATUS_CODE_ERROR if told["status"] in FAILED else Status.STATUS_CODE_UNSET)
    events: list[Span.Event] = []
    if error is not None:
        status.message = error["code"] if status.code == Status.STATUS_CODE_ERROR else ""
        events.append(Span.Event(name="exception", time_unix_nano=end_ns, attributes=attributes({
            "exception.type": error["code"], "exception.message": error["message"]})))
    return Span(
        trace_id=_trace_id(told), span_id=bytes.fromhex(told["id"])[:8], kind=Span.SPAN_KIND_INTERNAL,
        name=f"{told['pluginId']} {told['handler']}".rstrip(), end_time_unix_nano=end_ns,
        start_time_unix_nano=max(0, end_ns - int(measured["durationMs"] * _NS)), status=status, events=events,
        attributes=attributes({
            **_common(told), "pysandbox.record.id": told["id"], "pysandbox.status": told["status"],
            "pysandbox.status_code": measured["statusCode"], "pysandbox.generation": told["generation"],
            "pysandbox.memory_mb": measured["memoryUsedMB"], "pysandbox.network_ms": measured["networkLatencyMs"],
            "pysandbox.payload.hash": told["payloadHash"], "pysandbox.payload.in_bytes": told["payloadBytes"]["in"],
            "pysandbox.payload.out_bytes": told["payloadBytes"]["out"], "pysandbox.proxy_calls": told["proxyCalls"],
            **{f"pysandbox.limits_hit.{name}": count for name, count in told["limitsHit"].items()},
            "error.type": told["code"]}))


def _request_span(told: Mapping[str, Any]) -> Span:
    """The gateway's part; whoever asked for it is the parent, and upstreams were told that this one is theirs."""
    request, measured = told["request"], told["metrics"]
    end_ns = epoch_ms(told["timestamp"]) * _NS
    status = Status(code=Status.STATUS_CODE_ERROR if measured["statusCode"] >= 500 else Status.STATUS_CODE_UNSET)
    return Span(
        trace_id=_trace_id(told), span_id=bytes.fromhex(told["id"])[:8],
        parent_span_id=bytes.fromhex(request["parent"]),
        kind=Span.SPAN_KIND_SERVER, name=f"{request['method']} {request['route']}".rstrip(), status=status,
        start_time_unix_nano=max(0, end_ns - int(measured["durationMs"] * _NS)), end_time_unix_nano=end_ns,
        attributes=attributes({
            **_common(told), "pysandbox.record.id": told["id"], "http.request.method": request["method"],
            "http.response.status_code": measured["statusCode"] or None, "pysandbox.route": request["route"],
            "pysandbox.outcome": request["outcome"], "pysandbox.upstream_ms": measured["networkLatencyMs"],
            "error.type": told["code"]}))


_SPANS: Final[Mapping[str, Callable[[Mapping[str, Any]], Span]]] = {
    "invocation": _span, REQUEST: _request_span}


def _log_record(told: Mapping[str, Any]) -> LogRecord:
    alert, log = told["alert"], told["log"]
    level = log["level"] if log is not None else "error"
    more: dict[str, object] = {"log.record.uid": told["id"]}
    body, event_name = log["message"] if log is not None else "", ""
    if alert is not None:
        body, event_name = f"{alert['code']} {alert['rule']}", "pysandbox.security_alert"
        more |= {"error.type": alert["code"], "pysandbox.rule": alert["rule"], "pysandbox.evidence": alert["evidence"]}
    elif log is not None:
        more |= {f"pysandbox.log.{name}": value for name, value in log["fields"].items()}
    at_ns = epoch_ms(told["timestamp"]) * _NS
    return LogRecord(
        time_unix_nano=at_ns, observed_time_unix_nano=at_ns, severity_number=_SEVERITY[level],
        severity_text=level.upper(), event_name=event_name, trace_id=_trace_id(told),
        body=AnyValue(string_value=body), attributes=attributes({**_common(told), **more}))


def _common(told: Mapping[str, Any]) -> dict[str, object]:
    return {
        "pysandbox.plugin.id": told["pluginId"], "pysandbox.plugin.version": told["version"],
        "pysandbox.vendor": told["vendor"], "pysandbox.queue": told["queue"],
        "pysandbox.context": told["executionContext"], "pysandbox.correlation_id": told["correlationId"],
        "code.function.name": told["handler"], "user.hash": told["subject"]}


def _trace_id(told: Mapping[str, Any]) -> bytes:
    """Of what has no correlation id the record's own."""
    cid = told["correlationId"]
    return hashlib.sha256(cid.encode()).digest()[:16] if cid else bytes.fromhex(told["id"])


def _by_place(made: Iterable[tuple[str, Mapping[str, Any], _Part]]) -> dict[_Place, list[_Part]]:
    found: defaultdict[_Place, list[_Part]] = defaultdict(list)
    for tenant, told, part in made:
        found[tenant, told["environment"]].append(part)
    return found


def _resource(tenant: str, environment: str) -> Resource:
    return Resource(attributes=attributes({
        "service.name": "pysandbox", "service.version": __version__, "pysandbox.tenant": tenant,
        "deployment.environment.name": environment}))


_Told = TypeVar("_Told", ExportTraceServiceResponse, ExportLogsServiceResponse)


def _read(kind: type[_Told], body: bytes) -> _Told:
    """Raises `NotTakenError` for an answer that is no collector's: a page of something else that says 200."""
    try:
        return kind.FromString(body)
    except DecodeError as error:
        raise NotTakenError("the answer is none of OTLP") from error
