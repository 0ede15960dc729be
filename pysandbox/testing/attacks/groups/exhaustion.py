"""Time, memory, messages, logs: what a plugin may have too much of, and channels that time makes."""

from __future__ import annotations

from typing import Final

from pysandbox.testing.attacks.model import Attack, Control, Group, Observation, Verdict, at, browsers

_ROWS: Final = "e2e/limits/test_misbehaving.py"
_DEADLINES: Final = "e2e/spine/test_deadlines.py"
_ENDS: Final = at(_ROWS, "test_it_ends_in_time_and_the_next_call_is_fine",
                  "test_it_ends_in_time_in_other_engines_too")
_WATCHED: Final = Control(
    "the worker: the same loop on the page's own thread",
    at("e2e/spine/test_page_stays_free.py", "test_control_the_same_loop_on_the_main_thread_shows"))
_LONGER: Final = Control(
    "a shorter deadline: given a longer one, it takes all of it", at(_ROWS, "test_control_it_would_have_taken_longer"))
_GREED: Final = "e2e/attacks/test_greed.py"
_GETS_NO_MORE: Final = at(_GREED, "test_it_gets_no_more_than_its_budget")
_UNBOUNDED: Final = Control(
    "the budgets, in the worker and behind it", at(_GREED, "test_control_without_the_budgets_it_gets_all"))
_BOUNDED: Final = browsers(Verdict.BOUNDED)


def _row(
    numbers: tuple[int, ...], slug: str, title: str, tries: str, wall: str, *, control: Control | None = None,
    no_control: str = "", residual: tuple[str, ...] = (), more: tuple[str, ...] = (),
) -> Attack:
    return Attack(
        numbers=numbers, slug=slug, group=Group.EXHAUSTION, title=title, tries=tries, wall=wall,
        observed=Observation.OUTCOME, proofs=(*_ENDS, *more), control=control, no_control=no_control, verdicts=_BOUNDED,
        residual=residual)


