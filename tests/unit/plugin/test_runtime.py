"""The runtime's own words: what it answers, what it takes for no host of its, and how a failure is classed.

Loading and invoking are tested with both ends joined, in ``tests/unit/joined``.
"""

from __future__ import annotations

import asyncio
import errno
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from pysandbox.core.envelope import TO_HOST, TO_PLUGIN, Binding, Envelope, Opener, Sealer
from pysandbox.core.errors import CallError, Code, PermissionDenied, ProtocolViolation
from pysandbox.core.limits import default
from pysandbox.plugin.runtime import PluginRuntime, classify, clean

BINDING = Binding("com.example.lab", "5" * 32, 1, b"k" * 16, "https://sandbox.example")


class World:
    """A worker whose host is the test."""

    folder = Path("nowhere")

    def __init__(self) -> None:
        self.sent: list[Envelope] = []
        self.granted = 0
        self._opener = Opener(BINDING, TO_HOST, "null", max_chars=100_000)

    def post(self, text: str, buffers: Sequence[bytes]) -> None:
        assert not buffers
        envelope = self._opener.open(text)
        assert envelope is not None
        self.sent.append(envelope)

    def grant(self, messages: int) -> None:
        self.granted += messages

    def now_ms(self) -> float:
        return 0

    def later(self, delay_ms: float, run: Callable[[], None]) -> None:
        raise AssertionError(f"the plugin's end paces nothing: {delay_ms} {run}")

    def interrupt_in(self, delay_ms: float) -> None:
        raise AssertionError(f"nothing runs: {delay_ms}")

    def limit_files(self, max_bytes: int, max_files: int) -> None:
        raise AssertionError(f"nothing is loaded: {max_bytes} {max_files}")

    def refused_files(self) -> str:
        return ""

    def memory(self, *, fresh: bool = False) -> tuple[int, int]:
        return (3, 4) if fresh else (1, 2)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def runtime(world: World) -> PluginRuntime:
    runtime = PluginRuntime(world)
    runtime.bind(BINDING)
    return runtime


def host() -> Sealer:
    return Sealer(BINDING, TO_PLUGIN, BINDING.origin)


def test_bound_to_a_port_it_says_ready(runtime: PluginRuntime, world: World) -> None:
    assert runtime
    assert world.sent == [Envelope("ready", "", "", "null")]


def test_a_ping_is_answered_under_its_id(runtime: PluginRuntime, world: World) -> None:
    runtime.on_message(host().seal("ping", "7", "c", "null"))
    assert world.sent[-1] == Envelope("pong", "7", "c", "null")


@pytest.mark.parametrize("kind", ["event", "log", "loaded", "ready", "pong", "bye", "evil"])
def test_what_no_host_says_is_a_violation(runtime: PluginRuntime, kind: str) -> None:
    with pytest.raises(ProtocolViolation, match="kind"):
        runtime.on_message(host().seal(kind, "", "", "null"))


@pytest.mark.parametrize("kind", ["result", "error"])
def test_a_reply_to_nothing_is_a_violation(runtime: PluginRuntime, kind: str) -> None:
    with pytest.raises(ProtocolViolation, match="unknown-id"):
        runtime.on_message(host().seal(kind, "1", "", "null"))


@pytest.mark.parametrize("change", [{"key": b"x" * 16}, {"gen": 2}, {"sid": "6" * 32}, {"plugin": "com.other"}])
def test_an_envelope_of_another_port_is_a_violation_here_too(runtime: PluginRuntime, change: dict[str, Any]) -> None:
    foreign = Sealer(BINDING._replace(**change), TO_PLUGIN, BINDING.origin)
    with pytest.raises(ProtocolViolation):
        runtime.on_message(foreign.seal("ping", "", "", "null"))


def test_an_abort_of_what_does_not_run_is_nothing(runtime: PluginRuntime, world: World) -> None:
    runtime.on_message(host().seal("abort", "1", "", '"abort"'))
    assert len(world.sent) == 1


def test_printed_text_is_a_log_line_and_blank_text_none(runtime: PluginRuntime, world: World) -> None:
    runtime.write_output("stdout", "  ")
    runtime.write_output("stderr", "odd \ud800 text")
    assert [(one.kind, json.loads(one.payload)) for one in world.sent[1:]] == [
        ("log", {"level": "warning", "message": "odd ? text", "fields": {"stream": "stderr"}})]


def test_a_plugin_that_prints_for_ever_neither_floods_nor_keeps_it(runtime: PluginRuntime, world: World) -> None:
    for n in range(100_000):
        runtime.write_output("stdout", f"line {n}")
    assert 0 < len(world.sent) <= default("creditMessages")


CLASSES = {
    "ValueError": (ValueError("v"), Code.PLUGIN_ERROR, "ValueError: v"),
    "MemoryError": (MemoryError(), Code.MEMORY_LIMIT, "out of memory"),
    "cancelled": (asyncio.CancelledError(), Code.PLUGIN_ERROR, "cancelled itself"),
    "denied": (PermissionDenied("a:b:c", "why"), Code.PERMISSION_DENIED, "why"),
    "call": (CallError(Code.CAPABILITY_FAILED, "m"), Code.CAPABILITY_FAILED, "m"),
    "disk full": (OSError(errno.ENOSPC, "full"), Code.PLUGIN_ERROR, "isolation.limits.fileBytes"),
    "exit": (SystemExit(2), Code.PLUGIN_ERROR, "SystemExit: 2"),
}


@pytest.mark.parametrize(("error", "code", "message"), CLASSES.values(), ids=CLASSES)
def test_an_exception_is_classed(error: BaseException, code: Code, message: str) -> None:
    assert classify(error)[0] is code
    assert message in classify(error)[1]


def test_text_that_crosses_is_bounded_and_encodable() -> None:
    assert clean("\udfff" + "x" * 3000) == "?" + "x" * 1999
