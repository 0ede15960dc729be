"""Variants of the browser bundle with one wall taken away: the controls of the attacks.

A variant is a folder made from a built ``dist/`` by changing text in copies of its files and then recomputing every
hash that vouches for them (the assets' in ``host.html``, the scripts' in the policies), as whoever took that wall out
of the sources would have built it. The product itself has no switch for any of this.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

SCRIPT = re.compile(r"(?<=<script>).*(?=</script>)", re.DOTALL)


class Edit(NamedTuple):
    """One change of a file's text. ``find`` is a regular expression that must match exactly once."""

    file: str
    find: str
    put: str | Callable[[re.Match[str]], str]


def frozen(dist: Path, target: Path) -> Path:
    """The same files under another name: links, since nobody changes a built file in place."""
    for path in dist.iterdir():
        os.link(path, target / path.name)
    return target


def variant(dist: Path, target: Path, edits: Iterable[Edit]) -> Path:
    """Write ``dist`` with ``edits`` applied into the empty folder ``target``, whole and consistent."""
    integrity: dict[str, Any] = json.loads((dist / "integrity.json").read_text())
    texts: dict[str, str] = {}
    for edit in edits:
        text = texts.get(edit.file) or (dist / edit.file).read_text()
        texts[edit.file], count = re.subn(edit.find, edit.put, text)
        if count != 1:
            raise ValueError(f"{edit.file} has {count} places that match {edit.find!r}; the variant wants one")
    _rehash(dist, texts, integrity)
    for name in integrity["files"]:
        if name in texts:
            (target / name).write_text(texts[name])
        else:
            os.link(dist / name, target / name)
            for packed in (f"{name}.br", f"{name}.gz"):
                if (dist / packed).exists():
                    os.link(dist / packed, target / packed)
    (target / "integrity.json").write_text(json.dumps(integrity))
    return target


def _rehash(dist: Path, texts: dict[str, str], integrity: dict[str, Any]) -> None:
    """Write the hashes of changed assets into host.html's script, and all of them into the record."""
    host = texts.get("host.html") or (dist / "host.html").read_text()
    for name, text in texts.items():
        if name not in ("host.html", "cell.html", "pysandbox.js"):
            host = host.replace(integrity["files"][name]["sha256"], _sha256(text))
    texts["host.html"] = host
    cell = texts.get("cell.html") or (dist / "cell.html").read_text()
    fresh = _csp_hash(cell)
    if fresh != integrity["csp"]["cellScript"]:
        texts["cell.html"] = cell.replace(integrity["csp"]["cellScript"], fresh)
    integrity["csp"] = {"hostScript": _csp_hash(host), "cellScript": fresh}
    for name, text in texts.items():
        integrity["files"][name] = {"sha256": _sha256(text), "bytes": len(text.encode())}
    # Another build has another name, so no cache can mix them up.
    build = hashlib.sha256(json.dumps(integrity["files"], sort_keys=True).encode()).hexdigest()[:16]
    _rename_build(texts, integrity, build)


def _rename_build(texts: dict[str, str], integrity: dict[str, Any], build: str) -> None:
    texts["host.html"] = texts["host.html"].replace(integrity["build"], build)
    integrity["build"] = build
    integrity["csp"]["hostScript"] = _csp_hash(texts["host.html"])
    integrity["files"]["host.html"] = {
        "sha256": _sha256(texts["host.html"]), "bytes": len(texts["host.html"].encode())}


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _csp_hash(html: str) -> str:
    script = SCRIPT.search(html)
    assert script is not None
    return "sha256-" + base64.b64encode(hashlib.sha256(script[0].encode()).digest()).decode()


def literal(text: str) -> Callable[[re.Match[str]], str]:
    """A replacement in which a backslash is one."""
    return lambda _match: text

