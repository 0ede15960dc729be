"""Errors as HTTP answers: one envelope on every route of the API, one plain strict page on the sandbox origin.

Must not know: which route failed, or why.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway import headers

log = logging.getLogger(__name__)

Refuse = Callable[[int, SandboxError], Response]

STATUS: Final[Mapping[Code, int]] = {
    Code.INPUT_INVALID: 400,
    Code.MESSAGE_LIMIT: 413,
    Code.SESSION_INVALID: 401,
    Code.ORIGIN_NOT_ALLOWED: 403,
    Code.PERMISSION_DENIED: 403,
    Code.PLUGIN_BLOCKED: 403,
    Code.PLUGIN_NOT_FOUND: 404,
    Code.FLOW_NOT_FOUND: 404,
    Code.NOT_FOUND: 404,
    Code.METHOD_NOT_ALLOWED: 405,
    Code.VERSION_EXISTS: 409,
    Code.CONSENT_STALE: 409,
    Code.SIGNATURE_INVALID: 422,
    Code.HOST_NOT_ALLOWED: 421,
    Code.MANIFEST_INVALID: 422,
    Code.BUNDLE_INVALID: 422,
    Code.BUNDLE_TAMPERED: 422,
    Code.REQUIREMENTS_UNRESOLVED: 422,
    Code.FLOW_INVALID: 422,
    Code.RUNTIME_MISSING: 503,
    Code.NONCE_REJECTED: 403,
    Code.ROUTE_NOT_FOUND: 404,
    Code.RATE_LIMIT: 429,
    Code.REQUEST_TIMEOUT: 408,
    Code.UPSTREAM_FAILED: 502,
    Code.UPSTREAM_REFUSED: 502,
    Code.ADDRESS_NOT_ALLOWED: 502,
    Code.CREDENTIALS_NOT_ALLOWED: 502,
    Code.CREDENTIALS_UNAVAILABLE: 503,
    Code.STATE_UNAVAILABLE: 503,
    Code.UPSTREAM_UNAVAILABLE: 503,
    Code.UPSTREAM_TIMEOUT: 504,
}
_FROM_STATUS: Final[Mapping[int, Code]] = {404: Code.NOT_FOUND, 405: Code.METHOD_NOT_ALLOWED}


def envelope(status: int, error: SandboxError, correlation_id: str | None = None) -> Response:
    """The API's error answer: ``{"error": {code, message, details, retryable, correlationId}}``."""
    correlation_id = correlation_id or secrets.token_hex(16)
    if status >= 500:
        log.error("answered %d %s, correlation id %s", status, error.code, correlation_id)
    body: dict[str, object] = {"details": [], **error.as_json(), "correlationId": correlation_id}
    extra = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    return JSONResponse({"error": body}, status, {**headers.api(), **extra})


def plain(status: int, error: SandboxError) -> Response:
    """The sandbox origin's error page: text without a word of what was asked for, under the strict headers."""
    return PlainTextResponse(f"{status} {error.code}: {error.message}\n", status, headers.strict_error())


def handlers(refuse: Refuse) -> dict[type[Exception], Callable[[Request, Exception], Response]]:
    """Starlette's exception handlers that answer everything by ``refuse``."""

    def coded(_request: Request, error: Exception) -> Response:
        assert isinstance(error, SandboxError)
        response = refuse(STATUS.get(error.code, 500), error)
        response.headers.update(getattr(error, "headers", {}))  # of `Limited`: when to come again
        return response

    def http(_request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        code = _FROM_STATUS.get(error.status_code, Code.INPUT_INVALID)
        response = refuse(error.status_code, SandboxError(code))
        response.headers.update(error.headers or {})  # Allow, of a 405
        return response

    def unforeseen(_request: Request, _error: Exception) -> Response:
        # Starlette raises the error again after this answer, so it reaches the server's log whole.
        return refuse(500, SandboxError(Code.INTERNAL_ERROR))

    return {SandboxError: coded, HTTPException: http, Exception: unforeseen}
