"""What every request leaves behind: counts for Prometheus, and one line of JSON.

Neither holds an address, a path, a query or a user: a path is told as the pattern that matched it, else as ``other``.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

access: Final = logging.getLogger("pysandbox.access")
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The gateway's own figures. ``registry`` holds those of other parts as well."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "pysandbox_requests", "Requests answered.", ["route", "method", "status"], registry=self.registry)
        self.seconds = Histogram(
            "pysandbox_request_seconds", "Time from a request to the end of its answer.", ["route"],
            buckets=_BUCKETS, registry=self.registry)
        self.open = Gauge("pysandbox_requests_in_progress", "Requests in progress.", registry=self.registry)


class Watch:
    """Counts what passes. ``routes``: those of ``app``, by which a request is named. ``log``: write the lines."""

    def __init__(self, app: ASGIApp, metrics: Metrics, routes: Iterable[BaseRoute], *, log: bool) -> None:
        self._app = app
        self._metrics = metrics
        self._names: dict[object, str] = {
            route.endpoint: route.path for route in routes if isinstance(route, Route)}
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(send)
        began = time.perf_counter()
        self._metrics.open.inc()
        try:
            await self._app(scope, receive, answer)
        finally:
            self._metrics.open.dec()
            self._note(scope, answer, time.perf_counter() - began)

    def _note(self, scope: Scope, answer: _Answer, seconds: float) -> None:
        route = self._names.get(scope.get("endpoint"), "other")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.requests.labels(route, method, str(answer.status)).inc()
        self._metrics.seconds.labels(route).observe(seconds)
        if self._log:
            line: dict[str, Any] = {
                "at": time.time_ns() // 1_000_000, "method": method, "route": route, "status": answer.status,
                "ms": round(seconds * 1000, 2), "bytes": answer.bytes, "correlationId": answer.correlation_id}
            access.info("%s", json.dumps(line, separators=(",", ":")))


class _Answer:
    """What was sent. A status of 0: the other end went away before there was one."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0
        self.bytes = 0
        self.correlation_id: str | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            found = dict(message.get("headers", ())).get(b"pysandbox-correlation-id")
            self.correlation_id = None if found is None else found.decode("latin-1")
        elif message["type"] == "http.response.body":
            self.bytes += len(message.get("body", b""))
        await self._send(message)