EXHAUSTION: Final = (
    Attack(
        numbers=(34, 36), slug="busy-loop", group=Group.EXHAUSTION, title="An endless loop",
        tries="`while True`, with `except BaseException` around it, in `finally`, in a destructor, behind a tracer.",
        wall="the interrupt at the deadline, and the watchdog's kill after it", observed=Observation.OUTCOME,
        proofs=(*_ENDS, *at(_DEADLINES, "test_a_busy_loop_ends_at_its_deadline_and_the_next_call_has_a_fresh_worker",
                            "test_another_plugin_answers_while_one_spins"),
                *at("e2e/spine/test_page_stays_free.py", "test_no_long_task_while_a_plugin_spins")),
        control=_WATCHED, verdicts=_BOUNDED, residual=("a-core-for-a-while", "shared-process")),
    _row((35,), "native-loop", "One long call of C",
    "A regular expression that backtracks, `time.sleep`, a huge power, "
         "a sort whose comparisons never end.", "the watchdog, which asks nobody", control=_LONGER,
         residual=("a-core-for-a-while",)),
    _row((37,), "wasm-heap", "The interpreter's memory", "A list that grows, cycles that nobody collects, a "
         "decompression bomb.", "the maximum of the WebAssembly memory",
         control=Control("the maximum", at(_GREED, "test_control_without_the_budgets_it_gets_all")),
         more=_GETS_NO_MORE),
    Attack(
        numbers=(42, 62), slug="nested-spinners", group=Group.EXHAUSTION, title="Workers of its own that spin",
        tries="Starts workers that spin, in a realm that has `Worker` again, and goes.",
        wall="the name is gone before Python starts; nested workers end with their parent",
        observed=Observation.COUNTER,
        proofs=(*at("e2e/attacks/test_afterlife.py", "test_what_it_started_ends_with_it"),
                *at("e2e/attacks/test_realm.py", "test_only_listed_names_are_left_when_a_plugin_runs")),
        control=Control("the end of their parent: before it they are busy", at(
            "e2e/attacks/test_afterlife.py", "test_what_it_started_ends_with_it")),
        verdicts=browsers(Verdict.BOUNDED), residual=("a-core-for-a-while",)),
    Attack(
        numbers=(91,), slug="canvas-loop", group=Group.EXHAUSTION, title="A canvas that is drawn for ever",
        tries="Draws on an OffscreenCanvas without end, in a realm that has it again, and goes.",
        wall="the name is gone before Python starts; what draws ends with its worker", observed=Observation.COUNTER,
        proofs=(*at("e2e/attacks/test_afterlife.py", "test_what_it_started_ends_with_it"),
                *at("e2e/attacks/test_realm.py", "test_only_listed_names_are_left_when_a_plugin_runs")),
        control=Control("the end of its worker: before it is busy", at(
            "e2e/attacks/test_afterlife.py", "test_what_it_started_ends_with_it")),
        verdicts=browsers(Verdict.BOUNDED), residual=("a-core-for-a-while",)),
    Attack(
        numbers=(130,), slug="sleeping-worker", group=Group.EXHAUSTION, title="A worker that sleeps in its turn",
        tries="Waits on shared memory for ever, where no interrupt reaches it and no core is busy.",
        wall="the watchdog, which asks nobody", observed=Observation.OUTCOME,
        proofs=at("e2e/attacks/test_odd_roads.py", "test_a_worker_that_sleeps_is_ended_as_one_that_spins"),
        no_control="It sleeps for ever by definition; nothing but the watchdog is left to end it.",
        verdicts=browsers(Verdict.BOUNDED, webkit=Verdict.ABSENT)),
    Attack(
        numbers=(131,), slug="console-flood", group=Group.EXHAUSTION, title="A flood on the console",
        tries="Writes to the browser's console without end.",
        wall="the console is the browser's, and its writer ends at the deadline", observed=Observation.NEIGHBOUR,
        proofs=at("e2e/attacks/test_odd_roads.py", "test_a_console_that_never_stops_harms_nobody"),
        no_control="A flood within its time is let through; what is tested is that nobody else notices.",
        verdicts=browsers(Verdict.BOUNDED)),
    Attack(
        numbers=(43,), slug="wasm-memory-beside", group=Group.EXHAUSTION, title="A WebAssembly memory of its own",
        tries="Makes another memory beside the interpreter's, in a realm that has `WebAssembly` again.",
        wall="the name is gone before Python starts; who has it back has memory until its worker ends",
        observed=Observation.NEIGHBOUR,
        proofs=(*at("e2e/attacks/test_windowless.py",
                    "test_another_webassembly_memory_harms_nobody_and_goes_with_its_worker"),
                *at("e2e/attacks/test_realm.py", "test_only_listed_names_are_left_when_a_plugin_runs")),
        no_control="The attack runs with the name back, and it does get the memory: no engine can refuse it.",
        verdicts=browsers(Verdict.RESIDUAL), residual=("memory-outside-wasm",)),
    Attack(
        numbers=(38,), slug="js-memory", group=Group.EXHAUSTION, title="Memory outside of the interpreter's",
        tries="Holds buffers of JavaScript's, which no cap of WebAssembly counts.",
        wall="the browser's own measure, where it has one", observed=Observation.NEIGHBOUR,
        proofs=at("e2e/limits/test_measures.py", "test_a_worker_that_hoards_javascripts_memory_is_replaced"),
        no_control="Its test holds a neighbour that keeps less and is left alone.",
        verdicts=browsers(Verdict.RESIDUAL, chromium=Verdict.BOUNDED), residual=("memory-outside-wasm",)),
    _row((41,), "timer-storm", "Timers by the thousand", "Ten thousand timers through `ctx`, and through the loop.",
         "a bound on timers, and the invocation's own end", control=_UNBOUNDED, more=_GETS_NO_MORE),
    _row((44,), "recursion", "Recursion", "Recursion in Python, in C, in `repr`, in sorting, in JSON.",
         "Python's own limit, and where C has none, the end of the interpreter and a new one",
         no_control="It ends an interpreter or it does not; the rows that end one are the control of those that do "
                    "not."),
    _row((45,), "log-flood", "A flood of log lines", "Prints and logs without end.",
         "lines and bytes are counted in the worker and behind it", control=Control(_UNBOUNDED.without, at(_GREED,
         "test_control_without_the_budgets_every_line_is_told")),
         more=at(_GREED, "test_a_flood_of_log_lines_is_cut")),
    Attack(
        numbers=(46,), slug="stretched-deadline", group=Group.EXHAUSTION, title="A deadline stretched by calls outside",
        tries="Waits for call after call, so that it is never the one who is late.",
        wall="the deadline is wall time, calls included", observed=Observation.OUTCOME,
        proofs=at(_DEADLINES, "test_calls_to_the_outside_do_not_stretch_a_deadline"),
        control=Control("the deadline: a longer one is used up whole", at(
            _GREED, "test_calls_outside_stretch_no_deadline_and_last_as_long_as_they_are_given")),
        verdicts=_BOUNDED),
    _row((47,), "tasks-left-behind", "Work that outlives its invocation", "Starts tasks, timers, callbacks, and "
         "answers.", "an invocation's tasks end with it", control=Control("the end of what an invocation began", at(
             _GREED, "test_control_without_that_end_it_goes_on")), more=at(_GREED,
             "test_a_task_that_is_left_behind_ends")),
    Attack(
        numbers=(48,), slug="crash-loop", group=Group.EXHAUSTION, title="A plugin that keeps dying",
        tries="Dies at each start, to have the page start workers without end.",
        wall="a rest that doubles, and one probe after it", observed=Observation.COUNTER,
        proofs=(*at("tests/unit/joined/test_lifecycle.py", "test_a_plugin_that_keeps_dying_rests_and_is_tried_again",
                    "test_one_call_is_the_probe_and_each_failure_doubles_the_rest"),
                *at("tests/unit/joined/test_deadline.py",
                    "test_respawns_that_die_again_and_again_end_in_a_crash_loop")),
        control=Control("the rest", at(
            "tests/unit/joined/test_lifecycle.py",
            "test_control_without_the_rest_workers_are_started_without_end")),
        verdicts=_BOUNDED),
    _row((39,), "event-flood", "A flood of events, progress and calls",
    "Emits, reports progress and calls without end, "
         "and catches every refusal.", "budgets of each invocation, in the worker and behind it",
         control=_UNBOUNDED, more=_GETS_NO_MORE),
    _row((102,), "file-flood", "Files without end", "Writes one huge file, and very many small ones.",
         "bytes and files are counted in the file system", control=_UNBOUNDED, more=_GETS_NO_MORE),
    _row((103,), "dead-interpreter", "A plugin that kills its interpreter", "`os.abort`, a wild read, a wiped heap, "
         "`os._exit`.", "the dead say so themselves, or the watchdog does; a fresh worker serves the next call",
         no_control="It is its own worker that dies; what is shown is that nothing else does."),
    _row((104,), "programs-end", "Exceptions that end a program", "`SystemExit`, `KeyboardInterrupt`, `GeneratorExit`, "
         "threads, processes, forks.", "they end the invocation alone",
         no_control="In a program of its own each of them is the end, as Python's documentation says."),
    Attack(
        numbers=(105,), slug="dead-host", group=Group.EXHAUSTION, title="The host itself dies",
        tries="Finds a way to end or to stop the host's interpreter.",
        wall="the watchdog counts the host's silence, the cells count the watchdog's", observed=Observation.OUTCOME,
        proofs=at("e2e/limits/test_host_death.py", "test_every_pending_call_is_settled_and_the_sandbox_goes_on",
                  "test_cells_end_by_themselves_when_nobody_beats_any_more"),
        control=Control("the count of silence", at(
            "e2e/limits/test_host_death.py",
            "test_control_without_the_count_of_silence_only_the_pages_own_timer_is_left",
            "test_control_cells_that_do_not_count_go_on")),
        verdicts=browsers()),
    Attack(
        numbers=(153,), slug="crowd", group=Group.EXHAUSTION, title="A crowd of plugins on one page",
        tries="Comes in very many, each with a word of its own, until memory runs out or one hears another's.",
        wall="ten are live, the one used least recently is evicted, and no worker is used twice",
        observed=Observation.CANARY,
        proofs=at("e2e/limits/test_crowd.py", "test_no_plugin_of_a_crowd_hears_another_and_ten_are_live"),
        no_control="The words are found where they belong, in the same test: one that was heard elsewhere would be "
        "too.",
        verdicts=browsers(Verdict.BOUNDED)),
    Attack(
        numbers=(106,), slug="hidden-tab", group=Group.EXHAUSTION, title="A plugin that waits for a hidden tab",
        tries="Spins while nobody looks and the browser slows the page's timers down.",
        wall="deadlines are kept by workers, whose timers nobody slows down", observed=Observation.OUTCOME,
        proofs=at("e2e/limits/test_hidden_tab.py", "test_it_ends_in_time"),
        control=Control("the workers: the page's own timers", at(
            "e2e/limits/test_hidden_tab.py", "test_control_its_own_timers_are_slowed_down")),
        verdicts=browsers()),
)

