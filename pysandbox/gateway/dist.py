"""The browser bundle on disk, as `pysandbox runtime build` leaves it: what may be served, and as what.

Only names that ``integrity.json`` lists exist. Must not know: requests, headers.
"""

from __future__ import annotations

import gzip
import hashlib
import html
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, cast

from pysandbox.core.errors import Code, SandboxError

DEFAULT_DIST: Final = Path(__file__).parent.parent / "runtime" / "dist"
ENTRY_FILES: Final = ("pysandbox.js", "pysandbox.d.ts", "pysandbox-element.js", "pysandbox-element.d.ts")
DOCUMENTS: Final = ("host.html", "cell.html")
_PLACEHOLDER: Final = b"__PYSANDBOX_CONFIG__"
_SUFFIXES: Final = {"br": ".br", "gzip": ".gz"}
_TYPES: Final = {
    ".js": "text/javascript; charset=utf-8",
    ".ts": "text/typescript; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".wasm": "application/wasm",
    ".json": "application/json",
}


@dataclass(frozen=True, slots=True)
class Variant:
    """One representation of a resource: its bytes under one content coding, and their strong ETag."""

    body: bytes
    etag: str
    encoding: str = ""  # "" for identity


@dataclass(frozen=True, slots=True)
class Resource:
    """A file in every representation that is there; identity comes first and is always there."""

    media_type: str
    variants: tuple[Variant, ...]


@dataclass(slots=True)
class Dist:
    """A built bundle. ``asset(name)`` reads a file once, the first time it is asked for."""

    folder: Path
    build: str
    hashes: Mapping[str, str]
    host_script: str
    cell_script: str
    in_snapshot: frozenset[str] = frozenset()  # modules that every worker has at once
    in_library: frozenset[str] = frozenset()  # top-level names of what is sent to plugins that need more
    _read: dict[str, Resource] = field(default_factory=dict[str, Resource])

    def asset(self, name: str) -> Resource | None:
        """The file ``name``, or None if the bundle has no such file.

        Raises `SandboxError` ``RUNTIME_MISSING`` if a listed file is not there, ``ASSET_TAMPERED`` if it is another.
        """
        if name not in self.hashes:
            return None
        if name not in self._read:
            self._read[name] = self._load(name)
        return self._read[name]

    def document(self, name: str, config: Mapping[str, object]) -> Resource:
        """``host.html`` or ``cell.html`` with ``config`` written into its one placeholder."""
        page = self.asset(name)
        if page is None:
            raise _missing(f"{name} is not in it")
        body = page.variants[0].body
        if body.count(_PLACEHOLDER) != 1:
            raise _missing(f"{name} has no place for its configuration")
        text = html.escape(json.dumps(config, separators=(",", ":")), quote=True)
        return resource(body.replace(_PLACEHOLDER, text.encode()), page.media_type)

    def _load(self, name: str) -> Resource:
        try:
            body = (self.folder / name).read_bytes()
        except OSError as error:
            raise _missing(f"{name} cannot be read") from error
        digest = hashlib.sha256(body).hexdigest()
        if digest != self.hashes[name]:
            raise SandboxError(Code.ASSET_TAMPERED, f"{name} is not the file that integrity.json lists; build it again")
        variants = [Variant(body, _etag(digest))]
        for encoding, suffix in _SUFFIXES.items():
            packed = self.folder / (name + suffix)
            if packed.is_file():
                variants.append(Variant(packed.read_bytes(), _etag(digest, encoding), encoding))
        return Resource(media_type(name), tuple(variants))


def load_dist(folder: Path | None = None) -> Dist:
    """Read ``integrity.json``. Raises `SandboxError` ``RUNTIME_MISSING`` if the bundle is not built or not whole."""
    folder = folder or DEFAULT_DIST
    try:
        integrity = cast(object, json.loads((folder / "integrity.json").read_bytes()))
    except OSError as error:
        raise SandboxError(
            Code.RUNTIME_MISSING, "the browser bundle is not built; run `pysandbox runtime build`") from error
    except ValueError as error:
        raise _missing("integrity.json is not JSON") from error
    try:
        return _from_integrity(folder, cast(dict[str, dict[str, dict[str, str]]], integrity))
    except (KeyError, TypeError, AttributeError) as error:
        raise _missing("integrity.json has not the shape it should have") from error


def resource(body: bytes, kind: str) -> Resource:
    """A small resource made in memory, with a gzip variant beside it (the same bytes for the same body)."""
    digest = hashlib.sha256(body).hexdigest()
    packed = gzip.compress(body, 9, mtime=0)
    return Resource(kind, (Variant(body, _etag(digest)), Variant(packed, _etag(digest, "gzip"), "gzip")))


def media_type(name: str) -> str:
    """By suffix, and never guessed from the content; what is unknown is bytes."""
    return _TYPES.get(Path(name).suffix, "application/octet-stream")


def _from_integrity(folder: Path, integrity: Mapping[str, Mapping[str, Mapping[str, str]]]) -> Dist:
    csp = cast(Mapping[str, str], integrity["csp"])
    modules = integrity.get("modules", {})
    return Dist(
        folder=folder, build=str(integrity["build"]),
        hashes={name: entry["sha256"] for name, entry in integrity["files"].items()},
        host_script=csp["hostScript"], cell_script=csp["cellScript"],
        in_snapshot=frozenset(modules.get("inSnapshot", ())), in_library=frozenset(modules.get("inLibrary", ())))


def _etag(digest: str, encoding: str = "") -> str:
    return f'"{digest[:32]}{"-" * bool(encoding)}{encoding}"'


def _missing(why: str) -> SandboxError:
    return SandboxError(
        Code.RUNTIME_MISSING, f"the browser bundle is not whole: {why}; run `pysandbox runtime build --force`")
