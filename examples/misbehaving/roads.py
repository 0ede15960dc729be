"""The roads that hostile Python tries out of its worker, and what each attempt came to.

Every module that reaches outside is imported by name inside the attempt: that the import fails is a result to report,
not a reason for this plugin not to load.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import json
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

Road = tuple[str, Callable[[], Any]]
"""A road's name, and the attempt: a function, possibly a coroutine function, that raises when it is stopped."""

ATTEMPT_MS = 600
"""How long one attempt may wait, in milliseconds; all of them together stay below the manifest's deadline."""

FORGED = json.dumps({
    "nonce": "0" * 64, "v": 1, "sid": "0" * 32, "gen": 1, "seq": 0, "origin": "https://host.invalid",
    "kind": "result", "id": "1", "cid": "forged", "payload": {"score": 0},
}, separators=(",", ":"))
"""A well-formed envelope of another session and origin, with a nonce that nobody computed."""

FORGERIES = 16
"""How often to insist, where a message does get out: the host tolerates a few, and then ends the worker."""

PROOF = 42
SCRIPT = f"self.postMessage({json.dumps(FORGED)}), {PROOF}"
"""What to evaluate: sends the forged envelope, and gives `PROOF` back if it did."""


async def try_each(roads: Iterable[Road]) -> list[dict[str, str]]:
    """Take every road; report each as ``{road, result, said}`` with ``result`` either ``stopped`` or ``open``."""
    report: list[dict[str, str]] = []
    for name, attempt in roads:
        try:
            said = attempt()
            if inspect.isawaitable(said):
                said = await asyncio.wait_for(said, ATTEMPT_MS / 1000)
        except Exception as problem:  # noqa: BLE001 - whatever stopped it is the finding
            report.append({"road": name, "result": "stopped", "said": f"{type(problem).__name__}: {problem}"[:200]})
        else:
            report.append({"road": name, "result": "open", "said": str(said)[:200]})
    return report


def forge_roads() -> Iterator[Road]:
    """The ways to a raw message: JavaScript's global, its evaluators, the C runtime, and objects left in the heap."""
    yield "js.postMessage", lambda: import_module("js").postMessage(FORGED)
    yield "pyodide_js", lambda: import_module("pyodide_js").globals
    yield "pyodide.code.run_js", lambda: import_module("pyodide.code").run_js(SCRIPT)
    yield "constructor.constructor", _evaluate_by_constructor
    yield "a port found in the heap", _post_on_found_ports
    yield "the runtime's own way out", _post_through_runtime
    yield "ctypes to emscripten_run_script", _evaluate_by_ctypes


def network_roads(url: str) -> Iterator[Road]:
    """The ways to the network: the browser's, Pyodide's, and those of Python's own library."""
    target = urlsplit(url)
    address = (target.hostname or "example.com", target.port or 443)
    yield "js.fetch", lambda: import_module("js").fetch(url)
    yield "pyodide.http.pyfetch", lambda: import_module("pyodide.http").pyfetch(url)
    yield "pyodide.http.open_url", lambda: import_module("pyodide.http").open_url(url)
    yield "urllib.request.urlopen", lambda: import_module("urllib.request").urlopen(url, timeout=ATTEMPT_MS / 1000)
    yield "socket.create_connection", lambda: import_module("socket").create_connection(address, ATTEMPT_MS / 1000)


def _heap_proxies() -> list[Any]:
    """Every JavaScript object that some Python object still holds."""
    seen: dict[int, Any] = {}
    for holder in gc.get_objects():
        for found in (holder, *gc.get_referents(holder)):
            if type(found).__name__.startswith("Js"):
                seen[id(found)] = found
    return list(seen.values())


def _evaluate_by_constructor() -> object:
    proxies = _heap_proxies()
    if not proxies:
        raise LookupError("no JavaScript object is left in Python's heap")
    return proxies[0].constructor.constructor(SCRIPT)()


def _evaluate_by_ctypes() -> object:
    if import_module("ctypes").CDLL(None).emscripten_run_script_int(SCRIPT.encode()) != PROOF:
        raise PermissionError("the call returned, but evaluated nothing")
    return PROOF


def _post_on_found_ports() -> str:
    ports = [proxy for proxy in _heap_proxies() if hasattr(proxy, "postMessage")]
    if not ports:
        raise LookupError("no port is left in Python's heap")
    for port in ports:
        port.postMessage(FORGED)
    return f"sent on {len(ports)} port(s)"


async def _post_through_runtime() -> str:
    """The worker must be able to send, so a plugin in it can too: what it sends is then the host's to judge."""
    exits = [
        holder.post for holder in gc.get_objects()
        if type(holder).__module__.startswith("pysandbox.plugin.") and callable(getattr(holder, "post", None))
    ]
    if not exits:
        raise LookupError("nothing in Python's heap sends messages")
    for post in exits:
        for _ in range(FORGERIES):
            post(FORGED, ())
    await asyncio.sleep(ATTEMPT_MS / 2000)  # time for the host to judge, before the next road
    return f"sent {FORGERIES * len(exits)} forged envelopes; the host has the last word"
