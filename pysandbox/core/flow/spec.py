"""The language in one table: which blocks there are, and which fields each has. Read by the parser and by the schema.

Must not know: how a field is checked, or what a block does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from pysandbox.core.flow.blocks import DEFAULT_SLA_MS

Kind = Literal[
    "target", "number", "plugin", "handler", "flow", "note", "text", "json", "object", "choice", "calls", "rules"]

MAX_BLOCKS: Final = 200
MAX_CALLS: Final = 8
MAX_RULES: Final = 20
MAX_NAMES: Final = 64
"""Names in one ``metadata`` or ``set``."""
MAX_SLA_MS: Final = 300_000
MAX_CONDITION_DEPTH: Final = 6
BLOCK_ID: Final = "[A-Za-z_][A-Za-z0-9_-]{0,63}"
FLOW_ID: Final = "[A-Za-z0-9][A-Za-z0-9._-]{0,127}"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a block. ``low`` and ``high`` are a number's inclusive bounds."""

    kind: Kind
    meaning: str
    required: bool = True
    low: int = 0
    high: int = 0
    default: object = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BlockSpec:
    """``outcome``: whether templates find ``{{ID.status}}`` and so on after it."""

    meaning: str
    fields: Mapping[str, Field]
    terminal: bool = False
    outcome: Literal["none", "failure", "call"] = "none"


def _to(meaning: str, *, required: bool = True) -> Field:
    return Field("target", f"The block that follows {meaning}.", required)


def _ms(meaning: str, low: int, high: int, default: int | None = None) -> Field:
    return Field("number", meaning, default is None, low, high, default)


_CALL: Final[Mapping[str, Field]] = {
    "pluginId": Field(
        "plugin", "The plugin, as id or id@version. Without a version: the highest enabled one when the flow starts."),
    "handler": Field("handler", "The handler to call. Without it: the plugin's only one.", False),
    "payload": Field("json", "What the handler is called with.", False),
}
CALL_FIELDS: Final[Mapping[str, Field]] = _CALL
_BRANCHES: Final[Mapping[str, Field]] = {
    "onSuccess": _to("when the plugin answered"),
    "onTimeout": _to("when it did not answer in time"),
    "onError": _to("when it failed in any other way"),
}
_METADATA: Final = Field("object", "What is told of the interaction, by name.", False)

COMMON: Final[Mapping[str, Field]] = {
    "description": Field("note", "For people; nothing reads it.", False),
    "maxVisits": Field("number", "Visits by one run; the next goes to onExhausted. 8 blocks at most.", False, 1, 10),
    "onExhausted": _to("after maxVisits visits", required=False),
}
"""Fields that every block has, besides ``id`` and ``type``; terminal blocks only the description."""

BLOCKS: Final[Mapping[str, BlockSpec]] = {
    "invokePlugin": BlockSpec("Calls a plugin, with a hard timeout.", {
        **_CALL, "timeout": _ms("Milliseconds after which the flow goes on.", 1, 60_000), **_BRANCHES,
    }, outcome="call"),
    "retry": BlockSpec(
        "Calls a plugin, and again where trying again can help, within a budget.", {
            **_CALL, "timeout": _ms("Milliseconds for each attempt.", 1, 60_000),
            "attempts": Field("number", "Calls at most.", True, 2, 5),
            "delayMs": _ms("Milliseconds between two attempts.", 0, 10_000, 0),
            "budgetMs": _ms("Milliseconds for all attempts and delays together.", 1, MAX_SLA_MS), **_BRANCHES,
        }, outcome="call"),
    "parallel": BlockSpec("Calls several plugins at once, with one deadline.", {
        "calls": Field("calls", "The calls, each with an id of its own."),
        "join": Field("choice", "all: each must succeed. first: one success is enough.", choices=("all", "first")),
        "timeout": _ms("Milliseconds for all of them.", 1, 60_000), **_BRANCHES,
    }, outcome="call"),
    "decision": BlockSpec("Chooses by comparing data.", {
        "rules": Field("rules", "Looked at in order; the first that holds decides."),
        "otherwise": _to("when no rule holds, or a comparison cannot be made"),
    }),
    "setData": BlockSpec("Sets data that later templates see as {{data.NAME}}.", {
        "set": Field("object", "The values by name."), "next": _to("this one"),
        "onError": _to("when a template finds nothing", required=False),
    }, outcome="failure"),
    "wait": BlockSpec("Lets time pass.", {
        "ms": _ms("How long, in milliseconds.", 1, 60_000), "next": _to("this one")}),
    "sendMessage": BlockSpec("Hands a message over.", {
        "text": Field("text", "The message."),
        "to": Field("choice", "Who gets it.", False, default="customer", choices=("customer", "agent")),
        "timeout": _ms("Milliseconds for handing it over.", 1, 10_000, 250), "next": _to("this one"),
        "onError": _to("when it cannot be handed over", required=False),
    }, outcome="failure"),
    "callFlow": BlockSpec("Hands the interaction on to another flow, which ends it.", {
        "flowId": Field("flow", "The other flow."),
        "timeout": _ms("Milliseconds for the whole of the other flow.", 1, MAX_SLA_MS),
        "input": Field("json", "What the other flow's templates see as {{input…}}.", False),
        "onError": _to("when the other flow cannot be started"),
    }, outcome="failure"),
    "routeToQueue": BlockSpec("Ends the flow: the interaction goes to a queue.", {
        "queueId": Field("text", "The queue."), "metadata": _METADATA,
        "onError": _to("when there is no such queue", required=False),
    }, terminal=True, outcome="failure"),
    "disconnect": BlockSpec("Ends the flow and the interaction.", {
        "reason": Field("text", "Why, for the interaction's record.", False), "metadata": _METADATA}, terminal=True),
}

FLOW_FIELDS: Final[Mapping[str, Field]] = {
    "name": Field("flow", "The flow's name.", False),
    "description": Field("note", "For people; nothing reads it.", False),
    "slaMs": _ms("Milliseconds within which the flow has ended.", 1, MAX_SLA_MS, DEFAULT_SLA_MS),
}
"""Fields of the flow itself, besides ``blocks``."""

OUTCOME_FIELDS: Final = {
    "status": "always", "durationMs": "always", "generation": "always", "correlationId": "always",
    "value": "ok", "winner": "ok", "attempts": "always", "errorCode": "failed", "message": "failed"}
"""What templates find of a block that has an outcome, and when."""
