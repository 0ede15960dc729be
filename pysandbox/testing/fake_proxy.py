"""``ctx.proxy`` for tests: routes are a dictionary, an unknown one is answered as the gateway answers it.

Must not know: HTTP. Path and method are compared as they are; a query string is part of the path.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from pysandbox.core import strict_json
from pysandbox.core.errors import CallError, Code, SandboxError
from pysandbox.core.proxy_request import parse_request
from pysandbox.plugin.context import ProxyResponse
from pysandbox.testing.records import copied

PROXY_PERMISSION = "integration:proxy:invoke"


class ProxyRequest(NamedTuple):
    """What a route's function is given, and what the handler's requests are recorded as."""

    method: str
    path: str
    json: Any = None
    headers: Mapping[str, str] | None = None
    timeout_ms: int | None = None


Routes = Mapping[tuple[str, str], ProxyResponse | Callable[[ProxyRequest], Any]]


def json_response(value: Any, status: int = 200) -> ProxyResponse:
    """An upstream's answer with ``value`` as its JSON body."""
    return ProxyResponse(status, {"content-type": "application/json"}, strict_json.dumps(value).encode())


class FakeProxy:
    """Implements `pysandbox.plugin.context.Proxy`.

    ``enter`` judges the permission and the number of calls, ``settle`` awaits the answer, ``now_ms`` is the context's
    time, ``max_bytes`` the most of an answer that reaches a plugin.
    """

    def __init__(
        self,
        routes: Routes,
        enter: Callable[[str], None],
        settle: Callable[[Any], Awaitable[Any]],
        now_ms: Callable[[], float],
        max_bytes: int,
    ) -> None:
        self.requests: list[ProxyRequest] = []
        self._routes = dict(routes)
        self._enter = enter
        self._settle = settle
        self._now_ms = now_ms
        self._max_bytes = max_bytes

    async def get(
        self,
        path: str,
        *,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout_ms: int | None = None,
    ) -> ProxyResponse:
        return await self._request(ProxyRequest("GET", path, json, headers, timeout_ms))

    async def post(
        self,
        path: str,
        *,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout_ms: int | None = None,
    ) -> ProxyResponse:
        return await self._request(ProxyRequest("POST", path, json, headers, timeout_ms))

    async def put(
        self,
        path: str,
        *,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout_ms: int | None = None,
    ) -> ProxyResponse:
        return await self._request(ProxyRequest("PUT", path, json, headers, timeout_ms))

    async def patch(
        self,
        path: str,
        *,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout_ms: int | None = None,
    ) -> ProxyResponse:
        return await self._request(ProxyRequest("PATCH", path, json, headers, timeout_ms))

    async def delete(
        self,
        path: str,
        *,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout_ms: int | None = None,
    ) -> ProxyResponse:
        return await self._request(ProxyRequest("DELETE", path, json, headers, timeout_ms))

    async def _request(self, request: ProxyRequest) -> ProxyResponse:
        self._enter(PROXY_PERMISSION)
        request = request._replace(json=copied(request.json))
        _check(request)
        self.requests.append(request)
        answer = self._routes.get((request.method, request.path))
        if answer is None:
            raise CallError(Code.ROUTE_NOT_FOUND, f"there is no route for {request.method} {request.path}")
        asked_at_ms = self._now_ms()
        response = await self._settle(answer(request) if callable(answer) else answer)
        if not isinstance(response, ProxyResponse):
            raise TypeError(f"the fake route {request.method} {request.path} gave {response!r}, no ProxyResponse")
        if request.timeout_ms is not None and self._now_ms() - asked_at_ms >= request.timeout_ms:
            raise CallError(Code.UPSTREAM_TIMEOUT)
        if len(response.content) > self._max_bytes:
            raise CallError(Code.MESSAGE_LIMIT, "the answer is larger than isolation.limits.bufferBytes")
        return response


def _check(request: ProxyRequest) -> None:
    """What the host refuses without asking the gateway. Raises `CallError`."""
    try:
        parse_request({
            "verb": request.method, "path": request.path, "json": request.json,
            "headers": dict(request.headers or {}), "timeoutMs": request.timeout_ms})  # fmt: skip
    except SandboxError as error:
        raise CallError(error.code, error.message) from error