SIDE_CHANNELS: Final = (
    Attack(
        numbers=(51,), slug="fine-clock", group=Group.SIDE_CHANNELS, title="A fine clock",
        tries="Measures how fine `performance.now()` is.",
        wall="the engine's own coarsening; no shared memory to count in",
        observed=Observation.REALM,
        proofs=(*at("e2e/attacks/test_windowless.py", "test_its_clock_has_a_grain"),
                *at("e2e/attacks/test_realm.py", "test_only_listed_names_are_left_when_a_plugin_runs")),
        no_control="The grain is the engine's, nobody can take it away from a page; what is had of it is among what is "
                   "left.",
        verdicts=browsers(Verdict.RESIDUAL), residual=("timers-stay-fine",)),
    Attack(
        numbers=(52,), slug="paths-in-errors", group=Group.SIDE_CHANNELS,
        title="Stacks and paths of the host in an error",
        tries="Makes the page or the host fail, to read where and how they are.",
        wall="errors cross as a code, and a message of ours", observed=Observation.CANARY,
        proofs=(*at("e2e/spine/test_capabilities.py", "test_what_the_pages_function_throws_stays_on_the_page"),
                *at("tests/unit/joined/test_capabilities.py",
                    "test_whatever_the_page_calls_its_failure_the_plugin_hears_one_thing")),
        no_control="The page's own error holds the words that the plugin must not hear.", verdicts=browsers()),
)
