"""Asks a vendor's API through the gateway, which lends the call a credential that this plugin never sees."""

from __future__ import annotations

from typing import Any

from pysandbox.plugin import CallError, Context, PermissionDenied, handler

ROUTE = "/proxy/vendor/orders"
ANSWER_WITHIN_MS = 800


@handler
async def last_order(payload: dict[str, Any], ctx: Context) -> dict[str, Any]:
    """The last order of ``{"customerId"}``; without the vendor a result that says so, never a failure."""
    try:
        answer = await ctx.proxy.post(
            ROUTE, json={"customerId": payload["customerId"]}, timeout_ms=min(ANSWER_WITHIN_MS, ctx.remaining_ms))
    except (PermissionDenied, CallError) as error:
        ctx.log.warning("without the vendor", code=error.code.value)
        return {"order": None, "because": error.code.value}
    if answer.status != 200:
        return {"order": None, "because": f"status {answer.status}"}
    return {"order": answer.json(), "because": "read"}
