"""The browser bundle is a function of its sources: nothing of the machine, the folder or the moment is in it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from pysandbox.runtime.build import build, digest_of_inputs
from pysandbox.runtime.tools import ROOT, cache_dir, deno_dir

pytestmark = pytest.mark.slow
SOURCES = ("pysandbox", "web", "worker", "deno.json", "deno.lock")
PROGRAM = "from pysandbox.runtime.build import build; build(force=True)"


@pytest.fixture(scope="module")
def two_builds(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two copies of the tree in folders of different names, both built, at the same time."""
    one = tmp_path_factory.mktemp("a") / "tree"
    other = tmp_path_factory.mktemp("another-name") / "deeper" / "down"
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, one / name, ignore=shutil.ignore_patterns("dist", "__pycache__", "pages"))
        else:
            shutil.copy(source, one / name)
    shutil.copytree(one, other)
    builds = [_start(tree) for tree in (one, other)]
    for process in builds:
        _, said = process.communicate(timeout=110)
        assert process.returncode == 0, said[-3000:]
    return one / "pysandbox/runtime/dist", other / "pysandbox/runtime/dist"


def _start(tree: Path) -> subprocess.Popen[str]:
    env = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1", "PYSANDBOX_CACHE": str(cache_dir()),
           "DENO_DIR": str(deno_dir())}  # fmt: skip
    return subprocess.Popen([sys.executable, "-c", PROGRAM], cwd=tree, env=env, stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE, text=True)  # fmt: skip


def test_two_builds_in_two_folders_are_equal_byte_for_byte(two_builds: tuple[Path, Path]) -> None:
    one, other = ({path.name: path.read_bytes() for path in dist.iterdir()} for dist in two_builds)
    assert {"snapshot.bin", "snapshot.bin.br", "integrity.json", "plugin_worker.js"} <= one.keys()
    assert one.keys() == other.keys()
    assert [name for name in sorted(one) if one[name] != other[name]] == []


def test_no_path_of_the_machine_is_in_it(two_builds: tuple[Path, Path]) -> None:
    marks = [str(two_builds[0].parents[2]).encode(), str(ROOT).encode(), str(Path.home()).encode() + b"/"]
    for path in two_builds[0].iterdir():
        if path.suffix not in {".br", ".gz"}:
            assert [mark for mark in marks if len(mark) > 6 and mark in path.read_bytes()] == [], path.name


def test_each_file_has_the_hash_that_the_record_names(two_builds: tuple[Path, Path]) -> None:
    record = json.loads((two_builds[0] / "integrity.json").read_text())
    assert {"host.html", "cell.html", "snapshot.bin"} <= record["files"].keys()
    for name, known in record["files"].items():
        data = (two_builds[0] / name).read_bytes()
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (known["sha256"], known["bytes"])


def test_the_library_is_byte_code_of_the_interpreter_and_of_no_moment(two_builds: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(two_builds[0] / "python_stdlib.zip") as archive:
        names = archive.namelist()
        assert {"argparse.pyc", "email/message.pyc"} <= set(names)
        assert not [name for name in names if not name.endswith(".pyc")]
        headers = {archive.read(name)[:8] for name in names}
    assert len(headers) == 1  # one magic number; flags say "by hash": the second word would hold a time otherwise
    assert headers.pop()[4:8] != bytes(4)


def test_what_the_snapshot_has_imported_is_not_sent_again(two_builds: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(two_builds[0] / "python_stdlib.zip") as archive:
        assert not {"json/__init__.pyc", "asyncio/__init__.pyc", "typing.pyc", "os.pyc"} & set(archive.namelist())


def test_nothing_is_done_twice(tmp_path: Path, two_builds: tuple[Path, Path]) -> None:
    dist = tmp_path / "dist"
    shutil.copytree(two_builds[0], dist)
    record = json.loads((dist / "integrity.json").read_text())
    (dist / "integrity.json").write_text(json.dumps({**record, "inputs": digest_of_inputs()}))
    said: list[str] = []
    assert build(said.append, dist=dist) == dist
    assert said == ["the browser bundle is up to date"]
