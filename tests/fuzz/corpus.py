"""Examples that are tried at every run: what was found once, and what attackers are known to write.

One JSON file each, a list of examples. Bytes are kept as text, one character for each byte (Latin-1).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import example

CORPUS = Path(__file__).parent / "corpus"
Test = TypeVar("Test", bound=Callable[..., None])


def examples(name: str) -> list[Any]:
    return json.loads((CORPUS / f"{name}.json").read_text("utf-8"))


def kept(name: str, read: Callable[[Any], Any] = lambda value: value) -> Callable[[Test], Test]:
    """Adds each example of ``name``, as ``read`` reads it, to a test of one argument."""

    def add(test: Test) -> Test:
        for value in examples(name):
            test = example(read(value))(test)
        return test

    return add


def as_bytes(text: str) -> bytes:
    return text.encode("latin-1")
