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
    with ThreadPoolExecutor(2) as pool:
        # The large ones first, so that the last thread does not end alone.
        names = sorted(files, key=lambda name: -len(files[name]))
        packed = list(pool.map(lambda name: (_brotli(files[name], cache, QUICK if name in CHANGES_OFTEN else BEST), _gzip(files[name])), names))
    out: dict[str, bytes] = {}
    for name, (brotli, gz) in zip(names, packed, strict=True):
        out[f"{name}.br"], out[f"{name}.gz"] = brotli, gz
    return out


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
