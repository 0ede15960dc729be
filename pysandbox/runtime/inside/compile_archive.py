"""Runs inside Pyodide: byte-compiles archives with pyodide-build, by the very interpreter that will run them."""

# pyodide-build is a wheel of wheels.lock, and in no environment out here.
# pyright: basic, reportMissingImports=false
from pathlib import Path

from pyodide_build._py_compile import _py_compile_archive


async def main(arguments: dict[str, list[str]]) -> list[str]:
    """``{"archives": [path, …]}``: each is compiled and left in ``/out``. Returns the paths."""
    for path in map(Path, arguments["archives"]):
        _py_compile_archive(path, keep=False, verbose=False, compression_level=0)
        path.rename(Path("/out") / path.name)
    return arguments["archives"]
