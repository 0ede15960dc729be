"""What all tests share: Hypothesis's profiles, and what unit tests may not do."""

import logging
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import hypothesis
import pytest

UNIT = Path(__file__).parent / "unit"

hypothesis.settings.register_profile("default", deadline=None)
# The same examples at each run: a red CI means a change broke something, not luck. Bugs are searched for at the desk.
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
# For a search at the desk: pytest tests/fuzz --hypothesis-profile=long --timeout=0
hypothesis.settings.register_profile("long", deadline=None, max_examples=20_000)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") == "true" else "default")


@pytest.fixture(autouse=True)
def _unit_tests_neither_wait_nor_connect(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if not request.path.is_relative_to(UNIT):
        return

    def refuse(*_: object, **__: object) -> NoReturn:
        pytest.fail("a unit test may neither sleep nor use the network: pass a clock or a fake of the other end")

    monkeypatch.setattr(time, "sleep", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)


@pytest.fixture
def _log_goes_where_it_went() -> Iterator[None]:
    """For tests in which a server takes over the log: its stream is closed when they end, the process goes on."""
    loggers = [logging.getLogger(name) for name in ("pysandbox", "uvicorn", "asyncio")]
    before = [(one, one.handlers[:], one.level, one.propagate) for one in loggers]
    yield
    for one, handlers, level, propagate in before:
        one.handlers[:], one.propagate = handlers, propagate
        one.setLevel(level)
