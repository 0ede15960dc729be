"""26-28, 39, 40, 85, 87-90: what a worker can put on its port, and how much, harms neither the host nor a neighbour."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from e2e.attacks.conftest import Attackers, Serve
from e2e.attacks.walls import (
    ESCAPED,
    HEARS_ITS_WORKER,
    NO_CREDIT,
    NO_END,
    NO_GATE_DEPTH,
    NO_JSON_DEPTH,
    NO_KIND_CHECK,
    NO_PORTS_CHECK,
    NO_SLOT_END,
)
from e2e.kit.lab import Lab, LabPlugin
from e2e.kit.server import LabServer

OpenLab = Callable[[LabServer], Lab]
FAST_MS = 2500  # for a neighbour's call of a few milliseconds, on a machine that is very busy
DEEP = [4_000, 200_000]  # what ends the interpreter in Chromium; and in every engine


@pytest.fixture(scope="module")
def lab(serve: Serve, open_lab: OpenLab) -> Lab:
    return open_lab(serve(ESCAPED))


@pytest.fixture(scope="module")
def neighbour(lab: Lab) -> LabPlugin:
    return lab.load("test.spine@1.0.0")


@pytest.fixture(scope="module")
def attackers(lab: Lab) -> Attackers:
    return Attackers(lab)


@pytest.fixture
def attacker(attackers: Attackers) -> LabPlugin:
    return attackers.next()


@pytest.fixture
def victim(attackers: Attackers) -> Iterator[LabPlugin]:
    """An attacker that will not outlive its test."""
    attackers.drop()
    yield attackers.next()
    attackers.drop()


def is_well(neighbour: LabPlugin) -> None:
    outcome = neighbour.invoke("echo", "well")
    assert (outcome["status"], outcome["generation"]) == ("ok", 1), outcome
    assert outcome["pageMs"] < FAST_MS, outcome


@pytest.mark.parametrize("count", DEEP)
@pytest.mark.parametrize("sealed", [False, True])
def test_brackets_are_counted_before_anybody_parses(
    lab: Lab, attacker: LabPlugin, neighbour: LabPlugin, count: int, sealed: bool
) -> None:
    assert attacker.value("brackets", {"count": count, "sealed": sealed}) == "sent"
    is_well(neighbour)
    assert attacker.value("echo", 1) == 1
    assert [alert["rule"] for alert in lab.alerts()] == ["too-deep"]


def test_control_without_the_scans_brackets_end_the_host(serve: Serve, open_lab: OpenLab) -> None:
    lab = open_lab(serve((*NO_GATE_DEPTH, *NO_JSON_DEPTH)))
    neighbour, attacker = lab.load("test.spine@1.0.0"), lab.load("test.attacker@1.0.0")
    is_well(neighbour)
    attacker.invoke("brackets", {"count": DEEP[1], "sealed": True, "refused": False}, timeoutMs=1000)
    assert neighbour.invoke("echo", 1, timeoutMs=2000)["status"] != "ok"


@pytest.mark.parametrize(("kind", "rule"), [
    ("object", "not-text"), ("number", "not-text"), ("null", "not-text"), ("cycle", "not-text"), ("deep", "not-text"),
    ("prototype", "not-text"), ("many_buffers", "too-many-buffers"), ("not_a_buffer", "not-a-buffer"),
    ("large_buffer", "too-many-bytes"),
])  # fmt: skip
def test_only_text_and_a_few_buffers_pass(
    lab: Lab, attacker: LabPlugin, neighbour: LabPlugin, kind: str, rule: str
) -> None:
    said = attacker.value("take", ["odd", kind])
    if said != "sent":
        pytest.skip(f"this engine does not let it be sent: {said}")
    assert [alert["rule"] for alert in lab.wait_for_alerts()] == [rule]
    is_well(neighbour)
    assert attacker.value("echo", "again") == "again"


@pytest.mark.parametrize(("kind", "rules"), [
    ("port", {"ports"}), ("port_in_data", {"ports"}), ("shared_buffer", {"unreadable", "not-a-buffer"}),
])  # fmt: skip
def test_what_could_open_another_channel_ends_its_sender(
    lab: Lab, victim: LabPlugin, neighbour: LabPlugin, kind: str, rules: set[str]
) -> None:
    outcome = victim.invoke("take", ["odd", kind])
    if outcome["status"] == "ok" and outcome["value"] != "sent":
        pytest.skip(f"this engine does not let it be sent: {outcome['value']}")
    assert outcome["status"] == "killed", outcome
    assert [alert["rule"] in rules for alert in lab.wait_for_alerts()] == [True]
    is_well(neighbour)
    assert victim.value("echo", "again") == "again"


@pytest.fixture(scope="module")
def careless(serve: Serve, open_lab: OpenLab) -> LabPlugin:
    """An attacker behind a gate that looks at neither kind nor ports, in a cell that listens to its worker."""
    return open_lab(serve((*ESCAPED, *NO_PORTS_CHECK, *NO_KIND_CHECK, *HEARS_ITS_WORKER))).load("test.attacker@1.0.0")


def test_control_without_its_look_at_ports_such_a_message_is_read(careless: LabPlugin) -> None:
    """The port is in the host's realm by then; that its text is no envelope is what is told."""
    assert careless.value("take", ["odd", "port"]) == "sent"
    assert [alert["rule"] for alert in careless.lab.wait_for_alerts()] == ["malformed"]


