"""A bundle's files become a folder, and its entry module a registry."""

from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pysandbox.core.errors import Code, SandboxError
from pysandbox.plugin import hooks
from pysandbox.plugin.loader import describe, import_entry, unpack

HANDLER = b"from pysandbox.plugin import handler\n@handler\ndef f(payload, ctx): return %s\n"


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    path, modules, current = sys.path.copy(), set(sys.modules), hooks.current
    yield
    sys.path[:] = path
    hooks.current = current
    for name in set(sys.modules) - modules:
        del sys.modules[name]


def test_files_are_written_with_their_folders(tmp_path: Path) -> None:
    unpack({"a.py": b"1", "deep/er/b.txt": b"\x00\xff"}, tmp_path)
    unpack({"a.py": b"2"}, tmp_path)
    assert (tmp_path / "a.py").read_bytes() == b"2"
    assert (tmp_path / "deep/er/b.txt").read_bytes() == b"\x00\xff"


def test_a_module_or_a_package_is_imported_from_the_folder(tmp_path: Path) -> None:
    unpack({"lab_module.py": HANDLER % b"1", "lab_package/__init__.py": b"from .part import f",
            "lab_package/part.py": HANDLER % b"2"}, tmp_path)  # fmt: skip
    assert import_entry("lab_module", tmp_path).handlers["f"](None, None) == 1
    assert import_entry("lab_package", tmp_path).handlers["f"](None, None) == 2
    assert sys.path.count(str(tmp_path)) == 1


def test_wheels_beside_it_can_be_imported(tmp_path: Path) -> None:
    wheel = io.BytesIO()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("lab_wheel/__init__.py", "VALUE = 7")
    unpack({"wheels/lab_wheel-1-py3-none-any.whl": wheel.getvalue(),
            "lab_user.py": b"import lab_wheel\n" + HANDLER % b"lab_wheel.VALUE"}, tmp_path)  # fmt: skip
    assert import_entry("lab_user", tmp_path).handlers["f"](None, None) == 7


def test_a_wheel_hides_neither_the_plugins_own_modules_nor_pythons(tmp_path: Path) -> None:
    wheel = io.BytesIO()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("lab_own.py", HANDLER % b"'theirs'")
        archive.writestr("colorsys.py", "WHOSE = 'theirs'")
        archive.writestr("lab_theirs.py", "WHOSE = 'theirs'")  # the control: this is the wheel's to give
    own = b"import colorsys, lab_theirs\n" + HANDLER % b"[hasattr(colorsys, 'WHOSE'), lab_theirs.WHOSE]"
    unpack({"wheels/lab_own-1-py3-none-any.whl": wheel.getvalue(), "lab_own.py": own}, tmp_path)
    sys.modules.pop("colorsys", None)
    assert import_entry("lab_own", tmp_path).handlers["f"](None, None) == [False, "theirs"]


def test_a_fresh_registry_is_filled_each_time(tmp_path: Path) -> None:
    before = hooks.current
    unpack({"lab_fresh.py": HANDLER % b"1"}, tmp_path)
    assert import_entry("lab_fresh", tmp_path) is hooks.current is not before


FAULTS = {
    "raises": (b"x = 1\n1/0\n", Code.PLUGIN_IMPORT_FAILED, "division by zero (lab_bad.py, line 2, in"),
    "exits": (b"raise SystemExit\n", Code.PLUGIN_IMPORT_FAILED, "SystemExit"),
    "interrupts": (b"raise KeyboardInterrupt\n", Code.PLUGIN_IMPORT_FAILED, "KeyboardInterrupt"),
    "wants what is not there": (b"import numpy_of_nobody\n", Code.PLUGIN_IMPORT_FAILED, "No module named 'numpy_of_"),
    "no Python": (b"\x00\xff", Code.PLUGIN_IMPORT_FAILED, "SyntaxError"),
    "no memory": (b"raise MemoryError\n", Code.MEMORY_LIMIT, "out of memory"),
    "bad handler": (
        b"from pysandbox.plugin import handler\nhandler('1')(print)\n", Code.PLUGIN_IMPORT_FAILED, "'1' is no"),
}


@pytest.mark.parametrize(("source", "code", "message"), FAULTS.values(), ids=FAULTS)
def test_an_import_that_fails_is_told_to_its_author(tmp_path: Path, source: bytes, code: Code, message: str) -> None:
    unpack({"lab_bad.py": source}, tmp_path)
    with pytest.raises(SandboxError) as raised:
        import_entry("lab_bad", tmp_path)
    assert raised.value.code is code
    assert message in raised.value.message


def test_no_such_entry(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="No module named 'lab_nowhere'"):
        import_entry("lab_nowhere", tmp_path)


def test_a_description_is_one_bounded_line_whatever_the_exception_says() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise ValueError

    assert describe(ValueError("x" * 9999)) == f"ValueError: {'x' * 488}"
    assert describe(Mute()) == "Mute, whose text cannot be had: ValueError"
