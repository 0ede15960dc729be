"""Registration: what the decorators record, and what they refuse."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import pysandbox
from pysandbox.core.errors import Code, SandboxError
from pysandbox.plugin import handler, hooks, on_load, on_memory_pressure, on_unload


@pytest.fixture(autouse=True)
def registry() -> Iterator[hooks.Registry]:
    before, hooks.current = hooks.current, hooks.Registry()
    yield hooks.current
    hooks.current = before


def test_handler_without_parentheses_takes_the_functions_name(registry: hooks.Registry) -> None:
    @handler
    def evaluate(payload: Any, ctx: Any) -> Any:
        return payload, ctx

    assert registry.handlers == {"evaluate": evaluate}
    assert evaluate(1, 2) == (1, 2)


def test_handler_with_a_name_takes_that_and_async_functions_are_kept_as_they_are(registry: hooks.Registry) -> None:
    @handler("risk.evaluate-v2")
    async def function(payload: Any, ctx: Any) -> None:
        pass

    assert registry.handlers == {"risk.evaluate-v2": function}


def test_one_function_may_answer_to_two_names(registry: hooks.Registry) -> None:
    @handler("new")
    @handler("old")
    def function(payload: Any, ctx: Any) -> None:
        pass

    assert registry.handlers == {"old": function, "new": function}


def test_a_second_handler_of_the_same_name_is_refused_naming_both_and_the_cure(registry: hooks.Registry) -> None:
    @handler("evaluate")
    def first(payload: Any, ctx: Any) -> None:
        pass

    with pytest.raises(SandboxError) as caught:
        @handler("evaluate")
        def second(payload: Any, ctx: Any) -> None:
            pass

    assert caught.value.code is Code.PLUGIN_IMPORT_FAILED
    for part in ("first", "second", '@handler("name")'):
        assert part in caught.value.message
    assert registry.handlers == {"evaluate": first}


@pytest.mark.parametrize("name", [
    "", "1st", "_private", "__proto__", "two words", "naïve", "a/b", "a" * 65, "x\n", "-a", "x" + chr(0)])
def test_what_is_no_handler_name_is_refused(name: str, registry: hooks.Registry) -> None:
    with pytest.raises(SandboxError, match="is no handler name"):
        handler(name)(lambda *_: None)
    assert registry.handlers == {}


def test_a_lambda_needs_a_name(registry: hooks.Registry) -> None:
    with pytest.raises(SandboxError, match="is no handler name"):
        handler(lambda *_: None)
    handler("named")(lambda *_: None)
    assert list(registry.handlers) == ["named"]


def test_what_cannot_be_called_is_refused() -> None:
    with pytest.raises(SandboxError, match="no function"):
        handler("x")(42)  # type: ignore[type-var]
    with pytest.raises(SandboxError, match="no function"):
        on_load(42)  # type: ignore[type-var]


@pytest.mark.parametrize(("name", "decorator"), [
    ("on_load", on_load), ("on_unload", on_unload), ("on_memory_pressure", on_memory_pressure)])
def test_each_hook_is_recorded_once_and_a_second_one_is_refused(
    name: str, decorator: Any, registry: hooks.Registry,
) -> None:
    def first(ctx: Any) -> None:
        pass

    assert decorator(first) is first
    assert getattr(registry, name) is first
    with pytest.raises(SandboxError, match=f"two functions are marked @{name}") as caught:
        decorator(lambda *_: None)
    assert caught.value.code is Code.PLUGIN_IMPORT_FAILED
    assert getattr(registry, name) is first


def test_a_hook_touches_no_other_hook_and_no_handler(registry: hooks.Registry) -> None:
    on_unload(lambda *_: None)
    assert (registry.on_load, registry.on_memory_pressure, registry.handlers) == (None, None, {})


def test_importing_the_plugin_api_loads_nothing_heavy() -> None:
    heavy = {"asyncio", "logging", "urllib.parse", "socket", "ssl", "subprocess", "tempfile", "pathlib", "email"}
    code = "import sys, pysandbox.plugin; print(*sys.modules)"
    root = Path(pysandbox.__file__).parents[1]
    run = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True, cwd=root)
    loaded = run.stdout
    assert "pysandbox.plugin.context" in loaded
    assert heavy & set(loaded.split()) == set()
