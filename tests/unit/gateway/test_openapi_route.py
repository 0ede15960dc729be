"""What `/openapi.json` says of a proxy route is what the parser takes: every key, every bound, nothing else."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from pysandbox.core.errors import SandboxError
from pysandbox.gateway.openapi_route import OPTIONAL, REQUIRED
from pysandbox.gateway.proxy.route import parse_route

FULL: dict[str, Any] = {
    "name": "Risk", "enabled": True, "routePattern": "/proxy/vendor/risk/*", "authMethod": "api_key",
    "credentials": {"secretRef": "embedded://risk", "tokenRefreshIntervalSeconds": 300, "placement": "header",
                    "name": "X-Api-Key"},
    "rateLimit": {"requestsPerMinute": 60, "burstSize": 10, "concurrency": 16}, "timeoutMs": 30_000,
    "responseTransform": {"stripHeaders": ["X-A"], "passHeaders": ["X-B"], "maskFields": ["ssn"], "nonJson": "pass"},
    "upstream": {"baseUrl": "https://risk.example", "allowAddresses": ["10.0.0.1"], "mtlsSecretRef": "embedded://m"},
    "methods": ["POST"], "contentTypes": ["application/json"], "requestHeaders": ["X-C"],
    "plugins": ["com.vendor.risk-scoring"], "connectTimeoutMs": 100, "firstByteTimeoutMs": 100, "requestBytes": 1,
    "responseBytes": 1, "cache": {"ttlSeconds": 60},
    "circuitBreaker": {"failures": 5, "baseMs": 10, "maxMs": 600_000, "probes": 1, "probeMs": 1000},
    "inspection": "block"}  # fmt: skip
TOP: Mapping[str, Any] = {**REQUIRED, **OPTIONAL}


def leaves(
    schemas: Mapping[str, Any], path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    for name, schema in schemas.items():
        yield (*path, name), schema
        yield from leaves(schema.get("properties", {}), (*path, name))


ALL = dict(leaves(TOP))


def faults(path: tuple[str, ...], value: object) -> list[str]:
    """Where the parser finds fault with the full body, of which one value is replaced."""
    body = copy.deepcopy(FULL)
    inner = body
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    try:
        parse_route(body, allowlist=["/proxy/*"])
    except SandboxError as error:
        return [problem.path for problem in error.details]
    return []


def named(paths: Mapping[tuple[str, ...], Any]) -> list[Any]:
    return [pytest.param(path, id=".".join(path)) for path in paths]


def test_every_key_is_known_to_the_parser_and_the_whole_is_good() -> None:
    parse_route(FULL, allowlist=["/proxy/*"])
    assert FULL.keys() == TOP.keys()
    for path, schema in ALL.items():
        if "properties" in schema:
            assert set(FULL[path[0]]) == set(schema["properties"]), path


@pytest.mark.parametrize("path", [pytest.param((), id="$"), *named({
    path: schema for path, schema in ALL.items() if schema.get("type") == "object"})])
def test_no_other_key_is_taken(path: tuple[str, ...]) -> None:
    assert faults((*path, "another"), 1) == ["$." + ".".join((*path, "another"))]


@pytest.mark.parametrize("path", named({path: schema for path, schema in ALL.items() if "minimum" in schema}))
def test_numbers_are_good_from_bound_to_bound(path: tuple[str, ...]) -> None:
    schema, where = ALL[path], "$." + ".".join(path)
    least, most = schema["minimum"], schema["maximum"]
    assert where not in faults(path, most)
    if path[-1] != "maxMs":  # which is no less than baseMs, that has the same least
        assert where not in faults(path, least)
    assert where in faults(path, least - 1)
    assert where in faults(path, most + 1)
    assert where in faults(path, str(least))


@pytest.mark.parametrize("path", named({
    path: schema for path, schema in ALL.items() if "enum" in schema or "enum" in schema.get("items", {})}))
def test_choices_are_those_that_the_parser_takes(path: tuple[str, ...]) -> None:
    schema, where = ALL[path], "$." + ".".join(path)
    listed = "items" in schema
    for choice in (schema["items"] if listed else schema)["enum"]:
        assert not [fault for fault in faults(path, [choice] if listed else choice) if fault.startswith(where)]
    assert [fault for fault in faults(path, ["another"] if listed else "another") if fault.startswith(where)]


@pytest.mark.parametrize("path", named({path: schema for path, schema in ALL.items() if schema.get("type") == "array"}))
def test_lists_are_as_long_as_is_told(path: tuple[str, ...]) -> None:
    where = "$." + ".".join(path)
    [one] = FULL[path[0]][path[1]] if len(path) > 1 else FULL[path[0]]
    assert where not in faults(path, [one] * ALL[path]["maxItems"])
    assert where in faults(path, [one] * (ALL[path]["maxItems"] + 1))


@pytest.mark.parametrize("path", named({path: schema for path, schema in ALL.items() if "required" in schema}))
def test_what_a_part_needs_is_needed(path: tuple[str, ...]) -> None:
    [needed] = ALL[path]["required"]
    rest = {name: value for name, value in FULL[path[0]].items() if name != needed}
    assert "$." + ".".join((*path, needed)) in faults(path, rest)


@pytest.mark.parametrize("path", named({path: schema for path, schema in ALL.items() if "default" in schema}))
def test_a_default_is_a_value_that_is_good(path: tuple[str, ...]) -> None:
    assert "$." + ".".join(path) not in faults(path, ALL[path]["default"])
