"""docs/plugin-authors.md is tested: its code runs, and it names everything that a plugin author can use."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import pysandbox.plugin
from pysandbox.core.abort import AbortSignal
from pysandbox.plugin import Context, ProxyResponse
from pysandbox.testing import FakeContext, PluginFolder, load_plugin

PAGE = (Path(__file__).parents[3] / "docs" / "plugin-authors.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def block(language: str, marker: str) -> str:
    [found] = [code for code in blocks(language) if marker in code]
    return found


@pytest.fixture
def greeting(tmp_path: Path) -> Path:
    (tmp_path / "plugin.py").write_text(block("python", "async def greet"))
    (tmp_path / "manifest.json").write_text(block("json", "com.example.greeting"))
    [capabilities] = re.findall(r"while you develop: `(.*)`$", PAGE, re.MULTILINE)
    (tmp_path / "capabilities.json").write_text(capabilities)
    return tmp_path


def test_the_five_minute_plugin_works_as_printed(greeting: Path) -> None:
    [payload] = re.findall(r"echo '(.*)' >", PAGE)
    assert load_plugin(greeting).invoke("greet", json.loads(payload)) == {
        "text": "Welcome back, dear gold customer Mia"}


def test_its_unit_tests_pass_as_printed(greeting: Path) -> None:
    module: dict[str, Any] = {"__file__": str(greeting / "test_plugin.py")}
    exec(compile(block("python", "def test_a_customer"), "plugin-authors.md", "exec"), module)
    tests: list[Callable[[], None]] = [value for name, value in module.items() if name.startswith("test_")]
    assert isinstance(module["plugin"], PluginFolder)
    assert len(tests) == 3
    for test in tests:
        test()


def test_every_example_is_python() -> None:
    for code in blocks("python"):
        compile(f"async def _():\n {code.replace(chr(10), chr(10) + ' ')}", "plugin-authors.md", "exec")


def test_it_names_all_of_the_context_the_signal_and_the_exports() -> None:
    words = set(re.findall(r"\w+", PAGE))
    for thing in (Context, ProxyResponse, AbortSignal):
        public = [name for name in vars(thing) if not name.startswith("_")]
        assert public
        assert [name for name in public if name not in words] == [], thing
    assert [name for name in pysandbox.plugin.__all__ if name not in words] == []
    settings = [name for name in FakeContext.__init__.__annotations__ if name != "return"]
    assert [name for name in settings if f"`{name}`" not in PAGE] == []
