"""The glue without the functions that nothing calls: Emscripten links every library a compiled package might import.

Graphics, sound, windows and so on: three quarters of the glue, parsed and kept in memory by each worker. What the
slimmed wasm imports stays, with all that it calls; the rest is found by Terser.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

from pysandbox.runtime.glue import only, unknown_glue
from pysandbox.runtime.interpreter import HERE, SHUT
from pysandbox.runtime.tools import TERSER, Progress, cache_dir, keep, npm_package, run_deno, silent

_IMPORTS: Final = re.compile(r"var wasmImports=\{([^{}]*)\};")
_SIGNATURE: Final = re.compile(r'(?<=[;}])[\w$]+\.sig="\w*";')
_PUBLISHED: Final = re.compile(r'(?<=[;}])Module\["([\w$]+)"\]=\1;')
_ASKED_FOR: Final = re.compile(r"""(?:\.|["'`])([A-Za-z_$][\w$]*)""")
_DIRECT_EVAL: Final = re.compile(r"(?<![\w$.])eval\(")


def prune_glue(
    glue: str, imports: Collection[str], users: Iterable[str], work: Path, progress: Progress = silent,
) -> str:
    """``imports``: what the wasm imports. ``users``: every other script that reaches into the Emscripten module."""
    loose = loosen(glue, imports, users)
    script = HERE / "deno" / "prune.ts"
    key = hashlib.sha256(repr((loose, TERSER, script.read_text())).encode()).hexdigest()
    kept = cache_dir() / f"{key}.glue.mjs"
    if not kept.exists():
        progress("dropping what nothing calls from the glue")
        whole, terser, out, job = (work / name for name in ("whole.mjs", "terser.js", "pruned.mjs", "prune.json"))
        shutil.copy(npm_package(TERSER, progress) / TERSER.files[0][0], terser)  # alone, Deno takes it for a module
        whole.write_text(loose)
        job.write_text(json.dumps({"terser": str(terser), "glue": str(whole), "out": str(out)}))
        run_deno([*SHUT, f"--allow-read={work},{HERE}", f"--allow-write={out}", str(script), str(job)])
        keep(kept, out.read_bytes())
    return kept.read_text()


def loosen(glue: str, imports: Collection[str], users: Iterable[str]) -> str:
    """Cut the ties that would hold every function: the wasm's imports, signatures, the module's public names.

    A public name stays where any script has it as a property or in a string. ``eval`` called by that name sees every
    variable around it; under the worker's policy it does nothing at all, so it may as well see none.
    """
    table = only(_IMPORTS, glue)
    entries = {entry.split(":")[0]: entry for entry in table[1].split(",")}
    if missing := set(imports) - set(entries):
        raise unknown_glue(f"it has no {', '.join(sorted(missing))}")
    wanted = ",".join(entry for name, entry in entries.items() if name in imports)
    glue = _SIGNATURE.sub("", glue.replace(table[1], wanted))
    rest = _PUBLISHED.sub("", glue)
    asked_for = set(_ASKED_FOR.findall(rest)).union(*(_ASKED_FOR.findall(text) for text in users))
    glue = _PUBLISHED.sub(lambda match: match[0] if match[1] in asked_for else "", glue)
    return _DIRECT_EVAL.sub("(0,eval)(", glue)
