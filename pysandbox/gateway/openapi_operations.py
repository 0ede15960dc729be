"""Every operation of the gateway's API, as `/openapi.json` tells it. A test holds this table against the server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pysandbox.core.telemetry.record import KINDS, REQUEST
from pysandbox.gateway.auth.principal import (
    EDIT_INTEGRATIONS,
    ERASE_TELEMETRY,
    MANAGE_PLUGINS,
    MANAGE_SESSIONS,
    OPEN_SESSIONS,
    READ_AUDIT,
    READ_METRICS,
    READ_OWN_LOG,
    READ_TELEMETRY,
    RUN_FLOWS,
    WRITE_FLOWS,
)
from pysandbox.gateway.flows.routes import MAX_WAIT_S
from pysandbox.gateway.openapi_schemas import TEXT, WHOLE, Schema
from pysandbox.gateway.proxy.route import METHODS
from pysandbox.gateway.telemetry.figures import MOST_MINUTES
from pysandbox.gateway.telemetry.packing import GROUPS

SESSION: Final = "session"
PLATFORM: Final = "platform"


@dataclass(frozen=True, slots=True)
class Operation:
    """``by``: whose token, one of `SESSION` and `PLATFORM`; none: nobody is asked. ``body``, ``answers``: names of
    schemas; an answer without one is None, and one that begins with a type is that type's bytes."""

    method: str
    path: str
    says: str
    answers: Mapping[int, str | None]
    by: tuple[str, ...] = (PLATFORM,)
    scope: str = ""
    body: str | None = None
    needs_body: bool = True
    query: Mapping[str, Schema] = field(default_factory=dict[str, Schema])
    needed_query: tuple[str, ...] = ()


_VERSION: Final = "/api/v2/plugins/{plugin_id}/versions/{version}"
_ROUTES: Final = "/api/v2/integrations/proxy/routes"
_FLOWS: Final = "/api/v2/flows"
_EXECUTIONS: Final = f"{_FLOWS}/{{flow_id}}/executions"
_FLOW_VERSION: Final[Mapping[str, Schema]] = {"version": {**WHOLE, "minimum": 1}}
_WAIT: Final[Mapping[str, Schema]] = {"wait": {**WHOLE, "maximum": MAX_WAIT_S}}
_SECRETS: Final = "/api/v2/vault/secrets"
_MINUTES: Final[Schema] = {**WHOLE, "minimum": 1, "maximum": MOST_MINUTES}

