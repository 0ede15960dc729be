"""What stays, what another window can say, and what is left inside the worker's realm."""

from __future__ import annotations

from typing import Final

from pysandbox.testing.attacks.model import Attack, Control, Group, Observation, Verdict, at, browsers, server

_ISOLATION: Final = "e2e/attacks/test_isolation.py"
_REALM: Final = "e2e/attacks/test_realm.py"
_WINDOWS: Final = "e2e/attacks/test_windows.py"
_ODD: Final = "e2e/attacks/test_odd_roads.py"
_NAMES: Final = "e2e/attacks/test_names.py"
_AFTER: Final = "e2e/attacks/test_afterlife.py"
_ORIGIN: Final = Control(
    "the opaque origin (sandbox attribute and directive, and both looks at the origin)",
    at(_ISOLATION, "test_control_without_the_proof_it_would_run_on_the_hosts_origin"))

STORAGE: Final = (
    Attack(
        numbers=(13,), slug="storage-left", group=Group.STORAGE, title="IndexedDB, Cache, OPFS",
        tries="Stores something, for its next visit or for another plugin.", wall="the cell's opaque origin",
        observed=Observation.CANARY,
        proofs=at(_ISOLATION, "test_nothing_that_one_plugin_stores_is_found_by_another"), control=_ORIGIN,
        verdicts=browsers()),
    Attack(
        numbers=(15,), slug="cell-on-the-hosts-origin", group=Group.STORAGE, title="A cell on the host's origin",
        tries="Is started where sandbox attribute and directive were lost, or `allow-same-origin` was added.",
        wall="two looks at the origin: the cell's own proof, and the host frame that hears where it is",
        observed=Observation.OUTCOME,
        proofs=at(_ISOLATION, "test_a_cell_on_the_hosts_origin_starts_nothing",
        "test_a_lost_attribute_does_not_fail_open"),
        control=_ORIGIN, verdicts=browsers()),
    Attack(
        numbers=(92,), slug="cell-without-headers", group=Group.STORAGE, title="A cell without its headers",
        tries="Is served by a proxy that lost the policy.",
        wall="the same policy by `<meta>`, and the cell's boot proof, which tries `eval` and a connection",
        observed=Observation.OUTCOME,
        proofs=at(_ISOLATION, "test_a_cell_without_its_policy_starts_nothing", "test_a_lost_header_does_not_fail_open"),
        control=Control("the policy and the boot proof", at(
            "e2e/attacks/test_egress.py", "test_control_without_the_policy_each_road_does")),
        verdicts=browsers()),
)

