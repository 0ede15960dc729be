"""Runs a Python file of ours inside Pyodide inside Deno, with the wheels and files it is given and nothing else."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pysandbox.core.errors import Code, SandboxError
from pysandbox.runtime.tools import cache_dir, in_source_tree, pyodide_folder, run_deno
from pysandbox.runtime.wheels import wheel_paths

HERE: Final = Path(__file__).parent
SHUT: Final = ("run", "--quiet", "--no-prompt", "--no-config", "--no-lock", "--no-remote", "--no-npm", "--cached-only",
               "--no-check")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """What `main` of the script returned, as JSON made it, and the files it left in ``/out``."""

    value: Any
    files: dict[str, bytes]


def run_inside(
    script: str | Path, arguments: object, *, wheels: Sequence[str] = (), files: Mapping[str, Path] | None = None,
    env: Mapping[str, str] | None = None, network: bool = False,
) -> Answer:
    """Run ``inside/SCRIPT``, or the file at a path: its ``async def main(arguments)``.

    ``files``: path in Pyodide to path here. ``env``: the interpreter's environment variables.

    Importing is running: with ``network`` nothing but the locked ``wheels`` may be imported. Raises SandboxError
    (``BUILD_FAILED``) with what was written to standard error.
    """
    pyodide = pyodide_folder()
    with tempfile.TemporaryDirectory(prefix="inside-", dir=work_root()) as folder:
        work = Path(folder)
        (work / "out").mkdir()
        paths = wheel_paths(wheels)
        here = dict(files or {})
        source = HERE / "inside" / script  # a path that is absolute stays as it is
        job = work / "job.json"
        job.write_text(json.dumps({
            "pyodideDir": str(pyodide), "env": dict(env or {}), "wheels": [str(path) for path in paths],
            "files": {there: str(path) for there, path in here.items()}, "script": str(source), "arguments": arguments,
            "outFolder": str(work / "out"), "answer": str(work / "answer.json"),
        }))  # fmt: skip
        readable = ",".join(str(path) for path in (pyodide, HERE, work, source, *paths, *here.values()))
        run_deno([*SHUT, *(["--allow-net"] if network else []), f"--allow-read={readable}", f"--allow-write={work}",
                  str(HERE / "deno" / "python.ts"), str(job)], cwd=work, offline=not network)  # fmt: skip
        return Answer(
            json.loads((work / "answer.json").read_text()),
            {path.name: path.read_bytes() for path in sorted((work / "out").iterdir())})


def work_root() -> Path:
    """Where scratch folders go; each job has its own, so that builds at the same time do not meet."""
    folder = HERE.parents[1] / "build" if in_source_tree() else cache_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SandboxError(
            Code.BUILD_FAILED, f"{folder} cannot be written ({error.strerror}); name another folder in PYSANDBOX_CACHE"
        ) from error
    return folder