def test_control_a_cell_that_listens_is_ended_by_its_worker(careless: LabPlugin) -> None:
    """At once, or under one of the next calls: its word goes through another process."""
    statuses = [careless.invoke("take", ["toCell", 1], timeoutMs=1500)["status"]]
    while statuses[-1] == "ok" and len(statuses) < 1000:
        statuses.append(careless.invoke("echo", 1, timeoutMs=1500)["status"])
    assert statuses[-1] == "timeout", statuses[-1]


def test_control_without_its_look_at_the_kind_an_object_ends_the_host(careless: LabPlugin) -> None:
    careless.next_outcome("echo", 1)
    careless.invoke("take", ["odd", "object"])
    assert careless.lab.ask("""async ([number]) => {
      for (let n = 0; n < 50; n++) {
        const { error } = await lab.finish(lab.start([number, "echo", 1, {}]));
        if (error?.code === "HOST_CRASHED") return error.code;
      }
    }""", [careless.number]) == "HOST_CRASHED"


def test_a_getter_is_not_read(attacker: LabPlugin) -> None:
    assert "refused" in attacker.value("take", ["odd", "getter"])


def test_one_giant_message_is_refused_by_its_length(lab: Lab, attacker: LabPlugin, neighbour: LabPlugin) -> None:
    assert attacker.value("brackets", {"count": 1_500_000, "sealed": True}) == "sent"
    assert [alert["rule"] for alert in lab.wait_for_alerts()] == ["too-long"]
    is_well(neighbour)


def test_a_flood_ends_its_sender_and_nobody_else(lab: Lab, victim: LabPlugin, neighbour: LabPlugin) -> None:
    flooding = victim.start("take", ["flood", "x" * 1000, 30_000])
    is_well(neighbour)
    outcome = lab.finish(flooding)
    assert (outcome["status"], outcome["error"]["code"]) == ("killed", "PLUGIN_KILLED"), outcome
    assert len(lab.alerts()) < 100
    is_well(neighbour)
    after = victim.invoke("echo", 1)
    assert (after["status"], after["generation"]) == ("ok", 2), after


def test_a_sender_without_credit_is_cut_off(lab: Lab, victim: LabPlugin, neighbour: LabPlugin) -> None:
    flooding = victim.start("flood", {"count": 3000})
    outcome = lab.finish(flooding)
    assert outcome["status"] == "killed", outcome
    assert lab.alerts()[-1]["rule"] == "overdraft"
    assert lab.alerts()[-1]["code"] == "RATE_LIMIT"
    assert victim.events() < 1500  # a second's rate, and a little
    is_well(neighbour)


def test_control_without_the_count_nothing_cuts_the_flood_off(serve: Serve, open_lab: OpenLab) -> None:
    lab = open_lab(serve(NO_CREDIT))
    flooded = lab.load("test.attacker@1.0.0").invoke("flood", {"count": 3000})
    # On a busy machine the host that has to read all of it is even taken for dead.
    assert flooded["status"] == "ok" or flooded["error"]["code"] == "HOST_CRASHED", flooded
    assert not [alert for alert in lab.alerts() if alert["rule"] == "overdraft"]


LATE = """async ([number, endedAt]) => {
  await new Promise((resolve) => setTimeout(resolve, 700));
  return lab.heard(number).filter(({ at }) => at > endedAt + 1).length;
}"""


def test_after_its_kill_a_worker_is_not_heard(lab: Lab, victim: LabPlugin, neighbour: LabPlugin) -> None:
    outcome = victim.invoke("never_stop_sending", timeoutMs=400)
    for _ in range(3):
        if outcome["status"] != "killed":  # now and then its interpreter dies of what it does, before its time
            break
        outcome = victim.invoke("never_stop_sending", timeoutMs=400)
    assert outcome["status"] == "timeout", outcome
    assert victim.events() > 0, "it has to be sending when it is killed"
    is_well(neighbour)
    if outcome["layer"] == "hard":
        assert lab.ask(LATE, [victim.number, outcome["endedAt"]]) == 0
    assert lab.alerts() == []
    after = victim.next_outcome("echo", 1)
    assert after["status"] == "ok", after
    assert after["generation"] > 1


def test_control_without_the_end_it_is(serve: Serve, open_lab: OpenLab) -> None:
    lab = open_lab(serve((*NO_END, *NO_SLOT_END)))
    attacker = lab.load("test.attacker@1.0.0")
    outcome = attacker.invoke("never_stop_sending", timeoutMs=400)
    assert outcome["status"] == "timeout", outcome
    assert lab.ask(LATE, [attacker.number, outcome["endedAt"]]) > 0


@pytest.mark.parametrize("what", ["toCell", "errors"])
def test_the_cell_listens_to_nothing_that_its_worker_says(
    lab: Lab, attacker: LabPlugin, neighbour: LabPlugin, what: str
) -> None:
    assert attacker.value("take", [what, 20_000]) is None
    is_well(neighbour)
    if what == "toCell":
        assert attacker.value("echo", "alive") == "alive"
    else:  # what nobody caught in JavaScript is the interpreter's death, perhaps only under this call
        assert attacker.next_outcome("echo", "alive")["value"] == "alive"
    assert lab.alerts() == []
    assert not [text for text in lab.page.errors() if "secret" in text]
