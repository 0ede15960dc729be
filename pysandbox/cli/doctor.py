"""``pysandbox doctor``: what this machine has, what it lacks, and the command that mends each.

Looks, and changes nothing. Needs the base install only, so that it can say what else is missing.
"""

from __future__ import annotations

import importlib.metadata
import platform
import socket
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from pysandbox.cli import output
from pysandbox.core.errors import SandboxError
from pysandbox.testing.browsers import ENGINES, Engine, cure, find_browser, missing_parts

EXAMPLES: Final = "Examples:  pysandbox doctor  ·  pysandbox doctor --json"
OLDEST_PYTHON: Final = (3, 11)
PORTS: Final = (8900, 8901)
_BUILD_TOOLS: Final = {"deno": "builds the browser bundle", "brotli": "compresses the browser bundle"}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. ``needed``: without it nothing runs; else something named in ``found`` does not."""

    name: str
    ok: bool
    needed: bool
    found: str
    cure: str = ""


def collect(*, dist: Path | None = None, ports: Sequence[int] = PORTS) -> list[Check]:
    """All checks, in the order in which they matter. ``dist``: the browser bundle's folder; None for the package's."""
    bundle = check_bundle(dist)
    return [
        check_python(sys.version_info[:2]),
        bundle,
        *(check_tool(name, needed=not bundle.ok) for name in _BUILD_TOOLS),
        *check_browsers(),
        *(check_port(port) for port in ports),
    ]


def check_python(version: tuple[int, int]) -> Check:
    """The interpreter that runs this."""
    oldest = ".".join(map(str, OLDEST_PYTHON))
    return Check(
        "python",
        ok=version >= OLDEST_PYTHON,
        needed=True,
        found=f"{platform.python_version()} at {sys.executable}",
        cure="" if version >= OLDEST_PYTHON else f"install Python {oldest} or newer",
    )


def check_bundle(dist: Path | None = None) -> Check:
    """The browser bundle is there, and each of its files is the one that integrity.json lists."""
    from pysandbox.gateway.dist import load_dist  # noqa: PLC0415 - imported when it runs: --help stays fast

    try:
        bundle = load_dist(dist)
        for name in bundle.hashes:
            bundle.asset(name)
    except SandboxError as error:
        return Check("bundle", ok=False, needed=True, found=error.message, cure="pysandbox runtime build --force")
    return Check("bundle", ok=True, needed=True, found=f"build {bundle.build}, {len(bundle.hashes)} files")


def check_tool(name: str, *, needed: bool) -> Check:
    """A package of the ``build`` extra; needed as long as there is no bundle."""
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        found, mend = f"not installed; {_BUILD_TOOLS[name]}", "pip install 'pysandbox[build]'"
        return Check(name, ok=False, needed=needed, found=found, cure=mend)
    return Check(name, ok=True, needed=needed, found=version)


def check_browsers() -> list[Check]:
    """Each engine. Any one is enough to run a plugin, so one is needed only while there is none."""
    none_there = not any(find_browser(engine) for engine in ENGINES)
    return [_check_engine(engine, needed=none_there and engine == "chromium") for engine in ENGINES]


def check_port(port: int) -> Check:
    """A port that ``serve`` listens on by default."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        if sys.platform != "win32":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does: TIME_WAIT is no obstacle
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            mend = "end the program that has it, or: pysandbox serve --port 0 --sandbox-port 0"
            return Check(f"port {port}", ok=False, needed=False, found="in use; serve listens there", cure=mend)
    return Check(f"port {port}", ok=True, needed=False, found="free")


def render(checks: Sequence[Check], console: Console) -> None:
    """One line for each check, and under what is not right the command that mends it."""
    width = max(len(check.name) for check in checks)
    for check in checks:
        mark = ("✓", "green") if check.ok else ("✗", "red") if check.needed else ("!", "yellow")
        console.print(output.line(mark, f" {check.name:<{width}}  {check.found}"))
        if check.cure:
            console.print(output.line(("  → ", "green"), check.cure))


def as_json(checks: Sequence[Check]) -> dict[str, object]:
    """``{"ok", "checks": [{"name", "ok", "needed", "found", "cure"}]}``."""
    return {"ok": healthy(checks), "checks": [asdict(check) for check in checks]}


def healthy(checks: Sequence[Check]) -> bool:
    """Whether everything needed is there."""
    return all(check.ok for check in checks if check.needed)


def doctor(
    as_json_line: Annotated[bool, typer.Option("--json", help="Print one JSON line instead of text.")] = False,
) -> None:
    """Say what this machine lacks, and the command that mends it. Exit 1 when something needed is missing."""
    checks = collect()
    if as_json_line:
        output.json_line(as_json(checks))
    else:
        render(checks, output.out())
    if not healthy(checks):
        raise typer.Exit(output.FAILED)


def _check_engine(engine: Engine, *, needed: bool) -> Check:
    path, missing = find_browser(engine), missing_parts(engine)
    if path and not missing:
        return Check(engine, ok=True, needed=needed, found=str(path))
    return Check(engine, ok=False, needed=needed, found=f"missing: {', '.join(missing)}", cure=cure(engine))
