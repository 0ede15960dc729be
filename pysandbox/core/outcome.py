"""The outcome: what every invocation ends in. ``invoke`` never throws for what a plugin does.

Must not know: who ran the plugin, or how long anything takes: the figures are passed in.
"""

from __future__ import annotations

import json
from collections.abc import Sequence, Sized
from dataclasses import dataclass

from pysandbox.core.errors import INFO, Code, SandboxError, Status


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of the plugin's interpreter, in bytes; ``source`` names who measured it."""

    bytes: int = 0
    peak_bytes: int = 0
    source: str = "none"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One invocation's end. ``value`` is JSON text (as it came, already checked); ``error`` is there unless ok.

    ``buffers`` are the value's bytes, see `pysandbox.core.binary`; they are not in the JSON.
    ``layer`` names who enforced a deadline: ``cooperative``, ``soft`` or ``hard``.
    """

    status: Status
    value: str = "null"
    buffers: Sequence[Sized] = ()
    error: SandboxError | None = None
    layer: str = ""
    correlation_id: str = ""
    duration_ms: float = 0.0
    memory: Memory = Memory()
    generation: int = 0

    def to_json(self) -> str:
        """The outcome as JSON text, the value's text spliced in unchanged."""
        parts = [f'"status":"{self.status.value}"']
        if self.error is None:
            parts.append(f'"value":{self.value}')
        else:
            parts.append(f'"error":{json.dumps(self.error.as_json(), ensure_ascii=False)}')
        if self.layer:
            parts.append(f'"layer":"{self.layer}"')
        memory = self.memory
        parts.append(
            f'"correlationId":{json.dumps(self.correlation_id)},"durationMs":{round(self.duration_ms, 3)},'
            f'"memory":{{"bytes":{memory.bytes},"peakBytes":{memory.peak_bytes},"source":"{memory.source}"}},'
            f'"generation":{self.generation}')
        return "{" + ",".join(parts) + "}"


def failure(error: SandboxError, *, layer: str = "", correlation_id: str = "", duration_ms: float = 0.0,
            memory: Memory = Memory(), generation: int = 0) -> Outcome:  # fmt: skip
    """The outcome that a coded error leads to; its status comes from the code's own table."""
    return Outcome(INFO[error.code].status, error=error, layer=layer, correlation_id=correlation_id,
                   duration_ms=duration_ms, memory=memory, generation=generation)  # fmt: skip


def coded(code: str, message: str) -> SandboxError:
    """A peer's error as our own: a code that we do not list becomes PLUGIN_ERROR, its name kept in the message."""
    try:
        return SandboxError(Code(code), message)
    except ValueError:
        return SandboxError(Code.PLUGIN_ERROR, f"{code}: {message}")
