"""What is sent to the registry is judged whole, before anything is stored."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from pysandbox.core.bundle import build_bundle
from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.errors import STATUS
from pysandbox.gateway.submission import identity, judge
from tests.unit.gateway.fake_plugin import MANIFEST
from tests.unit.gateway.registered import sent


def refused(body: dict[str, Any]) -> SandboxError:
    with pytest.raises(SandboxError) as error:
        judge(body)
    return error.value


def bundled(files: dict[str, bytes]) -> str:
    return base64.b64encode(build_bundle(files)).decode()


def test_a_good_one_has_the_identity_of_its_manifest_and_bundle() -> None:
    judged = judge(sent())
    assert judged.manifest.key == "com.vendor.risk-scoring@2.1.0"
    assert judged.identity == identity(MANIFEST, judged.bundle_sha256)
    shuffled = json.loads(json.dumps(dict(reversed(MANIFEST.items())), indent=3))
    assert identity(shuffled, judged.bundle_sha256) == judged.identity
    assert identity({**MANIFEST, "version": "2.1.1"}, judged.bundle_sha256) != judged.identity
    assert identity(MANIFEST, "0" * 64) != judged.identity


def test_every_fault_of_the_shape_is_told_at_once() -> None:
    error = refused({"bundle": 7, "signature": "x", "more": 1})
    assert error.code is Code.INPUT_INVALID
    assert {problem.path for problem in error.details} == {"$.manifest", "$.more", "$.bundle", "$.signature"}


def test_every_fault_of_the_manifest_is_told_at_once() -> None:
    manifest: dict[str, Any] = json.loads(json.dumps(MANIFEST))
    manifest["version"] = "new"
    manifest["manifest"]["csp"] = "script-src 'unsafe-eval'"
    error = refused(sent() | {"manifest": manifest})
    assert error.code is Code.MANIFEST_INVALID
    assert {problem.path for problem in error.details} >= {"$.version", "$.manifest.csp"}


@pytest.mark.parametrize(("bundle", "code"), [
    ("no base64!", Code.INPUT_INVALID),
    (base64.b64encode(b"no zip").decode(), Code.BUNDLE_INVALID),
    (bundled({"plugin.py": b""}), Code.BUNDLE_INVALID),
    (bundled({"plugin.py": b"", "manifest.json": b"{"}), Code.BUNDLE_INVALID),
    (bundled({"other.py": b"", "manifest.json": json.dumps(MANIFEST).encode()}), Code.MANIFEST_INVALID),
])  # fmt: skip
def test_a_bundle_that_is_none_is_refused(bundle: str, code: Code) -> None:
    assert refused(sent(bundle=bundle)).code is code


def test_another_manifest_inside_the_bundle_than_the_one_that_was_shown_is_refused() -> None:
    assert refused(sent("2.1.0") | {"bundle": sent("2.2.0")["bundle"]}).code is Code.BUNDLE_TAMPERED


def test_one_flipped_byte_is_refused() -> None:
    bundle = bytearray(base64.b64decode(sent()["bundle"]))
    bundle[60] ^= 1
    assert refused(sent(bundle=base64.b64encode(bytes(bundle)).decode())).code in (
        Code.BUNDLE_INVALID, Code.BUNDLE_TAMPERED)


@pytest.mark.parametrize(
    "code", [Code.INPUT_INVALID, Code.MANIFEST_INVALID, Code.BUNDLE_INVALID, Code.BUNDLE_TAMPERED])
def test_what_is_wrong_with_a_submission_is_its_senders_fault(code: Code) -> None:
    assert 400 <= STATUS[code] < 500
