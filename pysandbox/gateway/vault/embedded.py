"""``embedded://``: secrets in one encrypted file (Fernet: AES-128-CBC and HMAC-SHA-256, encrypted whole).

The file is read again when it has changed, so that a secret is rotated without a restart, from any process.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Final, cast

from cryptography.fernet import InvalidToken, MultiFernet

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.vault.secret import Secret, SecretRef, parse_secret, unavailable

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

Documents = dict[str, object]
_MAX_BYTES: Final = 8 * 1024 * 1024


class EmbeddedVault:
    """``file`` need not exist yet. ``key()`` is asked when first needed: a vault that nobody uses needs none."""

    def __init__(self, file: Path, key: Callable[[], MultiFernet]) -> None:
        self._file = file
        self._find_key = key
        self._key: MultiFernet | None = None
        self._writing = asyncio.Lock()

    async def read(self, ref: SecretRef) -> Secret:
        found = (await asyncio.to_thread(self._load)).get(ref.path)
        if found is None:
            raise unavailable("the embedded vault has no secret of the route's secretRef")
        return parse_secret(found)

    async def list(self) -> dict[str, Secret]:
        """Every secret by name."""
        return {name: parse_secret(kept) for name, kept in (await asyncio.to_thread(self._load)).items()}

    async def put(self, name: str, document: Mapping[str, object]) -> None:
        """Keep ``document`` as ``name``. Raises `SandboxError` as `parse_secret` and `SecretRef.parse` do."""
        SecretRef.parse(f"embedded://{name}")
        parse_secret(document)
        async with self._writing:
            await asyncio.to_thread(self._change, lambda kept: kept.__setitem__(name, dict(document)))

    async def delete(self, name: str) -> None:
        """Forget ``name``, if it is there."""
        async with self._writing:
            await asyncio.to_thread(self._change, lambda kept: kept.pop(name, None))

    def _cipher(self) -> MultiFernet:
        if self._key is None:
            self._key = self._find_key()
        return self._key

    def _load(self) -> Documents:
        try:
            sealed = self._file.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise unavailable(f"the embedded vault cannot be read: {error.strerror}") from None
        try:
            return cast(Documents, json.loads(self._cipher().decrypt(sealed)))
        except InvalidToken:
            raise unavailable("the embedded vault was changed by someone, or its key is another") from None

    def _change(self, change: Callable[[Documents], object]) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _alone(self._file.with_suffix(".lock")):
            kept = self._load()
            change(kept)
            plain = json.dumps(kept).encode()
            if len(plain) > _MAX_BYTES:
                raise SandboxError(Code.MESSAGE_LIMIT, f"the embedded vault holds {_MAX_BYTES} bytes at most")
            self._write(self._cipher().encrypt(plain))

    def _write(self, sealed: bytes) -> None:
        """All or nothing: whoever reads meanwhile sees the old file or the new one."""
        draft = self._file.with_suffix(".new")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(sealed)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._file)


@contextlib.contextmanager
def _alone(path: Path) -> Generator[None]:
    """Held by one process at a time, where the system has such locks (Windows: the vault has one writer)."""
    with path.open("ab") as file:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
