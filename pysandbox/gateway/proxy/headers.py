"""Which headers pass the proxy, both ways, by allowlist: what is not named goes nowhere (attacks 11, 71, 77, 96).

Must not know: credentials. Those are put in after this, so a plugin's header can never stand in their place.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from pysandbox.core.errors import Code, Problem, SandboxError

MAX_HEADERS: Final = 32
MAX_VALUE_CHARS: Final = 2048
ASKED: Final = frozenset({
    "accept", "accept-language", "cache-control", "idempotency-key", "if-match", "if-modified-since", "if-none-match",
    "if-unmodified-since", "prefer"})
"""What a plugin may send to any upstream. ``Content-Type`` has a way of its own: the nonce binds it."""
ANSWERED: Final = frozenset({
    "age", "allow", "cache-control", "content-disposition", "content-language", "content-type", "date", "etag",
    "expires", "last-modified", "preference-applied", "retry-after", "vary"})
"""What a plugin may see of any answer: nothing that says where the upstream is, or that a browser would act on."""
ADDED: Final = (("X-Content-Type-Options", "nosniff"), ("Content-Security-Policy", "sandbox"))
"""Should an answer ever be opened as a page, it is one without an origin and without scripts."""

# RFC 9110's token, less the underscore: some servers turn it into a hyphen, and X_Api_Key into another's header.
_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^`|~-]{1,64}")
_VALUE: Final = re.compile(r"([!-~]([\t -~]*[!-~])?)?")  # no line ends, nothing that a log would stumble over
# Hop by hop (RFC 9110 section 7.6.1), framing, authority, credentials, who asks and by which way, other methods.
_NEVER_ASKED: Final = frozenset({
    "accept-charset", "accept-encoding", "authorization", "connection", "content-encoding", "content-length",
    "content-type", "cookie", "cookie2", "correlation-id", "expect", "forwarded", "from", "host", "http2-settings",
    "keep-alive", "max-forwards", "origin", "range", "referer", "set-cookie", "te", "traceparent", "tracestate",
    "trailer", "transfer-encoding", "upgrade", "user-agent", "via", "x-correlation-id", "x-http-method",
    "x-http-method-override", "x-method-override", "x-real-ip", "x-rewrite-url"})
_NEVER_ASKED_STARTS: Final = (
    "access-control-", "cf-", "proxy-", "pysandbox-", "sec-", "true-client-", "x-amz", "x-azure-", "x-client-",
    "x-envoy-", "x-forwarded", "x-original-")
# What a browser acts on, where the upstream is, framing; ours to write.
_NEVER_ANSWERED: Final = frozenset({
    "alt-svc", "authorization", "clear-site-data", "connection", "content-encoding", "content-length",
    "content-location", "content-security-policy", "content-security-policy-report-only", "cookie", "host",
    "keep-alive", "link", "location", "nel", "origin-agent-cluster", "permissions-policy", "ratelimit",
    "ratelimit-policy", "refresh", "report-to", "reporting-endpoints", "server", "server-timing",
    "service-worker-allowed", "set-cookie", "set-cookie2", "set-login", "sourcemap", "speculation-rules",
    "strict-transport-security", "te", "traceparent", "tracestate", "trailer", "transfer-encoding", "upgrade",
    "via", "www-authenticate", "x-content-type-options", "x-frame-options", "x-sourcemap"})
_NEVER_ANSWERED_STARTS: Final = ("access-control-", "cross-origin-", "proxy-", "pysandbox-", "sec-")


def may_be_asked(name: str) -> bool:
    """Whether a route may let plugins send the header ``name``."""
    low = name.lower()
    return bool(_NAME.fullmatch(name)) and low not in _NEVER_ASKED and not low.startswith(_NEVER_ASKED_STARTS)


def may_be_answered(name: str) -> bool:
    """Whether a route may let plugins see the header ``name`` of an answer."""
    low = name.lower()
    return bool(_NAME.fullmatch(name)) and low not in _NEVER_ANSWERED and not low.startswith(_NEVER_ANSWERED_STARTS)


def asked(given: Mapping[str, object], extra: Collection[str] = ()) -> list[tuple[str, str]]:
    """Of a plugin's own headers, those that go on; others are dropped. ``extra``: the route's, in lower case.

    Raises `SandboxError` ``INPUT_INVALID`` where one that would go on is no header: a line end in it (attacks 71, 77),
    or its name twice in two spellings.
    """
    if len(given) > MAX_HEADERS:
        raise SandboxError(Code.INPUT_INVALID, f"a request has at most {MAX_HEADERS} headers of its own")
    problems: list[Problem] = []
    passed: dict[str, str] = {}
    for name, value in given.items():
        low = name.lower()
        if not (low in ASKED or low in extra) or not may_be_asked(name):
            continue
        at = f"$.headers.{low}"
        if not isinstance(value, str) or len(value) > MAX_VALUE_CHARS or not _VALUE.fullmatch(value):
            problems.append(Problem(
                at, f"is no text of at most {MAX_VALUE_CHARS} printable ASCII characters", "Encode it, or shorten it."))
        elif low in passed:
            problems.append(Problem(at, "is there twice, in two spellings", "Send it once."))
        else:
            passed[low] = value
    if problems:
        raise SandboxError(Code.INPUT_INVALID, "the request has headers that cannot be sent", details=problems)
    return [(name.title(), value) for name, value in passed.items()]


def answered(
    headers: Iterable[tuple[str, str]], *, extra: Collection[str] = (), strip: Collection[str] = ()
) -> list[tuple[str, str]]:
    """Of an upstream's headers, those that a plugin may see, and ours. ``extra``: the route's, in lower case;
    ``strip``: what the route takes out, in any case. Of one that is there twice the first counts."""
    gone = {name.lower() for name in strip}
    seen: dict[str, str] = {}
    for name, value in headers:
        low = name.lower()
        listed = low in ANSWERED or (low in extra and may_be_answered(name))
        if listed and low not in gone and len(value) <= MAX_VALUE_CHARS and _VALUE.fullmatch(value):
            seen.setdefault(low, value)
    return [*((name.title(), value) for name, value in seen.items()), *ADDED]
