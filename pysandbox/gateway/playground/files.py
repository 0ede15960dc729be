"""The text files of one folder, read and written by name, and nothing beside them.

A name is plain parts joined by ``/``; no part is hidden, no part is a link. Must not know: HTTP, plugins.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Final

from pysandbox.core.errors import Code, SandboxError

MAX_BYTES: Final = 512 * 1024
MAX_FILES: Final = 2000
SUFFIXES: Final = frozenset({".py", ".json", ".txt", ".md", ".toml"})
_LEFT_OUT: Final = frozenset({"__pycache__", "node_modules"})

Marks = tuple[tuple[str, int, int], ...]


class PluginFiles:
    """The files under ``root``."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def names(self) -> list[str]:
        """Every file that can be edited, sorted."""
        return [name for name, size, _ in self.marks() if Path(name).suffix in SUFFIXES and size <= MAX_BYTES]

    def marks(self) -> Marks:
        """Changes when a file does, without reading any: name, size and modification time."""
        found: list[tuple[str, int, int]] = []
        for folder, below, names in os.walk(self._root):  # follows no links
            below[:] = sorted(name for name in below if name not in _LEFT_OUT and not name.startswith("."))
            for name in names:
                path = Path(folder, name)
                if name.startswith(".") or path.is_symlink():
                    continue
                if len(found) >= MAX_FILES:  # what is so large is no plugin, and is looked at several times a second
                    return tuple(sorted(found))
                try:
                    status = path.stat()
                except FileNotFoundError:  # gone meanwhile: the next look sees it gone
                    continue
                found.append((path.relative_to(self._root).as_posix(), status.st_size, status.st_mtime_ns))
        return tuple(sorted(found))

    def read(self, name: str) -> str:
        """The text of a file. Raises `SandboxError` ``NOT_FOUND``, or ``INPUT_INVALID`` for what is no text."""
        path = self._path(name)
        if not path.is_file():
            raise SandboxError(Code.NOT_FOUND, f"there is no file {name} in the plugin's folder")
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise SandboxError(Code.MESSAGE_LIMIT, f"{name} is larger than {MAX_BYTES} bytes")
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise SandboxError(Code.INPUT_INVALID, f"{name} is not UTF-8") from error

    def write(self, name: str, text: str, *, before: str | None) -> str:
        """Put ``text`` in place at once, whole. ``before``: the `version` that the writer saw; None: no file was there.

        Returns the new version. Raises ``NOT_FOUND`` for a name that is none of ours, ``INPUT_INVALID`` when the file
        is not what the writer saw.
        """
        path = self._path(name)
        seen = version(self.read(name)) if path.exists() else None
        if seen != before:
            raise SandboxError(
                Code.INPUT_INVALID, f"{name} was changed on disk since it was opened here: nothing was saved")
        data = text.encode()
        if len(data) > MAX_BYTES:
            raise SandboxError(Code.MESSAGE_LIMIT, f"{name} would be larger than {MAX_BYTES} bytes")
        handle, fresh = tempfile.mkstemp(prefix=".pysandbox-", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
            Path(fresh).chmod(path.stat().st_mode & 0o777 if seen is not None else 0o644)
            Path(fresh).replace(path)
        except BaseException:
            Path(fresh).unlink(missing_ok=True)
            raise
        return version(text)

    def _path(self, name: str) -> Path:
        """Raises `SandboxError` ``NOT_FOUND`` for a name that leads elsewhere, is hidden, or has another suffix."""
        parts = name.split("/")
        plain = all(part and not part.startswith(".") and part not in _LEFT_OUT for part in parts)
        path = self._root.joinpath(*parts) if plain and not {"\\", "\0", ":"} & set(name) else self._root
        # Resolved, it must be itself: no part of the way is a link, wherever that would lead.
        if path.suffix not in SUFFIXES or path.resolve() != path or not path.is_relative_to(self._root):
            raise SandboxError(Code.NOT_FOUND, "this is no text file of the plugin's folder")
        if not path.parent.is_dir():
            raise SandboxError(Code.NOT_FOUND, "the plugin's folder has no such folder")
        return path


def version(text: str) -> str:
    """What names this content."""
    return hashlib.sha256(text.encode()).hexdigest()
