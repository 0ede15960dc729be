"""What `plugin add` sends: a bundle from a folder or a ZIP, its manifest, and the publisher's signature over both."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from pysandbox.cli import output
from pysandbox.core.errors import Code, SandboxError


def body_of(path: Path) -> dict[str, object]:
    """The body of a registration. Raises `SandboxError` for a folder or a ZIP that is no plugin."""
    from pysandbox.gateway.folder import build_folder  # noqa: PLC0415  # imported when it runs: --help stays fast

    if path.is_dir():
        built = build_folder(path, resolve=output.resolver())
        return _body(built.manifest.raw, built.bundle)
    return _read(path)


def bundle_of(body: dict[str, object]) -> tuple[bytes, str]:
    """The bundle in such a body, and its SHA-256 in hexadecimal."""
    bundle = base64.b64decode(str(body["bundle"]))
    return bundle, hashlib.sha256(bundle).hexdigest()


def sign(body: dict[str, object], publisher: str, key_file: Path) -> None:
    """Put in the signature by the Ed25519 private key of a PEM file. Raises `SandboxError` ``INPUT_INVALID``."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415  # as above
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    from pysandbox.gateway.submission import identity  # noqa: PLC0415

    try:
        key = load_pem_private_key(key_file.read_bytes(), None)
    except (OSError, ValueError, TypeError):  # what they say may quote the file
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise SandboxError(
            Code.INPUT_INVALID,
            f"{key_file} holds no Ed25519 private key without a password; make one: openssl genpkey -algorithm ed25519")
    whole = identity(body["manifest"], bundle_of(body)[1])
    body["publisher"] = publisher
    body["signature"] = base64.b64encode(key.sign(bytes.fromhex(whole))).decode()


def public_key(key_file: Path) -> str:
    """The Ed25519 public key of a PEM file, in hexadecimal. Raises `SandboxError` ``INPUT_INVALID``."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415  # as above
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415

    try:
        key = load_pem_public_key(key_file.read_bytes())
    except (OSError, ValueError):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise SandboxError(
            Code.INPUT_INVALID, f"{key_file} holds no Ed25519 public key; take it out of yours: openssl pkey -pubout")
    return key.public_bytes_raw().hex()


def _read(path: Path) -> dict[str, object]:
    from pysandbox.core.bundle import MAX_BUNDLE_BYTES, read_bundle  # noqa: PLC0415  # as above
    from pysandbox.core.limits import default  # noqa: PLC0415
    from pysandbox.core.strict_json import loads  # noqa: PLC0415
    from pysandbox.gateway.folder import MANIFEST_NAME  # noqa: PLC0415

    with path.open("rb") as stream:
        bundle = stream.read(MAX_BUNDLE_BYTES + 1)  # `read_bundle` refuses one that is longer
    manifest = read_bundle(bundle).get(MANIFEST_NAME)
    if manifest is None:
        raise SandboxError(Code.BUNDLE_INVALID, f"{path} has no {MANIFEST_NAME}; build it with `pysandbox build`")
    try:
        return _body(loads(manifest.decode(), max_chars=default("manifestBytes")), bundle)
    except (UnicodeDecodeError, SandboxError) as error:
        raise SandboxError(Code.BUNDLE_INVALID, f"the {MANIFEST_NAME} in {path} is no JSON") from error


def _body(manifest: object, bundle: bytes) -> dict[str, object]:
    return {"manifest": manifest, "bundle": base64.b64encode(bundle).decode()}
