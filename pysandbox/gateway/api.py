"""The API's routes: sessions, plugins and their bundles, and the one job of `pysandbox run`.

Thin: read the request, ask the part that knows, answer. Errors travel as `SandboxError` to `errors.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, cast

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pysandbox.core import strict_json
from pysandbox.core.errors import Code, Problem, SandboxError
from pysandbox.gateway import headers
from pysandbox.gateway.folder import BuiltPlugin
from pysandbox.gateway.job import MAX_ANSWER_BYTES, Job
from pysandbox.gateway.long_poll import wait_s, what_is_known
from pysandbox.gateway.negotiate import not_modified
from pysandbox.gateway.plugins import PluginFolders
from pysandbox.gateway.reading import bearer, read_body
from pysandbox.gateway.sessions import DevSessions

_MAX_BODY_BYTES: Final = 4096
_STATES: Final = ("blocked", "enabled")


@dataclass(frozen=True, slots=True)
class Api:
    """What the routes work with. ``job`` is there only while `pysandbox run` waits for one."""

    sessions: DevSessions
    plugins: PluginFolders
    job: Job | None = None
    needs_library: Callable[[BuiltPlugin], bool] = lambda _built: True

    def routes(self) -> list[Route]:
        version = "/api/v2/plugins/{plugin_id}/versions/{version}"
        routes = [
            Route("/healthz", self.healthz),
            Route("/api/v2/sessions", self.open_session, methods=["POST"]),
            Route("/api/v2/plugins/changes", self.changes),
            Route(version, self.version, methods=["GET", "PATCH"]),
            Route(f"{version}/bundle", self.bundle),
        ]
        if self.job is not None:
            routes += [Route("/run/job", self.fetch_job), Route("/run/result", self.settle_job, methods=["POST"])]
        return routes

    async def healthz(self, _request: Request) -> Response:
        return _json({"status": "ok"})

    async def open_session(self, request: Request) -> Response:
        token = bearer(request)
        await read_body(request, max_bytes=_MAX_BODY_BYTES)
        self.sessions.check(token)  # before the plugins are asked: a stranger costs nothing
        grants = await run_in_threadpool(self.plugins.permissions)
        return _json(self.sessions.open(token, grants).as_json())

    async def version(self, request: Request) -> Response:
        return await (self._set_state if request.method == "PATCH" else self._about)(request)

    async def changes(self, request: Request) -> Response:
        """Answered at once when something is not as it was at ``since``; else when it changes, some seconds at most."""
        self.sessions.check(bearer(request))
        known = what_is_known(request)
        blocks = self.plugins.blocks
        return _json((await blocks.since(known, wait_s(blocks.waiting))).as_json())

    async def bundle(self, request: Request) -> Response:
        built = await self._find(request)
        etag = f'"{built.sha256}"'
        fields = {**headers.api(), "Cache-Control": "private, no-cache", "ETag": etag, "Vary": "Authorization"}
        if not_modified(etag, request.headers.get("if-none-match")):
            return Response(status_code=304, headers=fields)
        return Response(built.bundle, 200, fields, media_type="application/zip")

    async def fetch_job(self, request: Request) -> Response:
        return _json(_present(self.job).fetch(bearer(request)))

    async def settle_job(self, request: Request) -> Response:
        token = bearer(request)
        body = await read_body(request, max_bytes=MAX_ANSWER_BYTES)
        _present(self.job).settle(token, body)
        return Response(status_code=204, headers=headers.api())

    async def _about(self, request: Request) -> Response:
        built = await self._find(request)
        manifest = built.manifest
        return _json({
            "pluginId": manifest.plugin_id, "version": manifest.version, "manifest": manifest.raw,
            "bundleSha256": built.sha256, "bundleBytes": len(built.bundle),
            "needsLibrary": await run_in_threadpool(self.needs_library, built)})

    async def _set_state(self, request: Request) -> Response:
        self.sessions.check(bearer(request))
        state = _state(await read_body(request, max_bytes=_MAX_BODY_BYTES))
        plugin_id, version = request.path_params["plugin_id"], request.path_params["version"]
        await run_in_threadpool(self.plugins.set_blocked, plugin_id, version, blocked=state == "blocked")
        return _json({"pluginId": plugin_id, "version": version, "state": state})

    async def _find(self, request: Request) -> BuiltPlugin:
        self.sessions.check(bearer(request))
        plugin_id, version = request.path_params["plugin_id"], request.path_params["version"]
        return await run_in_threadpool(self.plugins.find, plugin_id, version)


def _state(body: bytes) -> str:
    """The state that a body ``{"state": …}`` asks for. Raises `SandboxError` ``INPUT_INVALID``."""
    try:
        told = strict_json.loads(body.decode(), max_chars=_MAX_BODY_BYTES)
    except (UnicodeDecodeError, SandboxError):
        told = None
    change = cast(dict[str, object], told) if isinstance(told, dict) else {}
    state = change.get("state")
    if change.keys() != {"state"} or state not in _STATES:
        raise SandboxError(
            Code.INPUT_INVALID, "a version's state cannot be set so", details=[Problem(
                "$.state", "the body is a JSON object with this one key, whose value is \"blocked\" or \"enabled\"",
                'send {"state": "blocked"} or {"state": "enabled"}')])
    return cast(str, state)


def _json(value: object) -> Response:
    return JSONResponse(value, headers=headers.api())


def _present(job: Job | None) -> Job:
    assert job is not None  # its routes exist only when it does
    return job
