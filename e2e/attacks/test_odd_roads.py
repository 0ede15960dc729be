"""124-130: what else a realm has: locks, devices, a timeline, a console, sleep, odd buffers, messages dear to read."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from e2e.attacks.conftest import Attackers, Serve
from e2e.attacks.walls import ESCAPED, NO_BOOT_PROOF, NO_ORIGIN_CHECK, NO_SANDBOX_ATTRIBUTE, lost_cell_sandbox
from e2e.kit.lab import Lab, LabPlugin
from e2e.kit.server import LabServer

OpenLab = Callable[[LabServer], Lab]
ATTACKER = "test.attacker@1.0.0"
FAST_MS = 2500


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
    attackers.drop()
    yield attackers.next()
    attackers.drop()


def is_well(neighbour: LabPlugin) -> None:
    outcome = neighbour.invoke("echo", "well")
    assert (outcome["status"], outcome["generation"]) == ("ok", 1), outcome
    assert outcome["pageMs"] < FAST_MS, outcome


def locks(one: LabPlugin, other: LabPlugin) -> list[str]:
    return [plugin.value("take", ["lock", "lab"]) for plugin in (one, other)]


def test_a_lock_that_one_plugin_holds_stops_no_other(lab: Lab, attacker: LabPlugin) -> None:
    other = lab.load(ATTACKER)
    assert "open: taken" not in locks(attacker, other)
    other.unload()


def test_control_on_the_hosts_origin_it_does(serve: Serve, open_lab: OpenLab) -> None:
    walls = (*ESCAPED, *NO_SANDBOX_ATTRIBUTE, *NO_BOOT_PROOF, *NO_ORIGIN_CHECK)
    lab = open_lab(serve(walls, change=lost_cell_sandbox))
    assert locks(lab.load(ATTACKER), lab.load(ATTACKER)) == ["open: free", "open: taken"]


def test_nobody_gives_it_a_device_or_a_permission(attacker: LabPlugin) -> None:
    told = attacker.value("take", ["devices"])
    for road, said in told.items():
        nothing = ("open: 0", "open: false", "open: denied", "open: prompt", "silent")
        assert said.startswith("refused") or said in nothing, (road, said)


def test_its_timeline_tells_of_nobody_else(attacker: LabPlugin, neighbour: LabPlugin) -> None:
    is_well(neighbour)
    assert [name for name in attacker.value("take", ["timeline"]) if "spine" in name or "http" in name] == []


def test_a_console_that_never_stops_harms_nobody(lab: Lab, attacker: LabPlugin, neighbour: LabPlugin) -> None:
    assert attacker.value("take", ["speak", 5000]) is None
    is_well(neighbour)
    assert lab.alerts() == []


def test_a_worker_that_sleeps_is_ended_as_one_that_spins(victim: LabPlugin, neighbour: LabPlugin) -> None:
    outcome = victim.invoke("take", ["sleep"], timeoutMs=400)
    if outcome["status"] == "ok":
        assert outcome["value"] == "absent"
        return
    assert (outcome["status"], outcome["error"]["code"]) == ("timeout", "PLUGIN_TIMEOUT"), outcome
    assert outcome["layer"] in ("hard", "page"), outcome
    is_well(neighbour)
    assert victim.next_outcome("echo", 1)["value"] == 1


@pytest.mark.parametrize(("kind", "rule"), [
    ("resizable", "malformed"), ("detached", ""), ("itself", ""), ("view_of_all", "not-a-buffer"),
])  # fmt: skip
def test_odd_buffers_are_refused_by_the_browser_or_by_us(
    lab: Lab, attacker: LabPlugin, neighbour: LabPlugin, kind: str, rule: str
) -> None:
    said = attacker.value("take", ["odd", kind])
    if rule and said == "sent":
        assert [alert["rule"] for alert in lab.wait_for_alerts()] == [rule]
    else:
        assert said.startswith("refused"), said
    is_well(neighbour)
    assert attacker.value("echo", 1) == 1


@pytest.mark.alone
def test_messages_that_are_dear_to_read_end_their_sender(lab: Lab, victim: LabPlugin, neighbour: LabPlugin) -> None:
    """Text is all that a port takes, so the first of them is refused unread, and past its budget the sender goes."""
    outcome = victim.invoke("take", ["labyrinth", 100_000, 40], timeoutMs=20_000)
    assert outcome["status"] in ("ok", "killed"), outcome
    is_well(neighbour)
    rules = [alert["rule"] for alert in lab.wait_for_alerts(9)]
    assert set(rules) == {"not-text"}
    assert len(rules) == 9, "its budget, and the one that ends it"
    is_well(neighbour)
