"""Precompressed copies of every file: brotli and gzip, remembered by content, because the wasm takes half a minute."""

from __future__ import annotations

import gzip
import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

BROTLI_WINDOW = 24
BEST = 11  # for what changes with Pyodide alone, and is remembered
QUICK = 9  # for what changes with every edit of ours: a tenth of the time for some per cent more
CHANGES_OFTEN = ("snapshot.bin",)


def compress_all(files: dict[str, bytes], cache: Path) -> dict[str, bytes]:
    """``NAME.br`` and ``NAME.gz`` of each file."""
    cache.mkdir(parents=True, exist_ok=True)

    def both(name: str) -> dict[str, bytes]:
        quality = QUICK if name in CHANGES_OFTEN else BEST
        return {f"{name}.br": _brotli(files[name], cache, quality), f"{name}.gz": _gzip(files[name])}

    with ThreadPoolExecutor(2) as pool:
        # The large ones first, so that the last thread does not end alone.
        packed = list(pool.map(both, sorted(files, key=lambda name: -len(files[name]))))
    return {name: data for pair in packed for name, data in pair.items()}


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, 9, mtime=0)


def _brotli(data: bytes, cache: Path, quality: int) -> bytes:
    import brotli  # noqa: PLC0415  # an extra: only a build needs it

    kept = cache / f"{hashlib.sha256(data).hexdigest()}-{quality}.br"
    if kept.exists():
        return kept.read_bytes()
    packed = bytes(brotli.compress(data, quality=quality, lgwin=BROTLI_WINDOW))
    partial = kept.with_suffix(f".{id(data)}.part")
    partial.write_bytes(packed)
    partial.replace(kept)
    return packed
