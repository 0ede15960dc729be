"""What the bench server hands out: every file with its brotli body made once, and the headers a good server sends.

The peers get what our own bundle gets: brotli at its highest level, and caching for ever for all but the pages.
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from tests.bench.npm import BUILD

PAGES = Path(__file__).parent / "pages"

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".py": "text/x-python; charset=utf-8",
    ".wasm": "application/wasm",
    ".zip": "application/zip",
    ".json": "application/json",
}

ISOLATED = {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp"}
"""PyScript's documentation asks for these two headers on its pages."""


@dataclass(frozen=True)
class Asset:
    """One file, ready to be sent."""

    plain: bytes
    packed: bytes
    headers: Mapping[str, str] = field(repr=False)


def compress(body: bytes) -> bytes:
    """Brotli at its highest level, with its widest window."""
    brotli = cast("Any", importlib.import_module("brotli"))  # it ships no types
    return bytes(brotli.compress(body, quality=11, lgwin=24))


def packed(body: bytes, progress: Callable[[str], None], name: str) -> bytes:
    """`body` in brotli 11, from the cache of earlier runs when it is there."""
    kept = BUILD / "brotli" / hashlib.sha256(body).hexdigest()
    if not kept.exists():
        if len(body) > 1_000_000:
            progress(f"compressing {name} ({len(body) / 1e6:.1f} MB), once")
        kept.parent.mkdir(parents=True, exist_ok=True)
        part = kept.with_suffix(".part")
        part.write_bytes(compress(body))
        part.rename(kept)
    return kept.read_bytes()


def asset(path: Path, progress: Callable[[str], None]) -> Asset:
    """Read and pack one file."""
    body = path.read_bytes()
    page = path.suffix == ".html"
    headers = {
        "Content-Type": TYPES[path.suffix],
        "Cache-Control": "no-cache" if page else "public, max-age=31536000, immutable",
        "ETag": f'"{hashlib.sha256(body).hexdigest()[:16]}"',
        "Vary": "Accept-Encoding",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    if page and path.parent.name == "pyscript":
        headers |= ISOLATED
    return Asset(body, packed(body, progress, path.name), headers)


def load(npm_files: Mapping[str, Path], progress: Callable[[str], None]) -> dict[str, Asset]:
    """All assets by URL path."""
    found = {f"/npm/{name}": path for name, path in npm_files.items()}
    found |= {f"/pages/{path.relative_to(PAGES)}": path for path in sorted(PAGES.rglob("*")) if path.is_file()}
    return {name: asset(path, progress) for name, path in found.items() if path.suffix in TYPES}
