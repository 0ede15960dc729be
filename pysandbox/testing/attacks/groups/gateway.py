"""The proxy, the registry and the server: attacks that no browser makes a difference to."""

from __future__ import annotations

from typing import Final

from pysandbox.testing.attacks.model import Attack, Control, Group, Observation, at, browsers, server

_ATTACKS: Final = "tests/unit/gateway/proxy/test_attacks.py"
_PROXY: Final = "tests/integration/gateway/test_proxy.py"
_HEADS: Final = "tests/integration/gateway/test_heads.py"
_DASHBOARD: Final = "e2e/gateway/test_dashboard.py"
_DENO: Final = "tests/integration/invoker/test_attacks.py"
_PII: Final = "tests/unit/joined/test_pii.py"


def _attack(
    number: int, slug: str, title: str, tries: str, wall: str, observed: Observation, proofs: tuple[str, ...],
    control: Control | None = None, *, no_control: str = "", residual: tuple[str, ...] = (),
) -> Attack:
    return Attack(
        numbers=(number,), slug=slug, group=Group.GATEWAY, title=title, tries=tries, wall=wall, observed=observed,
        proofs=proofs, control=control, no_control=no_control, residual=residual, verdicts=server())



GATEWAY: Final = (
    Attack(
        numbers=(80,), slug="dashboard-markup", group=Group.GATEWAY, title="Markup in the operator's page",
        tries="Names a queue, or has a plugin say, what would be markup and script on the dashboard.",
        wall="text goes in as text; the page's policy has no inline script and takes no markup from strings",
        observed=Observation.COUNTER, verdicts=browsers(),
        proofs=at(_DASHBOARD, "test_attack_80_what_a_plugin_or_page_says_is_text"),
        control=Control("both: markup is written, and the policy allows it", at(
            _DASHBOARD, "test_control_with_markup_written_and_no_policy_it_would_run"))),
    _attack(94, "deno-roads", "What a Deno process may import, reach and keep", "In JavaScript, in a plugin's process: "
            "imports from the hosts that Deno trusts, from files and `data:`; connects, reads, writes, runs; leaves "
            "something in `localStorage` for the next one.",
            "flags that deny all of it, a namespace without network, a cache that ends with the process",
            Observation.LISTENER,
            at(_DENO, "test_nothing_of_the_network_is_reached",
               "test_files_environment_and_programs_are_out_of_reach",
               "test_what_one_process_stores_the_next_one_does_not_find"),
            Control("the flags, and the cache of its own", at(
                _DENO, "test_nothing_of_the_network_is_reached",
                "test_files_environment_and_programs_are_out_of_reach",
                "test_what_one_process_stores_the_next_one_does_not_find"))),
    _attack(99, "pii-in-logs", "Personal data through a log line", "Logs, raises or returns names, cards, numbers and "
            "tokens in many spellings, for the operator's records to keep.",
            "redaction by an allowlist of words, in the browser and again at the gateway", Observation.CANARY,
            at(_PII, "test_nobody_is_found_in_any_record_or_in_the_database"),
            Control("the redaction", at(_PII, "test_the_search_finds_them_where_nothing_is_redacted"))),
    _attack(11, "plugins-headers", "Headers that are not a plugin's to send", "Sets `Authorization`, `Cookie`, `Host`, "
            "hop-by-hop headers, or one with underscores.", "headers pass by allowlist", Observation.COUNTER,
            (*at(_ATTACKS, "test_attack_11_a_plugin_sets_a_header_that_is_not_its_own"),
             *at("e2e/gateway/test_end_to_end.py", "test_no_header_of_the_plugins_gets_through_but_the_harmless")),
            Control("the allowlist", at(_ATTACKS, "test_attack_11_a_plugin_sets_a_header_that_is_not_its_own"))),
    _attack(12, "echoed-credential", "The credential given back",
    "Has the upstream echo the injected credential, plain "
            "or in disguise.", "every spelling of it is cut out of the answer", Observation.CANARY,
            (*at(_ATTACKS, "test_attack_12_the_injected_credential_is_echoed_in_disguise"),
             *at("e2e/gateway/test_nothing_leaks.py", "test_no_credential_and_no_masked_field_is_in_the_browser"),
             *at("e2e/gateway/test_end_to_end.py",
                 "test_a_credential_that_is_given_back_goes_no_further_nor_do_hostile_headers")),
            Control("the redaction", at(
                "e2e/gateway/test_nothing_leaks.py", "test_control_without_the_redaction_the_token_is_found")),
            residual=("an-upstream-lies",)),
    _attack(66, "nonce-replayed", "A nonce replayed", "Sends the same proxied request twice, also at two replicas at "
            "once.", "a nonce is spent", Observation.COUNTER,
            (*at(_PROXY, "test_attack_66_a_nonce_is_good_once"),
             *at("tests/integration/gateway/test_replicas.py",
                 "test_a_nonce_spends_once_across_both_under_a_race_of_two_hundred")),
            Control("the memory of what was spent", at(_PROXY, "test_attack_66_a_nonce_is_good_once"))),
    _attack(67, "nonce-moved", "A nonce used for something else", "Uses it in another session, for another plugin, "
            "method, path, query or body.", "it is bound to all of them", Observation.COUNTER,
            (*at(_PROXY, "test_attack_67_a_nonce_is_good_for_nothing_else"),
             *at("tests/unit/core/test_proxy_nonce.py", "test_it_is_good_for_no_other_request",
                 "test_what_moves_from_one_part_to_the_next_is_another_request")),
            Control("the binding", at(_PROXY, "test_attack_67_a_nonce_is_good_for_nothing_else"))),
    _attack(68, "nonce-expired", "An old nonce", "Keeps one for later.", "it expires", Observation.COUNTER,
            (*at(_PROXY, "test_attack_68_an_old_nonce_is_refused"),
             *at("tests/unit/core/test_proxy_nonce.py",
                 "test_an_old_one_is_refused_once_the_clocks_may_no_longer_differ_so_much")),
            Control("the look at its age", at(_PROXY, "test_attack_68_an_old_nonce_is_refused"))),
    _attack(69, "dns-rebinding-inwards", "A name that turns inwards",
    "Has a name resolve to loopback, a private network "
            "or a metadata service when it is dialled.", "each address is judged as it is dialled", Observation.COUNTER,
            at("tests/integration/gateway/test_connector.py", "test_attack_69_inside_addresses_are_never_dialled",
               "test_attack_69_a_name_that_turns_inwards_after_it_was_looked_up_is_refused",
               "test_attack_69_a_pooled_connection_serves_no_upstream_that_could_not_have_opened_it"),
            Control("the judgement: a plain client", at(
                "tests/integration/gateway/test_connector.py",
                "test_attack_69_a_name_that_turns_inwards_after_it_was_looked_up_is_refused"))),
    _attack(71, "request-smuggling", "Two readings of one request's end", "Content-Length beside Transfer-Encoding, "
            "folded lines, a header twice.", "what two servers could frame differently is refused", Observation.COUNTER,
            (*at("tests/integration/gateway/test_server_refusals.py", "test_a_request_with_two_ends_smuggles_no_other"),
             *at(_PROXY, "test_attack_71_a_request_that_two_servers_would_frame_differently_reaches_no_upstream")),
            Control("the strictness: a server that is easily pleased", (
                *at("tests/integration/gateway/test_server_refusals.py",
                    "test_a_request_with_two_ends_smuggles_no_other",
                    "test_control_two_requests_on_one_connection_get_two_answers"),
                *at(_PROXY,
                    "test_attack_71_a_request_that_two_servers_would_frame_differently_reaches_no_upstream")))),
    _attack(154, "trailers", "Headers behind the body", "Sends `X-Forwarded-Host`, `Authorization` or others as "
            "trailers, past whatever stands in front.", "what comes behind the head is no header", Observation.ANSWER,
            at(_HEADS, "test_a_trailer_is_no_header"),
            Control("our reading: a plain uvicorn", at(_HEADS, "test_a_trailer_is_no_header"))),
    _attack(155, "endless-head", "Heads without end", "Sends a head of megabytes, or one that never comes, a byte now "
            "and then.", "a head has a length and a deadline", Observation.OUTCOME,
            at(_HEADS, "test_a_head_without_end_is_refused_and_not_kept",
               "test_a_head_that_does_not_come_is_not_waited_for",
               "test_a_question_that_waits_long_for_its_answer_is_no_slow_head"),
            Control("both: a plain uvicorn", at(
                _HEADS, "test_a_head_without_end_is_refused_and_not_kept",
                "test_a_head_that_does_not_come_is_not_waited_for"))),
    _attack(156, "made-up-names", "Names without end in the figures", "Sends records of queues, environments and codes "
            "that it makes up, until the figures' tables are full of them.", "a day has so many names of a kind",
            Observation.COUNTER,
            at("tests/unit/gateway/telemetry/test_store.py", "test_a_page_that_makes_up_names_fills_no_table",
               "test_names_are_a_days"),
            Control("the bound: a larger one", at(
                "tests/unit/gateway/telemetry/test_store.py", "test_a_page_that_makes_up_names_fills_no_table"))),
    _attack(157, "odd-records", "Records that stop whoever reads them", "Sends an alert without an alert, a failure "
            "without a reason, a queue with a line end in its name.", "a record has what it is about; lines are set in",
            Observation.ANSWER,
            (*at("tests/integration/gateway/test_cli_telemetry.py",
                 "test_records_that_a_hostile_page_sends_stop_no_tool_and_forge_no_row"),
             *at("tests/unit/core/telemetry/test_record.py", "test_every_fault_is_named_with_its_path")),
            no_control="The record that is kept is shown, in its own row, in the same test."),
    _attack(158, "forged-lines", "Lines that are not the tool's", "Has a plugin's message or log line go on in a line "
            "that looks like one of `pysandbox run`.", "further lines are set in", Observation.ANSWER,
            at("tests/unit/cli/test_run.py", "test_a_plugins_text_cannot_pass_for_a_line_of_ours"),
            no_control="The text that is looked for is shown, set in, in the same test."),
    _attack(72, "endless-body", "Bodies without end", "Sends, or has the upstream send, a body without end.",
            "limits both ways, and decompression by nobody", Observation.OUTCOME,
            (*at(_PROXY, "test_attack_72_a_body_without_end_is_cut_at_the_routes_limit"),
             *at("tests/integration/gateway/test_forward.py", "test_attack_72_a_body_without_end_is_cut_at_its_limit",
                 "test_attack_72_a_body_that_says_it_is_too_long_is_not_read")),
            Control("the limits", (
                *at(_PROXY, "test_control_attack_72_without_the_limit_all_that_is_offered_is_taken"),
                *at("tests/integration/gateway/test_forward.py",
                    "test_attack_72_a_body_without_end_is_cut_at_its_limit")))),
    _attack(73, "slow-body", "Bodies that drip", "Sends or answers a byte now and then.", "a deadline for the whole",
            Observation.OUTCOME,
            (*at(_PROXY, "test_attack_73_a_body_that_comes_slowly_is_given_up"),
             *at("tests/integration/gateway/test_forward.py", "test_attack_73_a_body_that_drips_ends_by_the_deadline",
                 "test_attack_73_an_answer_that_does_not_begin_ends_by_the_first_byte_timeout")),
            Control("the deadlines", (
                *at(_PROXY, "test_attack_73_a_body_that_comes_slowly_is_given_up"),
                *at("tests/integration/gateway/test_forward.py",
                    "test_attack_73_a_body_that_drips_ends_by_the_deadline",
                    "test_attack_73_an_answer_that_does_not_begin_ends_by_the_first_byte_timeout")))),
    _attack(74, "fallback-of-another", "The earlier answer of somebody else", "Waits for an upstream's failure to be "
            "shown what another tenant or user was answered.", "kept answers are keyed by who asked for what",
            Observation.CANARY,
            at("tests/unit/gateway/proxy/test_fallback.py", "test_attack_74_nobody_is_shown_an_answer_of_another",
               "test_parts_cannot_be_moved_into_each_other"),
            Control("the key: by the request alone", at(
                "tests/unit/gateway/proxy/test_fallback.py", "test_attack_74_nobody_is_shown_an_answer_of_another"))),
    _attack(75, "token-stampede", "A stampede for a token", "Makes a hundred requests while the token has ended.",
            "one renewal for all", Observation.COUNTER,
            at("tests/unit/gateway/proxy/test_oauth.py", "test_attack_75_a_hundred_requests_make_one_token_request",
               "test_a_thousand_refusals_renew_once_for_each_interval"),
            Control("the one for all", at(
                "tests/unit/gateway/proxy/test_oauth.py", "test_attack_75_a_hundred_requests_make_one_token_request"))),
    _attack(76, "half-open-stampede", "A stampede for a breaker's probe", "A hundred wait for the rest to end.",
            "two probe, the others wait", Observation.COUNTER,
            at("tests/unit/gateway/proxy/test_guards.py", "test_attack_76_of_a_hundred_that_wait_two_probe"),
            Control("the bound on probes", at(
                "tests/unit/gateway/proxy/test_guards.py", "test_attack_76_of_a_hundred_that_wait_two_probe"))),
    _attack(77, "log-injection", "A line of a log that is not ours", "Puts line ends and terminal codes where text is "
            "logged or printed.", "one line of ASCII JSON; headers are one line", Observation.ANSWER,
            (*at(_ATTACKS, "test_attack_77_a_header_writes_a_line_of_a_log"),
             *at("tests/unit/gateway/test_logs.py", "test_text_from_outside_cannot_start_a_line_of_its_own"),
             *at("tests/unit/cli/test_output.py", "test_what_steers_a_terminal_is_escaped")),
            Control("the pattern of a value", at(_ATTACKS, "test_attack_77_a_header_writes_a_line_of_a_log"))),
    _attack(78, "backtracking", "A regular expression that backtracks", "Sends text that an expression takes for ever "
            "with.", "inspection's engine does not backtrack", Observation.OUTCOME,
            at(_ATTACKS, "test_attack_78_a_text_makes_a_pattern_backtrack"),
            Control("the engine: Python's own", at(_ATTACKS, "test_attack_78_a_text_makes_a_pattern_backtrack"))),
    _attack(79, "masking-dodged", "A masked field in disguise",
    "Spells the field otherwise, twice, in JSON in a string, "
            "behind another content type or a compression.", "masking reads all that it cannot refuse",
            Observation.CANARY,
            (*at(_ATTACKS, "test_attack_79_a_masked_field_is_spelled_differently",
                 "test_attack_79_a_key_stands_twice_and_one_of_its_values_is_shown",
                 "test_attack_79_a_field_hides_in_json_in_a_string",
                 "test_attack_79_a_body_hides_behind_its_content_type"),
             *at("tests/fuzz/test_masking_properties.py", "test_no_spelling_shows_a_masked_value"),
             *at("tests/integration/gateway/test_forward.py",
                 "test_attack_79_a_compressed_answer_is_refused_since_it_would_pass_unmasked"),
             *at(_PROXY, "test_attack_79_a_credential_that_hides_in_a_compressed_answer_is_refused")),
            Control("canonical names, the look into strings, the refusals", (
                *at(_ATTACKS, "test_attack_79_a_masked_field_is_spelled_differently",
                    "test_attack_79_a_field_hides_in_json_in_a_string",
                    "test_attack_79_a_body_hides_behind_its_content_type"),
                *at(_PROXY, "test_attack_79_a_credential_that_hides_in_a_compressed_answer_is_refused"))),
            residual=("an-upstream-lies",)),
    _attack(85, "deep-answer", "An answer that nests too deep", "Has the upstream answer with two hundred brackets.",
            "depth is counted before anybody parses", Observation.REFUSAL,
            (*at(_ATTACKS, "test_attack_85_an_answer_nests_deeper_than_an_interpreter_can_bear"),
             *at("tests/unit/joined/test_proxy.py",
                 "test_json_of_an_upstream_that_nests_too_deep_is_a_value_error_in_the_plugin")),
            Control("the count", at(_ATTACKS, "test_attack_85_an_answer_nests_deeper_than_an_interpreter_can_bear"))),
    _attack(95, "secret-to-a-foreign-host", "A secret sent to a foreign host",
    "Writes a route that leads a secret to a "
            "host, or a token address, of its own.", "a secret lists the hosts and tenants that may receive it",
            Observation.COUNTER,
            at("tests/integration/gateway/test_exchange.py",
               "test_attack_95_a_secret_is_not_sent_to_a_host_or_for_a_tenant_that_it_does_not_list",
               "test_attack_95_client_credentials_are_not_sent_to_a_token_url_of_a_foreign_host"),
            Control("the list", at(
                "tests/integration/gateway/test_exchange.py",
                "test_attack_95_a_secret_is_not_sent_to_a_host_or_for_a_tenant_that_it_does_not_list",
                "test_attack_95_client_credentials_are_not_sent_to_a_token_url_of_a_foreign_host"))),
    _attack(96, "upstreams-headers", "An upstream that speaks to the browser", "Answers with `Set-Cookie`, "
            "`Clear-Site-Data`, `Alt-Svc`, `Report-To`.", "an answer's headers pass by allowlist", Observation.ANSWER,
            at(_ATTACKS, "test_attack_96_an_upstream_speaks_to_the_browser"),
            Control("the allowlist", at(_ATTACKS, "test_attack_96_an_upstream_speaks_to_the_browser"))),
    _attack(97, "query-tampering", "A query that two readers read differently",
    "Repeats the injected field, or hides it "
            "in an encoding.", "a doubtful spelling, or a duplicate, is refused", Observation.REFUSAL,
            (*at("tests/unit/gateway/proxy/test_policy.py",
                 "test_a_duplicate_of_an_injected_query_field_is_refused",
                 "test_a_query_in_a_doubtful_spelling_is_refused",
                 "test_a_duplicate_of_an_injected_json_field_is_refused_and_so_is_what_cannot_be_read",
                 "test_a_duplicate_of_an_injected_form_field_is_refused"),
             *at("tests/fuzz/test_proxy_requests.py",
                 "test_every_parser_reads_the_same_query_and_none_the_injected_field")),
            Control("each refusal", at(
                "tests/unit/gateway/proxy/test_policy.py", "test_a_duplicate_of_an_injected_query_field_is_refused",
                "test_a_query_in_a_doubtful_spelling_is_refused",
                "test_a_duplicate_of_an_injected_json_field_is_refused_and_so_is_what_cannot_be_read",
                "test_a_duplicate_of_an_injected_form_field_is_refused"))),
    _attack(98, "hash-collisions", "Keys that collide", "Sends an object whose keys all have one hash under the known "
            "seed.", "keys of an object are bounded", Observation.REFUSAL,
            (*at(_ATTACKS, "test_attack_98_an_object_has_more_keys_than_a_known_hash_seed_can_bear"),
             *at("tests/unit/core/test_strict_json.py", "test_keys_are_bounded_for_one_object_not_for_the_whole")),
            Control("the bound", at(
                _ATTACKS, "test_attack_98_an_object_has_more_keys_than_a_known_hash_seed_can_bear"))),
    _attack(100, "rebinding-to-serve", "DNS rebinding and CSRF against a local server", "Has a page of another origin, "
            "or a name that was rebound, ask the development server or the gateway.",
            "`Host` and `Origin` are checked, "
            "and nothing is opened without a token", Observation.COUNTER,
            (*at("tests/integration/gateway/test_server_answers.py",
                 "test_attack_100_a_name_that_was_rebound_to_us_gets_nothing",
                 "test_attack_100_a_page_of_another_origin_gets_nothing"),
             *at("tests/integration/test_server.py", "test_a_rebound_host_name_is_misdirected",
                 "test_scripts_of_other_origins_are_refused_by_the_api", "test_without_the_token_everything_is_401")),
            Control("the look at both", at(
                "tests/integration/gateway/test_server_answers.py",
                "test_attack_100_a_name_that_was_rebound_to_us_gets_nothing",
                "test_attack_100_a_page_of_another_origin_gets_nothing"))),
    _attack(114, "forged-platform-token", "A platform token that is forged", "Signs with a public key as if it were a "
            "secret, with `none`, with keys that it brings along, or after its time.",
            "an allowlist of algorithms, each "
            "key for its own", Observation.REFUSAL,
            at("tests/unit/gateway/auth/test_platform.py", "test_a_public_key_is_no_secret_to_sign_with",
               "test_without_a_signature_nothing_passes", "test_keys_that_a_token_brings_along_are_not_used",
               "test_a_changed_token_is_refused", "test_each_wrong_claim_is_refused"),
            Control("the forgery", at("tests/unit/gateway/auth/test_platform.py",
            "test_a_good_token_opens_what_it_says"))),
    _attack(115, "stolen-database", "A stolen database", "Reads all rows, to be somebody's session or to sign for it.",
            "what is stored is neither token nor seed", Observation.CANARY,
            at("tests/unit/gateway/auth/test_sessions.py", "test_what_the_database_holds_is_neither_token_nor_seed"),
            no_control="The tokens that must not be found are those that open a session in the same test."),
    _attack(116, "other-tenant", "Another tenant's things",
    "Reads, changes or uses plugins, routes, secrets or sessions "
            "of another tenant.", "every row has its tenant, stamped from the session", Observation.CANARY,
            (*at("tests/unit/gateway/test_registry.py", "test_tenants_see_nothing_of_each_other"),
             *at("tests/unit/gateway/vault/test_api.py", "test_a_tenant_neither_sees_nor_takes_a_secret_of_another"),
             *at(_PROXY, "test_a_route_of_another_tenant_is_not_there"),
             *at("tests/unit/gateway/auth/test_sessions.py", "test_a_users_sessions_end_in_their_own_tenant_alone")),
            no_control="Each test finds the thing in its own tenant first."),
    _attack(117, "state-out-of-reach", "Away with the shared memory", "Cuts Redis or the database off, so that nobody "
            "remembers what was spent or blocked.", "what nobody can know is refused", Observation.COUNTER,
            at("tests/integration/gateway/test_replicas.py", "test_without_redis_nonces_fail_closed_and_all_comes_back",
               "test_without_postgresql_what_nobody_can_know_is_refused_and_all_comes_back"),
            no_control="Each test does the same requests before and after, and there they pass."),
)
