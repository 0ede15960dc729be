"""``ctx.proxy`` for tests: routes are a dictionary, an unknown one is answered as the gateway answers it.

Must not know: HTTP. Path and method are compared as they are; a query string is part of the path.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from pysandbox.core import strict_json
from pysandbox.core.errors import CallError, Code
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
    """Implements `pysandbox.plugin.context.Proxy`. ``enter`` judges the permission, ``settle`` awaits the answer."""

    def __init__(
        self,
        routes: Routes,
        enter: Callable[[str], None],
        settle: Callable[[Any], Awaitable[Any]],
    ) -> None:
        self.requests: list[ProxyRequest] = []
        self._routes = dict(routes)
        self._enter = enter
        self._settle = settle

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
        self.requests.append(request)
        answer = self._routes.get((request.method, request.path))
        if answer is None:
            raise CallError(Code.ROUTE_NOT_FOUND, f"there is no route for {request.method} {request.path}")
        response = await self._settle(answer(request) if callable(answer) else answer)
        if not isinstance(response, ProxyResponse):
            raise TypeError(f"the fake route {request.method} {request.path} gave {response!r}, no ProxyResponse")
        return response
