"""What `HttpInvoker` and a function tell each other beside the payload: attributes of the events, and the outcome.

Each judges the other: the function knows its callers by a token at most, and whoever breaks out of a plugin's process
and its Deno is the function.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from pysandbox.core import strict_json
from pysandbox.core.errors import INFO, Code, SandboxError, Status
from pysandbox.core.outcome import Memory, Outcome, coded

HANDLER: Final = "handler"
TENANT: Final = "tenant"
PLUGIN: Final = "plugin"
BUNDLE: Final = "bundlesha256"
TIMEOUT: Final = "timeoutms"
CORRELATION: Final = "correlationid"
STATUS: Final = "outcome"
INVOKE_TYPE: Final = "pysandbox.plugin.invoke"
OUTCOME_TYPE: Final = "pysandbox.plugin.outcome"
MAX_ANSWER_CHARS: Final = strict_json.MAX_CHARS + 65_536
"""Of an outcome: the plugin's value, and the rest of it."""
_MAX_MESSAGE_CHARS: Final = 4096
_LAYERS: Final = frozenset({"", "cooperative", "soft", "hard"})


def read_outcome(text: str, correlation_id: str) -> Outcome:
    """The outcome that a function tells. Raises `SandboxError` ``FUNCTION_FAILED`` where it tells none."""
    try:
        told = strict_json.loads(text, max_chars=MAX_ANSWER_CHARS, max_depth=strict_json.MAX_DEPTH + 2)
        if not isinstance(told, dict):
            raise _no_outcome()
        return _outcome(cast(dict[str, Any], told), correlation_id)
    except SandboxError as error:
        raise error if error.code is Code.FUNCTION_FAILED else _no_outcome() from error


def read_error(told: object) -> SandboxError:
    """``{code, message}`` as an error of ours."""
    if not isinstance(told, dict):
        raise _no_outcome()
    error = cast(Mapping[str, object], told)
    code, message = error.get("code"), error.get("message")
    if not isinstance(code, str) or not isinstance(message, str):
        raise _no_outcome()
    return coded(code[:100], message[:_MAX_MESSAGE_CHARS])


def _outcome(told: Mapping[str, Any], correlation_id: str) -> Outcome:
    error = read_error(told.get("error")) if "error" in told else None
    status = Status.OK if error is None else INFO[error.code].status
    layer = told.get("layer", "")
    if told.get("status") != status.value or layer not in _LAYERS or ("value" in told) is (error is not None):
        raise _no_outcome()
    memory = told.get("memory")
    parts: Mapping[str, object] = cast(Mapping[str, object], memory) if isinstance(memory, dict) else {}
    return Outcome(
        status, strict_json.dumps(told.get("value")), error=error, layer=layer, correlation_id=correlation_id,
        duration_ms=_number(told.get("durationMs")),
        memory=Memory(int(_number(parts.get("bytes"))), int(_number(parts.get("peakBytes"))), "function"),
        generation=int(_number(told.get("generation"))))


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 2**53:
        raise _no_outcome()
    return value


def _no_outcome() -> SandboxError:
    return SandboxError(Code.FUNCTION_FAILED, "what the function answered is no outcome")
