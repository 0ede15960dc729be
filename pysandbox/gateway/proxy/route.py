"""A proxy route: the guide's body and what we add to it, read so strictly that what is stored keeps every rule.

Must not know: storage, HTTP, who may edit routes. A body that names no upstream, as the guide's own, is a good body of
a route that answers nobody yet.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal, cast

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.proxy.guards import BreakerSettings
from pysandbox.gateway.proxy.pattern import Pattern
from pysandbox.gateway.proxy.route_checks import RouteChecks
from pysandbox.gateway.vault.secret import SecretRef

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
JSON_TYPE: Final = "application/json"

_MIB: Final = 1024 * 1024
_INSPECTION: Final = ("observe", "block", "off")
_OPTIONAL: Final = (
    "enabled", "credentials", "rateLimit", "timeoutMs", "responseTransform",  # the guide's; what follows is ours
    "upstream", "methods", "contentTypes", "requestHeaders", "plugins", "connectTimeoutMs", "firstByteTimeoutMs",
    "requestBytes", "responseBytes", "cache", "circuitBreaker", "inspection")

Placement = Literal["header", "query", "body"]
NonJson = Literal["refuse", "pass"]
Inspection = Literal["observe", "block", "off"]
State = Literal["enabled", "disabled", "upstreamMissing"]


class AuthMethod(StrEnum):
    """How an upstream knows that it is us."""

    NONE = "none"
    API_KEY = "api_key"
    BASIC = "basic"
    OAUTH2 = "oauth2_client_credentials"
    BEARER = "bearer"
    MTLS = "mtls"


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where a route leads. ``base_url``: canonical, without query, without a slash at its end.

    ``allow_addresses``: networks outside of the public internet that it may be in. ``mtls``: the client certificate
    that is shown beside whatever else the route's ``authMethod`` says.
    """

    base_url: str
    host: str
    port: int
    allow_addresses: tuple[str, ...] = ()
    mtls: SecretRef | None = None


@dataclass(frozen=True, slots=True)
class Rate:
    """Requests per minute, and how many of them at once."""

    per_minute: int
    burst: int


@dataclass(frozen=True, slots=True)
class Route:
    """A route that keeps every rule; `parse_route` makes it. ``enabled`` is what the body asks for: see `state`.

    ``placement`` and ``placement_name``: where an API key goes. ``request_headers``, ``response_headers``: what passes
    beside our own lists, in lower case, as ``strip_headers``. ``plugins``: the ids that may use the route. ``digest``:
    another one where anything is different.
    """

    name: str
    enabled: bool
    pattern: Pattern
    upstream: Upstream | None
    methods: tuple[str, ...]
    content_types: tuple[str, ...]
    auth: AuthMethod
    placement: Placement
    placement_name: str
    secret_ref: SecretRef | None
    token_refresh_s: int
    rate: Rate
    concurrency: int
    timeout_ms: int
    connect_timeout_ms: int
    first_byte_timeout_ms: int
    request_bytes: int
    response_bytes: int
    request_headers: frozenset[str]
    response_headers: frozenset[str]
    strip_headers: frozenset[str]
    mask_fields: tuple[str, ...]
    non_json: NonJson
    plugins: frozenset[str]
    cache_ttl_s: int | None
    breaker: BreakerSettings
    inspection: Inspection
    digest: bytes = field(repr=False)
    raw: Mapping[str, object] = field(repr=False, compare=False)

    @property
    def state(self) -> State:
        """Whether it answers, and why it does not."""
        if self.upstream is None:
            return "upstreamMissing"
        return "enabled" if self.enabled else "disabled"


def parse_route(body: object, *, allowlist: Sequence[str]) -> Route:
    """The route that the JSON value ``body`` describes. ``allowlist``: the operator's patterns, one of which covers it.

    Raises `SandboxError` ``INPUT_INVALID`` with every problem.
    """
    checks = RouteChecks()
    told = checks.fields(body, "$", required=("name", "routePattern", "authMethod"), optional=_OPTIONAL)
    auth = AuthMethod(checks.choice(told, "$", "authMethod", list(AuthMethod)) or AuthMethod.NONE)
    upstream = checks.upstream(told)
    pattern = checks.pattern(told, allowlist)
    credentials = checks.credentials(told, auth)
    limits = checks.rate(told)
    transform = checks.transform(told)
    timeout_ms = checks.whole(told, "$", "timeoutMs", 50, 30_000, 2500)
    methods = checks.listed(told, "$", "methods", METHODS, ("GET", "POST"))
    types = checks.content_types(told, (JSON_TYPE,))
    if credentials.placement == "body":
        checks.key_in_body(methods, types)
    made = Route(
        name=checks.name(told), enabled=checks.flag(told, "$", "enabled", True), pattern=pattern,
        upstream=None if upstream is None else Upstream(*upstream), methods=methods, content_types=types, auth=auth,
        placement=cast(Placement, credentials.placement), placement_name=credentials.name,
        secret_ref=credentials.secret_ref, token_refresh_s=credentials.refresh_s,
        rate=Rate(limits.per_minute, limits.burst), concurrency=limits.concurrency, timeout_ms=timeout_ms,
        connect_timeout_ms=checks.whole(told, "$", "connectTimeoutMs", 10, timeout_ms, min(1000, timeout_ms)),
        first_byte_timeout_ms=checks.whole(told, "$", "firstByteTimeoutMs", 10, timeout_ms, timeout_ms),
        request_bytes=checks.whole(told, "$", "requestBytes", 0, 8 * _MIB, _MIB // 4),
        response_bytes=checks.whole(told, "$", "responseBytes", 0, 16 * _MIB, _MIB),
        request_headers=checks.request_headers(told), response_headers=transform.passed,
        strip_headers=transform.stripped, mask_fields=transform.masked, non_json=cast(NonJson, transform.non_json),
        plugins=checks.plugins(told), cache_ttl_s=checks.cache(told), breaker=checks.breaker(told),
        inspection=cast(Inspection, checks.choice(told, "$", "inspection", _INSPECTION) or "observe"),
        digest=hashlib.sha256(json.dumps(body, sort_keys=True).encode()).digest(),
        raw=cast(Mapping[str, object], body) if isinstance(body, dict) else {})
    if checks.problems:
        said = "; ".join(f"{problem.path} {problem.rule}" for problem in checks.problems[:5])
        raise SandboxError(Code.INPUT_INVALID, f"this is no proxy route: {said}", details=checks.problems)
    return made
