# ruff: noqa: D103, INP001  # a plugin's folder, not a package; its functions' names say what they try
"""Every road that Python under Pyodide has to JavaScript's evaluators, tried one after the other.

Names are imported inside the attempt: that the import fails is a finding, and no reason not to load.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
from collections.abc import Callable
from importlib import import_module
from typing import Any

PATIENCE_S = 4.0
MAX_PROXIES = 40
"""Of the objects found in the heap, so many are tried."""
_found: list[Any] = []


def heap_proxies() -> list[Any]:
    """Every JavaScript object that some Python object still holds, as they were when this was first asked."""
    if not _found:
        _found.extend(_look())
    return _found


def _look() -> list[Any]:
    seen: dict[int, Any] = {}
    for holder in gc.get_objects():
        for found in (holder, *gc.get_referents(holder)):
            if type(found).__name__.startswith("Js"):
                seen[id(found)] = found
    return list(seen.values())[:MAX_PROXIES]


def by_module(expression: str) -> Any:
    return import_module("js").eval(expression)


def by_global_function(expression: str) -> Any:
    return import_module("js").Function(f"return {expression}")()


def by_run_js(expression: str) -> Any:
    return import_module("pyodide.code").run_js(expression)


def by_pyodide(expression: str) -> Any:
    return import_module("pyodide_js").globals.constructor.constructor(f"return {expression}")()


def by_constructors(expression: str) -> Any:
    """``anything.constructor.constructor`` is `Function`, wherever an object of JavaScript is found."""
    problem: Exception = LookupError("no JavaScript object is left in Python's heap")
    for proxy in heap_proxies():
        try:
            return proxy.constructor.constructor(f"return {expression}")()
        except Exception as refused:  # noqa: BLE001  # the next one may do
            problem = refused
    raise problem


def by_made_object(expression: str) -> Any:
    """An object of JavaScript's that we have made ourselves."""
    made = import_module("pyodide.ffi").to_js([1])
    return made.constructor.constructor(f"return {expression}")()


def by_exception(expression: str) -> Any:
    """The object inside an error that JavaScript threw."""
    ffi = import_module("pyodide.ffi")
    try:
        ffi.to_js([1]).at.call()
    except ffi.JsException as error:
        thrown: Any = error
        return thrown.constructor.constructor(f"return {expression}")()
    raise LookupError("JavaScript threw nothing")


def by_timer(expression: str) -> Any:
    """Text where a timer wants a function."""
    for proxy in heap_proxies():
        if getattr(proxy, "name", "") == "setTimeout":
            return proxy(expression, 0)
    raise LookupError("no timer function is left in Python's heap")


def by_ctypes(expression: str) -> Any:
    """The C runtime's own evaluator, which gives back a number."""
    found = import_module("ctypes").CDLL(None).emscripten_run_script_int(expression.encode())
    if found == 0:
        raise PermissionError("the call returned, but evaluated nothing")
    return found


EVALUATORS: dict[str, Callable[[str], Any]] = {
    "js": by_module,
    "js.Function": by_global_function,
    "run_js": by_run_js,
    "pyodide_js": by_pyodide,
    "constructor of what is found": by_constructors,
    "constructor of what is made": by_made_object,
    "constructor of an error": by_exception,
    "text for a timer": by_timer,
    "ctypes": by_ctypes,
}


async def evaluate(expression: str) -> list[dict[str, str]]:
    """What became of ``expression`` by each evaluator, up to the first that takes it: ``{by, result, said}``.

    ``result`` is ``open`` or ``refused``.
    """
    found: list[dict[str, str]] = []
    for name, function in EVALUATORS.items():
        try:
            value = function(expression)
            if inspect.isawaitable(value):
                value = await asyncio.wait_for(value, PATIENCE_S)
        except Exception as problem:  # noqa: BLE001  # what stopped it is the finding
            found.append({"by": name, "result": "refused", "said": f"{type(problem).__name__}: {problem}"[:160]})
        else:
            found.append({"by": name, "result": "open", "said": str(value)[:160]})
            break
    return found
