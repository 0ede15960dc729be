"""What a plugin author imports. Works in the plugin's worker and, with `pysandbox.testing.FakeContext`, in CPython.

Must not know: the worker, the port, JavaScript. Those belong to ``boot.py`` and ``session.py`` beside it.
This module is part of every start of every plugin, so it imports nothing heavy.
"""

from __future__ import annotations

from pysandbox.core.abort import AbortError, AbortSignal
from pysandbox.core.errors import CallError, PermissionDenied, SandboxError
from pysandbox.plugin.context import Context, ProxyResponse
from pysandbox.plugin.hooks import handler, on_load, on_memory_pressure, on_unload
from pysandbox.plugin.runs import DeadlineExceeded

__all__ = [
    "AbortError",
    "AbortSignal",
    "CallError",
    "Context",
    "DeadlineExceeded",
    "PermissionDenied",
    "ProxyResponse",
    "SandboxError",
    "handler",
    "on_load",
    "on_memory_pressure",
    "on_unload",
]
