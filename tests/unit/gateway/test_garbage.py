"""A server's collector looks rarely, at what is young, and still finds what refers to itself."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from pysandbox.gateway.garbage import YOUNG_OBJECTS, settle


class Knot:
    """Refers to itself, so no reference count ever frees it."""

    def __init__(self) -> None:
        self.myself = self


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


def test_what_lives_at_the_start_is_not_looked_at_again() -> None:
    assert gc.get_freeze_count() == 0, "the control"
    settle()
    assert gc.get_freeze_count() > 1000
    assert gc.get_threshold()[0] == YOUNG_OBJECTS


def test_garbage_made_afterwards_is_found() -> None:
    settle()
    gone = weakref.ref(Knot())
    kept = [[] for _ in range(2 * YOUNG_OBJECTS)]
    assert gone() is None
    assert len(kept) > YOUNG_OBJECTS
