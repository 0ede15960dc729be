"""119-123: names that look like others, other versions' names, somebody else's correlation id, text that is code.

The last one looks for secrets where no name leads: in every byte of the worker's own memory.
"""

from __future__ import annotations

import hashlib
import secrets

import pytest

from e2e.kit.embedder import Embedder
from e2e.kit.lab import Lab, LabError, LabPlugin
from e2e.kit.server import LabServer
from pysandbox.testing.browsers import Page

ATTACKER = "test.attacker@1.0.0"
LOOK_ALIKES = [
    "webchat:session:re\u0430d",  # a Cyrillic letter
    "webchat:session:\uff52ead",  # a full-width one
    "webchat:session:read\u200b", "webchat:session:read ", "webchat:session:read\0", "webchat:session:read:",
    "webchat:sess\u0131on:read", "WEBCHAT:SESSION:READ", "webchat:session:re\u00adad",
]  # fmt: skip
HANDLERS = ["\uff45cho", "ech\u043e", "echo\u200b", "Echo", "echo ", "e\u0301cho"]
OTHER_VERSIONS = [
    "test.attacker@01.0.0", "test.attacker@1.0.0 ", "test.attacker@1.0.0/../../x", "TEST.attacker@1.0.0",
    "test.attacker@1.0.0?version=2", "test.attacker%401.0.0", "test.\uff41ttacker@1.0.0", "test.attacker@1.0.0+other",
    "test.attacker@latest@1.0.0", "../test.attacker@1.0.0",
]  # fmt: skip
MARKUP = [
    "outcome", "error", "alert", "", "then", "toJSON", "\u202etxet", "\x1b[2J\x1b]0;owned\x07", "a" * 5000,
    "<img src=x onerror='window.owned=1'>", "</script><script>window.owned=1</script>", "*{background:url(//evil)}",
    "javascript:window.owned=1", "${window.owned=1}", "%s%n%c", "\r\nSet-Cookie: a=1",
]  # fmt: skip
EVENT_CHARS = 128
FORGED = {"kind": "event", "payload": '{"event":"forged","data":1}', "counts": True}


@pytest.fixture(scope="module")
def attacker(shared_lab: Lab) -> LabPlugin:
    return shared_lab.load(ATTACKER)


@pytest.mark.parametrize("name", LOOK_ALIKES, ids=ascii)
def test_a_permission_that_looks_like_another_is_denied(attacker: LabPlugin, name: str) -> None:
    outcome = attacker.invoke("ask", name)
    assert (outcome["status"], outcome["error"]["code"]) == ("denied", "PERMISSION_DENIED"), outcome


def test_control_the_permission_itself_is_in_force(attacker: LabPlugin) -> None:
    assert attacker.value("ask", "webchat:session:read")["tier"] == "gold"


@pytest.mark.parametrize("name", HANDLERS, ids=ascii)
def test_a_handler_that_looks_like_another_is_none(attacker: LabPlugin, name: str) -> None:
    outcome = attacker.invoke(name, 1)
    assert outcome["status"] == "error", outcome
    assert outcome["error"]["code"] in ("HANDLER_NOT_FOUND", "INPUT_INVALID"), outcome


@pytest.mark.parametrize("name", OTHER_VERSIONS, ids=ascii)
def test_a_version_that_reads_like_another_is_not_loaded(shared_lab: Lab, name: str) -> None:
    with pytest.raises(LabError) as caught:
        shared_lab.load(name)
    assert caught.value.code in ("INPUT_INVALID", "PLUGIN_NOT_FOUND"), caught.value


def test_nothing_is_said_under_anothers_correlation_id(
    shared_lab: Lab, attacker: LabPlugin, spine: LabPlugin
) -> None:
    waiting = spine.start("wait", correlationId="of-the-neighbour", timeoutMs=1500)
    before = attacker.events()
    assert attacker.value("sealed", {**FORGED, "cid": "of-the-neighbour"}) == "sent"
    assert attacker.value("echo", 1) == 1
    assert (attacker.events(), spine.events()) == (before, 0)
    assert shared_lab.finish(waiting)["correlationId"] == "of-the-neighbour"


def test_control_under_no_id_it_is_heard_as_its_own(attacker: LabPlugin, spine: LabPlugin) -> None:
    before = attacker.events()
    assert attacker.value("sealed", FORGED) == "sent"
    assert attacker.value("echo", 1) == 1
    assert (attacker.events(), spine.events()) == (before + 1, 0)


def test_what_would_be_code_somewhere_arrives_as_text(shared_lab: Lab, attacker: LabPlugin) -> None:
    shared_lab.ask("() => lab.alerts.splice(0).length")
    before = len(attacker.heard())
    assert attacker.value("emits", MARKUP) == "sent"
    told = [one["detail"] for one in attacker.heard()[before:]]
    assert [one["data"]["name"] for one in told] == MARKUP
    assert [one["event"] for one in told] == [name[:EVENT_CHARS] for name in MARKUP]
    assert shared_lab.ask("() => window.owned ?? null") is None
    assert shared_lab.alerts() == []


def test_control_a_page_that_shows_it_as_markup_runs_it(page: Page) -> None:
    with Embedder(extra={"bare.html": "<!doctype html><body>"}) as embedder:  # a page without a policy
        page.goto(f"{embedder.origin}/bare.html")
        page.evaluate("(texts) => { document.body.innerHTML = texts.join(''); }", MARKUP)
        page.wait_for("window.owned === 1", timeout_s=20)


def held(plugin: LabPlugin, text: str) -> int:
    half = len(text) // 2
    rest = text[half:].encode()
    return plugin.value("memory_holds", [text[:half], hashlib.sha256(rest).hexdigest(), str(len(rest))])


def test_neither_the_sessions_token_nor_a_neighbours_words_are_in_its_memory(
    lab_server: LabServer, attacker: LabPlugin, spine: LabPlugin
) -> None:
    words = secrets.token_hex(16)
    assert spine.value("echo", words) == words
    assert held(attacker, lab_server.token) == 0
    assert held(attacker, words) == 0


def test_control_what_it_was_told_itself_is_found(attacker: LabPlugin) -> None:
    words = secrets.token_hex(16)
    assert attacker.value("echo", words) == words
    assert held(attacker, words) > 0
