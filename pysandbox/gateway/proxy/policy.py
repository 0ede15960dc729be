"""What becomes of a proxied request: request, route and session go in, a decision or a refusal comes out.

Pure: no clock, no I/O, no credential. What the decision says is all that is sent, besides the credential, which is put
in afterwards and finds nothing of the plugin's in its place.

Must not know: nonces and limits (those are judged before), upstreams' answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from pysandbox.core.errors import Code, Problem, SandboxError
from pysandbox.gateway.proxy import headers, request_checks
from pysandbox.gateway.proxy.inspection import Finding, Kind, Usual, inspect
from pysandbox.gateway.proxy.pattern import fault_of_path
from pysandbox.gateway.proxy.route import Route, Upstream

PERMISSION: Final = "integration:proxy:invoke"


@dataclass(frozen=True, slots=True)
class ProxyAsk:
    """A request as it came, its nonce good. ``plugin``: ``id@version``; ``path`` and ``query`` raw, as sent;
    ``headers``: the raw value of ``Pysandbox-Headers``, or ""; ``timeout_ms``: what the caller gives it."""

    plugin: str
    method: str
    path: str
    query: str = ""
    content_type: str = ""
    content_encoding: str = ""
    headers: str = field(default="", repr=False)
    body: bytes = field(default=b"", repr=False)
    timeout_ms: int | None = None


class Session(Protocol):
    """What is asked of a session: the permissions it was granted."""

    @property
    def grants(self) -> frozenset[str]: ...


@dataclass(frozen=True, slots=True)
class Decision:
    """What is sent. ``shortened``: the caller gives it less time than the route does; ``findings``: for counters."""

    upstream: Upstream
    upstream_url: str
    method: str
    headers: Sequence[tuple[str, str]]
    body: bytes = field(repr=False)
    timeout_ms: int
    shortened: bool
    findings: tuple[Finding, ...] = ()


class Barred(SandboxError):
    """Inspection refused a request: ``INPUT_INVALID``. ``findings``: for counters."""

    def __init__(self, findings: tuple[Finding, ...], problems: Sequence[Problem]) -> None:
        super().__init__(Code.INPUT_INVALID, _said(problems), details=problems)
        self.findings = findings


def find_route(path: str, routes: Iterable[Route]) -> Route:
    """The route that answers ``path``, raw as sent: of several that match, the one that says most.

    One that is disabled still stands before a wider one: it was made to carve something out. Raises `SandboxError`
    ``INPUT_INVALID`` for a path in a spelling that readers could differ about, ``ROUTE_NOT_FOUND``.
    """
    fault = fault_of_path(path)
    if fault:
        raise _invalid("path", fault, "Write each part by urllib.parse.quote(part, safe='').")
    matching = [route for route in routes if route.pattern.match(path) is not None]
    found = max(matching, key=lambda route: (not route.pattern.wild, len(route.pattern.prefix)), default=None)
    if found is None or found.state != "enabled":
        raise SandboxError(Code.ROUTE_NOT_FOUND)
    return found


def decide(ask: ProxyAsk, route: Route, session: Session, *, usual: Usual | None = None) -> Decision:
    """What to send for ``ask``. ``usual``: the route's history so far, for inspection.

    Raises `SandboxError`: ``PERMISSION_DENIED``, ``ROUTE_NOT_FOUND``, ``METHOD_NOT_ALLOWED``, ``MESSAGE_LIMIT``, or
    ``INPUT_INVALID`` with every problem.
    """
    _permit(ask, route, session)
    rest = None if fault_of_path(ask.path) else route.pattern.match(ask.path)
    if route.upstream is None or route.state != "enabled" or rest is None:
        raise SandboxError(Code.ROUTE_NOT_FOUND)
    if ask.method not in route.methods:
        raise SandboxError(
            Code.METHOD_NOT_ALLOWED, f"the route answers {', '.join(route.methods)}, not {ask.method[:10]!r}")
    if len(ask.body) > route.request_bytes:
        raise SandboxError(Code.MESSAGE_LIMIT, f"this route takes bodies of {route.request_bytes} bytes at most")
    _refuse_unclear(ask, route)
    injected = _refuse_injected(ask, route)
    passed = headers.asked(request_checks.plugin_headers(ask.headers), route.request_headers)
    sent = [(name, value) for name, value in passed if name.lower() != injected]
    if ask.content_type:
        sent.append(("Content-Type", ask.content_type))
    timeout_ms = min(route.timeout_ms, ask.timeout_ms or route.timeout_ms)
    return Decision(
        upstream=route.upstream, upstream_url=_url(route.upstream, rest, ask.query), method=ask.method, headers=sent,
        body=ask.body, timeout_ms=timeout_ms, shortened=timeout_ms < route.timeout_ms,
        findings=_inspected(ask, route, usual))


def _permit(ask: ProxyAsk, route: Route, session: Session) -> None:
    if PERMISSION not in session.grants:
        raise SandboxError(Code.PERMISSION_DENIED, f"the session was not granted {PERMISSION}")
    if ask.plugin.partition("@")[0] not in route.plugins:
        raise SandboxError(Code.PERMISSION_DENIED, "this route was not granted to the plugin")


def _refuse_unclear(ask: ProxyAsk, route: Route) -> None:
    """All that two readers could read differently, or that this route does not take."""
    problems: list[Problem] = []
    fault = request_checks.query_fault(ask.query)
    if fault:
        problems.append(Problem("query", fault, "Write it by urllib.parse.urlencode."))
    fault = request_checks.content_type_fault(ask.content_type, route.content_types, has_body=bool(ask.body))
    if fault:
        problems.append(Problem("Content-Type", fault, f"Send one of {', '.join(route.content_types)}."))
    if ask.content_encoding.lower() not in {"", "identity"}:
        problems.append(Problem("Content-Encoding", "a compressed body cannot be inspected", "Send it as it is."))
    if ask.body and ask.method == "GET":
        problems.append(Problem("body", "a GET has no body: servers differ in what they make of it", "Use POST."))
    if problems:
        raise SandboxError(Code.INPUT_INVALID, _said(problems), details=problems)


def _refuse_injected(ask: ProxyAsk, route: Route) -> str:
    """The header (lower case) that the route's credential goes into, if it does; a field in its place is refused."""
    match route.auth:
        case "none" | "mtls":
            return ""
        case "api_key" if route.placement == "query":
            request_checks.refuse_injected_query(ask.query, route.placement_name)
            return ""
        case "api_key" if route.placement == "body":
            request_checks.refuse_injected_field(ask.content_type, ask.body, route.placement_name)
            return ""
        case "api_key":
            return route.placement_name.lower()
        case _:
            return "authorization"


def _url(upstream: Upstream, rest: str, query: str) -> str:
    return upstream.base_url + (f"/{rest}" if rest else "") + (f"?{query}" if query else "")


def _inspected(ask: ProxyAsk, route: Route, usual: Usual | None) -> tuple[Finding, ...]:
    """What inspection finds; blocked by it, where the route says so.

    A method that the route lists is never blocked because nobody has used it yet: nobody ever could.
    """
    if route.inspection == "off":
        return ()
    found = inspect(method=ask.method, query=ask.query, content_type=ask.content_type, body=ask.body, usual=usual)
    barred = [finding for finding in found if finding.kind != Kind.UNEXPECTED_METHOD]
    if barred and route.inspection == "block":
        problems = [Problem(finding.where, f"inspection found: {finding.kind}", "Leave it out.") for finding in barred]
        raise Barred(found, problems)
    return found


def _invalid(path: str, rule: str, cure: str) -> SandboxError:
    return SandboxError(Code.INPUT_INVALID, f"{path}: {rule}", details=[Problem(path, rule, cure)])


def _said(problems: Sequence[Problem]) -> str:
    return "; ".join(f"{problem.path}: {problem.rule}" for problem in problems[:5])
