"""What a flow asks of the world, what it is told in return, and what it ends in.

Each effect carries ``events``: the journal's, as far as they are new. Whoever performs the effect stores them first;
that is how intent is journaled before anything happens. Must not know: who performs an effect, or how.

Times are milliseconds since the flow began. ``until_ms`` is when the flow goes on, answered or not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pysandbox.core.flow.blocks import Join
from pysandbox.core.outcome import Outcome

Event: TypeAlias = Mapping[str, Any]
"""One line of the journal: JSON, never changed once made. ``n`` counts from 0."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """``plugin`` is ``id@version`` where the flow's start pinned one. ``handler`` "" is the plugin's only one.

    ``payload`` is JSON text.
    """

    id: str
    plugin: str
    handler: str
    payload: str
    correlation_id: str


@dataclass(frozen=True, slots=True)
class Invoke:
    """Call plugins: one, or several at once. ``all`` ends with the first failure, ``first`` with the first success.

    Answered by one outcome for each call, in their order; those that were given up are ``PLUGIN_ABORTED``, those that
    were still out at ``until_ms`` are ``PLUGIN_TIMEOUT``.
    """

    events: tuple[Event, ...]
    block: str
    calls: tuple[Invocation, ...]
    join: Join
    until_ms: float


@dataclass(frozen=True, slots=True)
class Pause:
    """Let time pass until ``until_ms``."""

    events: tuple[Event, ...]
    block: str
    until_ms: float


@dataclass(frozen=True, slots=True)
class Send:
    """Hand a message over. Answered by one outcome."""

    events: tuple[Event, ...]
    block: str
    to: str
    text: str
    until_ms: float


@dataclass(frozen=True, slots=True)
class FindQueue:
    """Whether there is a queue ``queue_id``, from what is known already. Answered by one outcome."""

    events: tuple[Event, ...]
    block: str
    queue_id: str


@dataclass(frozen=True, slots=True)
class End:
    """The last effect of each run; only its events are left to be stored."""

    events: tuple[Event, ...]
    ending: Ending


Effect: TypeAlias = Invoke | Pause | Send | FindQueue | End


@dataclass(frozen=True, slots=True)
class Result:
    """What became of an effect. ``at_ms`` is when."""

    at_ms: float
    outcomes: tuple[Outcome, ...] = ()


@dataclass(frozen=True, slots=True)
class Start:
    """What a run begins with. ``started_ms`` is the wall clock's; ``data`` has the roots of templates, see `ROOTS`.

    ``pins``: the version of each plugin that the flow names without one, as ``id@version``.
    """

    correlation_id: str
    started_ms: float
    data: Mapping[str, object]
    pins: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Ending:
    """The one terminal block that a run ended in, and what is to be done by it.

    ``queue_id`` for ``routeToQueue``, ``reason`` for ``disconnect``. ``error_code`` says why the block's own work
    cannot be done (``QUEUE_NOT_FOUND``), "" if it can. ``unresolved`` are metadata whose template found nothing:
    they are null.
    """

    block: str
    type: str
    metadata: Mapping[str, object]
    summary: Mapping[str, object]
    duration_ms: float
    sla_ms: int
    correlation_id: str
    flow: str = ""
    queue_id: str = ""
    reason: str = ""
    error_code: str = ""
    unresolved: tuple[str, ...] = ()

    @property
    def within_sla(self) -> bool:
        return self.duration_ms <= self.sla_ms

    def as_json(self) -> dict[str, object]:
        told: dict[str, object] = {"flow": self.flow, "block": self.block, "type": self.type}
        if self.type == "routeToQueue":
            told["queueId"] = self.queue_id
        else:
            told["reason"] = self.reason
        told |= {
            "metadata": dict(self.metadata), "summary": dict(self.summary), "durationMs": self.duration_ms,
            "slaMs": self.sla_ms, "withinSla": self.within_sla, "correlationId": self.correlation_id}
        if self.error_code:
            told["errorCode"] = self.error_code
        if self.unresolved:
            told["unresolved"] = list(self.unresolved)
        return told
