"""What a worker can put on its port, and names that every object's prototype has."""

from __future__ import annotations

from typing import Final

from pysandbox.testing.attacks.model import Attack, Control, Group, Observation, Verdict, at, browsers

_ENVELOPES: Final = "e2e/attacks/test_envelopes.py"
_MESSAGES: Final = "e2e/attacks/test_messages.py"
_PROTOTYPES: Final = "e2e/attacks/test_prototypes.py"
_NAMES: Final = "e2e/attacks/test_names.py"
_ODD: Final = "e2e/attacks/test_odd_roads.py"
_FORGED: Final = at(_ENVELOPES, "test_a_forged_envelope_is_refused_and_told")
_UNCHECKED: Final = Control(
    "the envelope's checks in the host", at(_ENVELOPES, "test_control_without_the_checks_it_reaches_the_page"))
_BY_PROTOCOL: Final = "what is sealed well still has to be what its sender may say"


def _forgery(numbers: tuple[int, ...], slug: str, title: str, tries: str, wall: str) -> Attack:
    return Attack(
        numbers=numbers, slug=slug, group=Group.MESSAGES, title=title, tries=tries, wall=wall,
        observed=Observation.COUNTER, alert="NONCE_REJECTED", proofs=_FORGED, control=_UNCHECKED,
        verdicts=browsers())


