"""Risk scoring: how likely is it that this chat escalates, and why?

The session is read through a capability, the vendor's own score through the API proxy. Both may be withheld: a score
that names what it had to assume is worth more to an agent than no score, so neither is an error here.
"""

from __future__ import annotations

from typing import Any

from features import Request, account_features, message_features, session_features, vendor_features
from model import VERSION
from scoring import score

from pysandbox.plugin import CallError, Context, PermissionDenied, handler

VENDOR_ROUTE = "/proxy/vendor/risk/evaluate"
VENDOR_TIMEOUT_MS = 2000
VENDOR_TTL_S = 60


@handler
async def evaluate(payload: dict[str, Any], ctx: Context) -> dict[str, Any]:
    """Score ``{"customerId", "message"?, "account"?, "enrich"?}``. Raises ValueError for a payload of another shape."""
    request = Request(payload)
    session, session_source = await read_session(ctx)
    ctx.progress(0.3, "session read")
    vendor, vendor_source = await ask_vendor(request.customer_id, ctx) if request.enrich else ({}, "not asked")
    ctx.signal.throw_if_aborted()
    result = score({
        **session_features(session), **account_features(request.account), **message_features(request.message),
        **vendor_features(vendor)})
    ctx.progress(1.0, "scored")
    return {
        "customerId": request.customer_id, **result, "model": VERSION,
        "sources": {"session": session_source, "vendor": vendor_source}}


async def read_session(ctx: Context) -> tuple[Any, str]:
    """The session's fields, and where they come from: ``read``, or the code of why they could not be."""
    try:
        return await ctx.call("webchat:session:read", {"fields": ["tier", "openTickets"]}), "read"
    except (PermissionDenied, CallError) as error:
        ctx.log.warning("scoring without the session", code=error.code.value)
        return {}, error.code.value


async def ask_vendor(customer_id: str, ctx: Context) -> tuple[Any, str]:
    """The vendor's answer, kept for a minute: agents ask again with every message of the customer."""
    key = f"vendor:{customer_id}"
    known = ctx.cache.get(key)
    if known is not None:
        return known, "cache"
    try:
        answer = await ctx.proxy.post(
            VENDOR_ROUTE, json={"customerId": customer_id}, timeout_ms=min(VENDOR_TIMEOUT_MS, ctx.remaining_ms))
        found = answer.json() if answer.status == 200 else None
    except (PermissionDenied, CallError) as error:
        ctx.log.info("scoring without the vendor", code=error.code.value)
        return {}, error.code.value
    except ValueError:
        found = None
    if found is None:
        ctx.log.warning("the vendor's answer is of no use", status=answer.status)
        return {}, f"status {answer.status}"
    ctx.cache.set(key, found, ttl_s=VENDOR_TTL_S)
    return found, "read"
