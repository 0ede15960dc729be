"""Runs inside Pyodide: byte-compiles archives with pyodide-build, by the very interpreter that will run them."""

from pathlib import Path

from pyodide_build._py_compile import (  # pyright: ignore[reportMissingImports]  # a wheel of wheels.lock
    _py_compile_archive,  # pyright: ignore[reportUnknownVariableType]
)


async def main(arguments: dict[str, list[str]]) -> list[str]:
    """``{"archives": [path, …]}``: each is compiled and left in ``/out``. Returns the paths."""
    for path in map(Path, arguments["archives"]):
        _py_compile_archive(path, keep=False, verbose=False, compression_level=0)
        path.rename(Path("/out") / path.name)
    return arguments["archives"]
