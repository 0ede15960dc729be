"""Asks the proxy for whatever a test wants, and tells all that came back."""

from __future__ import annotations

from typing import Any

from pysandbox.plugin import CallError, Context, PermissionDenied, handler


@handler
async def ask(payload: dict[str, Any], ctx: Context) -> dict[str, Any]:
    verb = getattr(ctx.proxy, payload.pop("verb", "post"))
    try:
        answer = await verb(payload.pop("path", "/proxy/vendor/risk/evaluate"), **payload)
    except (CallError, PermissionDenied) as error:
        return {"code": error.code.value, "message": error.message}
    return {"status": answer.status, "headers": answer.headers, "text": answer.text}
