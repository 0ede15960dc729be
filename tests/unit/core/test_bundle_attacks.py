"""Attacks of the list that a bundle's checks stand against: with its check taken away, each succeeds."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from pysandbox.core import bundle
from pysandbox.core.bundle import INDEX_NAME, build_bundle, read_bundle
from pysandbox.core.errors import Code, SandboxError
from pysandbox.plugin.loader import unpack

SOURCE = b"answer = 42\n"


def archive(*entries: tuple[str, bytes], index: bytes = b"") -> bytes:
    """A zip of these entries, as an attacker's own tool would make it; by default with an index that agrees."""
    files = {name: sha256(content).hexdigest() for name, content in entries}
    index = index or json.dumps({"format": bundle.FORMAT, "files": files}).encode()
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        for name, content in (*entries, (INDEX_NAME, index)):
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.external_attr = 0o100644 << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            made.writestr(info, content)
    return stream.getvalue()


def code_of(call: Callable[[], object]) -> Code | None:
    try:
        call()
    except SandboxError as error:
        return error.code
    return None


def nothing(*_args: object) -> None:
    """In place of a check."""


@pytest.mark.parametrize("name", ["../outside.py", "a/../../outside.py"])
def test_attack_54_a_name_climbs_out_of_the_plugins_folder(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    climbing, folder = archive((name, SOURCE)), tmp_path / "plugin"
    (folder / "a").mkdir(parents=True)
    assert code_of(lambda: read_bundle(climbing)) is Code.BUNDLE_INVALID
    monkeypatch.setattr(bundle, "_check_names", nothing)
    unpack(read_bundle(climbing), folder)
    assert (tmp_path / "outside.py").read_bytes() == SOURCE, "the control"


def test_attack_49_a_few_bytes_unfold_to_very_many() -> None:
    bomb = archive(("zeros.bin", bytes(bundle.MAX_BUNDLE_BYTES + 1)))
    assert len(bomb) < bundle.MAX_BUNDLE_BYTES // 100
    assert code_of(lambda: read_bundle(bomb)) is Code.BUNDLE_INVALID
    unpacked = read_bundle(bomb, max_bytes=10 * bundle.MAX_BUNDLE_BYTES)
    assert len(unpacked["zeros.bin"]) > bundle.MAX_BUNDLE_BYTES, "the control: a higher bound"


def test_attack_53_a_changed_file_under_its_old_index(monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(io.BytesIO(build_bundle({"plugin.py": SOURCE}))) as honest:
        changed = archive(("plugin.py", b"answer = 13\n"), index=honest.read(INDEX_NAME))
    assert code_of(lambda: read_bundle(changed)) is Code.BUNDLE_TAMPERED
    monkeypatch.setattr(bundle, "_verify", nothing)
    assert read_bundle(changed)["plugin.py"] == b"answer = 13\n", "the control"
