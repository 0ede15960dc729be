"""The table of misbehaving plugins: how each has to end, and how long its caller would wait if nobody ended it.

The handlers are those of e2e/plugins/wicked. Where a row names two ends, engines differ, and it says why.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

DEADLINE_MS = 400
GRACE_MS = 100
LATE_MS = 1000  # the bound: no outcome later than the hard limit and this
NEXT_MS = 5000  # what a good call after it may take on a busy machine where no spare is ready: a boot in full

End = tuple[str, str, str]
"""Status, code and layer."""

HARD: End = ("timeout", "PLUGIN_TIMEOUT", "hard")
SOFT: End = ("timeout", "PLUGIN_TIMEOUT", "soft")
COOPERATIVE: End = ("timeout", "PLUGIN_TIMEOUT", "cooperative")
KILLED: End = ("killed", "PLUGIN_KILLED", "")
RAISED: End = ("error", "PLUGIN_ERROR", "")
MEMORY: End = ("error", "MEMORY_LIMIT", "")
MESSAGE: End = ("error", "MESSAGE_LIMIT", "")
RATE: End = ("error", "RATE_LIMIT", "")
NO_JSON: End = ("error", "RESULT_NOT_JSON", "")
FINE: End = ("ok", "", "")

ENDLESS = math.inf  # nothing in it ends, or no answer would ever come
A_MINUTE = 60.0


@dataclass(frozen=True)
class Row:
    """One handler and how it may end. ``lasts_s``: its own length; ``native``: C's own, which a control shows.

    ``first``: a handler that prepares the worker. ``everywhere``: runs in every engine. ``keeps_memory``: so much
    that its worker is drained after it.
    """

    handler: str
    ends: tuple[End, ...]
    lasts_s: float = ENDLESS
    deadline_ms: int = DEADLINE_MS
    first: str = ""
    native: bool = False
    everywhere: bool = False
    keeps_memory: bool = False

    @property
    def latest_ms(self) -> int:
        """When its outcome has to be there."""
        return self.deadline_ms + GRACE_MS + LATE_MS


def row(handler: str, *ends: End, **more: float | str | bool) -> Row:
    """A row of the table."""
    return Row(handler, ends, **more)  # pyright: ignore[reportArgumentType] - named as the fields are


COMPUTES = (
    row("loop", SOFT, everywhere=True),
    row("loop_that_catches_errors", SOFT),
    row("loop_that_catches_everything", HARD, everywhere=True),
    row("loop_in_finally", HARD),
    row("loop_in_del", SOFT),
    row("loop_in_generator_close", SOFT),
    row("loop_behind_ignored_signals", HARD),
    # The tracer runs at each line: an exception that meets it at work is its own, and Python drops the tracer for it.
    row("loop_behind_a_trace", HARD, SOFT),
    row("regular_expression", SOFT, native=True, everywhere=True),
    row("sleep", HARD, native=True, lasts_s=A_MINUTE, everywhere=True),
    row("power", SOFT, native=True, lasts_s=8),
    # Python that calls C: it depends on the machine whether C comes back within the grace.
    row("number_to_text", SOFT, HARD, native=True),
    row("summing", HARD, native=True, lasts_s=A_MINUTE),
    row("sorting", HARD, native=True, lasts_s=A_MINUTE),
    row("collisions", HARD, native=True, lasts_s=8),
)
HOLDS_MEMORY = (
    row("growing_list", MEMORY, deadline_ms=4000, everywhere=True),
    row("growing_bytes", MEMORY, deadline_ms=4000),
    row("growing_dict", MEMORY, deadline_ms=4000),
    row("growing_text", MEMORY, deadline_ms=4000),
    row("uncollected_cycles", MEMORY, deadline_ms=4000),
    row("decompression_bomb", MEMORY, deadline_ms=4000),
    row("hoard_kept", SOFT, everywhere=True, keeps_memory=True),
)
NESTS = (
    row("recursion", RAISED, deadline_ms=4000, everywhere=True),
    row("recursion_without_limit", KILLED, deadline_ms=4000),
    row("recursion_in_repr", KILLED, deadline_ms=4000),
    row("recursion_in_sorting", KILLED, deadline_ms=4000),
    row("deep_repr", KILLED, deadline_ms=4000),
    row("deep_json", KILLED, deadline_ms=4000),
    row("deep_json_read", KILLED, deadline_ms=4000),
    row("deep_garbage", KILLED, deadline_ms=4000),
    row("deep_exception", KILLED, deadline_ms=4000),
)
ANSWERS_BADLY = (
    row("huge_result", MESSAGE, deadline_ms=4000, everywhere=True),
    row("deep_result", MESSAGE, deadline_ms=4000),
    row("not_a_number", NO_JSON, deadline_ms=4000),
    row("not_json", NO_JSON, deadline_ms=4000),
)
ABUSES_THE_LOOP = (
    row("starved_loop", SOFT, everywhere=True),
    row("endless_sleep", SOFT, everywhere=True),
    row("endless_future", SOFT),
    row("endless_yielding", SOFT),
    row("endless_gather", SOFT),
    row("uncancellable", HARD, everywhere=True),
    # Cancelled a third into the grace, while it is busy with its signal: a slow machine's answer comes after the kill.
    row("deaf_to_its_signal", SOFT, HARD),
    row("obedient", COOPERATIVE, everywhere=True),
    row("tasks_without_end", RATE, deadline_ms=4000),
    row("tasks_in_one_go", RATE, deadline_ms=4000),
    row("callbacks_without_end", FINE, deadline_ms=4000),
    row("loop_left_behind", FINE),
    row("timers_of_the_loop", SOFT),
    row("ten_thousand_timers", RATE, deadline_ms=4000, everywhere=True),
    row("interval_of_nothing", COOPERATIVE),
    row("interval_that_spins", HARD),
    row("uses_an_old_context", RAISED, first="keeps_its_context"),
    row("tasks_left_behind", FINE, deadline_ms=4000, everywhere=True),
)
FLOODS = (
    row("prints", SOFT, everywhere=True),
    row("logs", SOFT),
    row("events", RATE, deadline_ms=4000, everywhere=True),
    row("huge_event", MESSAGE, deadline_ms=4000),
    row("progress", RATE, deadline_ms=4000),
    row("calls_in_a_row", RATE, deadline_ms=4000),
    row("calls_at_once", RATE, deadline_ms=4000),
    row("calls_that_catch", SOFT),
    row("one_huge_file", RAISED, deadline_ms=4000),
    row("many_files", RAISED, deadline_ms=4000),
)
LEAVES = (
    row("system_exit", RAISED, everywhere=True),
    row("keyboard_interrupt", RAISED),
    row("generator_exit", RAISED),
    row("os_exit", KILLED, everywhere=True),
    row("os_abort", KILLED),
    row("segmentation_fault", KILLED),
    row("wild_read", KILLED),
    row("wiped_heap", KILLED, everywhere=True),
    row("thread", RAISED, everywhere=True),
    row("process", RAISED),
    row("fork", RAISED),
)

ROWS = (*COMPUTES, *HOLDS_MEMORY, *NESTS, *ANSWERS_BADLY, *ABUSES_THE_LOOP, *FLOODS, *LEAVES)
