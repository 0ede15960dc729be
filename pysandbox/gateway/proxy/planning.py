"""From a decision to a plan: what of a route's settings the exchange goes by.

Pure, but for the functions that it hands on, which are policy's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.proxy import headers
from pysandbox.gateway.proxy.credentials import Auth, Destination
from pysandbox.gateway.proxy.exchange import Headers, Plan
from pysandbox.gateway.proxy.fallback import Scope
from pysandbox.gateway.proxy.forward import Outgoing
from pysandbox.gateway.proxy.incoming import Incoming
from pysandbox.gateway.proxy.masking import mask_body
from pysandbox.gateway.proxy.media import MediaKind, kind_of
from pysandbox.gateway.proxy.observing import Observed
from pysandbox.gateway.proxy.policy import Decision
from pysandbox.gateway.proxy.route import AuthMethod, Route, Upstream
from pysandbox.gateway.proxy.trace import Trace


@dataclass(frozen=True, slots=True)
class Caller:
    """On whose behalf a request goes."""

    tenant: str
    subject: str
    plugin: str


def plan(
    decision: Decision, route: Route, caller: Caller, head: Incoming, trace: Trace, observed: Observed | None = None
) -> Plan:
    """The plan for ``decision``, whose request is ``head``'s. Where inspection may block, an answer is read whole."""
    upstream = decision.upstream
    outgoing = Outgoing(
        decision.method, decision.upstream_url,
        [*decision.headers, ("Traceparent", trace.traceparent), ("X-Correlation-Id", trace.correlation_id)],
        decision.body, connect_ms=route.connect_timeout_ms,
        first_byte_ms=route.first_byte_timeout_ms if route.first_byte_timeout_ms < decision.timeout_ms else None,
        response_bytes=route.response_bytes)
    whole = bool(route.mask_fields) or route.inspection == "block"
    return Plan(
        scope=Scope(caller.tenant, caller.subject, caller.plugin, route.name), outgoing=outgoing,
        destination=Destination(upstream.host, upstream.port, caller.tenant), auth=_auth(route, upstream),
        allow=upstream.allow_addresses, timeout_ms=decision.timeout_ms,
        shortened=decision.shortened, concurrency=route.concurrency, breaker=route.breaker,
        cache_ttl_s=route.cache_ttl_s, identity=[route.digest, *_identity(head, decision.body)], version=route.digest,
        controls={name.lower(): value for name, value in decision.headers},
        mask=partial(_masked, route, observed) if whole else None, shown=partial(_shown, route))


def _auth(route: Route, upstream: Upstream) -> Auth:
    if route.auth is AuthMethod.NONE and upstream.mtls is None:
        return Auth()
    return Auth(
        route.auth.value, route.secret_ref, route.placement, route.placement_name, route.token_refresh_s, upstream.mtls)


def _identity(head: Incoming, body: bytes) -> Sequence[bytes]:
    """Everything of a request that its answer may depend on."""
    fields: Mapping[str, str] = head.fields
    parts = (
        head.method, head.path, head.query, fields.get("content-type", ""), fields.get("content-encoding", ""),
        fields.get("pysandbox-headers", ""))
    return [*(part.encode() for part in parts), body]


def _masked(
    route: Route, observed: Observed | None, content_type: str, body: bytes, echoes: Sequence[bytes]
) -> bytes:
    if observed is not None:
        observed.answered(content_type, body)
    try:
        return mask_body(content_type, body, route.mask_fields, redact=echoes, non_json=route.non_json)
    except SandboxError:
        if observed is not None:
            observed.unreadable(content_type, body)
        raise


def _shown(route: Route, status: int, given: Headers) -> Headers:
    """Raises `SandboxError` ``UPSTREAM_REFUSED`` for a kind of answer that the route refuses."""
    kind = next((value for name, value in given if name.lower() == "content-type"), "")
    if route.non_json == "refuse" and status not in {204, 304} and kind and kind_of(kind) is MediaKind.OTHER:
        raise SandboxError(
            Code.UPSTREAM_REFUSED, "the upstream's answer is neither JSON nor a form, which this route refuses")
    return headers.answered(given, extra=route.response_headers, strip=route.strip_headers)
