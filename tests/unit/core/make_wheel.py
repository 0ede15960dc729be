"""A wheel made by hand: honest, or with one lie."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Mapping


def make_wheel(
        files: Mapping[str, bytes], *, name: str = "demo", swapped: Mapping[str, bytes] | None = None,
        unrecorded: Mapping[str, bytes] | None = None, record: bytes | None = None) -> bytes:
    """``files`` with their RECORD; ``swapped`` and ``unrecorded`` go in behind its back, ``record`` replaces it."""
    rows = "".join(f"{file},sha256={_digest(content)},{len(content)}\n" for file, content in files.items())
    table = record if record is not None else f"{rows}{name}-1.0.dist-info/RECORD,,\n".encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for file, content in {**files, **(swapped or {}), **(unrecorded or {})}.items():
            archive.writestr(file, content)
        archive.writestr(f"{name}-1.0.dist-info/RECORD", table)
    return out.getvalue()


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
