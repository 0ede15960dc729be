"""What stays, what another window can say, and what is left inside the worker's realm."""

from __future__ import annotations

from typing import Final

from pysandbox.testing.attacks.model import Attack, Control, Group, Observation, Verdict, at, browsers, server

_ISOLATION: Final = "e2e/attacks/test_isolation.py"
_REALM: Final = "e2e/attacks/test_realm.py"
_WINDOWS: Final = "e2e/attacks/test_windows.py"
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
