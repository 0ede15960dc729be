"""One of very many: keeps what it is told, in its module and in a file, and says all that it finds there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pysandbox.plugin import Context, handler

FOLDER = Path("/home/pyodide")
told: list[str] = []


@handler
def tell(word: str, ctx: Context) -> dict[str, Any]:
    told.append(word)
    (FOLDER / f"{word}.txt").write_text(word)
    ctx.emit("told", word)
    return recall(None, ctx)


@handler
def recall(_payload: Any, ctx: Context) -> dict[str, Any]:
    files = [path.read_text() for path in FOLDER.glob("*.txt")]
    return {"plugin": ctx.plugin_id, "words": sorted({*told, *files})}
