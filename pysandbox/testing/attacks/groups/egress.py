"""Roads out: whatever leaves a plugin's worker for somebody who listens."""

from __future__ import annotations

from typing import Final

from pysandbox.testing.attacks.model import Attack, Control, Group, Observation, Verdict, at, browsers, server

_FILE: Final = "e2e/attacks/test_egress.py"
_CSP: Final = "the cell's policy, `default-src 'none'`, which its blob worker inherits"
_STOPPED: Final = at(_FILE, "test_no_road_reaches_a_listening_server")
_CONTROL: Final = Control(
    "the cell's policy (header, meta and boot proof)",
    at(_FILE, "test_control_without_the_policy_each_road_does"))
_TEXT: Final = at(_FILE, "test_text_never_becomes_code")
_TEXT_CONTROL: Final = Control(_CONTROL.without, at(_FILE, "test_control_without_the_policy_it_does"))


def _road(numbers: tuple[int, ...], slug: str, title: str, tries: str, **verdicts: Verdict) -> Attack:
    return Attack(
        numbers=numbers, slug=slug, group=Group.EGRESS, title=title, tries=tries, wall=_CSP,
        observed=Observation.LISTENER, proofs=_STOPPED, control=_CONTROL, verdicts=browsers(**verdicts))


def _evaluation(numbers: tuple[int, ...], slug: str, title: str, tries: str) -> Attack:
    return Attack(
        numbers=numbers, slug=slug, group=Group.EGRESS, title=title, tries=tries,
        wall="the cell's `script-src`: one hash and `'wasm-unsafe-eval'`, no host, no `blob:`",
        observed=Observation.REALM, proofs=_TEXT, control=_TEXT_CONTROL, verdicts=browsers())


