"""What a plugin's module says about itself while it is imported: its handlers and its lifecycle hooks.

Must not know: contexts, calls, transports. Importing a plugin fills the `Registry` that `current` names; the runtime
reads it afterwards. A name that is taken twice is refused at import: the second function would win silently, and its
author would look for the fault in the first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

from pysandbox.core.errors import Code, SandboxError

Handler = Callable[..., Any]
"""``(payload, ctx) -> value`` or ``async (payload, ctx) -> value``; payload and value are JSON."""

Hook = Callable[..., Any]
"""``(ctx) -> None`` or ``async (ctx) -> None``."""

MAX_NAME_CHARS = 64

_F = TypeVar("_F", bound=Callable[..., Any])


class Registry:
    """The handlers by name, and at most one function for each lifecycle hook."""

    __slots__ = ("handlers", "on_load", "on_memory_pressure", "on_unload")

    def __init__(self) -> None:
        self.handlers: dict[str, Handler] = {}
        self.on_load: Hook | None = None
        self.on_unload: Hook | None = None
        self.on_memory_pressure: Hook | None = None

    def add_handler(self, name: str, function: Handler) -> None:
        """Register ``function`` as the handler ``name``. Raises `SandboxError` (``PLUGIN_IMPORT_FAILED``)."""
        if not callable(function):
            raise _refused(f"@handler stands on {function!r}, which is no function")
        if not _is_name(name):
            raise _refused(
                f"{name!r} is no handler name: a letter, then letters, digits, '_', '-' or '.', "
                f"{MAX_NAME_CHARS} characters at most")
        if name in self.handlers:
            raise _refused(
                f"two handlers are named {name!r}: {_place(self.handlers[name])} and {_place(function)}; "
                f'give one of them another name with @handler("name")')
        self.handlers[name] = function

    def add_hook(self, kind: str, function: Hook) -> None:
        """Register ``function`` as ``on_load``, ``on_unload`` or ``on_memory_pressure``. Raises as `add_handler`."""
        if not callable(function):
            raise _refused(f"@{kind} stands on {function!r}, which is no function")
        taken: Hook | None = getattr(self, kind)
        if taken is not None:
            raise _refused(
                f"two functions are marked @{kind}: {_place(taken)} and {_place(function)}; "
                f"keep one and call the other from it")
        setattr(self, kind, function)


current = Registry()
"""What the decorators fill. A worker runs one plugin and keeps this one; a test puts a fresh one here for each."""


@overload
def handler(target: str, /) -> Callable[[_F], _F]: ...
@overload
def handler(target: _F, /) -> _F: ...
def handler(target: str | _F, /) -> _F | Callable[[_F], _F]:
    """Mark a function as a handler: ``@handler`` takes the function's name, ``@handler("name")`` the one given.

    The function is called as ``function(payload, ctx)`` and may be async; it stays callable as it was.
    Raises `SandboxError` (``PLUGIN_IMPORT_FAILED``) for a name that is taken or no name.
    """
    if not isinstance(target, str):
        current.add_handler(getattr(target, "__name__", ""), target)
        return target
    name = target

    def register(function: _F) -> _F:
        current.add_handler(name, function)
        return function

    return register


def on_load(function: _F, /) -> _F:
    """Run ``function(ctx)`` once, after the import and before the first invocation. If it raises, loading fails."""
    current.add_hook("on_load", function)
    return function


def on_unload(function: _F, /) -> _F:
    """Run ``function(ctx)`` once, before the worker ends; it gets ``onUnloadMs``, then the worker ends regardless."""
    current.add_hook("on_unload", function)
    return function


def on_memory_pressure(function: _F, /) -> _F:
    """Run ``function(ctx)`` when memory runs short: drop what can be made again, else the worker is replaced."""
    current.add_hook("on_memory_pressure", function)
    return function


def _is_name(name: object) -> bool:
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME_CHARS or not name.isascii():
        return False
    return name[0].isalpha() and all(char.isalnum() or char in "_-." for char in name)


def _place(function: Handler) -> str:
    return f"{getattr(function, '__module__', '?')}.{getattr(function, '__qualname__', '?')}"


def _refused(message: str) -> SandboxError:
    return SandboxError(Code.PLUGIN_IMPORT_FAILED, message)
