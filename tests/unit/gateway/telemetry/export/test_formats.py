"""Records as spans, log records, totals and events: what stands where."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from pysandbox.gateway.store.database import Database
from pysandbox.gateway.telemetry.export.otlp import logs_request, traces_request
from pysandbox.gateway.telemetry.export.queue import Batch
from pysandbox.gateway.telemetry.export.splunk import events
from pysandbox.gateway.telemetry.export.totals import metrics
from pysandbox.gateway.telemetry.store import TelemetryStore
from tests.unit.gateway.registered import with_database
from tests.unit.gateway.telemetry.records import NOW_MS, PLUGIN, failed, rows, told

LOG = told(2, kind="log", log={"level": "warning", "message": "frobnicated", "fields": {"count": 3, "ok": True}})
ALERT = told(3, kind="alert", alert={"code": "PROTOCOL_VIOLATION", "rule": "seq", "evidence": "ab"})
BROKEN = failed(4, errorDetails={"code": "PLUGIN_TIMEOUT", "message": "too late", "layer": "plugin"})


def batch(*records: dict[str, Any], gap: int = 0) -> Batch:
    return Batch([("acme", row.told) for row in rows(*records)], gap, 0, 9, 9)


def plain(attributes: Any) -> dict[str, object]:
    def value(one: KeyValue) -> object:
        return getattr(one.value, one.value.WhichOneof("value") or "")

    return {one.key: value(one) for one in attributes}


def test_an_invocation_is_a_span_in_the_trace_of_its_correlation_id() -> None:
    found = traces_request(batch(told(1), LOG, BROKEN))

    (resource,) = found.resource_spans
    good, bad = resource.scope_spans[0].spans
    shown = plain(resource.resource.attributes)
    assert (shown["service.name"], shown["pysandbox.tenant"]) == ("pysandbox", "acme")
    assert shown["deployment.environment.name"] == "prod"
    assert good.trace_id == hashlib.sha256(b"c-1").digest()[:16]  # as in the host's traceparent
    assert len(good.span_id) == 8
    assert good.end_time_unix_nano - good.start_time_unix_nano == 120_000_000
    assert good.end_time_unix_nano == NOW_MS * 1_000_000
    assert good.status.code == Status.STATUS_CODE_UNSET
    fields = plain(good.attributes)
    assert fields["pysandbox.plugin.id"] == PLUGIN
    assert fields["code.function.name"] == "evaluate"
    assert str(fields["user.hash"]).startswith("hmac-sha256:")
    assert "error.type" not in fields
    assert (bad.status.code, bad.status.message) == (Status.STATUS_CODE_ERROR, "PLUGIN_TIMEOUT")
    assert plain(bad.attributes)["error.type"] == "PLUGIN_TIMEOUT"
    assert plain(bad.events[0].attributes)["exception.type"] == "PLUGIN_TIMEOUT"


def test_a_proxied_request_is_a_span_below_the_invocations() -> None:
    asked = {
        **told(5, kind="request", code="UPSTREAM_FAILED"), "subject": "", "request": {
            "route": "risk-api", "method": "POST", "outcome": "gateway", "parent": "00f067aa0ba902b7"},
        "metrics": {"durationMs": 30, "memoryUsedMB": 0, "networkLatencyMs": 20, "statusCode": 502}}
    both = Batch([*batch(told(1)).records, ("acme", asked)], 0, 0, 9, 9)

    (resource,) = traces_request(both).resource_spans
    invocation, request = resource.scope_spans[0].spans

    assert request.trace_id == invocation.trace_id
    assert (request.span_id.hex(), request.parent_span_id.hex()) == (asked["id"][:16], "00f067aa0ba902b7")
    assert (request.name, request.kind) == ("POST risk-api", Span.SPAN_KIND_SERVER)
    assert request.end_time_unix_nano - request.start_time_unix_nano == 30_000_000
    assert request.status.code == Status.STATUS_CODE_ERROR
    fields = plain(request.attributes)
    assert (fields["http.request.method"], fields["http.response.status_code"]) == ("POST", 502)
    assert (fields["pysandbox.upstream_ms"], fields["error.type"]) == (20, "UPSTREAM_FAILED")
    assert not logs_request(both, 7).resource_logs


def test_log_lines_alerts_and_gaps_are_log_records() -> None:
    gap, line, alert = [
        one for resource in logs_request(batch(told(1), LOG, ALERT, gap=5), 7).resource_logs
        for one in resource.scope_logs[0].log_records]

    assert plain(gap.attributes) == {"pysandbox.export.dropped": 5}
    assert (line.body.string_value, line.severity_text) == ("frobnicated", "WARNING")
    fields = plain(line.attributes)
    assert fields["log.record.uid"] == LOG["id"]
    assert (fields["pysandbox.log.count"], fields["pysandbox.log.ok"]) == (3, True)
    assert alert.event_name == "pysandbox.security_alert"
    assert plain(alert.attributes)["pysandbox.evidence"] == "ab"


def test_environments_are_resources_of_their_own() -> None:
    found = traces_request(batch(told(1), told(2, environment="test")))
    assert [plain(one.resource.attributes)["deployment.environment.name"] for one in found.resource_spans] == [
        "prod", "test"]  # fmt: skip


def test_events_are_the_records_and_say_what_is_missing() -> None:
    gap, event = (json.loads(one) for one in events(batch(told(1), gap=2), 12.5))

    assert gap["event"] == {"kind": "gap", "dropped": 2}
    assert event["time"] == NOW_MS / 1000
    assert event["event"]["tenant"] == "acme"
    assert event["event"]["id"] == told(1)["id"]


def test_totals_are_those_of_the_day_by_tenant(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        store = TelemetryStore(database)
        await store.keep("acme", rows(told(1), told(2), BROKEN, ALERT), 4, NOW_MS)
        day = NOW_MS // 86_400_000 * 86_400
        found = {one.name: one for one in metrics(await store.day(day), day, NOW_MS // 1000)["acme"]}
        by_status = {
            plain(point.attributes)["pysandbox.status"]: point.as_int
            for point in found["pysandbox.invocations"].sum.data_points}
        assert by_status == {"ok": 2, "timeout": 1}
        assert found["pysandbox.telemetry.gap"].sum.data_points[0].as_int == 4
        assert found["pysandbox.security_alerts"].sum.data_points[0].as_int == 1
        (latency,) = found["pysandbox.invocation.duration"].histogram.data_points
        assert (latency.count, round(latency.sum, 2)) == (3, 3.24)
        counts = dict(zip([*latency.explicit_bounds, None], latency.bucket_counts, strict=True))
        assert {bound: count for bound, count in counts.items() if count} == {0.25: 2, 5.0: 1}
        assert latency.start_time_unix_nano == day * 10**9

    with_database(tmp_path, work)
