"""What the handlers leave in their worker for a later invocation to read."""

from __future__ import annotations

from pysandbox.plugin import Context

notes: list[str] = []
contexts: list[Context] = []
held: list[object] = []
