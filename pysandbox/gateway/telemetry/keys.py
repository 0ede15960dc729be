"""Keys of telemetry's hashes: they join within a tenant, for a month, and nowhere else.

All come from one key of the deployment (HMAC-SHA-256 as the key derivation, RFC 5869's expand step with one block): a
session's, which its browser is given; a tenant's of each month, which never leaves the gateway. Must not know: HTTP.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import re
import secrets
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

from pysandbox.core.errors import Code, Problem, SandboxError
from pysandbox.core.telemetry.redact import keyed_hash

VARIABLE: Final = "PYSANDBOX_TELEMETRY_KEY"
EPOCH_MS: Final = 30 * 24 * 3600 * 1000
"""How long a tenant's key is used: as long as raw records are kept, so at most two say who somebody is."""
_MOST_DERIVED: Final = 1000
_KEY: Final = re.compile(r"[0-9a-f]{64}")


class TelemetryKeys:
    """``main``: 32 bytes, the same at every replica."""

    def __init__(self, main: bytes) -> None:
        self._main = main
        self._of_tenant = lru_cache(_MOST_DERIVED)(self._of_month)  # asked for twice by every record

    def of_session(self, tenant: str, session_id: str) -> bytes:
        """What a browser hashes with: another one for each session."""
        return self._derived("session", tenant, session_id)

    def subject(self, tenant: str, subject: str, at_ms: int) -> str:
        """The user's name in records of that time."""
        return keyed_hash(self._of_tenant(tenant, at_ms // EPOCH_MS), f"subject\n{subject}")

    def subjects(self, tenant: str, subject: str, at_ms: int, back_ms: int) -> list[str]:
        """Every name that the user had from ``back_ms`` ago until ``at_ms``."""
        first, last = (at_ms - back_ms) // EPOCH_MS, at_ms // EPOCH_MS
        return [self.subject(tenant, subject, epoch * EPOCH_MS) for epoch in range(first, last + 1)]

    def rekeyed(self, tenant: str, hashed: str, at_ms: int) -> str:
        """A browser's hash under a key that no browser has."""
        return keyed_hash(self._of_tenant(tenant, at_ms // EPOCH_MS), hashed)

    def _of_month(self, tenant: str, epoch: int) -> bytes:
        return self._derived("tenant", tenant, str(epoch))

    def _derived(self, *parts: str) -> bytes:
        told = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)
        return hmac.digest(self._main, told, "sha256")


def telemetry_key(data_dir: Path, environment: Mapping[str, str] = os.environ) -> bytes:
    """The deployment's key: from `VARIABLE`, or from a file in the data folder, which is made at the first start.

    Raises `SandboxError` ``INPUT_INVALID`` for a variable that is no key.
    """
    given = environment.get(VARIABLE)
    if given is not None:
        return _read(given, VARIABLE)
    file = data_dir / "telemetry.key"
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with contextlib.suppress(FileExistsError):  # made before, by us or by another process at this moment
            made = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            os.write(made, secrets.token_hex(32).encode())
            os.close(made)
    except OSError as error:
        raise SandboxError(
            Code.INPUT_INVALID, f"{file} cannot be made ({error.strerror}); set {VARIABLE} to 64 random hex digits",
        ) from error
    return _read(file.read_text("ascii").strip(), str(file))


def _read(text: str, place: str) -> bytes:
    if _KEY.fullmatch(text) is None:
        raise SandboxError(Code.INPUT_INVALID, "the telemetry key is not usable", details=[
            Problem(place, "is 64 hexadecimal digits", "put the output of `openssl rand -hex 32` there")])
    return bytes.fromhex(text)
