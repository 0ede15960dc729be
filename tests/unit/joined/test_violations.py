"""What a hostile worker sends: alerted, counted, never half applied, and past the budget it is ended.

The attacker here holds the port's own key: the plugin lives beside it. What keeps it in is the host.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from pysandbox.core.limits import default
from tests.unit.joined.lab import READ, Cell, Lab
from tests.unit.joined.virtual_time import in_virtual_time

BUDGET = default("violationBudget")
LOADED_SEQ = 2  # ready and loaded took 0 and 1
Attack = Callable[[Cell], str]


def mute(*_: object) -> None:
    """A runtime that hears nothing: the test speaks for it."""



ATTACKS: dict[str, tuple[Attack, str, str]] = {
    "no envelope": (lambda _: "hello", "malformed", "PROTOCOL_VIOLATION"),
    "nothing": (lambda _: "", "malformed", "PROTOCOL_VIOLATION"),
    "brackets": (lambda _: "[" * 4000, "malformed", "PROTOCOL_VIOLATION"),
    "replayed": (lambda cell: cell.sent[1], "replay", "NONCE_REJECTED"),
    "from the future": (lambda cell: cell.forge(LOADED_SEQ + 1), "gap", "NONCE_REJECTED"),
    "another key": (lambda cell: cell.forge(LOADED_SEQ, key=b"k" * 16), "nonce", "NONCE_REJECTED"),
    "another session": (lambda cell: cell.forge(LOADED_SEQ, sid="0" * 32), "session", "NONCE_REJECTED"),
    "an old generation": (lambda cell: cell.forge(LOADED_SEQ, gen=0), "generation", "NONCE_REJECTED"),
    "a coming generation": (lambda cell: cell.forge(LOADED_SEQ, gen=2), "generation", "NONCE_REJECTED"),
    "another plugin": (lambda cell: cell.forge(LOADED_SEQ, plugin="com.other"), "nonce", "NONCE_REJECTED"),
    "changed payload": (
        lambda cell: cell.forge(LOADED_SEQ, payload="1").replace('"payload":1', '"payload":2'), "nonce",
        "NONCE_REJECTED"),
    "the host's own word": (lambda cell: cell.received[0], "replay", "NONCE_REJECTED"),
    "too long": (lambda cell: cell.forge(LOADED_SEQ, payload=f'"{"x" * 2_200_000}"'), "too-long", "MESSAGE_LIMIT"),
    "lone surrogate": (
        lambda cell: cell.forge(LOADED_SEQ).replace("null}", '"\ud800"}'), "surrogate", "PROTOCOL_VIOLATION"),
    "unknown kind": (lambda cell: cell.forge(LOADED_SEQ, "evil"), "kind", "PROTOCOL_VIOLATION"),
    "a kind not its own": (lambda cell: cell.forge(LOADED_SEQ, "load"), "kind", "PROTOCOL_VIOLATION"),
    "a second ready": (lambda cell: cell.forge(LOADED_SEQ, "ready"), "kind", "PROTOCOL_VIOLATION"),
    "a second loaded": (
        lambda cell: cell.forge(LOADED_SEQ, "loaded", id="load", payload='{"handlers":["x"]}'), "kind",
        "PROTOCOL_VIOLATION"),
    "a reply to nothing": (lambda cell: cell.forge(LOADED_SEQ, "result", id="9"), "unknown-id", "PROTOCOL_VIOLATION"),
    "an error to nothing": (
        lambda cell: cell.forge(LOADED_SEQ, "error", id="load", payload='{"code":"X","message":"y"}'), "unknown-id",
        "PROTOCOL_VIOLATION"),
    "credit for nothing": (lambda cell: cell.forge(LOADED_SEQ, "credit", payload="64"), "credit", "PROTOCOL_VIOLATION"),
    "no credit": (lambda cell: cell.forge(LOADED_SEQ, "credit", payload="0"), "credit", "PROTOCOL_VIOLATION"),
    "negative credit": (lambda cell: cell.forge(LOADED_SEQ, "credit", payload="-1"), "credit", "PROTOCOL_VIOLATION"),
    "endless credit": (
        lambda cell: cell.forge(LOADED_SEQ, "credit", payload="9" * 9999), "credit", "PROTOCOL_VIOLATION"),
    "log that is no JSON": (
        lambda cell: cell.forge(LOADED_SEQ, payload='{"a":1}]'), "json-syntax",
        "PROTOCOL_VIOLATION"),
    "log of deep JSON": (
        lambda cell: cell.forge(LOADED_SEQ, payload="[" * 4000 + "]" * 4000), "json-too-deep", "MESSAGE_LIMIT"),
    "log with a key twice": (
        lambda cell: cell.forge(LOADED_SEQ, payload='{"a":1,"a":2}'), "json-duplicate-key", "PROTOCOL_VIOLATION"),
    "event of NaN": (
        lambda cell: cell.forge(LOADED_SEQ, "event", payload="NaN"), "json-not-finite",
        "PROTOCOL_VIOLATION"),
    "call without an id": (
        lambda cell: cell.forge(LOADED_SEQ, "call", payload='{"invocation":"1","args":0}'), "call-id",
        "PROTOCOL_VIOLATION"),
    "call of another shape": (
        lambda cell: cell.forge(LOADED_SEQ, "call", id="1", payload="[]"), "call-shape", "PROTOCOL_VIOLATION"),
    "buffers declared, none there": (
        lambda cell: cell.forge(LOADED_SEQ).replace(',"payload"', ',"buffers":[1],"payload"'), "nonce",
        "NONCE_REJECTED"),
    "a header field twice": (
        lambda cell: cell.forge(LOADED_SEQ).replace('"gen":1', '"gen":1,"gen":1'), "malformed", "PROTOCOL_VIOLATION"),
    "another version": (
        lambda cell: cell.forge(LOADED_SEQ).replace('"v":1', '"v":2'), "version", "PROTOCOL_VERSION"),
}  # fmt: skip


@pytest.mark.parametrize(("attack", "rule", "code"), ATTACKS.values(), ids=ATTACKS)
@in_virtual_time
async def test_one_violation_is_an_alert_with_the_hash_of_its_evidence(
    tmp_path: Path, attack: Attack, rule: str, code: str,
) -> None:  # fmt: skip
    async with Lab(tmp_path) as lab:
        await lab.start()
        text = attack(lab.cell)
        lab.cell.post(text)
        await lab.settled()
        assert lab.alerts == [{
            "code": code, "rule": rule, "pluginId": "com.example.lab", "generation": 1,
            "evidence": hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() if text else "",
        }]  # fmt: skip
        assert not [entry for entry in lab.told if entry[0] in ("log", "event")]
        assert not lab.cell.ended


@pytest.mark.parametrize(("attack", "rule", "code"), ATTACKS.values(), ids=ATTACKS)
@in_virtual_time
async def test_past_the_budget_the_worker_is_ended_and_a_fresh_one_serves(
    tmp_path: Path, attack: Attack, rule: str, code: str,
) -> None:  # fmt: skip
    """What was sent under a right number moves the count on, so its repeats are replays: also violations."""
    async with Lab(tmp_path) as lab:
        await lab.start()
        text = attack(lab.cell)
        for _ in range(BUDGET):
            lab.cell.post(text)
        await lab.settled()
        assert not lab.cells[1].ended
        lab.cell.post(text)
        await lab.settled()
        assert lab.cells[1].ended
        assert len(lab.alerts) == BUDGET + 1
        assert lab.alerts[0]["rule"] == rule
        assert lab.alerts[0]["code"] == code
        after = await lab.invoke("echo", 1)
        assert (after["status"], after["generation"]) == ("ok", 2)
        assert len(lab.alerts) == BUDGET + 1


@in_virtual_time
async def test_messages_sent_in_another_order_are_violations(tmp_path: Path) -> None:
    async with Lab(tmp_path) as lab:
        await lab.start()
        first, second = lab.cell.forge(LOADED_SEQ, payload='"1"'), lab.cell.forge(LOADED_SEQ + 1, payload='"2"')
        for text in (second, first, second):
            lab.cell.post(text)
        await lab.settled()
        assert [alert["rule"] for alert in lab.alerts] == ["gap"]
        assert lab.told == [("log", "1"), ("log", "2")]


@in_virtual_time
async def test_a_forged_envelope_harms_no_honest_one(tmp_path: Path) -> None:
    async with Lab(tmp_path) as lab:
        await lab.start()
        lab.cell.post(lab.cell.forge(LOADED_SEQ, key=b"k" * 16))
        assert (await lab.invoke("echo", 7))["value"] == 7
        assert len(lab.alerts) == 1


@in_virtual_time
async def test_pending_invocations_of_a_worker_that_broke_the_protocol_end_as_killed(tmp_path: Path) -> None:
    async with Lab(tmp_path) as lab:
        await lab.start()
        lab.cell.runtime._start = lambda *_: None
        _, waiting = lab.begin_invoke("echo")
        await lab.settled()
        for _ in range(BUDGET + 1):
            lab.cells[1].post("junk")
        outcome = (await waiting)[1]
        assert (outcome["status"], outcome["error"]["code"]) == ("killed", "PLUGIN_KILLED")
        assert "malformed" in outcome["error"]["message"]


@pytest.mark.parametrize(("kind", "payload", "rule"), [
    ("result", "{", "json-syntax"), ("result", "1,2", "json-syntax"), ("result", '1},"status":"ok"', "json-syntax"),
    ("result", "", "json-syntax"), ("error", "[]", "error-shape"), ("error", "{", "json-syntax"),
])  # fmt: skip
@in_virtual_time
async def test_a_reply_that_is_not_whole_settles_nothing(tmp_path: Path, kind: str, payload: str, rule: str) -> None:
    async with Lab(tmp_path) as lab:
        await lab.start()
        lab.cell.runtime._start = lambda *_: None
        _, waiting = lab.begin_invoke("echo")
        await lab.settled()
        lab.cell.post(lab.cell.forge(LOADED_SEQ, kind, id="1", payload=payload))
        await lab.settled()
        assert [alert["rule"] for alert in lab.alerts] == [rule]
        assert not waiting.done()
        assert (await waiting)[1]["status"] == "timeout"


@in_virtual_time
async def test_a_second_reply_is_a_violation_and_no_second_outcome(tmp_path: Path) -> None:
    async with Lab(tmp_path) as lab:
        await lab.start()
        await lab.invoke("echo", 1)
        lab.cell.post(lab.cell.forge(LOADED_SEQ + 1, "result", id="1", payload="2"))
        await lab.settled()
        assert [alert["rule"] for alert in lab.alerts] == ["unknown-id"]


@in_virtual_time
async def test_ready_and_loaded_come_once_each_and_in_this_order(tmp_path: Path) -> None:
    async with Lab(tmp_path) as lab:
        lab.boots = False
        await lab.open()
        lab.ask("load", method="com.example.lab")
        await lab.settled()
        cell = lab.cell
        cell.runtime.on_message = mute
        cell.post(cell.forge(0, "loaded", id="load", payload='{"handlers":["x"]}'))
        await lab.settled()
        cell.post(cell.forge(0, "ready"))  # the number of a violation whose seal was right is spent
        cell.post(cell.forge(1, "ready"))
        cell.post(cell.forge(2, "ready"))
        await lab.settled()
        assert [alert["rule"] for alert in lab.alerts] == ["kind", "replay", "kind"]
        assert sum('"kind":"load"' in text for text, _ in cell.kept) == 1


@in_virtual_time
async def test_loaded_answers_the_load_and_nothing_else(tmp_path: Path) -> None:
    async with Lab(tmp_path) as lab:
        lab.boots = False
        await lab.open()
        _, loading = lab.ask("load", method="com.example.lab")
        await lab.settled()
        lab.cell.runtime.on_message = mute
        lab.cell.post(lab.cell.forge(0, "ready"))
        lab.cell.post(lab.cell.forge(1, "loaded", id="1", payload='{"handlers":["x"]}'))
        await lab.settled()
        assert [alert["rule"] for alert in lab.alerts] == ["kind"]
        assert not loading.done()


@in_virtual_time
async def test_no_call_is_made_for_an_invocation_that_still_waits_for_its_worker(tmp_path: Path) -> None:
    async def never(_args: object) -> None:
        await asyncio.Event().wait()

    async with Lab(tmp_path) as lab:
        await lab.start(webchat_session_read=never)
        lab.boots = False
        lab.session.on_plugin(1, "dead")
        _, waiting = lab.begin_invoke("echo")
        lab.cell.runtime.on_message = mute
        lab.cell.post(lab.cell.forge(0, "ready"))
        lab.cell.post(lab.cell.forge(1, "call", id="1", payload='{"invocation":"1","args":0}', method=READ))
        await lab.settled()
        assert not lab.asked
        assert "PLUGIN_ABORTED" in lab.cell.kept[-1][0]
        assert not waiting.done()


@pytest.mark.parametrize("payload", ["null", "{}", '{"handlers":"abc"}', '{"handlers":[1]}', '{"handlers":["a b"]}'])
@in_virtual_time
async def test_loaded_names_its_handlers_in_the_right_form(tmp_path: Path, payload: str) -> None:
    async with Lab(tmp_path) as lab:
        lab.boots = False
        await lab.open()
        _, loading = lab.ask("load", method="com.example.lab")
        await lab.settled()
        lab.cell.runtime.on_message = mute
        lab.cell.post(lab.cell.forge(0, "ready"))
        lab.cell.post(lab.cell.forge(1, "loaded", id="load", payload=payload))
        await lab.settled()
        assert [alert["rule"] for alert in lab.alerts] == ["handlers"]
        assert not loading.done()


@in_virtual_time
async def test_a_dead_interpreter_ends_its_invocations_and_is_replaced(tmp_path: Path) -> None:
    async with Lab(tmp_path) as lab:
        await lab.start()
        lab.cell.runtime._start = lambda *_: None
        _, waiting = lab.begin_invoke("echo")
        await lab.settled()
        lab.cell.post("dead")
        outcome = (await waiting)[1]
        assert (outcome["status"], outcome["error"]["message"]) == ("killed", "the plugin's interpreter died")
        assert (await lab.invoke("echo", 1))["generation"] == 2
        assert not lab.alerts


@in_virtual_time
async def test_a_flood_beyond_the_credit_ends_the_worker_before_python_reads_it(tmp_path: Path) -> None:
    async with Lab(tmp_path) as lab:
        await lab.start()
        cell = lab.cell
        for seq in range(LOADED_SEQ, LOADED_SEQ + 2000):
            cell.post(cell.forge(seq, payload="0"))
        await lab.settled()
        assert cell.ended
        assert lab.alerts[-1]["rule"] == "overdraft"
        assert lab.alerts[-1]["code"] == "RATE_LIMIT"
        assert len(lab.told) <= default("messagesPerSecond") + 2 * default("creditMessages")
        assert (await lab.invoke("echo", 1))["generation"] == 2


@pytest.mark.parametrize(("fatal", "gen"), [(False, 1), (True, 2)])
@in_virtual_time
async def test_what_the_gate_refuses_is_a_violation_too(tmp_path: Path, fatal: bool, gen: int) -> None:
    async with Lab(tmp_path) as lab:
        await lab.start()
        lab.session.on_gate(1, "not-text", fatal)
        assert [(alert["rule"], alert["evidence"]) for alert in lab.alerts] == [("not-text", "")]
        assert (await lab.invoke("echo", 1))["generation"] == gen


@in_virtual_time
async def test_a_repeated_id_of_a_call_in_flight_is_a_violation(tmp_path: Path) -> None:
    async def never(_args: object) -> None:
        await asyncio.Event().wait()

    async with Lab(tmp_path) as lab:
        await lab.start(webchat_session_read=never)
        lab.cell.runtime._start = lambda *_: None
        lab.begin_invoke("echo")
        await lab.settled()
        for _ in range(2):
            lab.cell.runtime._send("call", "9", "", '{"invocation":"1","args":null}', method=READ)
        await lab.settled()
        assert len(lab.asked) == 1
        assert [alert["rule"] for alert in lab.alerts] == ["call-id"]


@pytest.mark.parametrize("text", ["junk", "[" * 99])
@in_virtual_time
async def test_a_worker_that_hears_what_is_not_its_hosts_ends_itself(tmp_path: Path, text: str) -> None:
    async with Lab(tmp_path) as lab:
        await lab.start()
        lab.cell.deliver(text, ())
        await lab.settled()
        assert lab.cells[1].ended
        assert (await lab.invoke("echo", 1))["generation"] == 2
