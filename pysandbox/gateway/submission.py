"""What is sent to the registry: a manifest and its bundle, judged whole before anything is stored.

Pure: a JSON value in, a `Submission` or every problem out. The identity of a version is the SHA-256 over its manifest
and its bundle's hash: what a publisher signs and what an administrator consents to.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

from pysandbox.core.bundle import MAX_BUNDLE_BYTES, read_bundle
from pysandbox.core.errors import Code, ManifestError, Problem, SandboxError
from pysandbox.core.limits import default
from pysandbox.core.manifest import Manifest, parse_manifest
from pysandbox.core.strict_json import loads
from pysandbox.gateway.folder import MANIFEST_NAME

MAX_BODY_BYTES: Final = MAX_BUNDLE_BYTES * 4 // 3 + default("manifestBytes") + 4096
_REQUIRED: Final = ("manifest", "bundle")
_OPTIONAL: Final = ("publisher", "signature")
_DOMAIN: Final = b"pysandbox plugin 1"  # a signature over this is none over anything else


@dataclass(frozen=True, slots=True)
class Submission:
    """A version that keeps every rule. ``signature`` is not yet checked: that needs the publisher's key."""

    manifest: Manifest
    bundle: bytes
    bundle_sha256: str
    identity: str
    publisher: str = ""
    signature: bytes = b""


def identity(manifest: object, bundle_sha256: str) -> str:
    """In hex. ``manifest``: the JSON value of manifest.json; spaces and the order of keys make no difference."""
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    digest = hashlib.sha256(_DOMAIN)
    for part in (text.encode(errors="surrogatepass"), bytes.fromhex(bundle_sha256)):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def judge(body: Mapping[str, object]) -> Submission:
    """Raises `ManifestError` or `SandboxError` (``INPUT_INVALID``, ``BUNDLE_INVALID``, ``BUNDLE_TAMPERED``)."""
    _check_shape(body)
    manifest = parse_manifest(body["manifest"])
    bundle = _bytes(body, "bundle")
    files = read_bundle(bundle)
    _check_files(manifest, files)
    digest = hashlib.sha256(bundle).hexdigest()
    return Submission(
        manifest, bundle, digest, identity(manifest.raw, digest), str(body.get("publisher", "")),
        _bytes(body, "signature") if "signature" in body else b"")


def _check_shape(body: Mapping[str, object]) -> None:
    problems = [Problem(f"$.{name}", "is missing", f"send {name} too") for name in _REQUIRED if name not in body]
    problems += [
        Problem(f"$.{name[:80]}", "is no key of this body", f"send {', '.join((*_REQUIRED, *_OPTIONAL))} alone")
        for name in sorted(body.keys() - {*_REQUIRED, *_OPTIONAL})]
    problems += [
        Problem(f"$.{name}", "must be a string", "send text, bytes as base64")
        for name in ("bundle", *_OPTIONAL) if name in body and not isinstance(body[name], str)]
    if ("signature" in body) != ("publisher" in body):
        problems.append(Problem(
            "$.signature", "a signature and the name of its publisher go together", "send both or neither"))
    if problems:
        raise SandboxError(Code.INPUT_INVALID, "the body is no plugin version", details=problems)


def _bytes(body: Mapping[str, object], name: str) -> bytes:
    try:
        return base64.b64decode(cast(str, body[name]), validate=True)
    except (binascii.Error, ValueError) as error:
        raise SandboxError(Code.INPUT_INVALID, f"{name} is no base64", details=[
            Problem(f"$.{name}", "is no base64", "encode it with the standard alphabet and padding")]) from error


def _check_files(manifest: Manifest, files: Mapping[str, bytes]) -> None:
    """The manifest that is shown to an administrator must be the one that the worker gets."""
    inside = files.get(MANIFEST_NAME)
    if inside is None:
        raise SandboxError(Code.BUNDLE_INVALID, f"the bundle has no {MANIFEST_NAME}")
    try:
        same = loads(inside.decode(), max_chars=default("manifestBytes")) == manifest.raw
    except (UnicodeDecodeError, SandboxError) as error:
        raise SandboxError(Code.BUNDLE_INVALID, f"the bundle's {MANIFEST_NAME} is no JSON") from error
    if not same:
        raise SandboxError(Code.BUNDLE_TAMPERED, f"the bundle's {MANIFEST_NAME} is not the manifest that was sent")
    path = manifest.entry.replace(".", "/")
    if not {f"{path}.py", f"{path}/__init__.py"} & files.keys():
        raise ManifestError([Problem(
            "$.manifest.entry", f"the bundle has neither {path}.py nor {path}/__init__.py",
            "Name the module that holds the handlers.")])
