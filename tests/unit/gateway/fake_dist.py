"""A tiny browser bundle, of the shape that `pysandbox runtime build` makes: test data for the server."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path

BUILD = "0123456789abcdef"
HOST_SCRIPT = "sha256-aG9zdA=="
CELL_SCRIPT = "sha256-Y2VsbA=="
FILES = {
    "pysandbox.js": b"export const openSandbox = 1;\n" * 20,
    "pysandbox.d.ts": b"export declare const openSandbox: 1;\n" * 20,
    "pysandbox-element.js": b"customElements;\n" * 20,
    "pysandbox-element.d.ts": b"export declare class PysandboxPluginElement {}\n" * 20,
    "host.html": b'<!doctype html><meta name="pysandbox-config" content="__PYSANDBOX_CONFIG__"><script>1</script>',
    "cell.html": b'<!doctype html><meta name="pysandbox-config" content="__PYSANDBOX_CONFIG__"><script>2</script>',
    "host_worker.js": b"'host';\n" * 100,
    "pyodide.asm.wasm": b"\0asm\1\0\0\0" * 50,
    "snapshot.bin": bytes(range(256)) * 8,
}


def write_dist(folder: Path) -> Path:
    """Write the bundle into ``folder``. The ``.br`` bodies are a mark, not brotli: the server never unpacks them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
        (folder / f"{name}.gz").write_bytes(gzip.compress(content, mtime=0))
        (folder / f"{name}.br").write_bytes(b"br:" + name.encode())
    integrity = {
        "build": BUILD, "protocol": 1, "pyodide": "314.0.7",
        "files": {n: {"sha256": hashlib.sha256(c).hexdigest(), "bytes": len(c)} for n, c in FILES.items()},
        "csp": {"hostScript": HOST_SCRIPT, "cellScript": CELL_SCRIPT},
    }
    (folder / "integrity.json").write_text(json.dumps(integrity))
    (folder / "secret.txt").write_text("not listed")
    return folder
