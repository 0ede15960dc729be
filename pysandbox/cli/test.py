"""``pysandbox test``: a plugin's own tests in CPython, then each of its saved inputs in the real sandbox.

``input.HANDLER.json`` is what a handler is called with; ``expect.HANDLER.json``, where it is there, is what it has to
return. Without one the outcome has to be ok.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple, cast

import typer

from pysandbox.cli import output
from pysandbox.cli.check import Folder
from pysandbox.cli.run import EngineName, browser_for, capabilities_of
from pysandbox.core.errors import SandboxError

if TYPE_CHECKING:
    from pysandbox.cli.browser_run import Call, Report

EXAMPLES = "Examples:  pysandbox test greeting  ·  pysandbox test greeting --engine firefox  ·  pysandbox test . --json"
INPUT = "input.*.json"


class Verdict(NamedTuple):
    """Of one part: what was tried, whether it went well, and what came of it."""

    name: str
    ok: bool
    said: str


def try_out(
    folder: Folder,
    engine: Annotated[
        EngineName | None,
        typer.Option(envvar="PYSANDBOX_ENGINE", help="Where saved inputs run; default: the first browser."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")] = False,
) -> None:
    """Run a plugin's tests here, and its saved inputs (input.HANDLER.json) in the real sandbox."""
    from pysandbox.testing.browsers import BrowserMissing  # noqa: PLC0415  # when it runs: --help stays fast

    verdicts: list[Verdict] = []
    try:
        if any(folder.rglob("test_*.py")):
            verdicts.append(_unit_tests(folder, quiet=as_json))
        verdicts += [_saved_input(folder, path, engine) for path in sorted(folder.glob(INPUT))]
    except SandboxError as error:
        output.give_up(error)
    except BrowserMissing as error:
        output.wrong_use(str(error))
    if not verdicts:
        output.wrong_use(f"{folder} has neither test_*.py nor {INPUT.replace('*', 'HANDLER')}")
    if as_json:
        output.json_line({
            "ok": all(verdict.ok for verdict in verdicts), "results": [verdict._asdict() for verdict in verdicts]})
    else:
        for name, ok, said in verdicts:
            output.out().print(output.line(("✓ ", "green") if ok else ("✗ ", "red"), (name, "bold"), f"  {said}"))
    raise typer.Exit(0 if all(verdict.ok for verdict in verdicts) else output.FAILED)


def _unit_tests(folder: Path, *, quiet: bool) -> Verdict:
    if importlib.util.find_spec("pytest") is None:
        output.wrong_use('pytest is not installed; bring it with: pip install "pysandbox[testing]"')
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--import-mode=importlib", "-p", "no:cacheprovider", "."],
        cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode and not quiet:
        output.err().print(output.line(done.stdout + done.stderr))
    return Verdict("tests", done.returncode == 0, (done.stdout.strip().splitlines() or ["no output"])[-1])


def _saved_input(folder: Path, path: Path, engine: EngineName | None) -> Verdict:
    from pysandbox.cli.browser_run import Call  # noqa: PLC0415
    from pysandbox.gateway.json_files import read_json_file  # noqa: PLC0415

    handler = path.name.removeprefix("input.").removesuffix(".json")
    report = _report(Call(folder, handler, read_json_file(path), capabilities_of(folder, None)), engine)
    outcome = report.outcome
    if outcome["status"] != "ok":
        error = cast(dict[str, object], outcome.get("error") or {})
        said = " ".join(str(error[key]) for key in ("code", "message") if key in error)
        return Verdict(path.name, ok=False, said=f"{outcome['status']} {said}")
    expected = folder / f"expect.{handler}.json"
    if expected.exists() and (wanted := read_json_file(expected)) != outcome["value"]:
        return Verdict(path.name, ok=False, said=f"returned {outcome['value']!r}, {expected.name} has {wanted!r}")
    return Verdict(path.name, ok=True, said=f"ok in {cast(float, outcome['durationMs']):.1f} ms")


def _report(call: Call, engine: EngineName | None) -> Report:
    from pysandbox.cli.browser_run import run_in_browser  # noqa: PLC0415
    from pysandbox.cli.deno_run import run_in_deno  # noqa: PLC0415

    if engine is EngineName.DENO:
        return run_in_deno(call, resolve=output.resolver())
    return run_in_browser(call, browser_for(engine)[1], resolve=output.resolver())
