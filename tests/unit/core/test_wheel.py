"""A wheel is looked at before it goes into a bundle: each lie is named, and what is honest passes."""

from __future__ import annotations

import io
import stat
import zipfile

import pytest

from pysandbox.core import wheel
from pysandbox.core.wheel import wheel_faults
from tests.unit.core.make_wheel import make_wheel

FILE = "demo-1.0-py3-none-any.whl"
HONEST = {"demo/__init__.py": b"x = 1\n", "demo/data.txt": b"data"}


def rules(data: bytes, file: str = FILE) -> list[str]:
    return [rule for rule, _ in wheel_faults(file, data)]


def test_an_honest_wheel_passes() -> None:
    assert rules(make_wheel(HONEST)) == []


@pytest.mark.parametrize("file", [
    "demo-1.0-cp314-cp314-pyemscripten_2026_0_wasm32.whl", "demo-1.0-py3-none-any.zip", "x.whl",
])  # fmt: skip
def test_a_platform_in_the_name_is_refused(file: str) -> None:
    assert rules(make_wheel(HONEST), file) == [f"holds compiled code (its name: {file})"]


@pytest.mark.parametrize(("name", "content"), [
    ("demo/_c.cpython-314-wasm32-emscripten.so", b""), ("demo/libx.so.2.1", b""), ("demo/x.PYD", b""),
    ("demo/data.bin", b"\0asm\1\0\0\0"), ("demo/tool", b"\x7fELF"),
])  # fmt: skip
def test_compiled_code_is_known_by_its_name_and_by_its_first_bytes(name: str, content: bytes) -> None:
    assert rules(make_wheel({**HONEST, name: content})) == [f"holds compiled code ({name})"]


def test_record_is_held_to_every_byte() -> None:
    assert rules(make_wheel(HONEST, swapped={"demo/__init__.py": b"x = 2\n"})) == [
        "has a file 'demo/__init__.py' that is not what RECORD says"]
    assert rules(make_wheel(HONEST, unrecorded={"demo/more.py": b""})) == [
        "has a file 'demo/more.py' that is not in RECORD"]
    gone = make_wheel({}, record=b"demo.py,sha256=x,1\ndemo-1.0.dist-info/RECORD,,\n")
    assert rules(gone) == ["has no file 'demo.py', which RECORD names"]


@pytest.mark.parametrize("record", [b"\xff", b"a,b\n", b"a,,\na,,\n"])
def test_a_record_that_is_no_table_is_refused(record: bytes) -> None:
    assert rules(make_wheel({}, record=record)) == ["has no RECORD that can be read"]


def test_two_records_are_none() -> None:
    assert rules(make_wheel({"other-1.0.dist-info/RECORD": b""})) == ["has no RECORD that can be read"]


@pytest.mark.parametrize("name", ["../evil.py", "/etc/evil.py", "demo/../../evil.py", "a\\b.py", "demo//x.py"])
def test_paths_that_lead_out_are_refused(name: str) -> None:
    [rule] = rules(make_wheel({name: b""}))
    assert rule.startswith(f"has a file {name!r}, whose name")


def test_a_link_is_refused() -> None:
    data = io.BytesIO(make_wheel(HONEST))
    with zipfile.ZipFile(data, "a") as archive:
        link = zipfile.ZipInfo("demo/link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    assert "has a link: 'demo/link'" in rules(data.getvalue())


def test_a_file_that_comes_twice_is_refused() -> None:
    data = io.BytesIO(make_wheel(HONEST))
    with zipfile.ZipFile(data, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("demo/data.txt", b"data")
    assert "has 'demo/data.txt' 2 times" in rules(data.getvalue())


@pytest.mark.parametrize("name", ["evil.pth", "demo/evil.PTH", "demo-1.0.data/purelib/evil.pth"])
def test_code_for_the_interpreters_start_is_refused(name: str) -> None:
    assert rules(make_wheel({name: b"import os"})) == [f"has code for the interpreter's start: {name!r}"]


@pytest.mark.parametrize(("name", "module"), [
    ("json.py", "json"), ("asyncio/__init__.py", "asyncio"), ("pysandbox/plugin/hooks.py", "pysandbox"),
    ("sitecustomize.py", "sitecustomize"), ("js.pyc", "js"),
])  # fmt: skip
def test_names_of_python_and_of_the_sandbox_are_taken(name: str, module: str) -> None:
    assert rules(make_wheel({name: b""})) == [f"brings a module {module!r}, a name of Python or the sandbox"]


def test_a_module_that_python_gave_up_may_come_back_in_a_wheel() -> None:
    assert rules(make_wheel({"cgi.py": b"", "demo/json.py": b"", "json.txt": b""})) == []


def test_a_bomb_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = make_wheel({"demo/zeros.txt": bytes(wheel.RATIO_COUNTS_FROM_BYTES + 1)})
    assert rules(make_wheel({"demo/zeros.txt": bytes(wheel.RATIO_COUNTS_FROM_BYTES // 2)})) == []  # small: no bomb

    def unpacked(*_: object) -> bytes:
        raise AssertionError("a bomb was unpacked")

    monkeypatch.setattr(zipfile.ZipFile, "read", unpacked)
    [rule] = rules(bomb)
    assert rule.startswith("is a bomb: ")


def test_size_and_number_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    data = make_wheel(HONEST)
    for name, most in (("MAX_WHEEL_FILES", 2), ("MAX_UNPACKED_BYTES", 9), ("MAX_BUNDLE_BYTES", 99)):
        with monkeypatch.context() as patch:
            patch.setattr(wheel, name, most)
            [rule] = rules(data)
            assert f"more than {most}" in rule or f"({most})" in rule


def test_what_declares_less_than_it_holds_is_refused() -> None:
    data = bytearray(make_wheel({"demo.py": b"#" * 5000}))
    at = data.index(b"PK\1\2") + 24  # the size that the directory declares, APPNOTE 4.3.12
    data[at:at + 4] = (10).to_bytes(4, "little")
    assert rules(bytes(data)) != []


@pytest.mark.parametrize("data", [b"", b"no zip", b"PK\5\6" + bytes(18)])
def test_what_is_no_wheel_is_refused(data: bytes) -> None:
    assert rules(data) != []
