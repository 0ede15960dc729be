"""Each promise names the attacks that it withstands, and each attack is tried on one promise."""

from __future__ import annotations

from collections import Counter

from pysandbox.testing.attacks import ATTACKS
from pysandbox.testing.attacks.promises import PROMISES


def test_every_promise_names_attacks_of_the_catalogue() -> None:
    known = {one.slug for one in ATTACKS}
    for promise in PROMISES:
        assert promise.attacks, promise.slug
        assert set(promise.attacks) <= known, promise.slug


def test_every_attack_belongs_to_one_promise() -> None:
    times = Counter(slug for promise in PROMISES for slug in promise.attacks)
    assert {one.slug: times[one.slug] for one in ATTACKS if times[one.slug] != 1} == {}


def test_ids_are_unique() -> None:
    assert len({promise.slug for promise in PROMISES}) == len(PROMISES)
