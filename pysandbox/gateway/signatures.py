"""Publishers' signatures: Ed25519 (RFC 8032) over the 32 bytes of a version's identity."""

from __future__ import annotations

import re
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from pysandbox.core.errors import Code, Problem, SandboxError

_KEY: Final = re.compile(r"[0-9a-f]{64}")
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")


def check_publisher(name: object, public_key: object) -> tuple[str, str]:
    """Both, if they are a name and a key. Raises `SandboxError` ``INPUT_INVALID`` with every problem."""
    problems: list[Problem] = []
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        problems.append(Problem("$.name", "is no name of a publisher", "use a-z, 0-9, dot, dash, underscore"))
    if not isinstance(public_key, str) or _KEY.fullmatch(public_key) is None or not _is_key(public_key):
        problems.append(Problem("$.publicKey", "is no Ed25519 public key", "send its 32 bytes in hexadecimal"))
    if problems:
        raise SandboxError(Code.INPUT_INVALID, "the body is no publisher", details=problems)
    return str(name), str(public_key)


def verify(public_key: str, signature: bytes, identity: str) -> None:
    """Raises `SandboxError` ``SIGNATURE_INVALID`` unless ``signature`` is the key's own over ``identity`` (hex)."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key)).verify(signature, bytes.fromhex(identity))
    except (InvalidSignature, ValueError) as error:
        raise SandboxError(Code.SIGNATURE_INVALID) from error


def _is_key(public_key: str) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
    except ValueError:
        return False
    return True
