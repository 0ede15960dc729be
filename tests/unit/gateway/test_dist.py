"""Only what the integrity file lists is served, and only as it lists it."""

from __future__ import annotations

import gzip
import html
import json
from pathlib import Path

import pytest

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.dist import load_dist, media_type
from tests.unit.gateway.fake_dist import BUILD, FILES, write_dist


def test_a_file_is_there_in_every_variant(tmp_path: Path) -> None:
    found = load_dist(write_dist(tmp_path)).asset("host_worker.js")
    assert found is not None
    assert [variant.encoding for variant in found.variants] == ["", "br", "gzip"]
    assert found.variants[0].body == FILES["host_worker.js"]
    assert len({variant.etag for variant in found.variants}) == 3


@pytest.mark.parametrize("name", ["secret.txt", "integrity.json", "host_worker.js.gz", "../x", "", "."])
def test_a_name_that_is_not_listed_does_not_exist(tmp_path: Path, name: str) -> None:
    assert load_dist(write_dist(tmp_path)).asset(name) is None


def test_a_changed_file_is_not_served(tmp_path: Path) -> None:
    dist = load_dist(write_dist(tmp_path))
    (tmp_path / "snapshot.bin").write_bytes(b"evil")
    with pytest.raises(SandboxError) as caught:
        dist.asset("snapshot.bin")
    assert caught.value.code == Code.ASSET_TAMPERED


def test_a_lost_file_says_what_to_run(tmp_path: Path) -> None:
    dist = load_dist(write_dist(tmp_path))
    (tmp_path / "snapshot.bin").unlink()
    with pytest.raises(SandboxError, match="runtime build"):
        dist.asset("snapshot.bin")


def test_a_bundle_that_was_never_built_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="pysandbox runtime build") as caught:
        load_dist(tmp_path)
    assert caught.value.code == Code.RUNTIME_MISSING


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"build":"x"}', '{"build":"x","files":[],"csp":{}}'])
def test_a_broken_integrity_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "integrity.json").write_text(text)
    with pytest.raises(SandboxError) as caught:
        load_dist(tmp_path)
    assert caught.value.code == Code.RUNTIME_MISSING


def test_a_documents_configuration_is_escaped_into_it(tmp_path: Path) -> None:
    config = {"build": BUILD, "apiOrigin": '"><script>'}
    body = load_dist(write_dist(tmp_path)).document("host.html", config).variants[0].body.decode()
    content = body.split('content="')[1].split('"')[0]
    assert json.loads(html.unescape(content)) == config
    assert body.count("<script>") == 1


def test_a_document_has_a_gzip_variant_of_its_own(tmp_path: Path) -> None:
    plain, packed = load_dist(write_dist(tmp_path)).document("host.html", {}).variants
    assert gzip.decompress(packed.body) == plain.body


def test_a_document_without_its_placeholder_is_refused(tmp_path: Path) -> None:
    dist = load_dist(write_dist(tmp_path))
    with pytest.raises(SandboxError, match="no place"):
        dist.document("host_worker.js", {})


def test_a_bundle_without_one_of_its_documents_is_refused(tmp_path: Path) -> None:
    dist = load_dist(write_dist(tmp_path))
    with pytest.raises(SandboxError, match=r"cell\.htm is not in it"):
        dist.document("cell.htm", {})


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.js", "text/javascript; charset=utf-8"), ("a.wasm", "application/wasm"), ("a.zip", "application/octet-stream"),
     ("a.html", "text/html; charset=utf-8"), ("a", "application/octet-stream")])
def test_the_media_type_follows_the_suffix(name: str, kind: str) -> None:
    assert media_type(name) == kind
