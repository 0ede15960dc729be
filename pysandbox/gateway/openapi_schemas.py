"""The JSON shapes that `/openapi.json` names: what is sent and what is answered. JSON Schema, as OpenAPI 3.1 has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pysandbox.core.errors import Code
from pysandbox.core.telemetry.record import json_schema
from pysandbox.gateway import openapi_route
from pysandbox.gateway.flows.executions import STATES as EXECUTION_STATES
from pysandbox.gateway.registry import STATES

Schema = Mapping[str, Any]

TEXT: Final[Schema] = {"type": "string"}
WHOLE: Final[Schema] = {"type": "integer", "minimum": 0}
BASE64: Final[Schema] = {"type": "string", "contentEncoding": "base64"}
SHA256: Final[Schema] = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
ANY_OBJECT: Final[Schema] = {"type": "object"}
_TEXTS: Final[Schema] = {"type": "array", "items": TEXT}


def ref(name: str) -> Schema:
    """The schema called ``name`` below."""
    return {"$ref": f"#/components/schemas/{name}"}


def _closed(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    """An object with these keys and no other."""
    return {
        "type": "object", "required": list(required), "properties": {**required, **(optional or {})},
        "additionalProperties": False}


def _listed(name: str, items: Schema) -> Schema:
    return _closed({name: {"type": "array", "items": items}})


_RECORD: Final[Schema] = {name: rule for name, rule in json_schema().items() if name != "$schema"}
_NUMBER: Final[Schema] = {"type": "number"}
_MAYBE: Final[Schema] = {"type": ["number", "null"]}
_COUNTS: Final[Schema] = {"type": "object", "additionalProperties": WHOLE}
_FIGURES: Final[Mapping[str, Schema]] = {
    "count": WHOLE, "failed": WHOLE, "errorRate": _NUMBER, "perMinute": _NUMBER, "averageMs": _MAYBE, "p50Ms": _MAYBE,
    "p95Ms": _MAYBE, "p99Ms": _MAYBE, "memoryMB": _MAYBE, "killed": WHOLE, "statuses": _COUNTS, "codes": _COUNTS,
    "alerts": _COUNTS, "masked": WHOLE, "gap": WHOLE}
_FLOW: Final[Mapping[str, Schema]] = {
    "flowId": TEXT, "version": WHOLE, "digest": TEXT, "slaMs": WHOLE, "worstMs": WHOLE, "createdAt": WHOLE,
    "createdBy": TEXT}

SCHEMAS: Final[Mapping[str, Schema]] = {
    "Error": _closed({"error": _closed({
        "code": {"enum": [code.value for code in Code]}, "message": TEXT, "retryable": {"type": "boolean"},
        "correlationId": TEXT,
        "details": {"type": "array", "items": _closed({"path": TEXT, "rule": TEXT, "cure": TEXT})}})}),
    "Health": _closed({"status": {"const": "ok"}}),
    "Readiness": _closed({
        "status": {"enum": ["ready", "degraded", "unavailable", "stopping"]},
        "parts": {"type": "object", "additionalProperties": {"type": "boolean"}}}),
    "Nothing": _closed({}),
    "Session": _closed({
        "sessionId": TEXT, "token": TEXT, "nonceSeed": SHA256, "tenant": TEXT, "grants": _TEXTS,
        "allowedOrigins": _TEXTS, "expiresAt": WHOLE, "gatewayOrigin": TEXT, "now": WHOLE},
        {"telemetryKey": SHA256}),
    "Leaving": _closed({"token": TEXT}, {"telemetry": ref("TelemetryBatch")}),
    "Ended": _closed({"ended": WHOLE}),
    "Submission": _closed({"manifest": ANY_OBJECT, "bundle": BASE64}, {"publisher": TEXT, "signature": BASE64}),
    "Version": _closed({
        "pluginId": TEXT, "version": TEXT, "state": {"enum": ["draft", *STATES]}, "bundleSha256": SHA256,
        "identity": SHA256, "publisher": {"type": ["string", "null"]}, "createdAt": WHOLE, "createdBy": TEXT,
        "permissions": _TEXTS, "granted": {"type": ["array", "null"], "items": TEXT}}),
    "Versions": _listed("plugins", ref("Version")),
    "Published": _closed({
        "pluginId": TEXT, "version": TEXT, "manifest": ANY_OBJECT, "bundleSha256": SHA256, "bundleBytes": WHOLE,
        "grants": _TEXTS, "needsLibrary": {"type": "boolean"}, "logWords": _TEXTS}),
    "StateChange": _closed({"state": {"enum": [*STATES]}}),
    "Consent": _closed({"permissions": _TEXTS, "identity": SHA256}),
    "Changes": _closed({"revision": WHOLE, "blocked": _TEXTS}),
    "Publisher": _closed({"name": TEXT, "publicKey": TEXT}),
    "Publishers": _listed("publishers", ref("Publisher")),
    "AuditEntries": _listed("entries", _closed({
        "at": WHOLE, "actor": TEXT, "action": TEXT, "target": TEXT, "detail": ANY_OBJECT})),
    "ProxyRoute": _closed(openapi_route.REQUIRED, openapi_route.OPTIONAL),
    "KeptRoute": _closed(
        {**openapi_route.REQUIRED, "state": {"enum": ["enabled", "disabled", "upstreamMissing"]}},
        openapi_route.OPTIONAL),
    "KeptRoutes": _listed("routes", ref("KeptRoute")),
    "FlowSource": {"type": "object", "required": ["name", "blocks"], "properties": {
        "name": TEXT, "blocks": {"type": "array", "items": ANY_OBJECT}}},
    "Flow": _closed({**_FLOW, "flow": ANY_OBJECT}),
    "Flows": _listed("flows", _closed(_FLOW)),
    "FlowData": _closed({}, {"interaction": ANY_OBJECT, "webchat": ANY_OBJECT, "session": ANY_OBJECT}),
    "Begun": _closed({"flowId": TEXT, "executionId": TEXT, "state": {"const": "running"}}),
    "Execution": _closed({
        "flowId": TEXT, "version": WHOLE, "executionId": TEXT, "state": {"enum": [*EXECUTION_STATES]},
        "startedAt": WHOLE, "endedAt": {"type": ["integer", "null"]}, "errorCode": {"type": ["string", "null"]},
        "terminal": {"type": ["object", "null"]}, "journal": {"type": "array", "items": ANY_OBJECT},
        "messages": {"type": "array", "items": _closed({"at": WHOLE, "to": TEXT, "text": TEXT})}}),
    "SecretValues": {
        "type": "object", "required": ["hosts"], "properties": {"hosts": _TEXTS}, "additionalProperties": TEXT},
    "KeptSecret": _closed({"secretRef": TEXT, "hosts": _TEXTS, "values": _TEXTS}),
    "TelemetryBatch": _closed({"records": {"type": "array", "maxItems": 100, "items": _RECORD}}, {"gap": WHOLE}),
    "TelemetryKept": _closed({"kept": WHOLE}),
    "TelemetryHealth": _closed({
        "by": TEXT, "minutes": WHOLE, "groups": {"type": "object", "additionalProperties": _closed(_FIGURES)}}),
    "TelemetrySeries": _closed({
        "minutes": WHOLE, "stepS": WHOLE,
        "points": {"type": "array", "items": _closed({"at": WHOLE, **_FIGURES})}}),
    "TelemetryRecords": _listed("records", ANY_OBJECT),
    "OwnLog": _closed({"lines": {"type": "array", "items": ANY_OBJECT}, "last": WHOLE}),
    "Alerts": _closed({
        "alerts": {"type": "array", "items": _closed(
            {"rule": TEXT, "group": TEXT, "since": WHOLE, "value": _NUMBER})},
        "ended": {"type": "array", "items": _closed(
            {"rule": TEXT, "group": TEXT, "since": WHOLE, "until": WHOLE})}}),
    "Breakers": _listed("breakers", _closed({
        "kind": {"enum": ["route", "plugin"]}, "name": TEXT, "state": {"enum": ["open", "half-open"]},
        "retryInMs": WHOLE})),
    "TelemetryErased": _closed({"erased": WHOLE}),
    "KeptSecrets": _listed("secrets", ref("KeptSecret")),
}
