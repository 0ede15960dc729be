"""What a plugin is made of, what it may, and how it begins and ends."""

from __future__ import annotations

from typing import Final

from pysandbox.testing.attacks.model import Attack, Control, Group, Observation, at, browsers, server

_BUNDLE: Final = "tests/unit/core/test_bundle.py"

SUPPLY_CHAIN: Final = (
    Attack(
        numbers=(53,), slug="flipped-asset", group=Group.SUPPLY_CHAIN, title="One flipped byte in an asset",
        tries="Changes one byte of a script, the interpreter, the library or the snapshot, on the way.",
        wall="hashes in the host frame, for which the policy's own hash vouches", observed=Observation.OUTCOME,
        proofs=at("e2e/attacks/test_isolation.py", "test_one_flipped_byte_in_an_asset_is_found",
                  "test_a_flipped_byte_in_an_entry_files_script_runs_nothing"),
        control=Control("the change: the same server, nothing altered", at(
            "e2e/attacks/test_isolation.py", "test_control_the_same_server_with_nothing_altered_works")),
        verdicts=browsers(), residual=("host-frame-on-tls",)),
    Attack(
        numbers=(53,), slug="flipped-bundle", group=Group.SUPPLY_CHAIN, title="One flipped byte in a plugin",
        tries="Changes one byte of a registered bundle.", wall="the host worker checks the bundle's hash before it "
        "reads it, and its index's after", observed=Observation.OUTCOME,
        proofs=(*at("e2e/spine/test_gateway_answers.py", "test_a_bundle_of_other_bytes_is_not_run"),
                *at(_BUNDLE, "test_one_flipped_byte_never_yields_other_content")),
        control=Control("the check of the index", at(
            "tests/unit/core/test_bundle_attacks.py", "test_attack_53_a_changed_file_under_its_old_index")),
        verdicts=browsers()),
    Attack(
        numbers=(54,), slug="archive-paths", group=Group.SUPPLY_CHAIN,
        title="Paths that climb, and names that come twice",
        tries="`../`, absolute paths, links, a name twice, a file that is a folder too, bytes around the archive.",
        wall="plain relative names, each once, and nothing beside them", observed=Observation.REFUSAL,
        proofs=at(_BUNDLE, "test_a_name_that_is_no_plain_relative_path_is_refused",
                  "test_a_name_that_comes_twice_is_refused", "test_a_symbolic_link_is_refused",
                  "test_a_name_that_is_file_and_folder_is_refused", "test_bytes_before_or_after_the_zip_are_refused"),
        control=Control("the check of names", at(
            "tests/unit/core/test_bundle_attacks.py", "test_attack_54_a_name_climbs_out_of_the_plugins_folder")),
        verdicts=server()),
    Attack(
        numbers=(49,), slug="zip-bomb", group=Group.SUPPLY_CHAIN, title="A zip that unfolds without end",
        tries="Declares or hides a size beyond all bounds; zip64; a directory of very many entries.",
        wall="sizes are bounded before and while it is read", observed=Observation.REFUSAL,
        proofs=at(_BUNDLE, "test_a_zip_bomb_is_refused_by_its_declared_size",
                  "test_a_zip_bomb_that_lies_about_its_size_is_refused",
                  "test_a_zip64_directory_is_refused_because_its_bounds_stand_elsewhere",
                  "test_a_directory_of_many_entries_is_refused_before_it_is_read"),
        control=Control("the bound: a higher one", at(
            "tests/unit/core/test_bundle_attacks.py", "test_attack_49_a_few_bytes_unfold_to_very_many")),
        verdicts=server()),
    Attack(
        numbers=(55,), slug="swapped-manifest", group=Group.SUPPLY_CHAIN, title="A manifest swapped after consent",
        tries="Shows an administrator one manifest and runs under another.",
        wall="consent is to the identity of these bytes; a version never changes", observed=Observation.REFUSAL,
        proofs=(*at("tests/unit/gateway/test_registry.py",
                    "test_consent_is_to_these_bytes_and_to_what_the_manifest_asks_for",
                    "test_a_version_never_changes_not_even_when_it_was_removed"),
                *at("tests/unit/gateway/test_submission.py",
                    "test_another_manifest_inside_the_bundle_than_the_one_that_was_shown_is_refused")),
        no_control="Consent to the same bytes, in the same tests, is taken.", verdicts=server()),
    Attack(
        numbers=(56,), slug="downgrade", group=Group.SUPPLY_CHAIN, title="Back to a blocked version",
        tries="Asks for a version that was blocked, or lets `latest` fall back to it; goes on in pages that have it.",
        wall="a blocked version is refused by name and skipped by `latest`; open pages hear of it",
        observed=Observation.OUTCOME,
        proofs=(*at("e2e/limits/test_version_block.py", "test_what_is_pending_and_what_comes_later_is_unavailable"),
                *at("tests/unit/gateway/test_registry.py",
                    "test_the_highest_enabled_version_is_the_latest_and_a_blocked_one_is_never_fallen_back_to")),
        control=Control("the block: the version enabled again", at(
            "e2e/limits/test_version_block.py", "test_a_version_that_is_enabled_again_can_be_loaded_again")),
        verdicts=browsers()),
    Attack(
        numbers=(107,), slug="foreign-signature", group=Group.SUPPLY_CHAIN, title="A signature of somebody else's",
        tries="Registers a bundle under a publisher whose key it has not.",
        wall="the signature is the publisher's own, "
        "over these bytes", observed=Observation.REFUSAL,
        proofs=(*at("tests/unit/gateway/test_registry.py",
                    "test_a_signature_must_be_the_publishers_own_over_these_bytes"),
                *at("tests/integration/gateway/test_cli_registry.py", "test_a_signature_by_another_key_is_refused")),
        no_control="The publisher's own signature, in the same tests, is taken.", verdicts=server()),
    Attack(
        numbers=(108,), slug="links-in-a-folder", group=Group.SUPPLY_CHAIN, title="A folder that publishes other files",
        tries="A link in a plugin's folder that leads to a file of the machine that builds it, or a pipe that never "
        "ends.", wall="links and pipes are refused unread", observed=Observation.REFUSAL,
        proofs=at("tests/unit/gateway/test_folder.py",
                  "test_a_link_is_refused_so_that_no_other_file_of_the_machine_is_published",
                  "test_a_pipe_is_refused_and_not_read"),
        no_control="A folder without them is built in the same file.", verdicts=server()),
    Attack(
        numbers=(109,), slug="compiled-wheel", group=Group.SUPPLY_CHAIN, title="Compiled code in a wheel",
        tries="Brings a wheel with a `.so` in it, or one of other bytes than were hashed.",
        wall="pure wheels alone, of the hashes that were named", observed=Observation.REFUSAL,
        proofs=at("tests/unit/runtime/test_requirements.py", "test_compiled_code_is_refused_by_name_and_by_content",
                  "test_a_wheel_without_the_given_hash_is_refused_and_its_own_is_named"),
        control=Control("the compiled part: pure wheels", at(
            "tests/unit/runtime/test_requirements.py", "test_pure_wheels_pass_those_they_need_too")),
        verdicts=server()),
    Attack(
        numbers=(159,), slug="lying-wheel", group=Group.SUPPLY_CHAIN, title="A wheel that lies",
        tries="A wheel whose RECORD names other bytes, whose paths lead out or come twice, with a link, a `.pth`, or a "
        "hundredfold of zeros.",
        wall="every file is held to RECORD, names and sizes are bounded before anything is unpacked",
        observed=Observation.REFUSAL,
        proofs=at("tests/unit/core/test_wheel.py", "test_record_is_held_to_every_byte",
                  "test_paths_that_lead_out_are_refused", "test_a_link_is_refused",
                  "test_code_for_the_interpreters_start_is_refused",
                  "test_a_bomb_is_refused_before_it_is_unpacked"),
        control=Control("the lie: an honest wheel", at(
            "tests/unit/core/test_wheel.py", "test_an_honest_wheel_passes")),
        verdicts=server()),
    Attack(
        numbers=(160,), slug="wheel-hides-modules", group=Group.SUPPLY_CHAIN, title="A wheel that hides modules",
        tries="A wheel brings a module of the library's, the sandbox's or the plugin's own name.",
        wall="taken names are refused when it is built; in the worker wheels are searched last",
        observed=Observation.REFUSAL,
        proofs=(*at("tests/unit/core/test_wheel.py", "test_names_of_python_and_of_the_sandbox_are_taken"),
                *at("tests/unit/plugin/test_loader.py",
                    "test_a_wheel_hides_neither_the_plugins_own_modules_nor_pythons")),
        control=Control("the taken name: one that is the wheel's to give", at(
            "tests/unit/plugin/test_loader.py", "test_wheels_beside_it_can_be_imported")),
        verdicts=server()),
)

