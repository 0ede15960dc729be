"""Walks all that a plugin can reach in its interpreter, and tells what of it belongs to JavaScript."""

from __future__ import annotations

import gc
import sys
from collections import deque
from collections.abc import Iterator
from types import BuiltinFunctionType, FrameType, FunctionType, ModuleType, TracebackType
from typing import Any

from pysandbox.plugin import Context, handler

JAVASCRIPT = ("_pyodide_core", "_pyodide", "pyodide", "js", "pyodide_js")
ROADS = ("js", "pyodide_js", "pyodide_js._module", "micropip", "pyodide.http")


def named_edges(value: Any) -> Iterator[tuple[str, Any]]:
    """What ``value`` refers to, with names that stay the same from run to run."""
    if isinstance(value, ModuleType):
        yield from ((f".{name}", one) for name, one in list(vars(value).items()))
    elif isinstance(value, dict):
        yield from ((f"[{key}]" if isinstance(key, str) else "[…]", one) for key, one in list(value.items()))
        yield from (("[key]", key) for key in list(value) if not isinstance(key, str))
    elif isinstance(value, FunctionType):
        cells = value.__closure__ or ()
        yield from zip((f"<{name}>" for name in value.__code__.co_freevars), cells, strict=False)
    elif isinstance(value, FrameType):
        yield "<back>", value.f_back
        yield from ((f"<{name}>", one) for name, one in value.f_locals.items())
    elif isinstance(value, TracebackType):
        yield from (("<frame>", value.tb_frame), ("<next>", value.tb_next))
    elif type(value).__name__ == "method":
        yield from ((".__self__", value.__self__), (".__func__", value.__func__))
    else:
        own = getattr(value, "__dict__", None)
        yield from ((f".{name}", one) for name, one in (dict(own).items() if own else ()))
    yield from (("", one) for one in gc.get_referents(value))


def is_proxy(value: Any) -> bool:
    return type(value).__name__ == "JsProxy" or any(base.__name__ == "JsProxy" for base in type(value).__mro__)


def roots() -> Iterator[list[tuple[str, Any]]]:
    """What has a name first, so that it is told by it."""
    yield sorted(sys.modules.items())
    try:
        raise LookupError
    except LookupError as error:
        yield [("frame", sys._getframe()), ("traceback", error.__traceback__)]
    yield [(f"gc {type(one).__qualname__}", one) for one in gc.get_objects()]


def crawl() -> list[str]:
    """Where each object of JavaScript's is found first, and what it is."""
    found: list[str] = []
    gc.collect()
    seen: dict[int, Any] = {}  # held, so that no id is used twice
    for begin in roots():
        waiting = deque(begin)
        while waiting:
            path, value = waiting.popleft()
            if id(value) in seen or value is seen or value is waiting or value is begin:
                continue
            seen[id(value)] = value
            if is_proxy(value):
                found.append(f"{path} {value.typeof}")
            elif isinstance(value, BuiltinFunctionType) and (value.__module__ or "").partition(".")[0] in JAVASCRIPT:
                found.append(f"{value.__module__}.{value.__qualname__} builtin")
            elif not isinstance(value, (str, bytes, int, float, bool)) and value is not None:
                waiting.extend((path + name, one) for name, one in named_edges(value) if id(one) not in seen)
    return sorted(found)


@handler
def reachable(_payload: Any, _ctx: Context) -> dict[str, Any]:
    imported: dict[str, str] = {}
    for name in ROADS:
        try:
            __import__(name)
        except BaseException as error:  # noqa: BLE001 - what it is, is the answer
            imported[name] = type(error).__name__
        else:
            imported[name] = "imported"
    return {"found": crawl(), "imported": imported}
