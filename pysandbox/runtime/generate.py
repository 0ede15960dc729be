"""What both languages must know, written from `pysandbox.core` into ``web/*.gen.ts``.

``python -m pysandbox.runtime.generate`` writes them; a test fails when one is stale.
"""

from __future__ import annotations

import json
from pathlib import Path

from pysandbox.core import ui
from pysandbox.core.envelope import PROTOCOL_VERSION
from pysandbox.core.errors import INFO
from pysandbox.core.flow.page import FLOWS, HAND_OVER_MS, PREPARE_MS
from pysandbox.core.gate import gate_limits
from pysandbox.core.limits import LIMITS, default

_WEB = Path(__file__).parents[2] / "web"
_HEAD = "// GENERATED from pysandbox.core by `python -m pysandbox.runtime.generate`. Do not edit: change the source."


def ceiling(name: str) -> int:
    """The most that a manifest may ask for."""
    return LIMITS[name].ceiling


def protocol_ts() -> str:
    """The TypeScript text."""
    bytes_at_most = max(default("bundleBytes"), LIMITS["bufferBytes"].ceiling)
    gate = {**gate_limits(ceiling), "maxBufferBytes": bytes_at_most}  # its peer is the host; a bundle is a buffer too
    margin_ms = default("pageMarginMs")
    retryable = sorted(code.value for code, info in INFO.items() if info.retryable)
    lines = [
        _HEAD,
        "",
        f"export const PROTOCOL = {PROTOCOL_VERSION};",
        f"export const DEFAULT_BOOT_MS = {default('bootMs')};",
        f"export const GRACE_MS = {default('graceMs')};",
        f"export const PAGE_MARGIN_MS = {margin_ms};",
        f"export const HOST_SILENCE_MS = {default('hostSilenceMs')};",
        f"export const FLOWS = {json.dumps(FLOWS)};",
        f"export const PREPARE_MS = {PREPARE_MS};",
        f"export const HAND_OVER_MS = {HAND_OVER_MS};",
        f"export const DEFAULT_MEMORY_MB = {default('memoryLimitMB')};",
        f"export const MIN_MEMORY_MB = {LIMITS['memoryLimitMB'].floor};",
        f"export const MAX_MEMORY_MB = {LIMITS['memoryLimitMB'].ceiling};",
        f"export const RETRYABLE: readonly string[] = {json.dumps(retryable)};",
        f"export const MAX_BUFFERS = {LIMITS['messageBuffers'].ceiling};",
        f"export const MAX_BUFFER_BYTES = {LIMITS['bufferBytes'].ceiling};",
        f"export const PLUGIN_GATE = {json.dumps(gate)};",
        "",
    ]
    return "\n".join(lines)


def ui_ts() -> str:
    """What plugins may draw with."""
    components = json.dumps(ui.COMPONENTS, indent=2)
    return "\n".join([
        _HEAD,
        "",
        f"export const COMPONENTS: Record<string, Record<string, string>> = {components};",
        f"export const TONES: readonly string[] = {json.dumps(ui.TONES)};",
        f"export const MAX_NODES = {ui.MAX_NODES};",
        f"export const MAX_DEPTH = {ui.MAX_DEPTH};",
        f"export const MAX_TEXT_CHARS = {ui.MAX_TEXT_CHARS};",
        f"export const MAX_LIST = {ui.MAX_LIST};",
        f"export const MAX_COLUMNS = {ui.MAX_COLUMNS};",
        f"export const NAME = String.raw`{ui.NAME}`;",
        f"export const HANDLER = String.raw`{ui.HANDLER}`;",
        "",
    ])


def generated() -> dict[Path, str]:
    """Each file and its text."""
    return {_WEB / "protocol.gen.ts": protocol_ts(), _WEB / "ui.gen.ts": ui_ts()}


if __name__ == "__main__":
    for path, text in generated().items():
        path.write_text(text)
