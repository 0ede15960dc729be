"""133: workers start from one snapshot, and still none can tell what another one's random numbers are."""

from __future__ import annotations

from collections.abc import Callable

from e2e.attacks.conftest import Serve
from e2e.attacks.walls import NO_NEW_SEED
from e2e.kit.lab import Lab
from e2e.kit.server import LabServer

GREEDY = "test.greedy@1.0.0"


def thrown(lab: Lab) -> list[tuple[float, ...]]:
    """The first numbers of each of two workers."""
    plugins = [lab.load(GREEDY) for _ in range(2)]
    dice = [tuple(plugin.value("dice")) for plugin in plugins]
    for plugin in plugins:
        plugin.unload()
    return dice


def test_no_two_workers_throw_the_same_dice(shared_lab: Lab) -> None:
    one, other = thrown(shared_lab)
    assert set(one).isdisjoint(other)


def test_control_without_the_new_seed_they_do(serve: Serve, open_lab: Callable[[LabServer], Lab]) -> None:
    one, other = thrown(open_lab(serve(NO_NEW_SEED)))
    assert one == other