ESCALATION: Final = (
    Attack(
        numbers=(121,), slug="look-alike-versions", group=Group.SUPPLY_CHAIN, title="Versions that read like another",
        tries="Is asked for as `@01.0.0`, with a path, a query, another case, a full-width letter, two versions.",
        wall="one spelling of a name and a version", observed=Observation.REFUSAL,
        proofs=at("e2e/attacks/test_names.py", "test_a_version_that_reads_like_another_is_not_loaded"),
        no_control="The version in its one spelling is what every other test loads.", verdicts=browsers()),
    Attack(
        numbers=(57,), slug="undeclared-call", group=Group.ESCALATION, title="A call that nobody allowed",
        tries="Calls what its manifest does not declare, what the session does not grant, what the page does not give.",
        wall="the host worker asks all four for each call", observed=Observation.COUNTER,
        proofs=at("e2e/spine/test_capabilities.py", "test_an_undeclared_capability_is_denied_and_told",
                  "test_a_declared_capability_that_the_page_does_not_give_is_denied"),
        alert="PERMISSION_DENIED",
        control=Control("the refusal: a permission in force", at(
            "e2e/spine/test_capabilities.py", "test_a_granted_capability_answers_with_what_the_page_gave")),
        verdicts=browsers(), residual=("granted-is-granted", "taken-cell")),
    Attack(
        numbers=(58,), slug="another-plugins-registration", group=Group.ESCALATION,
        title="Another plugin's registration",
        tries="Is delivered under another plugin's name.", wall="what the gateway answers is judged before it is used",
        observed=Observation.OUTCOME,
        proofs=at("e2e/spine/test_gateway_answers.py", "test_another_plugins_registration_is_not_taken"),
        no_control="Its own registration is what every other test loads.", verdicts=browsers()),
    Attack(
        numbers=(59,), slug="revoked-in-mid-call", group=Group.ESCALATION, title="A permission revoked in mid-call",
        tries="Waits for the answer of a call whose permission is taken away meanwhile.",
        wall="a revocation ends what waits for it", observed=Observation.CANARY,
        proofs=(*at("tests/unit/joined/test_proxy.py", "test_revoked_in_mid_call_the_answer_never_arrives"),
                *at("tests/unit/joined/test_lifecycle.py", "test_a_revoked_permission_ends_the_call_that_waits_for_it"),
                *at("e2e/spine/test_capabilities.py", "test_a_revoked_capability_is_denied_from_then_on")),
        no_control="The same call before the revocation is answered, in the same tests.", verdicts=browsers()),
    Attack(
        numbers=(60,), slug="wider-path", group=Group.ESCALATION, title="A path wider than the route",
        tries="`/a/../b`, `%2e%2e`, `//`, a backslash, an encoded slash.", wall="one plain spelling of a path",
        observed=Observation.COUNTER,
        proofs=(*at("e2e/gateway/test_end_to_end.py", "test_what_no_route_answers_never_reaches_the_vendor"),
                *at("tests/unit/gateway/proxy/test_pattern.py",
                    "test_what_another_reader_could_take_for_another_path_is_refused"),
                *at("tests/integration/gateway/test_proxy.py",
                    "test_attack_60_a_path_that_leaves_its_route_reaches_no_upstream"),
                *at("tests/fuzz/test_proxy_requests.py", "test_no_reading_of_a_path_leaves_the_route")),
        control=Control("the one spelling: a prefix alone", (
            *at("tests/integration/gateway/test_proxy.py",
                "test_attack_60_a_path_that_leaves_its_route_reaches_no_upstream"),
            *at("tests/unit/gateway/proxy/test_pattern.py",
                "test_control_a_prefix_alone_would_let_the_climber_through"))),
        verdicts=browsers()),
    Attack(
        numbers=(110,), slug="operators-scopes", group=Group.ESCALATION, title="An operator's scope as a permission",
        tries="Declares what only an administrator's token may carry.", wall="an operator's scope is never a plugin's",
        observed=Observation.REFUSAL,
        proofs=(*at("tests/unit/core/test_permissions.py", "test_an_operators_scope_is_never_a_plugins"),
                *at("tests/integration/gateway/test_registry_http.py",
                    "test_each_address_wants_its_scope_and_a_session_administers_nothing")),
        no_control="A permission of a plugin's own, beside it in the same test, is in force.", verdicts=server()),
)