WINDOW: Final = (
    Attack(
        numbers=(126,), slug="locks", group=Group.STORAGE, title="Locks that others wait for",
        tries="Takes a lock of `navigator.locks` that page or another plugin needs, and keeps it.",
        wall="the cell's opaque origin", observed=Observation.NEIGHBOUR,
        proofs=at(_ODD, "test_a_lock_that_one_plugin_holds_stops_no_other"),
        control=Control("the opaque origin", at(_ODD, "test_control_on_the_hosts_origin_it_does")),
        verdicts=browsers()),
    Attack(
        numbers=(127,), slug="devices", group=Group.WINDOW, title="Devices, permissions, figures about others",
        tries="Asks for USB, serial ports, a screen that stays on, persistence, memory figures, a service worker.",
        wall="Permissions-Policy with every feature off, the opaque origin, and what workers do not have",
        observed=Observation.REALM, proofs=at(_ODD, "test_nobody_gives_it_a_device_or_a_permission"),
        no_control="Who would give them is a person or a machine with such devices, which a test has not.",
        verdicts=browsers()),
    Attack(
        numbers=(128,), slug="timeline", group=Group.SIDE_CHANNELS, title="A timeline that tells of others",
        tries="Reads `performance.getEntries()` for what page, host and other plugins loaded and called.",
        wall="each realm has a timeline of its own", observed=Observation.CANARY,
        proofs=at(_ODD, "test_its_timeline_tells_of_nobody_else"),
        control=Control("the realm: the host's own has them", at(
            "e2e/limits/test_measures.py", "test_a_load_and_a_call_are_on_the_timeline")),
        verdicts=browsers()),
    Attack(
        numbers=(129,), slug="secrets-in-memory", group=Group.SIDE_CHANNELS,
        title="Secrets in the worker's own memory",
        tries="Reads its interpreter's memory byte by byte for the session's token and for what a neighbour was told.",
        wall="neither ever enters a plugin's worker, and no worker is used twice", observed=Observation.CANARY,
        proofs=(*at(_NAMES, "test_neither_the_sessions_token_nor_a_neighbours_words_are_in_its_memory"),
                *at("tests/unit/joined/test_proxy.py", "test_the_worker_sees_neither_token_nor_seed")),
        control=Control("the absence: what it was told itself", at(
            _NAMES, "test_control_what_it_was_told_itself_is_found")),
        verdicts=browsers()),
    Attack(
        numbers=(93,), slug="shared-process", group=Group.SIDE_CHANNELS, title="Two plugins in one process",
        tries="Hopes to share a process with another plugin, and with it caches and a scheduler.",
        wall="`Document-Isolation-Policy` on every cell", observed=Observation.COUNTER,
        proofs=at(_AFTER, "test_in_chromium_each_plugin_has_a_process_of_its_own",
                  "test_in_other_engines_they_share_one"),
        control=Control("the header", at(_AFTER, "test_control_without_its_header_they_share_one")),
        verdicts=browsers(Verdict.RESIDUAL, chromium=Verdict.STOPPED), residual=("shared-process",)),
    Attack(
        numbers=(17, 19, 50), slug="names-left", group=Group.WINDOW, title="Names left in the realm",
        tries="Looks for anything that the browser gave its worker: documents, sockets, workers, shared memory.",
        wall="removal by allowlist before Python starts", observed=Observation.REALM,
        proofs=at(_REALM, "test_only_listed_names_are_left_when_a_plugin_runs"),
        control=Control("the removal", at(
            "e2e/attacks/test_windowless.py", "test_control_without_the_stripping_the_names_are_there")),
        verdicts=browsers()),
    Attack(
        numbers=(17, 101), slug="window-and-keyboard", group=Group.WINDOW, title="Documents, dialogs, keys",
        tries="Looks for the document, other windows, dialogs, and what is typed.",
        wall="it is a worker: no engine gives it any of that", observed=Observation.REALM,
        proofs=at("e2e/attacks/test_windowless.py", "test_a_worker_has_nothing_of_a_window"),
        control=Control("the worker: the page has all of it", at(
            "e2e/attacks/test_windowless.py", "test_control_the_page_has_all_of_it")),
        verdicts=browsers(Verdict.ABSENT)),
    Attack(
        numbers=(20,), slug="patched-prototypes", group=Group.WINDOW, title="Patched prototypes",
        tries="Replaces `push`, `then`, `postMessage`, and puts setters on every object, to see other ports' messages "
        "or to steer the glue.",
        wall="the realm is its own: nobody else's message ever comes by", observed=Observation.CANARY,
        proofs=at("e2e/attacks/test_windowless.py", "test_patched_prototypes_see_their_own_messages_alone"),
        control=Control("the neighbour: its own text is seen", at(
            "e2e/attacks/test_windowless.py", "test_patched_prototypes_see_their_own_messages_alone")),
        verdicts=browsers(), residual=("taken-cell",)),
    Attack(
        numbers=(18,), slug="manifest-asks-for-more", group=Group.WINDOW, title="A manifest that asks for a wider wall",
        tries="Names a sandbox token, `'unsafe-eval'`, a wildcard, in its manifest.",
        wall="unknown keys and unsafe sources are refused; nothing of a manifest becomes an attribute or a header",
        observed=Observation.REFUSAL,
        proofs=(
            *at("tests/unit/core/test_manifest.py", "test_a_single_fault_is_found_and_is_the_only_one"),
            *at("tests/unit/core/test_csp.py", "test_a_source_that_is_refused_is_named_with_its_rule")),
        no_control="Nothing of a manifest becomes an attribute or a header, so there is no wall to take away.",
        verdicts=server()),
    Attack(
        numbers=(21, 22), slug="forging-sibling", group=Group.WINDOW, title="A sibling frame that forges",
        tries="Posts `ready`, `failed`, `init` with ports to every window, all the time, from a null origin.",
        wall="each listener knows whose word it waits for, by window and origin, and hears one",
        observed=Observation.NEIGHBOUR,
        proofs=at(_WINDOWS, "test_a_sibling_frame_that_forges_all_the_time_changes_nothing",
                  "test_the_same_words_before_any_sandbox_are_heard_by_nobody"),
        control=Control("the page client's look at window and origin", at(
            _WINDOWS, "test_control_a_page_client_that_hears_any_window_opens_nothing_beside_it")),
        verdicts=browsers()),
    Attack(
        numbers=(25,), slug="second-init", group=Group.WINDOW, title="A second `init`",
        tries="Hands the host frame another port after the handshake.", wall="one `init`; another ends the session",
        observed=Observation.OUTCOME, alert="PROTOCOL_VIOLATION",
        proofs=at(_WINDOWS, "test_a_second_init_ends_the_session"),
        no_control="All it could gain is a second session of the same page, which the page can open anyway.",
        verdicts=browsers()),
    Attack(
        numbers=(25,), slug="second-ready", group=Group.WINDOW, title="A second `ready`",
        tries="Says `ready` again, to be given another port.", wall="one `ready`; another ends whoever said it",
        observed=Observation.ALERT, alert="PROTOCOL_VIOLATION",
        proofs=(*at(_WINDOWS, "test_a_second_ready_is_an_alert_and_ends_the_session"),
                *at(_ISOLATION, "test_a_cell_that_says_ready_twice_is_ended")),
        no_control="A port is transferred once, so even a listener that heard it could hand out no second one.",
        verdicts=browsers()),
    Attack(
        numbers=(14,), slug="broadcast", group=Group.WINDOW, title="BroadcastChannel",
        tries="Speaks on a channel of a name that the page, or another plugin, listens to.",
        wall="the cell's opaque origin",
        observed=Observation.COUNTER,
        proofs=(*at(_REALM, "test_a_broadcast_stays_in_the_cell"),
                *at("e2e/attacks/test_windowless.py", "test_one_plugin_overhears_nothing_that_another_broadcasts")),
        control=Control("the opaque origin", at(
            "e2e/attacks/test_windowless.py", "test_control_on_the_hosts_origin_it_does")),
        verdicts=browsers()),
    Attack(
        numbers=(118,), slug="origin-of-the-worker", group=Group.WINDOW, title="A worker that has an origin",
        tries="Hopes to run as somebody.", wall="the cell's opaque origin, which its blob worker inherits",
        observed=Observation.REALM,
        proofs=at(_REALM, "test_its_origin_is_null_seen_from_inside", "test_its_origin_is_null_seen_by_the_browser"),
        control=_ORIGIN, verdicts=browsers()),
)
