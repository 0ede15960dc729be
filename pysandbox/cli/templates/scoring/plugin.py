"""How likely is it that this chat needs a supervisor? A sum of weighted signs, and what each contributed."""

from __future__ import annotations

from typing import Any

from pysandbox.plugin import Context, handler

WEIGHTS = {"contacts": 0.15, "failedPayments": 0.3, "shouts": 0.1}
BY_TIER = {"gold": -0.1}


@handler
async def evaluate(payload: dict[str, Any], ctx: Context) -> dict[str, Any]:
    """Score ``{"contacts", "failedPayments", "message"}`` from 0 to 1."""
    session = await ctx.call("webchat:session:read", {"fields": ["tier"]})
    signs = {
        "contacts": float(payload.get("contacts", 0)),
        "failedPayments": float(payload.get("failedPayments", 0)),
        "shouts": float(str(payload.get("message", "")).count("!")),
    }
    parts = {name: round(WEIGHTS[name] * value, 3) for name, value in signs.items()}
    parts["tier"] = BY_TIER.get(session["tier"], 0.0)
    score = min(max(sum(parts.values()), 0.0), 1.0)
    ctx.log.info("scored", score=score)
    return {"score": round(score, 3), "band": "high" if score >= 0.6 else "low", "because": parts}
