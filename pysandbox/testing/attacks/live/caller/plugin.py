# ruff: noqa: D103, INP001  # a plugin's folder, not a package; its functions' names say what they try
"""Whose requests the command makes to the proxy, from outside of any browser: only its registration matters."""

from __future__ import annotations

from typing import Any

from pysandbox.plugin import Context, handler


@handler
def echo(payload: Any, _ctx: Context) -> Any:
    return payload
