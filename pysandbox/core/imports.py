"""Which modules of the standard library a plugin's own code names: what its worker must be given beside the snapshot.

The snapshot holds what plugins commonly import; the rest of the library is sent only to plugins that ask for it. Found
by reading the syntax, never by running it: every ``import`` statement counts, also one inside a function. Code that
computes a name to import is given the whole library.

Must not know: what the snapshot holds (it is passed in), files, bundles' format.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping

DYNAMIC = frozenset({"__import__", "import_module", "exec", "eval", "compile", "runpy", "pkgutil"})


def needs_library(files: Mapping[str, bytes], snapshot: Collection[str], library: Collection[str]) -> bool:
    """Whether a plugin of these ``files`` may import something of ``library`` that ``snapshot`` lacks.

    ``snapshot`` holds full module names, ``library`` the top-level names of the standard library. Wheels, and source
    that does not parse, are taken to need it: the import itself then says what is wrong.
    """
    own = {name.split("/")[0].removesuffix(".py") for name in files}
    for name, content in files.items():
        if name.endswith((".whl", ".pyc")):
            return True
        if not name.endswith(".py"):
            continue
        try:
            tree = ast.parse(content)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return True
        for module in _named(tree):
            top = module.split(".")[0]
            if module in DYNAMIC or (top in library and top not in own and module not in snapshot):
                return True
    return False


def _named(tree: ast.AST) -> Iterator[str]:
    """Modules that import statements name, and the functions that import by other means."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module
        elif isinstance(node, ast.Name):
            if node.id in DYNAMIC:
                yield node.id
        elif isinstance(node, ast.Attribute) and node.attr in DYNAMIC:
            yield node.attr