EGRESS: Final = (
    _road((1,), "fetch", "fetch", "Sends what it knows by `fetch`, as GET and as POST."),
    _road((1,), "xhr", "XMLHttpRequest", "Sends what it knows by XMLHttpRequest, also a synchronous one."),
    _road((2,), "websocket", "WebSocket", "Opens a WebSocket to a server of the attacker's."),
    _road((2,), "eventsource", "EventSource", "Opens an event stream at a server of the attacker's."),
    _road((3,), "webtransport", "WebTransport", "Opens a WebTransport session, over UDP.", webkit=Verdict.ABSENT),
    _road((5, 82), "import-url", "import() of a URL", "Puts data into the address of a module that it imports."),
    _road((5, 82), "importscripts-url", "importScripts of a URL",
          "Puts data into the address of a script, which any host in `script-src` would let out, cookie included."),
    _road((84,), "nested-worker-egress", "Egress from a nested worker",
          "Starts a worker of its own, whose realm has every name again, and sends from there."),
    Attack(
        numbers=(4,), slug="beacon", group=Group.EGRESS, title="sendBeacon",
        tries="Sends a beacon, which outlives the page.", wall="workers have none",
        observed=Observation.LISTENER, proofs=at(_FILE, "test_there_is_no_beacon_in_a_worker"),
        no_control="No engine has `sendBeacon` in a worker, so nothing of ours can be taken away; with every name "
                   "back it is still not there, which the test asserts.",
        verdicts=browsers(Verdict.ABSENT)),
    Attack(
        numbers=(7,), slug="connection-hints", group=Group.EGRESS, title="dns-prefetch, preconnect, WebRTC",
        tries="Has a name resolved or a server called by a hint, or by a peer connection, which no policy sees.",
        wall="a worker has no document to put a hint into, and no peer connection", observed=Observation.REALM,
        proofs=at("e2e/attacks/test_windowless.py", "test_a_worker_has_nothing_of_a_window"),
        control=Control("the worker: a page has all of it", at(
            "e2e/attacks/test_windowless.py", "test_control_the_page_has_all_of_it")),
        verdicts=browsers(Verdict.ABSENT)),
    Attack(
        numbers=(6,), slug="navigating-cell", group=Group.EGRESS, title="A cell that navigates with its data",
        tries="Takes the cell over and sets its address to one of the attacker's, data in the query.",
        wall="the host frame's `frame-src`, the cell's own address alone", observed=Observation.LISTENER,
        proofs=at(_FILE, "test_a_cell_cannot_take_its_data_elsewhere"),
        control=Control("the host frame's `frame-src`", at(_FILE, "test_control_without_the_frame_policy_it_can")),
        verdicts=browsers()),
    _evaluation((83,), "eval", "eval and Function", "Makes code of text by `eval`, `Function`, an async function's "
                "constructor, or a timer's text."),
    _evaluation((83,), "blob-and-data-scripts", "Scripts from blob: and data:",
                "Loads text as a script from an address that it made itself."),
    _evaluation((83, 84), "nested-worker-eval", "eval in a nested worker",
    "Looks for a realm whose policy is not ours."),
    Attack(
        numbers=(19,), slug="python-roads", group=Group.EGRESS, title="Python's own roads to the network",
        tries="`js.fetch`, `pyodide.http.pyfetch`, `urllib`, sockets, from Python as the product ships it.",
        wall="the cell's policy; before it, the names that were removed", observed=Observation.LISTENER,
        proofs=at("e2e/attacks/test_realm.py", "test_no_road_of_pythons_own_is_open"),
        control=_CONTROL, verdicts=browsers()),
    Attack(
        numbers=(19,), slug="roads-to-javascript", group=Group.EGRESS,
        title="A road from Python to JavaScript that nobody knew",
        tries="Walks modules, frames, tracebacks and the garbage collector for anything that belongs to JavaScript.",
        wall="what was found is known and listed; `js` and its kin are gone", observed=Observation.REALM,
        proofs=at("e2e/attacks/test_crawler.py", "test_what_a_plugin_reaches_of_javascript_is_on_the_list",
                  "test_the_ways_to_import_javascript_are_gone"),
        control=Control("the hiding: a module of JavaScript's is put there", at(
            "e2e/attacks/test_crawler.py", "test_control_a_module_of_javascripts_is_found")),
        verdicts=browsers(), residual=("taken-cell",)),
    Attack(
        numbers=(8,), slug="smuggled-directive", group=Group.EGRESS, title="A directive smuggled through a manifest",
        tries="Writes `;`, a line end, a comma or a space into a source of the manifest's policy.",
        wall="the manifest's policy is read by whole tokens, and never becomes a header",
        observed=Observation.REFUSAL,
        proofs=(
            *at("tests/unit/core/test_csp.py", "test_a_source_that_is_refused_is_named_with_its_rule",
                "test_a_policy_that_a_browser_would_mend_or_half_ignore_is_refused"),
            *at("tests/unit/gateway/test_headers.py",
                "test_attack_8_a_directive_in_the_place_of_an_origin_is_refused"),
            *at("tests/fuzz/test_core_properties.py", "test_what_is_left_of_a_policy_never_holds_what_is_refused")),
        control=Control("the reading: a policy made of the text as it is", at(
            "tests/unit/gateway/test_headers.py", "test_attack_8_a_directive_in_the_place_of_an_origin_is_refused")),
        verdicts=server()),
    Attack(
        numbers=(81,), slug="reporting-directives", group=Group.EGRESS, title="report-uri and report-to",
        tries="Asks for a policy that reports, which would send addresses to a server of the attacker's.",
        wall="a manifest may hold fetch directives alone; our own policies report nowhere",
        observed=Observation.REFUSAL,
        proofs=(
            *at("tests/unit/core/test_csp.py", "test_a_policy_that_a_browser_would_mend_or_half_ignore_is_refused"),
            *at("tests/unit/gateway/test_headers.py", "test_no_policy_reports_anywhere_or_allows_unsafe_code")),
        no_control="No header is made of a manifest's text, so there is no wall to take away between the two.",
        verdicts=server()),
    Attack(
        numbers=(9, 70), slug="redirect", group=Group.GATEWAY, title="An allowed host that redirects",
        tries="Lets an allowed upstream answer 302 to an address of the attacker's, credential and all.",
        wall="the gateway follows no redirect", observed=Observation.COUNTER,
        proofs=(*at("tests/integration/gateway/test_forward.py", "test_attack_70_a_redirect_is_not_followed"),
                *at("e2e/gateway/test_end_to_end.py",
                    "test_a_vendor_that_is_not_well_costs_the_plugin_one_coded_error")),
        control=Control("the refusal to follow", at(
            "tests/integration/gateway/test_forward.py", "test_attack_70_a_redirect_is_not_followed")),
        verdicts=server()),
    Attack(
        numbers=(10,), slug="host-spellings", group=Group.GATEWAY, title="A host spelled otherwise",
        tries="Userinfo, ports, IDN, a trailing dot, IPv6, decimal and octal addresses, to pass for an allowed host.",
        wall="one plain spelling of an address is taken, all others are refused", observed=Observation.REFUSAL,
        proofs=(
            *at("tests/unit/core/test_csp.py", "test_a_url_that_is_not_in_plain_form_is_never_covered"),
            *at("tests/unit/core/test_weburl.py", "test_all_else_is_refused_with_its_rule"),
            *at("tests/integration/gateway/test_connector.py",
                "test_attack_10_a_host_in_disguise_is_neither_a_url_nor_dialled"),
            *at("tests/fuzz/test_proxy_requests.py", "test_an_upstream_is_the_host_that_every_parser_sees")),
        control=Control("parser and connector: a plain client", at(
            "tests/integration/gateway/test_connector.py",
            "test_attack_10_a_host_in_disguise_is_neither_a_url_nor_dialled")),
        verdicts=server()),
)
