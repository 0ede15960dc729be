"""Flows over HTTP: kept, begun, looked at. Errors travel as `SandboxError` to `errors.py`."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pysandbox.core.errors import Code, Problem, SandboxError
from pysandbox.core.flow.run import MAX_DATA_CHARS
from pysandbox.gateway import headers
from pysandbox.gateway.auth.principal import RUN_FLOWS, WRITE_FLOWS, Authenticator, Principal
from pysandbox.gateway.flows.catalog import MAX_BODY_BYTES, FlowCatalog
from pysandbox.gateway.flows.executions import RUNNING, ExecutionStore
from pysandbox.gateway.flows.runner import Runner
from pysandbox.gateway.reading import read_body, read_object

MAX_WAIT_S: Final = 25
"""Less than what proxies in front give an answer."""
_LOOK_S: Final = 0.5
_FLOWS: Final = "/api/v2/flows"
_EXECUTIONS: Final = f"{_FLOWS}/{{flow_id}}/executions"


@dataclass(frozen=True, slots=True)
class FlowRoutes:
    """Flows need ``architect:flow:write``, executions ``architect:flow:run``."""

    tokens: Authenticator
    catalog: FlowCatalog
    store: ExecutionStore
    runner: Runner

    def routes(self) -> list[Route]:
        return [
            Route(_FLOWS, self.flows, methods=["GET", "POST"]),
            Route(f"{_FLOWS}/{{flow_id}}", self.flow, methods=["GET", "DELETE"]),
            Route(_EXECUTIONS, self.begin, methods=["POST"]),
            Route(f"{_EXECUTIONS}/{{execution_id}}", self.execution),
        ]

    async def flows(self, request: Request) -> Response:
        principal = await self._allowed(request, WRITE_FLOWS)
        if request.method == "GET":
            return _json({"flows": await self.catalog.list(principal.tenant)})
        shown, is_new = await self.catalog.add(principal, await read_body(request, max_bytes=MAX_BODY_BYTES))
        return _json(shown, 201 if is_new else 200)

    async def flow(self, request: Request) -> Response:
        principal, flow_id = await self._allowed(request, WRITE_FLOWS), request.path_params["flow_id"]
        if request.method == "DELETE":
            await self.catalog.remove(principal, flow_id)
            return Response(status_code=204, headers=headers.api())
        kept = await self.catalog.get(principal.tenant, flow_id, _number(request, "version", 1, 2**31 - 1))
        return _json(kept.as_json(self.catalog.parsed(kept), whole=True))

    async def begin(self, request: Request) -> Response:
        principal, flow_id = await self._allowed(request, RUN_FLOWS), request.path_params["flow_id"]
        version, wait_s = _number(request, "version", 1, 2**31 - 1), _number(request, "wait", 0, MAX_WAIT_S)
        data = await read_object(request, max_bytes=4 * MAX_DATA_CHARS, empty=True)
        execution_id = await self.runner.begin(principal.tenant, flow_id, data, version)
        if wait_s:
            told = await self._shown(principal.tenant, flow_id, execution_id, wait_s)
            if told["state"] != RUNNING:
                return _json(told)
        return _json({"flowId": flow_id, "executionId": execution_id, "state": RUNNING}, 202)

    async def execution(self, request: Request) -> Response:
        principal = await self._allowed(request, RUN_FLOWS)
        wait_s = _number(request, "wait", 0, MAX_WAIT_S)
        flow_id, execution_id = request.path_params["flow_id"], request.path_params["execution_id"]
        return _json(await self._shown(principal.tenant, flow_id, execution_id, wait_s))

    async def _shown(self, tenant: str, flow_id: str, execution_id: str, wait_s: int) -> dict[str, object]:
        """The execution, when it has ended or ``wait_s`` are over."""
        until, look_s = time.monotonic() + wait_s, _LOOK_S
        state = await self.store.state(tenant, flow_id, execution_id)  # nobody waits for what is another tenant's
        while state == RUNNING and (left_s := until - time.monotonic()) > 0:
            if not await self.runner.ended(execution_id, left_s):
                await asyncio.sleep(min(look_s, left_s))  # another replica holds it
                look_s *= 1.5
            state = await self.store.state(tenant, flow_id, execution_id)
        return await self.store.show(tenant, flow_id, execution_id)

    async def _allowed(self, request: Request, scope: str) -> Principal:
        principal = await self.tokens.principal(request)
        principal.require(scope)
        return principal


def _number(request: Request, name: str, least: int, most: int) -> int:
    """Of the query; 0 without one. Raises `SandboxError` ``INPUT_INVALID``."""
    text = request.query_params.get(name)
    if text is None:
        return 0
    if text.isascii() and text.isdigit() and len(text) <= len(str(most)) and least <= int(text) <= most:
        return int(text)
    raise SandboxError(Code.INPUT_INVALID, "the query is not usable", details=[Problem(
        name, f"{text[:40]!r} is no whole number from {least} to {most}", "send one, or none")])


def _json(value: object, status: int = 200) -> Response:
    return JSONResponse(value, status, headers.api())
