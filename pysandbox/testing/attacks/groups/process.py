"""What a plugin in a process of a server's may try. Python is the same there; its walls are the system's and Deno's."""

from __future__ import annotations

from typing import Final

from pysandbox.testing.attacks.model import Attack, Control, Group, Observation, Verdict, at, server

_ATTACKS: Final = "tests/integration/invoker/test_attacks.py"
_GREED: Final = "tests/integration/invoker/test_greed.py"
_LASTS: Final = at(_ATTACKS, "test_time_and_memory_end_it_and_with_more_of_both_it_is_done")
_COUNTED: Final = at(
    _GREED, "test_timers_are_counted", "test_log_lines_are_counted", "test_calls_do_not_stretch_a_deadline",
    "test_a_plugin_that_keeps_dying_is_left_alone")

PROCESS: Final = (
    Attack(
        numbers=(18,), slug="process-manifest", group=Group.WINDOW,
        title="A manifest that asks for wider walls around its process",
        tries="Names a sandbox token, flags, permissions, more memory or time than anybody may have.",
        wall="unknown keys and values out of range are refused; nothing of a manifest becomes a flag of the process",
        observed=Observation.REFUSAL,
        proofs=at(_ATTACKS, "test_a_manifest_that_asks_for_wider_walls_starts_no_process"),
        verdicts=server(), no_control="Nothing of a manifest becomes a flag, so there is no wall to take away."),
    Attack(
        numbers=(17, 20, 21), slug="process-window", group=Group.WINDOW, title="A window, from a plugin's process",
        tries="In JavaScript, in a plugin's process: looks for a document, a parent, an opener, somebody to post to.",
        wall="the process is its own and has standard streams alone", observed=Observation.REALM,
        proofs=at(_ATTACKS, "test_no_name_of_a_window_is_there_and_nobody_to_post_to"),
        verdicts=server(Verdict.ABSENT), no_control="Deno has none of these names, whatever it is allowed."),
    Attack(
        numbers=(26, 27, 28, 39, 40), slug="process-messages", group=Group.MESSAGES,
        title="What no honest process would write",
        tries="Floods its pipe, writes what is no frame, too long, too deep, or with more buffers than may come.",
        wall="the same gate as in a page, which counts before it reads; a pipe carries bytes, and no port or memory",
        observed=Observation.COUNTER,
        proofs=at(_ATTACKS, "test_a_message_that_no_honest_process_sends_is_refused"),
        control=Control("the gate's limits: with wider ones the same message comes in", at(
            _ATTACKS, "test_control_a_wider_gate_lets_the_same_message_in")), verdicts=server()),
    Attack(
        numbers=(34, 35, 36, 37, 44), slug="process-time-and-memory", group=Group.EXHAUSTION,
        title="Time and memory of a process", tries="Spins and catches whatever would stop it, stays in C, waits for "
        "ever, hoards, recurses.", wall="the interrupt, the kill of the whole group, the maximum of its WebAssembly",
        observed=Observation.OUTCOME,
        proofs=(*_LASTS, *at(_ATTACKS, "test_greed_in_python_ends_the_call_and_nothing_else",
                             "test_nothing_of_a_killed_process_is_left")),
        control=Control("the short deadline and the small memory: with more of both it is done", _LASTS),
        verdicts=server(Verdict.BOUNDED)),
    Attack(
        numbers=(38, 43), slug="process-memory-outside", group=Group.EXHAUSTION,
        title="Memory outside of the interpreter's", tries="In JavaScript, in a plugin's process: holds buffers, "
        "shared ones, and other WebAssembly memories.", wall="the system's limit on the memory of the process",
        observed=Observation.OUTCOME,
        proofs=at(_ATTACKS, "test_memory_outside_of_the_interpreter_is_bounded"),
        control=Control("the system's limit", at(_ATTACKS, "test_without_the_limit_the_same_memory_is_had")),
        verdicts=server(Verdict.BOUNDED)),
    Attack(
        numbers=(41, 42, 45, 46, 47, 48), slug="process-budgets", group=Group.EXHAUSTION,
        title="Budgets of a plugin in a process", tries="Timers and log lines by the hundred, calls that stretch its "
        "deadline, work that outlives its call, death after death, workers that spin.",
        wall="the budgets of a page's plugin, in the process and behind it; the end of the process ends all of it",
        observed=Observation.OUTCOME,
        proofs=(*_COUNTED, *at(_GREED, "test_a_task_ends_with_the_call_that_left_it",
                               "test_a_bomb_of_workers_ends_with_its_process")),
        control=Control("each budget: with a wider one it goes on", _COUNTED), verdicts=server(Verdict.BOUNDED)),
)
