"""One invocation in a real browser: serve, open, wait. What comes back is always an outcome.

Must not know: how it is printed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import TimeoutError as NotYet
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Protocol, cast

from pysandbox.core.chaos import Chaos
from pysandbox.core.errors import Code, SandboxError
from pysandbox.core.limits import default
from pysandbox.core.manifest import Manifest
from pysandbox.core.outcome import failure
from pysandbox.gateway.folder import Resolver, build_folder, refuse_requirements
from pysandbox.gateway.job import Job
from pysandbox.gateway.serve import DevServer

BROWSER_MS: Final = 30_000
"""For the browser to start and open the page, on a slow and busy machine."""
BOOT_MS: Final = 20_000
"""For the sandbox to open. The page client gives a plugin's load twice that."""
_LOOK_S: Final = 0.25


class RunningBrowser(Protocol):
    """What this needs of a browser once it runs; `pysandbox.testing.browsers` has it."""

    def poll(self) -> int | None: ...

    def log(self) -> str: ...


Launch = Callable[[str], AbstractContextManager[RunningBrowser]]
"""Opens a URL in a browser, and ends the browser on exit."""


@dataclass(frozen=True, slots=True)
class Call:
    """What is to be called. ``timeout_ms`` None means the manifest's own limit."""

    folder: Path
    handler: str
    payload: object
    capabilities: Mapping[str, object]
    timeout_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome as JSON, and what the plugin logged and the sandbox reported on the way.

    ``elapsed_ms``: how long the page waited for the outcome; None if no call was made. ``window_ms``: how long it may.
    """

    outcome: dict[str, object]
    logs: list[object] = field(default_factory=list[object])
    alerts: list[object] = field(default_factory=list[object])
    elapsed_ms: float | None = None
    window_ms: int = 0


def run_in_browser(
    call: Call, launch: Launch, *, dist: Path | None = None, boot_ms: int = BOOT_MS, browser_ms: int = BROWSER_MS,
    resolve: Resolver = refuse_requirements, chaos: Chaos | None = None,
) -> Report:
    """Run ``call`` in the browser that ``launch`` opens. ``chaos``: what goes wrong at the plugin's port, on purpose.

    A fault of the plugin, of its folder or of the sandbox is an outcome. Raises `SandboxError` ``RUNTIME_MISSING`` if
    there is nothing to run it in, and what ``launch`` raises.
    """
    try:
        manifest = build_folder(call.folder, resolve=resolve).manifest
    except SandboxError as error:
        return Report(as_outcome(error))
    job = Job({})
    with DevServer([call.folder], dist=dist, job=job, resolve=resolve, chaos=chaos) as server:
        job.order.update({
            "origin": server.sandbox_origin, "apiOrigin": server.api_origin, "sessionToken": server.token,
            "plugin": manifest.key, "handler": call.handler, "payload": call.payload, "timeoutMs": call.timeout_ms,
            "bootTimeoutMs": boot_ms, "capabilities": dict(call.capabilities)})
        # The page client ends each step by itself and says which; this is for a browser that says nothing at all.
        limit_ms = browser_ms + 3 * boot_ms + 2 * manifest.max_execution_time_ms
        with launch(f"{server.api_origin}/pages/run.html#token={job.token}") as browser:
            return replace(_wait(job, browser, limit_ms), window_ms=_window_ms(manifest, call.timeout_ms))


def run_flow_in_browser(
    flow: str, data: Mapping[str, object], folders: Sequence[Path], launch: Launch, *,
    capabilities: Mapping[str, object], sla_ms: int, dist: Path | None = None, resolve: Resolver = refuse_requirements,
    chaos: Chaos | None = None,
) -> Report:  # fmt: skip
    """Run a flow over the plugins in ``folders``; an outcome that is ok has the run as its value. See `run_in_browser`.

    Raises `SandboxError` also for a folder that is no plugin.
    """
    job = Job({})
    with DevServer(folders, dist=dist, job=job, resolve=resolve, chaos=chaos) as server:
        job.order.update({
            "origin": server.sandbox_origin, "apiOrigin": server.api_origin, "sessionToken": server.token,
            "flow": flow, "data": dict(data), "bootTimeoutMs": BOOT_MS, "capabilities": dict(capabilities)})
        with launch(f"{server.api_origin}/pages/run.html#token={job.token}") as browser:
            return _wait(job, browser, BROWSER_MS + 4 * BOOT_MS + 2 * sla_ms)


def as_outcome(error: SandboxError) -> dict[str, object]:
    """The outcome, as JSON, of an invocation that never reached a plugin."""
    return cast(dict[str, object], json.loads(failure(error).to_json()))


def _window_ms(manifest: Manifest, timeout_ms: int | None) -> int:
    """By when a page has the outcome of a call: at the hard limit, and a little later if the sandbox itself is dead."""
    deadline_ms = min(timeout_ms or manifest.max_execution_time_ms, manifest.max_execution_time_ms)
    return deadline_ms + default("graceMs") + default("pageMarginMs")


def _wait(job: Job, browser: RunningBrowser, limit_ms: int) -> Report:
    deadline = time.monotonic() + limit_ms / 1000
    ended = False
    while time.monotonic() < deadline:
        try:
            answer = job.answer.result(_LOOK_S)
        except NotYet:
            if ended:  # one more look after its end: its last request may still be on the way
                return Report(as_outcome(SandboxError(
                    Code.BOOT_FAILED, f"the browser ended before it reported; its last words: {browser.log()[-500:]}")))
            ended = browser.poll() is not None
        else:
            return Report(
                cast(dict[str, object], answer["outcome"]), cast(list[object], answer["logs"]),
                cast(list[object], answer["alerts"]), cast(float | None, answer["elapsedMs"]))
    return Report(as_outcome(SandboxError(
        Code.BOOT_TIMEOUT,
        f"the browser did not report within {limit_ms / 1000:.0f} s; `pysandbox doctor` says what this machine lacks")))
