"""A proxy route's body as `/openapi.json` tells it. A test holds every key and bound to `proxy.route.parse_route`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pysandbox.gateway.proxy.route import METHODS, AuthMethod
from pysandbox.gateway.proxy.route_checks import MAX_ITEMS

_Schema = Mapping[str, Any]
_MIB: Final = 1024 * 1024
_BOOLEAN: Final[_Schema] = {"type": "boolean"}
_TEXT: Final[_Schema] = {"type": "string", "maxLength": 2048}


def _whole(least: int, most: int, default: int | None = None) -> _Schema:
    bounds = {"type": "integer", "minimum": least, "maximum": most}
    return bounds if default is None else {**bounds, "default": default}


def _list(items: _Schema) -> _Schema:
    return {"type": "array", "items": items, "maxItems": MAX_ITEMS}


def _choice(choices: Sequence[str], default: str | None = None) -> _Schema:
    return {"enum": [*choices]} if default is None else {"enum": [*choices], "default": default}


def _closed(properties: Mapping[str, _Schema], *required: str) -> _Schema:
    return {"type": "object", "properties": properties, "additionalProperties": False,
            **({"required": [*required]} if required else {})}  # fmt: skip


REQUIRED: Final[Mapping[str, _Schema]] = {
    "name": {"type": "string", "maxLength": 100, "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]*$"},
    "routePattern": {**_TEXT, "description": "A path below /proxy/; `*` at its end stands for one or more segments."},
    "authMethod": _choice(list(AuthMethod)),
}
OPTIONAL: Final[Mapping[str, _Schema]] = {
    "enabled": {**_BOOLEAN, "default": True},
    "credentials": _closed({
        "secretRef": {**_TEXT, "description": "vault://…, aws-sm://… or embedded://…, never the secret itself."},
        "tokenRefreshIntervalSeconds": _whole(10, 86_400, 300), "placement": _choice(("header", "query", "body")),
        "name": _TEXT}, "secretRef"),
    "rateLimit": _closed({
        "requestsPerMinute": _whole(1, 1_000_000, 60), "burstSize": _whole(1, 100_000, 10),
        "concurrency": _whole(1, 10_000, 16)}),
    "timeoutMs": _whole(50, 30_000, 2500),
    "responseTransform": _closed({
        "stripHeaders": _list(_TEXT), "passHeaders": _list(_TEXT), "maskFields": _list(_TEXT),
        "nonJson": _choice(("refuse", "pass"), "refuse")}),
    "upstream": _closed({
        "baseUrl": {**_TEXT, "description": "https://host[:port][/path], without a query."},
        "allowAddresses": _list(_TEXT), "mtlsSecretRef": _TEXT}, "baseUrl"),
    "methods": _list(_choice(METHODS)), "contentTypes": _list(_TEXT), "requestHeaders": _list(_TEXT),
    "plugins": _list({**_TEXT, "description": "The id of a plugin that may use the route."}),
    "connectTimeoutMs": {**_whole(10, 30_000), "description": "No more than timeoutMs."},
    "firstByteTimeoutMs": {**_whole(10, 30_000), "description": "No more than timeoutMs."},
    "requestBytes": _whole(0, 8 * _MIB, _MIB // 4), "responseBytes": _whole(0, 16 * _MIB, _MIB),
    "cache": _closed({"ttlSeconds": _whole(1, 86_400)}, "ttlSeconds"),
    "circuitBreaker": _closed({
        "failures": _whole(1, 1000, 5), "baseMs": _whole(10, 600_000, 1000),
        "maxMs": {**_whole(10, 3_600_000), "description": "No less than baseMs."}, "probes": _whole(1, 100, 1),
        "probeMs": _whole(10, 600_000, 10_000)}),
    "inspection": _choice(("observe", "block", "off"), "observe"),
}
