"""The key of the embedded vault: from the environment, or from the system's keyring. Never from a file beside it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import keyring
from cryptography.fernet import Fernet, MultiFernet
from keyring.errors import KeyringError

from pysandbox.core.errors import SandboxError
from pysandbox.gateway.vault.secret import unavailable

VARIABLE: Final = "PYSANDBOX_VAULT_KEY"
_SERVICE: Final = "pysandbox"


def new_key() -> str:
    """A fresh key, for `VARIABLE` or the keyring."""
    return Fernet.generate_key().decode()


def vault_key(file: Path, environment: Mapping[str, str] = os.environ, *, create: bool = True) -> MultiFernet:
    """The key of the vault in ``file``.

    `VARIABLE` may hold several, separated by commas: the first encrypts, all decrypt, so that a key can be replaced.
    Without it the keyring is asked, and given a fresh key if it has none, unless there is a vault already.
    Raises `SandboxError` ``CREDENTIALS_UNAVAILABLE`` with the cure.
    """
    given = environment.get(VARIABLE)
    if given is not None:
        return _cipher([part.strip() for part in given.split(",")])
    name = f"vault-{hashlib.sha256(str(file.resolve()).encode()).hexdigest()[:16]}"
    try:
        kept = keyring.get_password(_SERVICE, name)
        if kept is None and create and not file.exists():
            kept = new_key()
            keyring.set_password(_SERVICE, name, kept)
    except KeyringError as error:
        raise _no_key(f"the keyring cannot be used ({type(error).__name__})") from None
    if kept is None:
        raise _no_key("the keyring has no key for this vault")
    return _cipher([kept])


def _cipher(keys: list[str]) -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError:  # its message would quote the key's shape
        raise _no_key(f"{VARIABLE} holds no key") from None


def _no_key(why: str) -> SandboxError:
    return unavailable(
        f"the embedded vault has no key: {why}. Set {VARIABLE} to what `pysandbox vault key` prints")
