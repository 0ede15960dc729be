"""``pysandbox run``: call one handler of a plugin in a real browser, and print its outcome."""

from __future__ import annotations

import json
from contextlib import nullcontext
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, cast

import typer
from rich.highlighter import JSONHighlighter

from pysandbox.cli import faults, output
from pysandbox.cli.check import Folder
from pysandbox.core.errors import SandboxError

if TYPE_CHECKING:
    from pysandbox.cli.browser_run import Call, Launch, Report
    from pysandbox.testing.browsers import Engine

EXAMPLES = (
    "Examples:  pysandbox run examples/risk_scoring --call evaluate --input input.json  ·  "
    "pysandbox run . --call evaluate --input input.json --engine firefox --json  ·  "
    "pysandbox run . --call evaluate --input input.json --chaos latency=20-80,drop=0.1,hang=0.05")


class EngineName(StrEnum):
    """Where a plugin can run."""

    CHROMIUM = "chromium"
    FIREFOX = "firefox"
    WEBKIT = "webkit"
    DENO = "deno"


def run(
    folder: Folder,
    handler: Annotated[str, typer.Option("--call", metavar="HANDLER", help="The handler to call.")],
    input_file: Annotated[
        Path, typer.Option("--input", metavar="FILE", help="JSON file with what the handler is called with.")],
    engine: Annotated[
        EngineName | None,
        typer.Option(
            envvar="PYSANDBOX_ENGINE", help="Browser, or deno: a process without one; default: the first browser."),
    ] = None,
    timeout_ms: Annotated[
        int | None,
        typer.Option("--timeout-ms", min=1, help="Deadline of the call; the manifest's own can only be shortened."),
    ] = None,
    capabilities: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="JSON object: what each capability answers; default: DIR/capabilities.json."),
    ] = None,
    dist: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", envvar="PYSANDBOX_DIST", exists=True, file_okay=False,
            help="Browser bundle to run it in; default: the package's own."),
    ] = None,
    chaos: faults.ChaosText = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print exactly one line, the outcome as JSON; all else goes to stderr.")
    ] = False,
) -> None:
    """Run one call of a plugin in a headless browser, under the walls and limits it will have in a page."""
    from pysandbox.cli.browser_run import Call, run_in_browser  # noqa: PLC0415  # when it runs: --help stays fast
    from pysandbox.gateway.json_files import read_json_file  # noqa: PLC0415
    from pysandbox.testing.browsers import BrowserMissing  # noqa: PLC0415

    try:
        call = Call(folder, handler, read_json_file(input_file), capabilities_of(folder, capabilities), timeout_ms)
        wrong = faults.chosen(chaos)
        if engine is EngineName.DENO:
            report = _in_deno(call, dist, chaotic=wrong is not None)
            _show_notes(report)
            _finish(report, handler, as_json=as_json)
        name, launch = browser_for(engine)
        console = output.err()
        waiting = console.status(f"running {handler} in {name} …") if console.is_terminal else nullcontext()
        with waiting:
            report = run_in_browser(call, launch, dist=dist, resolve=output.resolver(), chaos=wrong)
    except SandboxError as error:
        output.give_up(error)
    except BrowserMissing as error:
        output.wrong_use(str(error))
    _show_notes(report)
    if wrong is not None:
        _show_window(report)
    _finish(report, handler, as_json=as_json)


def _in_deno(call: Call, dist: Path | None, *, chaotic: bool) -> Report:
    from pysandbox.cli.deno_run import run_in_deno  # noqa: PLC0415

    if chaotic:
        output.wrong_use("--chaos works in browsers only: use --engine chromium, firefox or webkit")
    return run_in_deno(call, dist=dist, resolve=output.resolver())


def _finish(report: Report, handler: str, *, as_json: bool) -> NoReturn:
    if as_json:
        output.json_line(report.outcome)
    else:
        _show(report, handler)
    raise typer.Exit(0 if report.outcome["status"] == "ok" else output.FAILED)


