"""Assertions that say what came instead, for tests of pages and plugins."""

from __future__ import annotations

import time
from typing import Any, Final

from pysandbox.testing.sandbox import OpenSandbox, SeenOutcome

_LOOK_S: Final = 0.05


def expect_outcome(
    outcome: SeenOutcome, status: str = "ok", *, code: str = "", layer: str = "", within_ms: float | None = None,
) -> Any:  # fmt: skip
    """The outcome's value, if it ended as expected. Raises AssertionError, with all of the outcome.

    ``code`` and ``layer`` are compared where they are given; ``within_ms``: how long the call may have taken.
    """
    wrong = [f"status {outcome.status}, not {status}"] if outcome.status != status else []
    if code and outcome.code != code:
        wrong.append(f"code {outcome.code or 'none'}, not {code}")
    if layer and outcome.layer != layer:
        wrong.append(f"layer {outcome.layer or 'none'}, not {layer}")
    if within_ms is not None and outcome.duration_ms > within_ms:
        wrong.append(f"{outcome.duration_ms:.1f} ms, not within {within_ms:g}")
    if wrong:
        raise AssertionError(f"{'; '.join(wrong)}: {outcome}")
    return outcome.value


def expect_alert(
    sandbox: OpenSandbox, *, code: str = "", rule: str = "", plugin_id: str = "", within_s: float = 10,
) -> dict[str, Any]:  # fmt: skip
    """The first security alert of that code, rule and plugin, as far as they are given; waits for it.

    Raises AssertionError, with the alerts that there were.
    """
    wanted = {name: value for name, value in {"code": code, "rule": rule, "pluginId": plugin_id}.items() if value}
    end = time.monotonic() + within_s
    while True:
        alerts = sandbox.alerts()
        for alert in alerts:
            if wanted.items() <= alert.items():
                return alert
        if time.monotonic() > end:
            raise AssertionError(f"no alert with {wanted or 'anything'} within {within_s:g} s; there were {alerts}")
        time.sleep(_LOOK_S)
