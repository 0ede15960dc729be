"""Pyodide's glue, cut to what one interpreter uses that never loads a side module.

Emscripten links Pyodide so that compiled packages can be loaded later: the wasm exports all 8,560 symbols that such a
package might want, and the glue makes a JavaScript object and a slot of the function table for each, at each start.
Nothing here loads one, so an export that the JavaScript does not name is dropped (`slim.py` does it in the wasm).

Every change is checked to fit exactly once: another glue is refused, not guessed at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pysandbox.core.errors import Code, SandboxError

# What to find and what to put in its place.
PATCHES: Final = {
    "the heap is restored by our own sparse copy":
        ("return Module.HEAP8.set(t),l}", "return API.config._copyHeap(Module.HEAP8),Module.putTrampoline(),l}"),
    "a heap made without wasm GC gets the trampoline of an engine that has it; without, each C call goes through here":
        ("HEAP32[(__PyRuntime+offset)/4>>>0]=ptr});",
         "(Module.putTrampoline=()=>{HEAP32[(__PyRuntime+offset)/4>>>0]=ptr})()});"),
    "no address of a function is noted for side modules; asking for one makes objects of the whole function table":
        ("assignWasmExports(wasmExports);updateGOT(origExports);", "assignWasmExports(wasmExports);"),
    "a new function gets its slot of the table without a search through all of them":
        ("return addFunction(trampolineInstance.exports.trampoline_call)}",
         "const at=getEmptyTableSlot();setWasmTableEntry(at,trampolineInstance.exports.trampoline_call);return at}"),
}  # fmt: skip
# Looked up by a name that is no word of the glue.
ALWAYS: Final = frozenset({"__main_argc_argv"})

_WORD: Final = re.compile(r"[A-Za-z_$][\w$]*")
_ASSIGNMENTS: Final = re.compile(r"function assignWasmExports\(wasmExports\)\{([^{}]*)\}")
_ASSIGNMENT: Final = re.compile(r'([\w$]+)=(?:[\w$]+=|Module\["[\w$]+"\]=)*wasmExports\["([\w$]+)"\](?:\.value>>>0)?')
_VARIABLES: Final = re.compile(r"var ([\w$,]+),wasmTable,wasmMemory;")
_WRAPPER: Final = re.compile(r'wasmExports\["([\w$]+)"\]=makeWrapper_\w+\(wasmExports\["\1"\]\);')
_NAMED: Final = re.compile(r'wasmExports(?:\.|\[")([\w$]+)')


@dataclass(frozen=True, slots=True)
class Glue:
    """``text``: the module's source. ``exports``: what the wasm must export for it."""

    text: str
    exports: frozenset[str]


def slim_glue(glue: str, users: Iterable[str]) -> Glue:
    """``users``: every other script's text that reaches into the Emscripten module.

    A symbol is kept if its name is a word anywhere, be it in a string. Raises SandboxError (``BUILD_FAILED``) for a
    glue that is not the one these changes were written for.
    """
    for old, new in PATCHES.values():
        glue = _replace(glue, old, new)
    assignments, variables = only(_ASSIGNMENTS, glue), only(_VARIABLES, glue)
    statements = [(_one(_ASSIGNMENT, text), text) for text in assignments[1].split(";") if text]
    rest = glue.replace(assignments[0], "").replace(variables[0], "")
    rest = _WRAPPER.sub("", rest)
    words = set(_WORD.findall(rest)).union(*(_WORD.findall(text) for text in users))
    kept = [(match, text) for match, text in statements if match[1] in words]
    exports = {match[2] for match, _ in kept} | set(_NAMED.findall(rest)) | ALWAYS
    declared = [name for name in variables[1].split(",") if name in words]
    glue = _replace(glue, assignments[1], ";".join(text for _, text in kept))
    glue = _replace(glue, variables[1] + ",", "".join(f"{name}," for name in declared))
    return Glue(_WRAPPER.sub(lambda match: match[0] if match[1] in exports else "", glue), frozenset(exports))


def _replace(text: str, old: str, new: str) -> str:
    if text.count(old) != 1:
        raise unknown_glue()
    return text.replace(old, new)


def only(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    """The one match there has to be."""
    found = list(pattern.finditer(text))
    if len(found) != 1:
        raise unknown_glue()
    return found[0]


def _one(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    match = pattern.fullmatch(text)
    if match is None:
        raise unknown_glue()
    return match


def unknown_glue(why: str = "") -> SandboxError:
    """What is raised for a glue that these changes were not written for."""
    return SandboxError(Code.BUILD_FAILED, "Pyodide's glue is not the one this build knows" + (why and f": {why}"))
