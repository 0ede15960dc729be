"""What a wheel may need in vain is named, with its place."""

from __future__ import annotations

import pytest

from pysandbox.core.wheel_needs import wheel_needs
from tests.unit.core.make_wheel import make_wheel


@pytest.mark.parametrize(("code", "need"), [
    (b"import socket", "the network: socket"),
    (b"def f():\n    from urllib.request import urlopen", "the network: urllib.request"),
    (b"from http import client", "the network: http.client"),
    (b"import multiprocessing.pool", "processes: multiprocessing.pool"),
    (b"from threading import Thread", "threads: Thread"),
    (b"import threading\nthreading.Thread(target=f)", "threads: Thread"),
    (b"from ctypes import CDLL", "foreign functions: ctypes"),
])  # fmt: skip
def test_what_the_sandbox_has_not_is_named_with_its_place(code: bytes, need: str) -> None:
    line = code.count(b"\n") + 1
    assert wheel_needs(make_wheel({"demo/a.py": code})) == [f"{need} (demo/a.py, line {line})"]


@pytest.mark.parametrize("code", [
    b"import json, threading\nlock = threading.Lock()", b"from urllib.parse import quote", b"from . import socket",
    b"from http import HTTPStatus", b"not python (",
])  # fmt: skip
def test_what_works_is_not_named(code: bytes) -> None:
    assert wheel_needs(make_wheel({"demo/a.py": code})) == []


def test_one_place_for_each_is_enough_and_a_packages_tests_do_not_count() -> None:
    files = {"demo/b.py": b"import socket", "demo/a.py": b"import ssl, socket", "demo/tests/t.py": b"import ctypes"}
    assert wheel_needs(make_wheel(files)) == ["the network: socket (demo/a.py, line 1)"]
