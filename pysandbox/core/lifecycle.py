"""A plugin's states and every way from one to another, in one table.

Must not know: workers, calls, time. Whoever drives a plugin names events; an event that a state does not list is a
fault of ours, and raises.

::

    registered ── load ──▶ loading ── loaded ──▶ ready ◀── idle/call ──▶ running
        ▲                     │ crash               │ drain                │ drain
        ├─────────────────────┘                     ▼                      │
        ├──────────── drained ───────────────── draining ◀─────────────────┘
        └── rest ──▶ suspended ── load ──▶ loading      any ── unload ──▶ unloaded, block/fail ──▶ failed
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class State(StrEnum):
    """Where a plugin is in its life."""

    REGISTERED = "registered"  # known, holds no worker: its next call loads it
    LOADING = "loading"  # a worker starts, or imports it
    READY = "ready"  # loaded, runs nothing
    RUNNING = "running"  # at least one invocation is in its worker
    DRAINING = "draining"  # takes nothing new; what runs ends, then on_unload
    SUSPENDED = "suspended"  # crash loop: rests until its backoff ends
    FAILED = "failed"  # never loaded, or its version is blocked
    UNLOADED = "unloaded"  # the page is done with it


WITH_WORKER: Final = frozenset({State.LOADING, State.READY, State.RUNNING, State.DRAINING})

_ENDS: Final[Mapping[str, State]] = {"unload": State.UNLOADED, "fail": State.FAILED}

TRANSITIONS: Final[Mapping[State, Mapping[str, State]]] = {
    State.REGISTERED: {"load": State.LOADING, "rest": State.SUSPENDED, **_ENDS},
    State.LOADING: {"loaded": State.READY, "crash": State.REGISTERED, **_ENDS},
    State.READY: {"call": State.RUNNING, "drain": State.DRAINING, "crash": State.REGISTERED, **_ENDS},
    State.RUNNING: {"idle": State.READY, "drain": State.DRAINING, "crash": State.REGISTERED, **_ENDS},
    State.DRAINING: {"drained": State.REGISTERED, "crash": State.REGISTERED, **_ENDS},
    State.SUSPENDED: {"load": State.LOADING, **_ENDS},
    State.FAILED: {"unload": State.UNLOADED, "unblock": State.REGISTERED, "fail": State.FAILED},
    State.UNLOADED: {"unload": State.UNLOADED},
}


def step(state: State, event: str) -> State:
    """The state after ``event``. Raises ValueError for an event that ``state`` does not know."""
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        raise ValueError(f"a plugin that is {state} knows no {event!r}") from None
