"""A wasm keeps the exports that are asked for, what they call, and the function table, slot by slot; the glue what the
wasm imports."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pysandbox.core.errors import SandboxError
from pysandbox.runtime.prune import prune_glue
from pysandbox.runtime.slim import slim_wasm
from pysandbox.runtime.tools import run_deno

HEADER = b"\0asm\x01\0\0\0"


def _section(kind: int, *entries: bytes) -> bytes:
    body = bytes([len(entries)]) + b"".join(entries)
    return bytes([kind, len(body)]) + body


def _export(name: str, kind: int, index: int) -> bytes:
    return bytes([len(name)]) + name.encode() + bytes([kind, index])


def _module(*, asks_for_address: bool = False) -> bytes:
    """Four functions: each returns its number; `outer` (0) calls 1, the table holds 2 at slot 1, 3 is only exported."""
    imports = _section(2, b"\x08GOT.func\x01f\x03\x7f\x01") if asks_for_address else b""
    bodies = [b"\x00\x10\x01\x0b", b"\x00\x41\x0b\x0b", b"\x00\x41\x16\x0b", b"\x00\x41\x21\x0b"]
    if asks_for_address:
        bodies[0] = b"\x00\x23\x00\x0b"
    return b"".join((
        HEADER, _section(1, b"\x60\x00\x01\x7f"), imports, _section(3, *[b"\0"] * 4), _section(4, b"\x70\x00\x03"),
        _section(5, b"\x01\x01\x80\x02"),
        _section(7, _export("outer", 0, 0), _export("inner", 0, 1), _export("only", 0, 3), _export("table", 1, 0),
                 _export("memory", 2, 0)),
        _section(9, b"\x00\x41\x01\x0b\x01\x02"), _section(10, *(bytes([len(body)]) + body for body in bodies)),
    ))  # fmt: skip


def _slim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wasm: bytes, exports: list[str]) -> Path:
    monkeypatch.setenv("PYSANDBOX_CACHE", str(tmp_path / "cache"))
    (tmp_path / "in.wasm").write_bytes(wasm)
    out = tmp_path / "result.wasm"
    out.write_bytes(slim_wasm(tmp_path / "in.wasm", exports, tmp_path))
    return out


def _run(wasm: Path, expression: str) -> object:
    load = f"(await WebAssembly.instantiate(Deno.readFileSync({json.dumps(str(wasm))}))).instance.exports"
    return _deno(wasm.parent, f"((exports) => {expression})({load})")


def _deno(folder: Path, expression: str) -> object:
    script = folder / "expression.js"
    script.write_text(f"console.log(JSON.stringify({expression}));")
    return json.loads(run_deno(["run", "--no-config", "--no-lock", f"--allow-read={folder}", str(script)]))


def test_what_stays_works_and_the_rest_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = _slim(tmp_path, monkeypatch, _module(), ["outer", "table", "memory"])
    seen = _run(out, "[Object.keys(exports), exports.outer(), exports.table.length, exports.table.get(1)()]")
    assert seen == [["outer", "table", "memory"], 11, 3, 22]
    assert b"\x41\x21\x0b" not in out.read_bytes()  # the function that was exported and nothing else


def test_it_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = _slim(tmp_path, monkeypatch, _module(), ["outer", "memory"]).read_bytes()
    monkeypatch.setattr("pysandbox.runtime.slim.run_deno", None)
    assert _slim(tmp_path, monkeypatch, _module(), ["memory", "outer"]).read_bytes() == first


def test_an_export_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SandboxError, match="does not export absent"):
        _slim(tmp_path, monkeypatch, _module(), ["outer", "absent"])


def test_a_wasm_that_still_asks_for_addresses_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SandboxError, match="addresses are still asked for: f"):
        _slim(tmp_path, monkeypatch, _module(asks_for_address=True), ["outer", "memory"])


def test_the_glue_loses_what_nothing_reaches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYSANDBOX_CACHE", str(tmp_path / "cache"))
    glue = (
        "export default async function make(asked){var Module={};function _needed(){return helper()}"
        "function helper(){return eval(asked)}var unused=()=>deeper();function deeper(){return 1}"
        "var wasmImports={needed:_needed,gone:unused};return wasmImports}")
    text = prune_glue(glue, {"needed"}, [], tmp_path)
    assert "helper" in text
    assert [name for name in ("unused", "deeper") if name in text] == []
    (tmp_path / "pruned.mjs").write_text(text)
    assert _deno(tmp_path, "(await (await import('./pruned.mjs')).default('6*7')).needed()") == 42
