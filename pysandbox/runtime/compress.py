"""Precompressed copies of every file: brotli and gzip, remembered by content, because the wasm takes half a minute."""

from __future__ import annotations

import gzip
import hashlib
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pysandbox.core.errors import Code, SandboxError
from pysandbox.runtime.tools import Progress, keep, silent

BROTLI_WINDOW = 24
BEST = 11  # for what changes with Pyodide alone, and is remembered
QUICK = 9  # for what changes with every edit of ours: a tenth of the time for some per cent more
CHANGES_OFTEN = ("snapshot.bin",)
LONG_BYTES = 12_000_000
KEPT_S = 14 * 24 * 3600


def compress_all(files: Mapping[str, bytes], cache: Path, progress: Progress = silent) -> dict[str, bytes]:
    """``NAME.br`` and ``NAME.gz`` of each file."""
    cache.mkdir(parents=True, exist_ok=True)
    fresh = sum(len(data) for name, data in files.items() if not _kept(data, cache, _quality(name)).exists())
    progress(f"compressing {fresh / 1e6:.1f} MB" + (" (half a minute, once)" if fresh > LONG_BYTES else ""))

    def both(name: str) -> dict[str, bytes]:
        return {f"{name}.br": _brotli(files[name], cache, _quality(name)), f"{name}.gz": _gzip(files[name])}

    with ThreadPoolExecutor(2) as pool:
        # The large ones first, so that the last thread does not end alone.
        packed = list(pool.map(both, sorted(files, key=lambda name: -len(files[name]))))
    _forget(cache)
    return {name: data for pair in packed for name, data in pair.items()}


def _forget(cache: Path) -> None:
    """Remove what no build has used for a while: each edit of ours leaves a snapshot's copy there."""
    for kept in cache.glob("*.br"):
        if time.time() - kept.stat().st_mtime > KEPT_S:
            kept.unlink(missing_ok=True)


def _quality(name: str) -> int:
    return QUICK if name in CHANGES_OFTEN else BEST


def _kept(data: bytes, cache: Path, quality: int) -> Path:
    return cache / f"{hashlib.sha256(data).hexdigest()}-{quality}.br"


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, 9, mtime=0)


def _brotli(data: bytes, cache: Path, quality: int) -> bytes:
    try:
        import brotli  # noqa: PLC0415  # an extra: only a build needs it
    except ImportError as error:
        raise SandboxError(
            Code.BUILD_FAILED, "brotli is missing; install it with: pip install 'pysandbox[build]'") from error
    kept = _kept(data, cache, quality)
    if kept.exists():
        kept.touch()
        return kept.read_bytes()
    packed = bytes(brotli.compress(data, quality=quality, lgwin=BROTLI_WINDOW))
    keep(kept, packed)
    return packed
