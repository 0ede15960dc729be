# ruff: noqa: D103, INP001  # a plugin's folder, not a package; its functions' names say what they try
"""Python's own roads to the network: the browser's functions by Pyodide, and the standard library's sockets.

In CPython, outside of the sandbox, those of the standard library work: that is their control.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

PATIENCE_S = 3.0


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "127.0.0.1", parts.port or 80


def _request(url: str) -> bytes:
    return f"GET {urlsplit(url).path} HTTP/1.1\r\nHost: attack\r\nConnection: close\r\n\r\n".encode()


def by_js_fetch(url: str) -> Any:
    return import_module("js").fetch(url)


def by_js_xhr(url: str) -> Any:
    request = import_module("js").XMLHttpRequest.new()
    request.open("GET", url, False)  # JavaScript's order
    return request.send()


def by_js_websocket(url: str) -> Any:
    return import_module("js").WebSocket.new(url.replace("http", "ws", 1))


def by_pyfetch(url: str) -> Any:
    return import_module("pyodide.http").pyfetch(url)


def by_open_url(url: str) -> Any:
    return import_module("pyodide.http").open_url(url)


def by_urllib(url: str) -> Any:
    return import_module("urllib.request").urlopen(url, timeout=PATIENCE_S).read()


def by_http_client(url: str) -> Any:
    connection = import_module("http.client").HTTPConnection(*_address(url), timeout=PATIENCE_S)
    connection.request("GET", urlsplit(url).path)
    return connection.getresponse().status


def by_socket(url: str) -> Any:
    with import_module("socket").create_connection(_address(url), PATIENCE_S) as connection:
        connection.sendall(_request(url))
        return connection.recv(1)


async def by_asyncio(url: str) -> Any:
    reader, writer = await asyncio.open_connection(*_address(url))
    writer.write(_request(url))
    await writer.drain()
    got = await reader.read(1)
    writer.close()
    return got


def by_subprocess(url: str) -> Any:
    return import_module("subprocess").run(
        [import_module("sys").executable or "python3", "-c", f"import urllib.request as u; u.urlopen({url!r})"],
        check=True, capture_output=True, timeout=10).returncode


def by_emscripten_wget(url: str) -> Any:
    """The C runtime's own download."""
    return import_module("ctypes").CDLL(None).emscripten_wget(url.encode(), b"/tmp/stolen")  # its own


def by_dlopen(url: str) -> Any:
    """A library by its address, which the loader would have to fetch."""
    return import_module("ctypes").CDLL(url)


async def by_micropip(url: str) -> Any:
    return await import_module("micropip").install(url + "/stolen-1.0-py3-none-any.whl")


ROADS: dict[str, Callable[[str], Any]] = {
    name.removeprefix("by_"): function for name, function in list(globals().items()) if name.startswith("by_")}


async def take(name: str, url: str) -> str:
    """What came of it: ``open: …`` or ``refused: …``."""
    try:
        value = ROADS[name](url)
        if inspect.isawaitable(value):
            value = await asyncio.wait_for(value, PATIENCE_S)
    except Exception as problem:  # noqa: BLE001  # what stopped it is the finding
        return f"refused: {type(problem).__name__}: {problem}"[:200]
    return f"open: {value}"[:200]
