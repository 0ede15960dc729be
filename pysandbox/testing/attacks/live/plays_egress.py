"""Egress by JavaScript and by Python, and the way from text to code. What arrives at the listening server counts.

What is tried in JavaScript stands in ``page/codes.js`` under the same name, what Python tries in ``plugin/roads.py``.
"""

from __future__ import annotations

from typing import Final

from pysandbox.testing.attacks.live.play import Play, titled

_POLICY: Final = "the cell's policy, which its worker inherits: no connection, no script by address, no text as code"
_DEPTH: Final = "names that are gone from the worker, stubs in the interpreter; behind both, the cell's policy"
_WORKER: Final = "the same code in an ordinary worker of the page reaches the listening server"
_HERE: Final = "the same Python on this machine, outside of the sandbox, reaches the listening server"
_ENDS_IN: Final = "what it ends in, in an ordinary worker of the page, reaches the listening server"

_SCRIPTS: Final = {
    "fetch": "fetch, GET",
    "fetch-post": "fetch, POST with a body",
    "fetch-keepalive": "fetch that outlives its worker",
    "xhr": "XMLHttpRequest",
    "xhr-sync": "XMLHttpRequest that holds its worker",
    "websocket": "WebSocket",
    "websocket-protocol": "data in a WebSocket's subprotocol",
    "eventsource": "EventSource",
    "webtransport": "WebTransport, over QUIC",
    "webrtc": "WebRTC's search for a way out",
    "beacon": "sendBeacon",
    "import-url": "import() of an address",
    "import-json": "import() of an address, as JSON",
    "importscripts-url": "importScripts of an address",
    "cache-add": "a cache that fetches what it keeps",
    "font": "a font by its address",
    "nested-fetch": "fetch in a nested worker",
    "nested-importscripts": "importScripts in a nested worker",
    "nested-module": "a module's import in a nested worker",
    "shared-worker": "a shared worker that fetches",
}
# What is tried, its name in `roads.py`, and for what ends in a function of the browser's its code.
_ROADS: Final = (
    ("urllib", "urllib", ""),
    ("http.client", "http_client", ""),
    ("a socket", "socket", ""),
    ("a connection of asyncio's", "asyncio", ""),
    ("another process", "subprocess", ""),
    ("js.fetch", "js_fetch", "fetch"),
    ("js.XMLHttpRequest", "js_xhr", "xhr-sync"),
    ("js.WebSocket", "js_websocket", "websocket"),
    ("pyodide.http.pyfetch", "pyfetch", "fetch"),
    ("pyodide.http.open_url", "open_url", "xhr-sync"),
    ("the C runtime's download", "emscripten_wget", "fetch"),
    ("a library by its address", "dlopen", "fetch"),
    ("a package by its address", "micropip", "fetch"),
)
_TEXTS: Final = {
    "eval": "eval",
    "function": "Function",
    "async-function": "the constructor of an async function",
    "generator-function": "the constructor of a generator",
    "timer-text": "text for a timer",
    "import-data": "import() of data:",
    "import-blob": "import() of blob:",
    "importscripts-blob": "importScripts of blob:",
    "importscripts-data": "importScripts of data:",
    "nested-eval": "eval in a nested worker",
    "wasm": "WebAssembly made of bytes",
}


_LACKS: Final = {"font": {"webkit": "WebKit's workers fetch no fonts"}}


def _script(name: str, title: str) -> Play:
    return Play(
        slug=f"egress-{name}", group="egress", title=titled(title), wall=_POLICY, control=_WORKER,
        tries=f"{title}, as JavaScript that is given to every road from Python to an evaluator",
        kind="script", data={"code": name}, seen_by="listener", numbers=(1, 2, 3, 4, 5, 82, 84),
        lacks=_LACKS.get(name, {}))


def _road(title: str, name: str, code: str) -> Play:
    return Play(
        slug=f"egress-py-{name.replace('_', '-')}", group="egress", title=f"Python: {title}", wall=_DEPTH,
        tries=f"the plugin's Python connects by {title}", control=_ENDS_IN if code else _HERE, kind="road",
        data={"road": name, "code": code}, seen_by="listener", numbers=(1, 19))


def _text(name: str, title: str) -> Play:
    return Play(
        slug=f"evaluation-{name}", group="evaluation", title=titled(title), wall=_POLICY,
        tries=f"turns text into code by {title}; the value that only its evaluation gives has to come back",
        control="the same text in an ordinary worker of the page gives the value", kind="script",
        data={"code": name, "proof": "42", "quick": True}, seen_by="plugin", numbers=(19, 83, 84))


EGRESS: Final = (
    *(_script(name, title) for name, title in _SCRIPTS.items()),
    *(_road(*road) for road in _ROADS),
)
EVALUATION: Final = tuple(_text(name, title) for name, title in _TEXTS.items())
