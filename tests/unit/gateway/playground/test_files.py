"""Files are read and written by name inside one folder; what leads out of it does not exist."""

from __future__ import annotations

from pathlib import Path

import pytest

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.playground.files import MAX_BYTES, PluginFiles, version

HOSTILE = [
    "../secret.py", "sub/../../secret.py", "/etc/hosts.txt", "./plugin.py", "sub//deep.py", "link.py", "away/secret.py",
    ".hidden.py", ".git/config.txt", "sub\\..\\plugin.py", "plugin.py\0.txt", "C:plugin.py", "", ".", "..",
    "__pycache__/plugin.py", "plugin.so", "nowhere/new.py", "plugin.py/x.py"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "plugin"
    (folder / "sub").mkdir(parents=True)
    (folder / ".git").mkdir()
    (folder / "__pycache__").mkdir()
    (tmp_path / "secret.py").write_text("secret")
    for name in ("plugin.py", "sub/deep.py", ".hidden.py", ".git/config.txt", "__pycache__/plugin.py", "plugin.so"):
        (folder / name).write_text("inside")
    (folder / "link.py").symlink_to(tmp_path / "secret.py")
    (folder / "away").symlink_to(tmp_path)
    return folder


def _code(call: object, *args: object, **more: object) -> Code:
    with pytest.raises(SandboxError) as caught:
        call(*args, **more)  # type: ignore[operator]  # pyright: ignore[reportCallIssue]
    return caught.value.code


def test_only_the_folders_own_text_files_are_listed(root: Path) -> None:
    assert PluginFiles(root).names() == ["plugin.py", "sub/deep.py"]


@pytest.mark.parametrize("name", HOSTILE)
def test_attack_a_name_that_leads_elsewhere_is_not_there(root: Path, name: str) -> None:
    files = PluginFiles(root)
    assert _code(files.read, name) == Code.NOT_FOUND
    for before in (None, version("secret"), version("inside")):
        assert _code(files.write, name, "pwned", before=before) == Code.NOT_FOUND
    assert all(path.read_text() in ("secret", "inside") for path in root.parent.rglob("*.*") if path.is_file())


@pytest.mark.parametrize("name", ["../secret.py", "sub/../../secret.py", "link.py", "away/secret.py"])
def test_control_joined_to_the_folder_these_names_read_the_secret(root: Path, name: str) -> None:
    files = PluginFiles(root)
    files._path = lambda asked: root / asked  # type: ignore[method-assign]
    assert files.read(name) == "secret"


def test_what_is_saved_is_there_whole_and_keeps_its_mode(root: Path) -> None:
    files = PluginFiles(root)
    (root / "plugin.py").chmod(0o600)
    saved = files.write("plugin.py", "naïve\n", before=version("inside"))
    assert (files.read("plugin.py"), saved) == ("naïve\n", version("naïve\n"))
    assert (root / "plugin.py").stat().st_mode & 0o777 == 0o600
    files.write("sub/new.json", "{}", before=None)
    assert sorted(path.name for path in (root / "sub").iterdir()) == ["deep.py", "new.json"]


def test_what_the_writer_has_not_seen_is_not_overwritten(root: Path) -> None:
    files = PluginFiles(root)
    assert _code(files.write, "plugin.py", "mine", before=version("older")) == Code.INPUT_INVALID
    assert _code(files.write, "plugin.py", "mine", before=None) == Code.INPUT_INVALID
    assert _code(files.write, "gone.py", "mine", before=version("it was")) == Code.INPUT_INVALID
    assert files.read("plugin.py") == "inside"


def test_what_is_too_large_or_no_text_is_refused(root: Path) -> None:
    files = PluginFiles(root)
    assert _code(files.write, "plugin.py", "x" * (MAX_BYTES + 1), before=version("inside")) == Code.MESSAGE_LIMIT
    (root / "big.txt").write_bytes(b"x" * (MAX_BYTES + 1))
    (root / "bytes.txt").write_bytes(b"\xff")
    assert _code(files.read, "big.txt") == Code.MESSAGE_LIMIT
    assert _code(files.read, "bytes.txt") == Code.INPUT_INVALID


def test_marks_change_with_a_file(root: Path) -> None:
    files = PluginFiles(root)
    before = files.marks()
    assert files.marks() == before
    (root / "sub" / "deep.py").write_text("changed, longer")
    assert files.marks() != before
