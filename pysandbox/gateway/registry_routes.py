"""The registry over HTTP: what administrators change, and what a page's session loads.

An administrator shows the platform's own token, a JWT; the page's host shows its session's, which has no dot in it.
Errors travel as `SandboxError` to `errors.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, cast

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pysandbox.core.errors import Code, Problem, SandboxError
from pysandbox.gateway import audit, headers
from pysandbox.gateway.auth.principal import MANAGE_PLUGINS, READ_AUDIT, Authenticator, Principal, SessionStore
from pysandbox.gateway.folder import BuiltPlugin
from pysandbox.gateway.long_poll import wait_s, what_is_known
from pysandbox.gateway.negotiate import not_modified
from pysandbox.gateway.publishers import Publishers
from pysandbox.gateway.reading import bearer, read_object
from pysandbox.gateway.registry import Registry
from pysandbox.gateway.store.database import Database
from pysandbox.gateway.submission import MAX_BODY_BYTES, judge
from pysandbox.gateway.telemetry.words import words_of
from pysandbox.gateway.tenant_blocks import TenantBlocks

_VERSION: Final = "/api/v2/plugins/{plugin_id}/versions/{version}"
_MAX_CHANGE_BYTES: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class RegistryRoutes:
    """``needs_library``: whether a bundle's worker must be given the standard library beside the snapshot."""

    tokens: Authenticator
    sessions: SessionStore
    database: Database
    registry: Registry
    publishers: Publishers
    blocks: TenantBlocks
    needs_library: Callable[[BuiltPlugin], bool]

    def routes(self) -> list[Route]:
        return [
            Route("/api/v2/plugins", self.plugins, methods=["GET", "POST"]),
            Route("/api/v2/plugins/changes", self.changes),
            Route(_VERSION, self.version, methods=["GET", "PATCH", "DELETE"]),
            Route(f"{_VERSION}/bundle", self.bundle),
            Route(f"{_VERSION}/grant", self.grant, methods=["PUT"]),
            Route("/api/v2/publishers", self.all_publishers, methods=["GET", "POST"]),
            Route("/api/v2/publishers/{name}", self.publisher, methods=["DELETE"]),
            Route("/api/v2/audit", self.audit),
        ]

    # --- administration ---
    async def plugins(self, request: Request) -> Response:
        principal = await self._manager(request)
        if request.method == "GET":
            return _json({"plugins": await self.registry.list(principal.tenant)})
        body = await read_object(request, max_bytes=MAX_BODY_BYTES)
        shown, is_new = await self.registry.add(principal, await run_in_threadpool(judge, body))
        return _json(shown, 201 if is_new else 200)

    async def version(self, request: Request) -> Response:
        plugin_id, version = _named(request)
        if request.method == "GET":
            return await self._about(request, plugin_id, version)
        principal = await self._manager(request)
        if request.method == "DELETE":
            await self.registry.remove(principal, plugin_id, version)
            return _nothing()
        change = await read_object(request, max_bytes=_MAX_CHANGE_BYTES)
        _only(change, "state")
        return _json(await self.registry.set_state(principal, plugin_id, version, str(change.get("state"))))

    async def grant(self, request: Request) -> Response:
        principal = await self._manager(request)
        body = await read_object(request, max_bytes=_MAX_CHANGE_BYTES)
        _only(body, "permissions", "identity")
        permissions = body.get("permissions")
        names = cast(list[object], permissions) if isinstance(permissions, list) else [None]
        if not all(isinstance(name, str) for name in names):
            raise SandboxError(Code.INPUT_INVALID, "the body is no consent", details=[Problem(
                "$.permissions", "must be a list of permissions' names", "send those of the manifest that you grant")])
        return _json(await self.registry.grant(
            principal, *_named(request), cast(list[str], names), str(body.get("identity"))))

    async def all_publishers(self, request: Request) -> Response:
        principal = await self._manager(request)
        if request.method == "GET":
            return _json({"publishers": await self.publishers.list(principal.tenant)})
        body = await read_object(request, max_bytes=_MAX_CHANGE_BYTES)
        return _json(await self.publishers.add(principal, body), 201)

    async def publisher(self, request: Request) -> Response:
        await self.publishers.remove(await self._manager(request), request.path_params["name"])
        return _nothing()

    async def audit(self, request: Request) -> Response:
        principal = await self.tokens.principal(request)
        principal.require(READ_AUDIT)
        query = audit.parse_query(request.query_params)
        return _json({"entries": await audit.entries(self.database, principal, query)})

    # --- what a page loads ---
    async def changes(self, request: Request) -> Response:
        session = await self.sessions.find(bearer(request))
        known = what_is_known(request)
        changes = await self.blocks.since(session.tenant, known, wait_s(self.blocks.waiting))
        return _json(changes.as_json())

    async def bundle(self, request: Request) -> Response:
        published = await self.registry.published(await self._tenant(request), *_named(request))
        etag = f'"{published.built.sha256}"'
        fields = {**headers.api(), "Cache-Control": "private, no-cache", "ETag": etag, "Vary": "Authorization"}
        if not_modified(etag, request.headers.get("if-none-match")):
            return Response(status_code=304, headers=fields)
        return Response(published.built.bundle, 200, fields, media_type="application/zip")

    async def _about(self, request: Request, plugin_id: str, version: str) -> Response:
        if _is_platform_token(bearer(request)):
            principal = await self._manager(request)
            return _json(await self.registry.get(principal.tenant, plugin_id, version))
        published = await self.registry.published(await self._tenant(request), plugin_id, version)
        built = published.built
        return _json({
            "pluginId": plugin_id, "version": built.manifest.version, "manifest": built.manifest.raw,
            "bundleSha256": built.sha256, "bundleBytes": len(built.bundle), "grants": list(published.grants),
            "needsLibrary": await run_in_threadpool(self.needs_library, built),
            "logWords": sorted(await run_in_threadpool(words_of, built.bundle))})

    async def _tenant(self, request: Request) -> str:
        token = bearer(request)
        if _is_platform_token(token):
            return (await self._manager(request)).tenant
        return (await self.sessions.find(token)).tenant

    async def _manager(self, request: Request) -> Principal:
        principal = await self.tokens.principal(request)
        principal.require(MANAGE_PLUGINS)
        return principal


def _is_platform_token(token: str) -> bool:
    """RFC 7515: a signed token in compact form has two dots. Ours have none."""
    return "." in token


def _named(request: Request) -> tuple[str, str]:
    return request.path_params["plugin_id"], request.path_params["version"]


def _only(body: dict[str, object], *names: str) -> None:
    """Raises `SandboxError` ``INPUT_INVALID`` unless the body has exactly these keys."""
    problems = [Problem(f"$.{name}", "is missing", f"send {name}") for name in names if name not in body]
    problems += [
        Problem(f"$.{name[:80]}", "is no key of this body", f"send {', '.join(names)} alone")
        for name in sorted(body.keys() - set(names))[:50]]
    if problems:
        raise SandboxError(Code.INPUT_INVALID, "the body is not as it should be", details=problems)


def _json(value: object, status: int = 200) -> Response:
    return JSONResponse(value, status, headers.api())


def _nothing() -> Response:
    return Response(status_code=204, headers=headers.api())