_ADMINISTRATION: Final = (
    Operation("GET", "/healthz", "The process lives.", {200: "Health"}, by=()),
    Operation("GET", "/readyz", "Whether requests should be sent here.", {200: "Readiness", 503: "Readiness"}, by=()),
    Operation("GET", "/metrics", "Figures for Prometheus.", {200: "text/plain"}, scope=READ_METRICS),
    Operation("GET", "/openapi.json", "This document.", {200: "application/json"}, by=()),
    Operation("POST", "/api/v2/sessions", "Exchange a platform token for a session.", {200: "Session"},
              scope=OPEN_SESSIONS, body="Nothing", needs_body=False),
    Operation("DELETE", "/api/v2/sessions", "End every session of a user.", {200: "Ended"}, scope=MANAGE_SESSIONS,
              query={"subject": {**TEXT, "minLength": 1}}, needed_query=("subject",)),
    Operation("POST", "/api/v2/sessions/rotate", "The session under a new token and nonce seed.", {200: "Session"},
              by=(SESSION,), body="Nothing", needs_body=False),
    Operation("DELETE", "/api/v2/sessions/current", "End the session.", {204: None}, by=(SESSION,)),
    Operation("POST", "/api/v2/sessions/leave", "End the session of the token in the body: for a page that goes away.",
              {204: None}, by=(), body="Leaving"),
    Operation("GET", "/api/v2/plugins", "Every version of the tenant.", {200: "Versions"}, scope=MANAGE_PLUGINS),
    Operation("POST", "/api/v2/plugins", "Register a version as a draft.", {200: "Version", 201: "Version"},
              scope=MANAGE_PLUGINS, body="Submission"),
    Operation("GET", "/api/v2/plugins/changes", "What is blocked; waits for a change of what `since` knew.",
              {200: "Changes"}, by=(SESSION,), query={"since": WHOLE}),
    Operation("GET", _VERSION, "A version: to administrators as registered, to sessions as loaded.",
              {200: "Version|Published"}, by=(PLATFORM, SESSION), scope=MANAGE_PLUGINS),
    Operation("PATCH", _VERSION, "Enable, disable or block a version.", {200: "Version"}, scope=MANAGE_PLUGINS,
              body="StateChange"),
    Operation("DELETE", _VERSION, "Remove a draft or disabled version.", {204: None}, scope=MANAGE_PLUGINS),
    Operation("GET", f"{_VERSION}/bundle", "The bundle.", {200: "application/zip", 304: None},
              by=(PLATFORM, SESSION), scope=MANAGE_PLUGINS),
    Operation("PUT", f"{_VERSION}/grant", "Agree to permissions of exactly this manifest and bundle.",
              {200: "Version"}, scope=MANAGE_PLUGINS, body="Consent"),
    Operation("GET", f"{_VERSION}/log", "What the plugin logged, for its author, if the operator has agreed.",
              {200: "OwnLog"}, scope=READ_OWN_LOG,
              query={"after": WHOLE, "limit": {**WHOLE, "minimum": 1, "maximum": 500}}),
    Operation("GET", "/api/v2/publishers", "Whose signatures are known.", {200: "Publishers"}, scope=MANAGE_PLUGINS),
    Operation("POST", "/api/v2/publishers", "Register a publisher's Ed25519 key.", {201: "Publisher"},
              scope=MANAGE_PLUGINS, body="Publisher"),
    Operation("DELETE", "/api/v2/publishers/{name}", "Remove a publisher.", {204: None}, scope=MANAGE_PLUGINS),
    Operation("GET", "/api/v2/audit", "Who did what, the newest first.", {200: "AuditEntries"}, scope=READ_AUDIT,
              query={"target": TEXT, "actor": TEXT, "since": WHOLE, "limit": {**WHOLE, "minimum": 1}}),
    Operation("POST", "/api/v2/telemetry", "Records of one session, each kept once.", {200: "TelemetryKept"},
              by=(SESSION,), body="TelemetryBatch"),
    Operation("GET", "/api/v2/telemetry/health", "Figures by group.", {200: "TelemetryHealth"}, scope=READ_TELEMETRY,
              query={"by": {"enum": list(GROUPS)}, "minutes": _MINUTES}),
    Operation("GET", "/api/v2/telemetry/series", "Figures over time.", {200: "TelemetrySeries"}, scope=READ_TELEMETRY,
              query={"minutes": _MINUTES, **dict.fromkeys(GROUPS, TEXT)}),
    Operation("GET", "/api/v2/telemetry/records", "The newest records, or those after a seq.",
              {200: "TelemetryRecords"}, scope=READ_TELEMETRY, query={
                  "after": WHOLE, "limit": {**WHOLE, "minimum": 1, "maximum": 500}, "pluginId": TEXT, "status": TEXT,
                  "correlationId": TEXT, "kind": {"enum": [*KINDS, REQUEST]}}),
    Operation("GET", "/api/v2/telemetry/alerts", "The alerts that fire, and those that ended.", {200: "Alerts"},
              scope=READ_TELEMETRY),
    Operation("GET", "/api/v2/breakers", "What this server lets rest: routes, and plugins of flows.",
              {200: "Breakers"}, scope=READ_TELEMETRY),
    Operation("DELETE", "/api/v2/telemetry/subjects", "Erase every record of a user.", {200: "TelemetryErased"},
              scope=ERASE_TELEMETRY, query={"subject": {**TEXT, "minLength": 1}}, needed_query=("subject",)),
    Operation("GET", _ROUTES, "The tenant's proxy routes.", {200: "KeptRoutes"}, scope=EDIT_INTEGRATIONS),
    Operation("POST", _ROUTES, "Add a proxy route.", {201: "KeptRoute"}, scope=EDIT_INTEGRATIONS, body="ProxyRoute"),
    Operation("GET", f"{_ROUTES}/{{name}}", "A proxy route.", {200: "KeptRoute"}, scope=EDIT_INTEGRATIONS),
    Operation("PUT", f"{_ROUTES}/{{name}}", "Replace a proxy route.", {200: "KeptRoute"}, scope=EDIT_INTEGRATIONS,
              body="ProxyRoute"),
    Operation("DELETE", f"{_ROUTES}/{{name}}", "Remove a proxy route.", {204: None}, scope=EDIT_INTEGRATIONS),
    Operation("GET", _SECRETS, "Names, hosts and names of values of the tenant's secrets.", {200: "KeptSecrets"},
              scope=EDIT_INTEGRATIONS),
    Operation("PUT", f"{_SECRETS}/{{name}}", "Keep a secret, or replace it.", {200: "KeptSecret"},
              scope=EDIT_INTEGRATIONS, body="SecretValues"),
    Operation("DELETE", f"{_SECRETS}/{{name}}", "Forget a secret.", {204: None}, scope=EDIT_INTEGRATIONS),
    Operation("GET", _FLOWS, "The newest version of each flow.", {200: "Flows"}, scope=WRITE_FLOWS),
    Operation("POST", _FLOWS, "Check a flow, and keep it as its newest version.", {200: "Flow", 201: "Flow"},
              scope=WRITE_FLOWS, body="FlowSource"),
    Operation("GET", f"{_FLOWS}/{{flow_id}}", "A flow.", {200: "Flow"}, scope=WRITE_FLOWS, query=_FLOW_VERSION),
    Operation("DELETE", f"{_FLOWS}/{{flow_id}}", "Remove a flow; runs in progress go on.", {204: None},
              scope=WRITE_FLOWS),
    Operation("POST", _EXECUTIONS, "Run a flow with an interaction's data; `wait`: for its end, so many seconds.",
              {200: "Execution", 202: "Begun"}, scope=RUN_FLOWS, body="FlowData", needs_body=False,
              query={**_FLOW_VERSION, **_WAIT}),
    Operation("GET", f"{_EXECUTIONS}/{{execution_id}}", "What a run did, and how it ended.", {200: "Execution"},
              scope=RUN_FLOWS, query=_WAIT),
)
_PROXY: Final = tuple(
    Operation(method, "/proxy/{rest}", "What a plugin asks of an upstream: see Pysandbox-Outcome.", {200: "*/*"},
              by=(SESSION,)) for method in METHODS)
OPERATIONS: Final = (*_ADMINISTRATION, *_PROXY)
