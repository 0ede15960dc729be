"""What a wheel's code uses that the sandbox has not: sockets, processes, threads, foreign functions.

Found by reading the syntax, never by running it. It is said and not refused: most packages that can open a socket work
without one, and an author knows which part is used. Must not know: requirements, bundles.
"""

from __future__ import annotations

import ast
import io
import zipfile
from collections.abc import Iterator
from typing import Final

_NEEDS: Final = {
    **dict.fromkeys(("socket", "socketserver", "asyncore", "ftplib", "smtplib", "imaplib", "poplib"), "the network"),
    **dict.fromkeys(("http.client", "http.server", "urllib.request", "xmlrpc", "urllib3", "requests"), "the network"),
    **dict.fromkeys(("subprocess", "multiprocessing", "pty", "ProcessPoolExecutor"), "processes"),
    **dict.fromkeys(("_thread", "Thread", "ThreadPoolExecutor"), "threads"),
    **dict.fromkeys(("ctypes", "cffi", "_cffi_backend"), "foreign functions"),
}


def wheel_needs(data: bytes) -> list[str]:
    """One line for each thing that this wheel may need in vain: the first place. ``data`` passed `wheel_faults`."""
    found: dict[str, str] = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in sorted(archive.namelist()):
            if not name.endswith(".py") or "/tests/" in f"/{name}":
                continue  # a package's own tests use much that it does not
            try:
                tree = ast.parse(archive.read(name))
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                continue  # for another Python, or broken: its import says so, and nothing of it runs here
            for used, line in _used(tree):
                if need := _need(used):
                    found.setdefault(need, f"{need}: {used} ({name}, line {line})")
    return [found[need] for need in sorted(found)]


def _need(name: str) -> str:
    parts = name.split(".")
    starts = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
    return next((_NEEDS[start] for start in starts if start in _NEEDS), "")


def _used(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Modules that are imported, also inside functions, and the names taken from them or called on them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module, node.lineno
            if node.module in {"threading", "http", "urllib", "concurrent.futures"}:
                plain = node.module in {"threading", "concurrent.futures"}
                yield from ((a.name if plain else f"{node.module}.{a.name}", node.lineno) for a in node.names)
        elif (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
              and node.value.id in {"threading", "futures"}):
            yield node.attr, node.lineno
