"""What whoever sends a plugin's API requests does alike, in a browser's host and on a server.

A plugin's request goes where its manifest says and for as long as it may; the gateway's answer is judged before the
plugin has it. Must not know: who sends it, sessions, nonces.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any, Final, cast

from pysandbox.core import strict_json
from pysandbox.core.broker.proxying import PERMISSION, Answer, Asker, Incoming
from pysandbox.core.errors import Code, PermissionDenied, SandboxError
from pysandbox.core.proxy_request import ProxyRequest

MAX_ERROR_BYTES: Final = 64 * 1024

# What a plugin may be told of why the gateway refused; the rest is the operator's, and is told as UPSTREAM_FAILED.
TOLD: Final = frozenset({
    Code.ROUTE_NOT_FOUND, Code.PERMISSION_DENIED, Code.RATE_LIMIT, Code.MESSAGE_LIMIT, Code.INPUT_INVALID,
    Code.METHOD_NOT_ALLOWED, Code.REQUEST_TIMEOUT, Code.UPSTREAM_TIMEOUT, Code.UPSTREAM_FAILED, Code.UPSTREAM_REFUSED,
    Code.UPSTREAM_UNAVAILABLE, Code.ADDRESS_NOT_ALLOWED, Code.CREDENTIALS_UNAVAILABLE, Code.CREDENTIALS_NOT_ALLOWED,
    Code.STATE_UNAVAILABLE,
})  # fmt: skip
_HEADER_NAME: Final = re.compile(r"[a-z0-9-]+")
_FOR_PLUGINS: Final = frozenset({"ratelimit", "ratelimit-policy"})
"""The gateway's own headers that say something to a plugin; the others are for browsers."""
_OURS: Final = ("pysandbox-", "traceparent", "tracestate", "access-control-")


def require_connect(asker: Asker, origin: str, request: ProxyRequest) -> None:
    """Raises `PermissionDenied` where the manifest's connect-src does not cover the gateway at ``origin``."""
    if not asker.csp.allows("connect-src", origin + request.path):
        raise PermissionDenied(PERMISSION, f"the connect-src of the manifest's csp does not cover {origin}")


def time_for(request: ProxyRequest, left_ms: float) -> int:
    """Milliseconds that a request has: what the plugin gives it, within what is left of its invocation."""
    return max(1, int(min(request.timeout_ms or left_ms, left_ms)))


def traceparent(cid: str, span: str, random_hex: Callable[[int], str]) -> str:
    """W3C trace context: the trace is the correlation id's, so that both lead to the same records. ``span``: who asks.
    """
    trace = hashlib.sha256(cid.encode()).hexdigest()[:32] if cid else random_hex(16)
    return f"00-{trace}-{span}-01"


def span_of(salt: str, invocation: str) -> str:
    """The span of an invocation, 16 hexadecimal digits. ``salt``: of the session, known to nobody else."""
    return hashlib.sha256(f"{salt}.{invocation}".encode()).hexdigest()[:16]


def too_large() -> SandboxError:
    """Of an answer that is larger than the plugin may have one."""
    return SandboxError(Code.MESSAGE_LIMIT, "the answer is larger than isolation.limits.bufferBytes")


def judged(answer: Incoming) -> Answer:
    """The answer as the plugin may have it; the gateway's own failure as an error."""
    outcome = answer.headers.get("pysandbox-outcome")
    if outcome in ("upstream", "cached"):
        shown = _FOR_PLUGINS.union(answer.headers.get("pysandbox-shown", "").split(","))
        kept = {
            name: value for name, value in answer.headers.items()
            if name in shown and _HEADER_NAME.fullmatch(name) and not name.startswith(_OURS)}
        return Incoming(answer.status, kept, answer.body, answer.read)
    if len(answer.body) > MAX_ERROR_BYTES:
        return SandboxError(Code.UPSTREAM_FAILED, f"the gateway answered with status {answer.status}")
    return _told(answer.read(), answer.status)


def _told(body: bytes, status: int) -> SandboxError:
    try:
        envelope = cast(Any, strict_json.loads(body.decode(), max_chars=MAX_ERROR_BYTES))
        code, message = Code(envelope["error"]["code"]), str(envelope["error"]["message"])[:500]
    except (UnicodeDecodeError, SandboxError, KeyError, TypeError, ValueError):
        return SandboxError(Code.UPSTREAM_FAILED, f"the gateway answered with status {status}")
    if code is Code.PERMISSION_DENIED:
        return PermissionDenied(PERMISSION, message)
    if code is Code.NOT_FOUND:
        return SandboxError(Code.ROUTE_NOT_FOUND)
    if code not in TOLD:
        return SandboxError(Code.UPSTREAM_FAILED, f"the gateway refused the request ({code.value})")
    return SandboxError(code, message)