MESSAGES: Final = (
    _forgery((22,), "forged-nonce", "A nonce that is none", "Posts an envelope with a nonce of its own making, or an "
             "altered payload under a good one.", "HMAC over every field, by the port's own key"),
    _forgery((22, 58), "another-plugins-name", "Another plugin's name in the seal",
             "Says that it is another plugin.", "the port's binding, not the message, says whose it is"),
    _forgery((22,), "another-direction", "A message of the other direction",
             "Sends back what the host could have said.", "the direction is part of what is sealed"),
    _forgery((23,), "replay", "Replay", "Posts the same envelope twice.", "numbers that grow by one"),
    _forgery((23,), "reorder", "Reordering", "Posts two envelopes the wrong way round.", "numbers that grow by one"),
    _forgery((29, 63), "another-generation", "An old or a coming generation",
             "Speaks as the worker that was before it, or as the one that will be.", "the generation is part of what "
             "is sealed"),
    _forgery((22,), "another-session", "Another session", "Speaks in another session.",
             "the session is part of what is sealed"),
    Attack(
        numbers=(24,), slug="unknown-reply", group=Group.MESSAGES, title="A reply to nothing",
        tries="Answers an id that nobody asked under, by result or by error.", wall=_BY_PROTOCOL,
        observed=Observation.ALERT, alert="PROTOCOL_VIOLATION",
        proofs=at(_ENVELOPES, "test_a_sealed_message_may_not_say_everything"), control=_UNCHECKED,
        verdicts=browsers()),
    Attack(
        numbers=(24,), slug="second-answer", group=Group.MESSAGES, title="Two answers to one call",
        tries="Answers first, and lets its runtime answer again.", wall="an id is answered once",
        observed=Observation.ALERT, alert="PROTOCOL_VIOLATION",
        proofs=at(_ENVELOPES, "test_a_second_answer_to_one_call_is_a_violation"),
        no_control="Which of two answers is taken can only be seen because one is: the test asserts the first.",
        verdicts=browsers()),
    Attack(
        numbers=(25,), slug="a-hosts-words", group=Group.MESSAGES, title="Words that only a host may say",
        tries="Says `ready` or `loaded` again, `load`, `bye`, or gives itself credit.", wall=_BY_PROTOCOL,
        observed=Observation.ALERT, alert="PROTOCOL_VIOLATION",
        proofs=at(_ENVELOPES, "test_a_sealed_message_may_not_say_everything"), control=_UNCHECKED,
        verdicts=browsers()),
    Attack(
        numbers=(86,), slug="json-doubts", group=Group.MESSAGES, title="JSON that two parsers read differently",
        tries="NaN, 1e999, surrogates alone, a key twice, numbers of 400 digits, a thousand and one keys.",
        wall="a strict reader", observed=Observation.ALERT, alert="PROTOCOL_VIOLATION",
        proofs=(*at(_ENVELOPES, "test_a_sealed_message_may_not_say_everything"),
                *at("tests/unit/core/test_strict_json.py", "test_what_the_parser_would_let_through_is_refused")),
        control=Control("the strict reader: the parser beneath it", at(
            "tests/unit/core/test_strict_json.py", "test_what_the_parser_would_let_through_is_refused")),
        verdicts=browsers()),
    Attack(
        numbers=(86,), slug="no-envelope", group=Group.MESSAGES, title="Text that is no envelope",
        tries="Empty text, JSON of other shapes, NUL, a nonce that is no ASCII, half an envelope.",
        wall="the envelope's one spelling", observed=Observation.ALERT, alert="PROTOCOL_VIOLATION",
        proofs=(*at(_ENVELOPES, "test_text_that_is_no_envelope_is_refused",
                    "test_past_its_budget_of_violations_a_worker_is_ended"),
                *at("tests/fuzz/test_envelope_properties.py",
                    "test_any_text_is_refused_dropped_or_is_the_one_that_was_sealed")),
        control=_UNCHECKED, verdicts=browsers()),
    Attack(
        numbers=(26, 90), slug="the-workers-own-voice", group=Group.MESSAGES,
        title="postMessage and errors to the cell",
        tries="Calls the worker's own `postMessage`, and throws, twenty thousand times.",
        wall="the cell listens to nothing from its worker and tells no error's text", observed=Observation.NEIGHBOUR,
        proofs=at(_MESSAGES, "test_the_cell_listens_to_nothing_that_its_worker_says"),
        control=Control("the cell's deafness", at(
            _MESSAGES, "test_control_a_cell_that_listens_is_ended_by_its_worker")), verdicts=browsers()),
    Attack(
        numbers=(27,), slug="smuggled-channel", group=Group.MESSAGES, title="Ports and shared memory in a message",
        tries="Hands its host a port, or memory that both would share.",
        wall="the gate ends whoever sends what could open another channel", observed=Observation.ALERT,
        alert="PROTOCOL_VIOLATION",
        proofs=at(_MESSAGES, "test_what_could_open_another_channel_ends_its_sender"),
        control=Control("the gate's look at ports", at(
            _MESSAGES, "test_control_without_its_look_at_ports_such_a_message_is_read")), verdicts=browsers()),
    Attack(
        numbers=(28, 33), slug="objects-on-the-port", group=Group.MESSAGES, title="Objects, getters, cycles",
        tries="Sends what is no text: getters that run in the reader, cycles, deep values, too many buffers.",
        wall="the gate takes text and a few buffers, and looks into nothing else", observed=Observation.ALERT,
        alert="PROTOCOL_VIOLATION",
        proofs=at(_MESSAGES, "test_only_text_and_a_few_buffers_pass", "test_a_getter_is_not_read"),
        control=Control("the gate's look at the kind", at(
            _MESSAGES, "test_control_without_its_look_at_the_kind_an_object_ends_the_host")), verdicts=browsers()),
    Attack(
        numbers=(28, 85), slug="depth-bomb", group=Group.MESSAGES, title="Four thousand brackets",
        tries="Sends text that nests so deep that it ends an interpreter which parses it.",
        wall="brackets are counted before anybody parses, twice", observed=Observation.NEIGHBOUR,
        alert="MESSAGE_LIMIT", proofs=at(_MESSAGES, "test_brackets_are_counted_before_anybody_parses"),
        control=Control("both scans", at(_MESSAGES, "test_control_without_the_scans_brackets_end_the_host")),
        verdicts=browsers()),
    Attack(
        numbers=(39, 87), slug="flood", group=Group.MESSAGES, title="A flood on the port",
        tries="Posts thirty thousand messages while a neighbour is called.",
        wall="the gate counts before it looks: credit, then the end", observed=Observation.NEIGHBOUR,
        alert="RATE_LIMIT",
        proofs=at(_MESSAGES, "test_a_flood_ends_its_sender_and_nobody_else", "test_a_sender_without_credit_is_cut_off"),
        control=Control("the gate's count", at(
            _MESSAGES, "test_control_without_the_count_nothing_cuts_the_flood_off")),
        verdicts=browsers(), residual=("shared-process",)),
    Attack(
        numbers=(124,), slug="odd-buffers", group=Group.MESSAGES, title="Buffers that change",
        tries="Sends buffers that can grow, that were taken away, views of others, and the port through itself.",
        wall="the browser's own clone, and the gate's count of bytes", observed=Observation.NEIGHBOUR,
        alert="PROTOCOL_VIOLATION", proofs=at(_ODD, "test_odd_buffers_are_refused_by_the_browser_or_by_us"),
        control=Control("the gate's look at the kind", at(
            _MESSAGES, "test_control_without_its_look_at_the_kind_an_object_ends_the_host")),
        verdicts=browsers()),
    Attack(
        numbers=(125,), slug="dear-to-read", group=Group.MESSAGES, title="Messages that are dear to read",
        tries="Posts deep objects by the hundred thousand, which cost their reader more than their sender.",
        wall="text alone is taken, each other message is a violation, and past its budget the sender is ended",
        observed=Observation.NEIGHBOUR, alert="PROTOCOL_VIOLATION",
        proofs=at(_ODD, "test_messages_that_are_dear_to_read_end_their_sender"),
        control=Control("the gate's look at the kind", at(
            _MESSAGES, "test_control_without_its_look_at_the_kind_an_object_ends_the_host")),
        verdicts=browsers(Verdict.BOUNDED), residual=("shared-process",)),
    Attack(
        numbers=(40,), slug="giant-message", group=Group.MESSAGES, title="One giant message",
        tries="Posts three million characters at once.", wall="the gate's length, before anybody reads",
        observed=Observation.ALERT, alert="MESSAGE_LIMIT",
        proofs=at(_MESSAGES, "test_one_giant_message_is_refused_by_its_length"),
        control=Control("the length: a manifest that allows more", at(
            "tests/unit/joined/test_message_budgets.py",
            "test_a_result_longer_than_the_defaults_comes_through_where_the_manifest_says_so")), verdicts=browsers()),
    Attack(
        numbers=(88, 89), slug="after-its-kill", group=Group.MESSAGES, title="Messages after the kill",
        tries="Goes on sending while it is killed, and after.", wall="the port is closed first, then the worker ends",
        observed=Observation.COUNTER, proofs=at(_MESSAGES, "test_after_its_kill_a_worker_is_not_heard"),
        control=Control("kill and closed port", at(_MESSAGES, "test_control_without_the_end_it_is")),
        verdicts=browsers(), residual=("a-core-for-a-while",)),
)

