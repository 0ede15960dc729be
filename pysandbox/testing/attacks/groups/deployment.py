"""The server's own doors, and what an operator's tools can be made to do."""

from __future__ import annotations

from typing import Final

from pysandbox.testing.attacks.model import Attack, Control, Group, Observation, Verdict, at, browsers, server

_SERVER: Final = "tests/integration/test_server.py"
_ANSWERS: Final = "tests/integration/gateway/test_server_answers.py"
_REFUSALS: Final = "tests/integration/gateway/test_server_refusals.py"
_SESSIONS: Final = "tests/unit/gateway/auth/test_sessions.py"
_EXCHANGE: Final = "tests/integration/gateway/test_exchange.py"


def _attack(
    number: int, slug: str, title: str, tries: str, wall: str, observed: Observation, proofs: tuple[str, ...],
    control: Control | None = None, *, no_control: str = "", verdict: Verdict = Verdict.STOPPED,
    group: Group = Group.GATEWAY,
) -> Attack:
    return Attack(
        numbers=(number,), slug=slug, group=group, title=title, tries=tries, wall=wall, observed=observed,
        proofs=proofs, control=control, no_control=no_control, verdicts=server(verdict))


DEPLOYMENT: Final = (
    Attack(
        numbers=(132,), slug="foreign-page", group=Group.WINDOW, title="A page that was not allowed",
        tries="Frames the sandbox in a page of its own, for its users' sessions or to lay something over it.",
        wall="`frame-ancestors`, and the host frame's own look at who embeds it", observed=Observation.OUTCOME,
        proofs=at("e2e/spine/test_embedding.py",
                  "test_a_page_that_is_not_in_the_allowlist_is_told_and_nothing_starts",
                  "test_without_frame_ancestors_the_host_frame_itself_refuses"),
        control=Control("the strangeness: a page that is allowed", at(
            "e2e/spine/test_embedding.py", "test_control_the_same_deployment_serves_a_page_that_is_allowed")),
        verdicts=browsers()),
    Attack(
        numbers=(133,), slug="predicted-randomness", group=Group.SIDE_CHANNELS, title="Randomness from the snapshot",
        tries="Predicts another plugin's random numbers from its own, since all start from one public snapshot.",
        wall="what makes random numbers is seeded anew in each worker", observed=Observation.CANARY,
        proofs=at("e2e/attacks/test_randomness.py", "test_no_two_workers_throw_the_same_dice"),
        control=Control("the new seed", at(
            "e2e/attacks/test_randomness.py", "test_control_without_the_new_seed_they_do")),
        verdicts=browsers(), residual=("known-hash-seed",)),
    _attack(134, "cell-with-a-query", "A cell's address with a query", "Has data put into the one address that a cell "
            "may be framed at.", "with any query it is a 404", Observation.ANSWER,
            at(_SERVER, "test_the_cell_answers_no_query"),
            Control("the query", at(_SERVER, "test_the_cell_carries_its_policy_and_is_never_stored"))),
    _attack(135, "chaos-in-production", "Faults that somebody else switched on",
    "Has a server that was not told so put "
            "faults between host and plugin.", "they come from the server's own settings alone", Observation.ANSWER,
            at(_SERVER, "test_only_a_server_that_was_told_so_writes_chaos_into_the_host_frame"),
            Control("the setting: a server that was told so", at(
                _SERVER, "test_only_a_server_that_was_told_so_writes_chaos_into_the_host_frame"))),
    _attack(136, "sessions-without-end", "Sessions without end", "Opens sessions until the gateway holds no more.",
            "a rate for each user", Observation.COUNTER,
            at(_REFUSALS, "test_a_user_cannot_open_sessions_without_end"),
            Control("the bound: the first of them", at(_ANSWERS, "test_a_session_from_exchange_to_end")),
            verdict=Verdict.BOUNDED),
    _attack(137, "spoofed-forwarding", "Headers of a proxy that is none", "Says by `X-Forwarded-Host` or "
            "`X-Forwarded-For` that it asked for another host, from another address.", "only proxies that the settings "
            "name are believed", Observation.REFUSAL,
            at("tests/unit/gateway/test_front.py", "test_from_anyone_else_it_is_taken_away", "test_two_hosts_are_none"),
            Control("the distrust: a trusted proxy", (
                *at("tests/unit/gateway/test_front.py", "test_a_trusted_proxy_says_which_host_was_asked_for"),
                *at(_ANSWERS, "test_behind_a_proxy_that_is_trusted_its_word_for_the_host_counts")))),
    _attack(138, "old-session-token", "A session's earlier token", "Uses a token after it was rotated, revoked or not "
            "used for long, or signs with its seed.", "a rotation ends what came before it", Observation.REFUSAL,
            at(_SESSIONS, "test_rotation_gives_a_new_token_and_seed_and_the_old_ones_end_soon",
               "test_what_is_made_of_an_old_token_ends_with_it", "test_a_revoked_session_is_over_under_all_its_tokens",
               "test_a_session_ends_however_much_it_is_used"),
            Control("its age: a session in use", at(_SESSIONS, "test_a_session_is_found_by_its_token_at_any_replica"))),
    _attack(139, "route-rate", "More than a route's share", "Asks faster than its route allows, at several replicas.",
            "tokens in a bucket that all replicas share", Observation.COUNTER,
            (*at("tests/integration/gateway/test_replicas.py", "test_a_routes_limit_holds_across_both"),
             *at("tests/integration/gateway/test_proxy.py", "test_rates_are_told_and_kept")),
            Control("the share: what is within it", at(
                "tests/unit/gateway/proxy/test_limits.py", "test_a_burst_passes_and_then_one_each_second")),
            verdict=Verdict.BOUNDED),
    _attack(140, "impatient-caller", "A breaker opened for others", "Gives up at once, again and again, so that the "
            "upstream seems to be down for everybody.", "a caller's own impatience counts as no failure",
            Observation.NEIGHBOUR,
            at(_EXCHANGE, "test_a_caller_without_patience_does_not_open_the_breaker_for_others"),
            Control("the innocence: real failures open it", at(
                _EXCHANGE, "test_a_breaker_opens_rests_probes_and_closes"))),
    _attack(141, "split-credential", "A credential cut in two",
    "Has the upstream stream the echoed credential in pieces "
            "that hold no whole one.", "redaction looks across the cuts", Observation.CANARY,
            (*at("tests/unit/gateway/proxy/test_redaction.py", "test_a_stream_is_cleaned_wherever_it_is_cut"),
             *at(_EXCHANGE, "test_the_credential_is_cut_out_of_an_answer_that_echoes_it_streamed_or_whole")),
            no_control="Every place of the cut is tried, and where it is left whole the credential is found the same "
                       "way."),
    _attack(142, "sensitive-requests", "Personal data in a request", "Sends card numbers or credentials of users to an "
            "upstream.", "inspection counts them, or blocks where the route says so", Observation.COUNTER,
            at("tests/integration/gateway/test_inspection.py",
               "test_a_card_number_in_a_request_goes_nowhere_where_the_route_blocks"),
            Control("the inspection", at(
                "tests/integration/gateway/test_inspection.py", "test_nothing_is_looked_at_where_inspection_is_off"))),
    _attack(143, "ambient-proxies", "A proxy from the environment",
    "Sets `HTTPS_PROXY` where the gateway runs, to read "
            "what it sends.", "the environment is not asked", Observation.COUNTER,
            at("tests/integration/gateway/test_connector.py", "test_proxies_of_the_environment_are_ignored"),
            no_control="The variables that it sets are those that every client of HTTP honours."),
    _attack(144, "redirected-administrator", "A gateway that redirects an administrator",
    "Answers the command line with "
            "a redirect, to be given the administrator's token.", "it follows none", Observation.COUNTER,
            at("tests/integration/gateway/test_cli_registry.py", "test_a_token_follows_no_redirect"),
            no_control="The address that it must not follow leads to a server that writes down what it is sent."),
    _attack(145, "terminal-steering", "File names that steer a terminal", "Names a file or a plugin so that a terminal "
            "which shows it moves, clears or answers.", "control characters are escaped before they are shown",
            Observation.ANSWER,
            (*at("tests/unit/cli/test_check.py", "test_a_file_name_cannot_steer_the_terminal"),
             *at("tests/unit/cli/test_run.py",
                 "test_people_see_status_value_and_figures_without_control_characters")),
            no_control="The name that is looked for is the one that was given."),
    _attack(146, "folder-without-end", "A folder that never ends",
    "Has a plugin's folder hold more than anybody reads, "
            "or itself.", "the walk is bounded", Observation.REFUSAL,
            at("tests/unit/gateway/test_folder.py", "test_the_walk_is_bounded_in_a_folder_that_never_ends",
               "test_too_many_files_are_refused"),
            no_control="A folder within the bounds is built in the same file.", group=Group.SUPPLY_CHAIN),
    _attack(147, "altered-vault", "A vault's file that was changed", "Changes, swaps or copies the file that holds the "
            "secrets, or opens it with another key.", "it is encrypted and authenticated as a whole",
            Observation.REFUSAL,
            at("tests/unit/gateway/vault/test_embedded.py",
               "test_a_changed_file_or_another_key_is_told_and_shows_nothing",
               "test_a_secret_comes_back_and_is_nowhere_in_the_file"),
            Control("the change", at(
                "tests/unit/gateway/vault/test_embedded.py", "test_a_secret_comes_back_and_is_nowhere_in_the_file"))),
    _attack(148, "users-in-the-figures", "Users in logs and figures", "Has paths, names and tokens end up where "
            "operators and their tools read.", "labels and lines hold neither", Observation.CANARY,
            at(_ANSWERS, "test_figures_and_log_lines_hold_neither_paths_nor_users"),
            no_control="What is looked for was in the requests that the same test made."),
    _attack(149, "change-without-a-trace", "A change that nobody wrote down", "Changes a plugin, a route or consent "
            "without a line in the audit, or writes a line for what was refused.", "both are one transaction",
            Observation.COUNTER,
            at("tests/unit/gateway/test_registry.py", "test_every_change_is_written_down_and_a_refused_one_is_not"),
            Control("the refusal: each change that was made has its line", at(
                "tests/integration/gateway/test_cli_registry.py",
                "test_the_audit_tells_who_did_what_and_can_be_narrowed"))),
    _attack(150, "two-of-one-version", "Two bundles of one version",
    "Sends two different bundles as the same version at "
            "the same moment, at two replicas.", "the first one is it; the database says which", Observation.COUNTER,
            (*at("tests/unit/gateway/test_registry.py",
                 "test_one_version_sent_many_times_at_once_is_registered_once"),
             *at("tests/integration/gateway/test_replicas.py",
                 "test_one_version_sent_to_both_at_once_is_registered_once")),
            no_control="That one of them is taken is half of what is asserted.", group=Group.SUPPLY_CHAIN),
    _attack(151, "job-of-another", "Somebody else's job", "Fetches or answers the job that `pysandbox run` put at a "
            "local port.", "a token of its own for each job, and one answer", Observation.REFUSAL,
            at("tests/unit/gateway/test_job.py", "test_a_wrong_token_neither_fetches_nor_answers",
               "test_a_second_fetch_is_refused", "test_a_second_answer_is_refused_and_changes_nothing"),
            Control("the wrong token", at("tests/unit/gateway/test_job.py",
            "test_the_answer_reaches_the_one_who_waits"))),
    _attack(152, "answer-past-the-limits", "An answer that a plugin cannot bear",
    "Has a page's function, or an upstream, "
            "answer with more than a plugin's budgets.", "the call fails, and the worker goes on", Observation.OUTCOME,
            (*at("tests/unit/joined/test_capabilities.py",
                 "test_an_answer_past_the_limits_fails_the_call_and_not_the_worker"),
             *at("tests/unit/joined/test_proxy.py", "test_a_body_past_the_plugins_budget_fails_the_call_alone",
                 "test_headers_past_the_plugins_budget_fail_the_call_alone")),
            Control("the excess", at(
                "tests/unit/joined/test_capabilities.py",
                "test_a_capability_gets_its_arguments_and_its_answer_comes_back")), group=Group.EXHAUSTION),
)
