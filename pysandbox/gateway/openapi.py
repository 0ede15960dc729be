"""``/openapi.json``: the API as OpenAPI 3.1, made of the table of operations. Public: it says nothing of any tenant."""

from __future__ import annotations

import re
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pysandbox.gateway import headers
from pysandbox.gateway.openapi_operations import OPERATIONS, PLATFORM, SESSION, Operation
from pysandbox.gateway.openapi_schemas import SCHEMAS, TEXT, ref

_PARAMETER: Final = re.compile(r"\{(\w+)\}")
_SAYS: Final = {
    400: "The request is not understood.", 401: "No good token.", 403: "The token does not open this.",
    404: "There is none.", 413: "The body is too long.", 421: "Another server's name.",
    422: "It breaks a rule.", 429: "Too many requests.", 503: "A part that is needed is away."}


def document(base: str) -> dict[str, Any]:
    """``base``: where browsers find the API."""
    paths: dict[str, dict[str, Any]] = {}
    for one in OPERATIONS:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one)
    return {
        "openapi": "3.1.0",
        "info": {"title": "pysandbox gateway", "version": "2", "description": "Registry, sessions, API proxy, flows."},
        "servers": [{"url": base}],
        "paths": paths,
        "components": {
            "schemas": dict(SCHEMAS),
            "responses": {"Error": {"description": "What went wrong, and the cure.", **_content("Error")}},
            "securitySchemes": {
                PLATFORM: {"type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                           "description": "The platform's own token."},
                SESSION: {"type": "http", "scheme": "bearer",
                          "description": "The token that POST /api/v2/sessions answered with."}}}}


def openapi_route(base: str) -> Route:
    """The route that answers with the document, which is made once."""
    made = document(base)

    async def openapi(_request: Request) -> Response:
        return JSONResponse(made, headers=headers.api())

    return Route("/openapi.json", openapi)


def _operation(one: Operation) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": TEXT} for name in _PARAMETER.findall(one.path)]
    parameters += [
        {"name": name, "in": "query", "required": name in one.needed_query, "schema": schema}
        for name, schema in one.query.items()]
    told: dict[str, Any] = {
        "summary": one.says, "parameters": parameters, "security": [{name: []} for name in one.by],
        "responses": {str(status): _answer(status, content) for status, content in one.answers.items()} | {
            str(status): {"$ref": "#/components/responses/Error", "description": says}
            for status, says in _SAYS.items() if status not in one.answers}
        | {"default": {"$ref": "#/components/responses/Error"}}}
    if one.scope:
        told["description"] = f"The platform's token needs the scope `{one.scope}`."
    if one.body is not None:
        told["requestBody"] = {"required": one.needs_body, **_content(one.body)}
    return told


def _answer(status: int, content: str | None) -> dict[str, Any]:
    says = "Not changed." if status == 304 else "Done." if content is None else "The answer."
    if content is None:
        return {"description": says}
    return {"description": says, **({"content": {content: {}}} if "/" in content else _content(content))}


def _content(names: str) -> dict[str, Any]:
    """One JSON shape, or several with ``|`` between."""
    choices = [ref(name) for name in names.split("|")]
    return {"content": {"application/json": {"schema": choices[0] if len(choices) == 1 else {"oneOf": choices}}}}