PROTOTYPES: Final = (
    Attack(
        numbers=(119,), slug="look-alike-permissions", group=Group.PROTOTYPES, title="Permissions that look alike",
        tries="Spells a granted permission with a Cyrillic or full-width letter, a space, NUL, a dotless i, in "
        "capitals.",
        wall="a name is compared as it is, and what no message can carry is refused before one is made",
        observed=Observation.OUTCOME, alert="PERMISSION_DENIED",
        proofs=(*at(_NAMES, "test_a_permission_that_looks_like_another_is_denied"),
                *at("tests/unit/core/test_permissions.py", "test_a_prefix_or_another_case_is_another_permission")),
        control=Control("the difference: the permission itself", at(
            _NAMES, "test_control_the_permission_itself_is_in_force")),
        verdicts=browsers()),
    Attack(
        numbers=(120,), slug="look-alike-handlers", group=Group.PROTOTYPES, title="Handlers that look alike",
        tries="Has a handler called by a name that some normal form would make another one's.",
        wall="a name is compared as it is", observed=Observation.OUTCOME,
        proofs=at(_NAMES, "test_a_handler_that_looks_like_another_is_none"),
        no_control="The name without the disguise is what every other test calls.", verdicts=browsers()),
    Attack(
        numbers=(122,), slug="anothers-correlation-id", group=Group.PROTOTYPES, title="Somebody else's correlation id",
        tries="Emits events under the correlation id of another plugin's invocation.",
        wall="an id counts for the plugin whose invocation it is", observed=Observation.COUNTER,
        proofs=at(_NAMES, "test_nothing_is_said_under_anothers_correlation_id"),
        control=Control("the foreign id", at(_NAMES, "test_control_under_no_id_it_is_heard_as_its_own")),
        verdicts=browsers()),
    Attack(
        numbers=(123,), slug="text-that-is-code-elsewhere", group=Group.PROTOTYPES, title="Text that is code elsewhere",
        tries="Markup, scripts, styles, terminal codes, formats, header lines, as names of events and in their data.",
        wall="it arrives as the text it is; what a page makes of it is the page's", observed=Observation.CANARY,
        proofs=at(_NAMES, "test_what_would_be_code_somewhere_arrives_as_text"),
        control=Control("text: a page that shows it as markup", at(
            _NAMES, "test_control_a_page_that_shows_it_as_markup_runs_it")), verdicts=browsers(),
        residual=("granted-is-granted",)),
    Attack(
        numbers=(30,), slug="prototype-keys", group=Group.PROTOTYPES, title="`__proto__` and friends as keys",
        tries="Uses names of every object's prototype as keys of payloads, events and log fields.",
        wall="data stays JSON text until a parser makes it, which knows no prototype", observed=Observation.CANARY,
        proofs=at(_PROTOTYPES, "test_such_keys_go_through_and_back_and_touch_no_prototype"),
        control=Control("text: a page that assigns by name", at(
            _PROTOTYPES, "test_control_a_page_that_assigns_by_name_is_polluted")),
        verdicts=browsers()),
    Attack(
        numbers=(31,), slug="prototype-keys-in-a-manifest", group=Group.PROTOTYPES, title="`__proto__` in a manifest",
        tries="Uses such names as keys of the manifest.", wall="unknown keys are refused", observed=Observation.REFUSAL,
        proofs=(*at("tests/unit/core/test_manifest.py", "test_an_odd_key_is_shown_as_short_ascii"),
                *at("tests/unit/core/test_strict_json.py", "test_prototype_names_are_ordinary_keys")),
        no_control="A manifest is read in Python, where such a key is a key like any other.", verdicts=browsers()),
    Attack(
        numbers=(32,), slug="prototype-handlers", group=Group.PROTOTYPES, title="`constructor` as a handler's name",
        tries="Has `constructor`, `toString`, `__proto__` called as handlers.", wall="handlers are looked up in a map "
        "of their own", observed=Observation.OUTCOME, proofs=at(_PROTOTYPES, "test_such_a_handler_is_none"),
        no_control="It is looked up in a Python dict, whose keys are what was put in.", verdicts=browsers()),
    Attack(
        numbers=(30, 57), slug="prototype-permissions", group=Group.PROTOTYPES, title="`__proto__` as a permission",
        tries="Asks for permissions that every object has.", wall="declared, granted, provided and not revoked",
        observed=Observation.OUTCOME, proofs=at(_PROTOTYPES, "test_such_a_permission_is_denied"),
        control=Control("the refusal: a permission that is declared", at(
            _PROTOTYPES, "test_control_a_declared_permission_is_not")),
        verdicts=browsers()),
    Attack(
        numbers=(33,), slug="changing-tojson", group=Group.PROTOTYPES,
        title="A value that changes between check and use",
        tries="Shows the check one value and the sink another, by `toJSON`.", wall="it is read once, to text",
        observed=Observation.COUNTER,
        proofs=at(_PROTOTYPES, "test_a_payload_that_shows_another_value_each_time_is_read_once"),
        control=Control("the one reading", at(
            _PROTOTYPES, "test_control_who_reads_it_twice_sees_two_values")), verdicts=browsers()),
)
