"""Every public name that users import says what it is."""

from __future__ import annotations

import inspect
from types import ModuleType

import pytest

from pysandbox import plugin, testing
from pysandbox.core import errors
from pysandbox.gateway import serve
from pysandbox.invoker import deno, http, port

MODULES = (plugin, testing, errors, serve, deno, http, port)


def undocumented(module: ModuleType) -> list[str]:
    """The names of a module, and the public methods of its classes, that have no docstring of their own."""
    names = getattr(module, "__all__", None) or [
        name for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", "") == module.__name__]
    found: list[str] = []
    for name in names:
        value = getattr(module, name)
        if inspect.isclass(value):
            found += [f"{name}.{member}" for member, one in vars(value).items() if is_bare(member, one)]
            text = vars(value).get("__doc__") or ""
            found += [name] if not text or text.startswith(f"{name}(") else []  # what a dataclass makes up
        elif inspect.isfunction(value) and not value.__doc__:
            found.append(name)
    return found


def is_bare(name: str, member: object) -> bool:
    """A public method or property of a class without a docstring."""
    inner = member.__func__ if isinstance(member, classmethod | staticmethod) else member
    return not name.startswith("_") and (inspect.isfunction(inner) or isinstance(inner, property)) and not inner.__doc__


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_every_public_name_says_what_it_is(module: ModuleType) -> None:
    assert undocumented(module) == []


def test_control_what_says_nothing_is_found() -> None:
    module = ModuleType("silent")
    exec("class A:\n 'Said.'\n def b(self): pass\n @property\n def c(self): pass\ndef d(): pass", vars(module))
    vars(module)["__all__"] = ["A", "d"]
    assert undocumented(module) == ["A.b", "A.c", "d"]
