"""A page that has flows run, over the joined lab: what `web/flow_client.ts` sends, and what it keeps of the answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from tests.unit.joined.lab import PLUGIN_ID, Lab

SOURCE = '''
import asyncio
from pysandbox.plugin import handler, on_load

@handler
async def evaluate(payload, ctx):
    match payload["customerId"]:
        case "sleeps":
            await asyncio.sleep(60)
        case "raises":
            raise ValueError("no score")
        case "stays":
            for _ in range(3):
                try:
                    await asyncio.sleep(60)
                except asyncio.CancelledError:
                    pass
        case "bytes":
            return b"123"
    return {"score": 0.9, "queue": "vip_queue"}
'''
DATA = {"interaction": {"customer": {"id": "c-1"}}, "webchat": {"session": {"id": "s-1"}}, "session": {}}


def customer(id: str) -> dict[str, object]:
    return {**DATA, "interaction": {"customer": {"id": id}}}


def guide(**changes: Any) -> dict[str, Any]:
    """The guide's flow, completed, over the lab's plugin. ``changes`` are of its first block."""
    return {"name": "risk", "blocks": [
        {
            "id": "invoke_plugin_risk", "type": "invokePlugin", "pluginId": PLUGIN_ID, "timeout": 900,
            "onSuccess": "route_to_premium_queue", "onTimeout": "fallback_to_standard_queue",
            "onError": "fallback_to_standard_queue",
            "payload": {"customerId": "{{interaction.customer.id}}", "sessionId": "{{webchat.session.id}}"}, **changes,
        },
        {
            "id": "fallback_to_standard_queue", "type": "routeToQueue", "queueId": "default_support_queue",
            "metadata": {"pluginFailureReason": "{{invoke_plugin_risk.errorCode}}", "fallbackTriggered": "true"},
        },
        {"id": "route_to_premium_queue", "type": "routeToQueue", "queueId": "premium_queue"},
    ]}  # fmt: skip


def begin(
    lab: Lab, flow: object, data: object = DATA, *, cid: str = "cid-1", flows: Mapping[str, object] | None = None,
    queues: list[str] | None = None, prepare_ms: Any = 5000, journal: list[Any] | None = None,
) -> tuple[str, asyncio.Future[Any]]:  # fmt: skip
    """Have ``flow`` run: the run's id, and what its answer comes in."""
    told = {
        "flow": flow if isinstance(flow, str) else json.dumps(flow), "data": json.dumps(data), "queues": queues,
        "flows": {name: json.dumps(other) for name, other in (flows or {}).items()}, "prepareMs": prepare_ms,
        "journal": "\n".join(map(json.dumps, journal or [])),
    }  # fmt: skip
    return lab.ask("run", to="flows", cid=cid, payload=json.dumps(told))


async def run(lab: Lab, flow: object, data: object = DATA, **more: Any) -> Any:
    """The run as the page gets it, or its coded error."""
    return (await begin(lab, flow, data, **more)[1])[1]


def give_up(lab: Lab, id: str) -> None:
    lab.session.on_page("abort", id, "", "null", "flows", "", 0)


def steps(lab: Lab) -> list[dict[str, Any]]:
    """The journal as the page has it so far."""
    return [event for kind, told in lab.told if kind == "step" for event in told]
