"""A plugin's folder: what goes into its bundle, and every fault named at once."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pysandbox.core import bundle
from pysandbox.core.bundle import read_bundle
from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway import folder as folders
from pysandbox.gateway.folder import build_folder, check_folder, fingerprint, read_capabilities
from tests.unit.core.make_wheel import make_wheel
from tests.unit.gateway.fake_plugin import MANIFEST, SOURCE, write_plugin


def _places(folder: Path) -> list[str]:
    return [problem.path for problem in check_folder(folder).problems]


def test_the_guides_manifest_passes(tmp_path: Path) -> None:
    check = check_folder(write_plugin(tmp_path))
    assert check.problems == []
    assert check.manifest is not None
    assert check.manifest.key == "com.vendor.risk-scoring@2.1.0"


def test_the_bundle_holds_manifest_source_and_data(tmp_path: Path) -> None:
    write_plugin(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "model.json").write_text("[1]")
    built = build_folder(tmp_path)
    assert read_bundle(built.bundle) == {
        "manifest.json": json.dumps(MANIFEST).encode(), "plugin.py": SOURCE.encode(), "data/model.json": b"[1]"}


def test_what_belongs_to_development_is_left_out(tmp_path: Path) -> None:
    write_plugin(tmp_path)
    for name in ("capabilities.json", "test_plugin.py", "conftest.py", ".env", ".git/config", "__pycache__/plugin.pyc",
                 "plugin.pyc", "com.vendor.risk-scoring-2.0.0.zip", "tests/test_more.py", "plugin.py~"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("{}")
    assert check_folder(tmp_path).files.keys() == {"manifest.json", "plugin.py"}


def test_two_builds_are_identical(tmp_path: Path) -> None:
    one = build_folder(write_plugin(tmp_path / "one"))
    other = build_folder(write_plugin(tmp_path / "other"))
    assert one.bundle == other.bundle
    assert one.sha256 == other.sha256


def test_the_entry_may_be_a_package(tmp_path: Path) -> None:
    write_plugin(tmp_path)
    (tmp_path / "plugin.py").unlink()
    assert _places(tmp_path) == ["$.manifest.entry"]
    (tmp_path / "plugin").mkdir()
    (tmp_path / "plugin" / "__init__.py").write_text(SOURCE)
    assert _places(tmp_path) == []


def test_a_folder_without_a_manifest_says_so(tmp_path: Path) -> None:
    assert _places(tmp_path) == ["manifest.json"]


def test_what_is_no_folder_is_a_problem(tmp_path: Path) -> None:
    assert [problem.rule for problem in check_folder(tmp_path / "none").problems] == ["is not a folder"]


def test_faults_of_manifest_and_files_are_listed_together(tmp_path: Path) -> None:
    write_plugin(tmp_path)
    (tmp_path / "manifest.json").write_text(json.dumps({**MANIFEST, "version": "two", "pluginId": "x"}))
    (tmp_path / "capabilities.json").write_text("[")
    (tmp_path / "bundle.json").write_text("{}")
    assert _places(tmp_path) == ["bundle.json", "$.pluginId", "$.version", "capabilities.json"]


def test_a_link_is_refused_so_that_no_other_file_of_the_machine_is_published(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("key")
    write_plugin(tmp_path / "plugin")
    (tmp_path / "plugin" / "data.txt").symlink_to(tmp_path / "secret")
    (tmp_path / "plugin" / "linked").symlink_to(tmp_path)
    check = check_folder(tmp_path / "plugin")
    assert [problem.path for problem in check.problems] == ["data.txt", "linked"]
    assert b"key" not in check.files.values()


def test_a_pipe_is_refused_and_not_read(tmp_path: Path) -> None:
    write_plugin(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    assert _places(tmp_path) == ["pipe"]


def test_a_name_that_no_bundle_may_hold_is_refused(tmp_path: Path) -> None:
    write_plugin(tmp_path)
    (tmp_path / "a:b.txt").write_text("")
    assert _places(tmp_path) == ["'a:b.txt'"]


def test_too_large_a_plugin_is_refused_unread(tmp_path: Path) -> None:
    write_plugin(tmp_path)
    with (tmp_path / "model.bin").open("wb") as stream:
        stream.truncate(bundle.MAX_BUNDLE_BYTES + 1)
    assert _places(tmp_path) == ["model.bin"]


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    write_plugin(tmp_path)
    for number in range(bundle.MAX_FILES):
        (tmp_path / f"f{number}.txt").touch()
    assert f"holds more than {bundle.MAX_FILES} files" in [problem.rule for problem in check_folder(tmp_path).problems]


def test_a_file_that_this_python_cannot_read_is_noted_with_its_line(tmp_path: Path) -> None:
    write_plugin(tmp_path)
    (tmp_path / "plugin.py").write_text("x = 1\ndef broken(:\n")
    check = check_folder(tmp_path)
    assert check.problems == []
    assert [note.split(":")[0] for note in check.notes] == ["plugin.py, line 2"]


@pytest.mark.parametrize("text", ["", "\n# nothing\n  \n"])
def test_requirements_that_name_nothing_are_fine(tmp_path: Path, text: str) -> None:
    write_plugin(tmp_path)
    (tmp_path / "requirements.txt").write_text(text)
    assert build_folder(tmp_path).manifest.version == "2.1.0"


def test_requirements_need_a_resolver_whose_wheels_go_into_the_bundle(tmp_path: Path) -> None:
    write_plugin(tmp_path)
    (tmp_path / "requirements.txt").write_text("attrs==25.1.0\n")
    with pytest.raises(SandboxError) as caught:
        build_folder(tmp_path)
    assert caught.value.code == Code.REQUIREMENTS_UNRESOLVED
    built = build_folder(tmp_path, resolve=lambda text: {"wheels/attrs.whl": text.encode()})
    assert read_bundle(built.bundle)["wheels/attrs.whl"] == b"attrs==25.1.0\n"


@pytest.mark.parametrize(("name", "content"), [
    ("fast.cpython-314-wasm32-emscripten.so", b"any"), ("lib/libfast.so.1", b"any"), ("fast.pyd", b"any"),
    ("data.bin", b"\0asm\1\0\0\0"), ("tool", b"\x7fELF"),
])  # fmt: skip
def test_compiled_code_in_the_folder_is_refused_by_name_and_by_content(
        tmp_path: Path, name: str, content: bytes) -> None:
    path = write_plugin(tmp_path) / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    [problem] = check_folder(tmp_path).problems
    assert (problem.path, problem.rule) == (name, "is compiled code, which no plugin can load")
    path.write_bytes(b"")
    path.rename(tmp_path / "data.txt")
    assert check_folder(tmp_path).problems == []


def test_a_wheel_in_the_folder_is_judged_as_one_that_was_resolved(tmp_path: Path) -> None:
    wheel = write_plugin(tmp_path) / "wheels" / "demo-1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    wheel.write_bytes(make_wheel({"demo.py": b"1"}))
    assert check_folder(tmp_path).problems == []
    wheel.write_bytes(make_wheel({"json.py": b"1"}))
    assert [problem.path for problem in check_folder(tmp_path).problems] == [f"wheels/{wheel.name}"]


def test_a_bad_folder_is_not_built_and_the_error_lists_its_problems(tmp_path: Path) -> None:
    write_plugin(tmp_path)
    (tmp_path / "plugin.py").unlink()
    with pytest.raises(SandboxError) as caught:
        build_folder(tmp_path)
    assert caught.value.code == Code.BUNDLE_INVALID
    assert [problem.path for problem in caught.value.details] == ["$.manifest.entry"]


def test_a_bad_manifest_is_not_built(tmp_path: Path) -> None:
    with pytest.raises(SandboxError) as caught:
        build_folder(tmp_path)
    assert caught.value.code == Code.MANIFEST_INVALID


def test_capabilities_are_an_object(tmp_path: Path) -> None:
    path = tmp_path / "capabilities.json"
    path.write_text('{"webchat:session:read": {"tier": "gold"}}')
    assert read_capabilities(path) == {"webchat:session:read": {"tier": "gold"}}
    path.write_text("[]")
    with pytest.raises(SandboxError, match="must hold an object"):
        read_capabilities(path)


def test_the_fingerprint_changes_with_a_bundled_file_alone(tmp_path: Path) -> None:
    write_plugin(tmp_path)
    before = fingerprint(tmp_path)
    (tmp_path / "test_plugin.py").write_text("")
    assert fingerprint(tmp_path) == before
    (tmp_path / "plugin.py").write_text(SOURCE + "\n")
    assert fingerprint(tmp_path) != before


def test_the_walk_is_bounded_in_a_folder_that_never_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "MAX_FILES", 3)
    for number in range(50):
        deeper = tmp_path / f"d{number}"
        deeper.mkdir()
        (deeper / "f.txt").touch()
    assert len(fingerprint(tmp_path)) == 4