def capabilities_of(folder: Path, path: Path | None) -> dict[str, object]:
    """What each capability answers: by the file at ``path``, else by the folder's own, if it has one."""
    from pysandbox.gateway.folder import CAPABILITIES_NAME, read_capabilities  # noqa: PLC0415

    if path is not None:
        return read_capabilities(path)
    usual = folder / CAPABILITIES_NAME
    return read_capabilities(usual) if usual.exists() else {}


def browser_for(wanted: EngineName | None) -> tuple[str, Launch]:
    """The engine to use and how to open a page in it. Raises `BrowserMissing`, whose message is what mends it."""
    from pysandbox.testing.browsers import ENGINES, BrowserMissing, cure, find_browser, launch_direct  # noqa: PLC0415

    names: list[Engine] = [name for name in ENGINES if wanted is None or wanted == EngineName(name)]
    for name in names:
        path = find_browser(name)
        if path is not None:
            return name, partial(launch_direct, name, path=path)
    raise BrowserMissing(f"there is no {' and no '.join(names)} on this machine; mend it with: {cure(names[0])}")


def _show_notes(report: Report) -> None:
    console = output.err()
    for entry in report.logs:
        console.print(output.line(("log ", "cyan"), output.set_in(_log_line(entry))))
    for alert in report.alerts:
        console.print(output.line(("alert ", "bold yellow"), json.dumps(alert, ensure_ascii=False)))


def _show_window(report: Report) -> None:
    """Whether the caller was answered in time, whatever went wrong, by the caller's own clock."""
    console = output.err()
    if report.elapsed_ms is None:
        console.print(output.line(("window ", "bold yellow"), "the call was not made"))
        return
    inside = report.elapsed_ms <= report.window_ms
    console.print(output.line(
        ("window ", "bold green" if inside else "bold red"), f"the outcome came after {report.elapsed_ms:.0f} ms, "
        f"{'inside' if inside else 'OUTSIDE'} its window of {report.window_ms} ms"))


def _log_line(entry: object) -> str:
    if not isinstance(entry, dict):
        return json.dumps(entry, ensure_ascii=False)
    fields = dict(cast(dict[str, object], entry))
    level, message = fields.pop("level", ""), fields.pop("message", "")
    rest = {name: value for name, value in fields.items() if value not in ({}, None, "")}
    return f"{level} {message}" + (f" {json.dumps(rest, ensure_ascii=False)}" if rest else "")


def _show(report: Report, handler: str) -> None:
    console = output.out()
    outcome = report.outcome
    good = outcome["status"] == "ok"
    console.print(output.line(
        (str(outcome["status"]), "bold green" if good else "bold red"), f"  {handler}", (_figures(outcome), "dim")))
    if good:
        text = output.line(json.dumps(outcome.get("value"), indent=2, ensure_ascii=False))
        JSONHighlighter().highlight(text)
        console.print(text)
        return
    error = cast(dict[str, object], outcome.get("error") or {})
    console.print(output.line((f"{error.get('code')} ", "bold"), output.set_in(str(error.get("message")))))
    for detail in cast(list[dict[str, str]], error.get("details") or []):
        console.print(output.line(("✗ ", "red"), f"{detail.get('path')}  {detail.get('rule')}"))
        console.print(output.line(("  → ", "green"), f"{detail.get('cure')}"))


def _figures(outcome: dict[str, object]) -> str:
    """How long it took and what it held, as far as the outcome knows."""
    memory = cast(dict[str, object], outcome.get("memory") or {})
    duration, held = outcome.get("durationMs"), memory.get("bytes")
    parts: list[str] = []
    if isinstance(duration, (int, float)) and duration:
        parts.append(f"{duration:.1f} ms")
    if isinstance(held, int) and held:
        parts.append(f"{output.size(held)} in use")
    if layer := outcome.get("layer"):
        parts.append(f"ended by the {layer} deadline")
    return f"  {' · '.join(parts)}" if parts else ""
