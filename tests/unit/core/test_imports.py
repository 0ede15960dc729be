"""Which plugins are given the standard library: read from their syntax."""

from __future__ import annotations

import pytest

from pysandbox.core.imports import needs_library

SNAPSHOT = frozenset({"json", "re", "html", "collections", "collections.abc", "urllib", "urllib.parse"})
LIBRARY = frozenset({"html", "email", "tomllib", "urllib", "xml"})


@pytest.mark.parametrize(
    ("source", "needed"),
    [
        ("import json, re", False),
        ("from collections.abc import Mapping", False),
        ("import urllib.parse", False),
        ("import urllib.request", True),
        ("from html.parser import HTMLParser", True),
        ("def f():\n    import tomllib", True),
        ("try:\n    import xml.etree.ElementTree as E\nexcept ImportError:\n    pass", True),
        ("from pysandbox.plugin import handler", False),
        ("import not_a_module_of_anybody", False),
        ("import importlib\nimportlib.import_module('em' + 'ail')", True),
        ("__import__('email')", True),
        ("exec('import email')", True),
        ("from . import email", False),
        ("this is no python", True),
        ("text = 'import email'", False),
    ],
)
def test_the_library_is_needed_where_the_source_may_import_it(source: str, needed: bool) -> None:
    assert needs_library({"plugin.py": source.encode()}, SNAPSHOT, LIBRARY) is needed


def test_a_module_of_the_plugins_own_is_not_the_librarys() -> None:
    files = {"plugin.py": b"import email", "email.py": b""}
    assert not needs_library(files, SNAPSHOT, LIBRARY)


def test_wheels_are_taken_to_need_it() -> None:
    assert needs_library({"plugin.py": b"", "wheels/x-1-py3-none-any.whl": b""}, SNAPSHOT, LIBRARY)


def test_data_files_are_not_read_as_source() -> None:
    assert not needs_library({"plugin.py": b"", "notes.txt": b"import email"}, SNAPSHOT, LIBRARY)
