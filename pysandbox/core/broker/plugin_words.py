"""Reads what a plugin's worker says of itself: every shape is checked, because an attacker may have written it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from pysandbox.core import strict_json
from pysandbox.core.envelope import METHOD
from pysandbox.core.errors import Code, ProtocolViolation, SandboxError
from pysandbox.core.limits import LIMITS
from pysandbox.core.outcome import coded

MAX_CHARS = 64 * 1024

# What a plugin may say of its own failure; any other code of its is told as PLUGIN_ERROR.
OWN_FAILURES: Final = frozenset({
    Code.PLUGIN_ERROR, Code.HANDLER_NOT_FOUND, Code.RESULT_NOT_JSON, Code.MEMORY_LIMIT, Code.MESSAGE_LIMIT,
    Code.PERMISSION_DENIED, Code.CAPABILITY_FAILED, Code.ROUTE_NOT_FOUND, Code.PLUGIN_IMPORT_FAILED,
    Code.PLUGIN_TIMEOUT, Code.PLUGIN_ABORTED, Code.RATE_LIMIT, Code.BUNDLE_INVALID, Code.BUNDLE_TAMPERED,
    Code.INPUT_INVALID, Code.UPSTREAM_TIMEOUT, Code.UPSTREAM_FAILED, Code.UPSTREAM_REFUSED, Code.UPSTREAM_UNAVAILABLE,
    Code.ADDRESS_NOT_ALLOWED, Code.CREDENTIALS_UNAVAILABLE, Code.CREDENTIALS_NOT_ALLOWED, Code.STATE_UNAVAILABLE,
    Code.REQUEST_TIMEOUT, Code.METHOD_NOT_ALLOWED,
})  # fmt: skip
LAYERS: Final = frozenset({"cooperative", "soft"})  # the hard one is the watchdog's, and only the host says so

LEFT: Final = ("timers", "listeners", "tasks", "calls", "cacheEntries", "cacheBytes")
NOTHING_LEFT: Final[Mapping[str, object]] = {**dict.fromkeys(LEFT, 0), "error": None}


def handler_names(payload: str) -> tuple[str, ...]:
    """The handlers of a plugin that loaded. Raises ProtocolViolation."""
    names = _object(payload, "handlers").get("handlers")
    if not isinstance(names, list) or not all(
            isinstance(name, str) and METHOD.fullmatch(name) for name in cast(list[object], names)):
        raise ProtocolViolation("handlers")
    return tuple(cast(list[str], names))


def error_and_layer(payload: str) -> tuple[SandboxError, str]:
    """How an invocation or a load failed; the layer for a deadline. Raises ProtocolViolation."""
    body = _object(payload, "error-shape")
    error = coded(str(body.get("code")), str(body.get("message"))[:2000])
    if error.code not in OWN_FAILURES:
        return SandboxError(Code.PLUGIN_ERROR, error.message), ""
    if error.code is not Code.PLUGIN_TIMEOUT:
        return error, ""
    layer = body.get("layer")
    return error, layer if isinstance(layer, str) and layer in LAYERS else "cooperative"


def what_was_left(payload: str) -> Mapping[str, object]:
    """The cleanup report. Raises ProtocolViolation."""
    body = _object(payload, "bye-shape")
    counts = {name: body.get(name) for name in LEFT}
    error = body.get("error")
    if not all(type(count) is int and 0 <= count < 2**53 for count in counts.values()):
        raise ProtocolViolation("bye-shape")
    return {**counts, "error": str(error)[:500] if error is not None else None}


def limit_of_log(value: object) -> str:
    """The limit that a log line of the runtime's own says was met, or nothing."""
    fields = cast(dict[str, Any], value).get("fields") if isinstance(value, dict) else None
    name = cast(dict[str, Any], fields).get("limit") if isinstance(fields, dict) else None
    return name if isinstance(name, str) and name in LIMITS else ""


def _object(payload: str, rule: str) -> dict[str, Any]:
    told = strict_json.loads(payload, max_chars=MAX_CHARS)
    if not isinstance(told, dict):
        raise ProtocolViolation(rule)
    return cast(dict[str, Any], told)
