"""Every budget of the product in one table: its default, how far a manifest may move it, and the code of breaking it.

Must not know: who enforces a limit. The table is generated into ``docs/limits.md`` and into the TypeScript side.

A limit's ``scope`` says who may choose its value:

* ``isolation``: the manifest, as ``manifest.isolation.NAME``;
* ``limits``: the manifest, as ``manifest.isolation.limits.NAME``;
* ``host``: the deployment alone. A manifest that names it is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from pysandbox.core.errors import Code

Scope = Literal["isolation", "limits", "host"]

KIB: Final = 1024
MIB: Final = 1024 * KIB
MINUTE_MS: Final = 60_000

ENFORCERS: Final[Mapping[str, str]] = {
    "browser": "the engine itself, from the figure that the worker's memory is compiled with",
    "gate": "the JavaScript in front of a port, before Python sees a message",
    "host": "the host's worker, on its side of the plugin's port",
    "worker": "the runtime in the plugin's own worker",
    "watchdog": "the worker that waits for nobody and ends what is overdue",
    "cell": "the frame that holds the plugin's worker",
    "page": "the page client",
    "gateway": "the server that a plugin is registered at",
}


@dataclass(frozen=True, slots=True)
class Limit:
    """One budget. ``floor`` and ``ceiling`` are inclusive; ``code`` is what the one who breaks it is told.

    ``by`` names who enforces it; see `ENFORCERS`.
    """

    default: int
    floor: int
    ceiling: int
    unit: str
    code: Code
    by: str
    meaning: str
    scope: Scope = "limits"

    def __post_init__(self) -> None:
        if not 0 <= self.floor <= self.default <= self.ceiling:
            raise ValueError(f"floor <= default <= ceiling does not hold: {self.meaning}")
        if not set(self.by.split(", ")) <= ENFORCERS.keys():
            raise ValueError(f"nobody is called {self.by!r}: {self.meaning}")


_MSG, _RATE, _MEM = Code.MESSAGE_LIMIT, Code.RATE_LIMIT, Code.MEMORY_LIMIT

LIMITS: Final[Mapping[str, Limit]] = {
    "memoryLimitMB": Limit(
        64, 40, 512, "MiB", _MEM, "browser",
        "The plugin's whole WebAssembly memory, the interpreter's own 30 MiB included.", "isolation"),
    "maxExecutionTimeMs": Limit(
        3000, 50, 30_000, "ms", Code.PLUGIN_TIMEOUT, "worker, watchdog, page",
        "Wall time of one invocation, calls to the outside included.", "isolation"),
    "jsMemoryMB": Limit(
        64, 16, 512, "MiB", Code.PLUGIN_KILLED, "host",
        "What JavaScript may hold for the plugin beside its WebAssembly memory, where the browser measures it."),
    "onLoadMs": Limit(
        5000, 100, 30_000, "ms", Code.PLUGIN_TIMEOUT, "worker, watchdog", "Wall time of the import and of on_load."),
    "onUnloadMs": Limit(
        500, 50, 5000, "ms", Code.PLUGIN_TIMEOUT, "worker, watchdog", "Wall time of on_unload, then the worker ends."),
    "onMemoryPressureMs": Limit(
        500, 50, 2000, "ms", Code.PLUGIN_TIMEOUT, "worker, watchdog", "Wall time of on_memory_pressure."),
    "messageChars": Limit(
        1 * MIB, 4 * KIB, 8 * MIB, "UTF-16 units", _MSG, "gate, worker",
        "Length of one message, payload and envelope together."),
    "bufferBytes": Limit(
        8 * MIB, 0, 64 * MIB, "bytes", _MSG, "worker, host", "Bytes of all buffers that go with one message."),
    "messageBuffers": Limit(
        8, 0, 16, "buffers", _MSG, "worker, host", "Buffers that go with one message."),
    "messageDepth": Limit(
        32, 8, 32, "levels", _MSG, "gate, worker", "How deep arrays and objects nest in one message."),
    "keysPerObject": Limit(
        1000, 64, 1000, "keys", _MSG, "host, worker", "Keys of one JSON object."),
    "creditMessages": Limit(
        64, 8, 256, "messages", _RATE, "gate", "Messages a plugin may have sent that the host has not yet taken."),
    "messagesPerSecond": Limit(
        500, 20, 2000, "messages/s", _RATE, "host, gate", "Messages from a plugin, over any second."),
    "invocationsPending": Limit(
        32, 1, 256, "invocations", _RATE, "host", "Invocations of one plugin that run or wait."),
    "callsPerInvocation": Limit(
        100, 1, 1000, "calls", _RATE, "host", "Capability and proxy calls of one invocation."),
    "callsPending": Limit(
        16, 1, 64, "calls", _RATE, "host", "Capability and proxy calls in flight at once."),
    "eventsPerInvocation": Limit(
        200, 1, 2000, "events", _RATE, "worker, host", "Events and progress notes of one invocation."),
    "logLinesPerInvocation": Limit(
        200, 1, 2000, "lines", _RATE, "worker, host", "Log lines of one invocation; more are dropped."),
    "logBytesPerSecond": Limit(
        64 * KIB, 1 * KIB, 1 * MIB, "bytes/s", _RATE, "worker, host",
        "Bytes of log lines, over any second; more are dropped."),
    "logLineChars": Limit(
        2 * KIB, 128, 16 * KIB, "characters", _MSG, "worker, host", "Length of a log line; the rest is cut off."),
    "resultChars": Limit(
        1 * MIB, 1 * KIB, 8 * MIB, "UTF-16 units", _MSG, "worker, host", "Length of a handler's result as JSON."),
    "tasks": Limit(
        256, 1, 4096, "tasks", _RATE, "worker", "Tasks of the plugin that have not ended."),
    "timers": Limit(
        64, 1, 512, "timers", _RATE, "worker", "Timers set through ctx that have not fired or been cleared."),
    "timerFloorMs": Limit(
        10, 4, 1000, "ms", _RATE, "worker", "Shortest period of ctx.set_interval; shorter ones are raised."),
    "cacheEntries": Limit(
        256, 1, 4096, "entries", _MEM, "worker", "Entries of ctx.cache; the least recently used one goes."),
    "cacheBytes": Limit(
        1 * MIB, 1 * KIB, 16 * MIB, "bytes", _MEM, "worker", "JSON bytes in ctx.cache; the least recently used go."),
    "fileBytes": Limit(
        4 * MIB, 0, 64 * MIB, "bytes", _MEM, "worker",
        "Bytes of all files that the plugin has written; they lie in its memory."),
    "files": Limit(
        256, 0, 4096, "files", _MEM, "worker", "Files and folders that the plugin has made."),
    "idleMs": Limit(
        30 * MINUTE_MS, 1000, 24 * 60 * MINUTE_MS, "ms", Code.PLUGIN_NOT_LOADED, "host",
        "Time without an invocation after which the worker is drained; the next invocation starts it again."),
    "restarts": Limit(
        5, 1, 20, "failures", Code.PLUGIN_CRASH_LOOP, "host",
        "Kills and failed loads in a row after which the plugin rests, each rest longer than the one before."),
    "graceMs": Limit(
        100, 20, 1000, "ms", Code.PLUGIN_TIMEOUT, "watchdog",
        "From the deadline to the hard kill by the watchdog.", "host"),
    "pageMarginMs": Limit(
        150, 20, 1000, "ms", Code.PLUGIN_TIMEOUT, "page",
        "From the hard kill to the page client's own last timer, for the outcome that knows more to arrive.", "host"),
    "bootMs": Limit(
        15_000, 1000, 120_000, "ms", Code.BOOT_TIMEOUT, "page, host",
        "From openSandbox to a sandbox that is ready.", "host"),
    "violationBudget": Limit(
        8, 0, 64, "violations", Code.PROTOCOL_VIOLATION, "host",
        "Protocol violations of a worker before it is killed.", "host"),
    "maxLive": Limit(
        10, 1, 64, "plugins", _RATE, "host", "Plugins with a worker; the least recently used idle one drains.", "host"),
    "backoffBaseMs": Limit(
        1000, 10, 60_000, "ms", Code.PLUGIN_CRASH_LOOP, "host",
        "First rest of a plugin that keeps failing; each further one is twice as long.", "host"),
    "backoffMaxMs": Limit(
        60_000, 60_000, 3_600_000, "ms", Code.PLUGIN_CRASH_LOOP, "host",
        "Longest rest of a plugin that keeps failing.", "host"),
    "probeMs": Limit(
        30_000, 1000, 120_000, "ms", Code.PLUGIN_CRASH_LOOP, "host",
        "Time for the one attempt after a rest; without an answer by then it has failed.", "host"),
    "hostSilenceMs": Limit(
        5000, 1000, 60_000, "ms", Code.HOST_CRASHED, "cell",
        "Silence of the host's worker or of the page after which a cell ends its worker.", "host"),
    "memoryPressurePercent": Limit(
        80, 50, 95, "%", _MEM, "host",
        "Share of the memory left beside the interpreter at which on_memory_pressure runs; above it still, "
        "the worker is replaced.", "host"),
    "manifestBytes": Limit(
        64 * KIB, 1 * KIB, 1 * MIB, "bytes", Code.MANIFEST_INVALID, "host, gateway", "Size of a manifest.", "host"),
    "manifestPermissions": Limit(
        64, 1, 256, "permissions", Code.MANIFEST_INVALID, "host, gateway",
        "Permissions a manifest may declare.", "host"),
    "bundleBytes": Limit(
        16 * MIB, 64 * KIB, 256 * MIB, "bytes", Code.BUNDLE_INVALID, "host, gateway",
        "Size of a bundle, packed and unpacked alike.", "host"),
}


def default(name: str) -> int:
    """The default of the limit ``name``, in the limit's own unit. ``KeyError`` for a name that is not in the table."""
    return LIMITS[name].default


def names(scope: Scope) -> tuple[str, ...]:
    """The names of one scope, in the table's order."""
    return tuple(name for name, limit in LIMITS.items() if limit.scope == scope)


def defaults(scope: Scope) -> dict[str, int]:
    """Name to default for one scope."""
    return {name: LIMITS[name].default for name in names(scope)}


def in_bounds(name: str, value: object) -> bool:
    """Whether ``value`` is an int (a bool is none) from ``floor`` to ``ceiling``."""
    limit = LIMITS[name]
    return type(value) is int and limit.floor <= value <= limit.ceiling