LIFECYCLE: Final = (
    Attack(
        numbers=(61,), slug="ticking-after-unload", group=Group.LIFECYCLE, title="Timers and sends after unload",
        tries="Leaves a task that its runtime does not see, which seals and sends on.",
        wall="the port is closed before the worker is told", observed=Observation.COUNTER,
        proofs=at("e2e/attacks/test_afterlife.py", "test_what_it_left_ticking_is_not_heard_after_it_is_unloaded"),
        control=Control("kill and closed port", at(
            "e2e/attacks/test_messages.py", "test_control_without_the_end_it_is")),
        verdicts=browsers()),
    Attack(
        numbers=(64,), slug="endless-unload", group=Group.LIFECYCLE, title="An `on_unload` that never returns",
        tries="Holds its worker by a hook that was meant to clean up.", wall="the hook has a limit of its own",
        observed=Observation.OUTCOME,
        proofs=(*at("tests/unit/joined/test_lifecycle.py", "test_an_on_unload_that_never_returns_is_bounded"),
                *at("tests/unit/joined/test_stopping.py", "test_an_on_unload_that_waits_too_long_is_stopped_and_told")),
        control=Control("the watchdog", at(
            "tests/unit/joined/test_lifecycle.py",
            "test_control_without_the_watchdog_it_holds_its_worker_for_hours")),
        verdicts=browsers()),
    Attack(
        numbers=(65,), slug="calls-left-by-a-kill", group=Group.LIFECYCLE, title="Calls left pending by a kill",
        tries="Is killed while others wait for its answers.", wall="every call of an ended worker is settled",
        observed=Observation.OUTCOME,
        proofs=(*at("e2e/spine/test_deadlines.py", "test_calls_that_waited_beside_a_busy_loop_end_with_a_code_too"),
                *at("tests/unit/joined/test_ten_thousand.py",
                    "test_ten_thousand_invocations_each_end_once_on_both_sides")),
        no_control="The page's own timer would settle them later; what is tested is the word that comes at once.",
        verdicts=browsers()),
    Attack(
        numbers=(16,), slug="state-of-an-earlier-plugin", group=Group.LIFECYCLE, title="What an earlier plugin left",
        tries="Reads modules and files of a plugin that was there before.", wall="a worker takes one plugin",
        observed=Observation.CANARY,
        proofs=(*at("e2e/attacks/test_isolation.py", "test_nothing_that_one_plugin_stores_is_found_by_another"),
                *at("tests/unit/plugin/test_rehearsal.py", "test_it_leaves_no_module_no_file_no_path_and_no_handler")),
        control=Control("the opaque origin, where what was stored is found", at(
            "e2e/attacks/test_isolation.py", "test_control_without_the_proof_it_would_run_on_the_hosts_origin")),
        verdicts=browsers()),
    Attack(
        numbers=(111,), slug="old-context", group=Group.LIFECYCLE, title="A context of an ended invocation",
        tries="Keeps `ctx` and calls through it when its invocation is over.",
        wall="no call is made in the name of what does not run", observed=Observation.OUTCOME,
        proofs=at("tests/unit/joined/test_invoke.py", "test_a_context_is_of_no_use_when_its_invocation_has_ended"),
        no_control="The same context, while its invocation runs, is what every test of calls uses.",
        verdicts=browsers()),
    Attack(
        numbers=(112,), slug="page-that-leaves", group=Group.LIFECYCLE, title="A plugin that outlives its page",
        tries="Spins while the page reloads or leaves.", wall="its worker ends with the frame",
        observed=Observation.COUNTER,
        proofs=at("e2e/limits/test_host_death.py", "test_a_page_that_leaves_leaves_nothing_running"),
        no_control="The same test measures the processor's time before the page leaves, and there it spins.",
        verdicts=browsers()),
    Attack(
        numbers=(113,), slug="kills-in-a-row", group=Group.LIFECYCLE, title="Kills that leave something behind",
        tries="Has itself killed again and again, until what each leaves adds up.",
        wall="ports closed, worker ended, address revoked, frame removed", observed=Observation.COUNTER,
        proofs=at("e2e/limits/test_many_kills.py", "test_kills_in_a_row_leave_nothing_behind"),
        no_control="The census counts what lives while it lives, so it can see what it would miss.",
        verdicts=browsers()),
)
