"""``pysandbox flow run``: a flow over real plugins in a real browser, as a page would have it run."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from pysandbox.cli import faults, output
from pysandbox.cli.flow_try import keep, object_in, show_windows
from pysandbox.cli.run import EngineName, browser_for
from pysandbox.core.errors import FlowError, SandboxError

if TYPE_CHECKING:
    from pysandbox.cli.browser_run import Report


def run(
    file: Annotated[str, typer.Argument(metavar="FLOW", help="The flow's JSON; - for stdin.")],
    plugins: Annotated[
        list[Path],
        typer.Option("--plugins", metavar="DIR", exists=True, file_okay=False,
                     help="A plugin that the flow calls; may be given several times."),
    ],
    input_file: Annotated[
        Path | None, typer.Option("--input", metavar="FILE", help="JSON object: interaction, webchat, session."),
    ] = None,
    capabilities: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JSON object: what each capability answers.")] = None,
    engine: Annotated[
        EngineName | None,
        typer.Option(
            envvar="PYSANDBOX_ENGINE", help="Browser, or deno: a process without one; default: the first browser."),
    ] = None,
    dist: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", envvar="PYSANDBOX_DIST", exists=True, file_okay=False,
            help="Browser bundle to run it in; default: the package's own."),
    ] = None,
    chaos: faults.ChaosText = None,
    journal: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where the run's journal goes: see `explain`, `diagram`."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON on stdout: the run.")] = False,
) -> None:
    """Run a flow over plugins, in a headless browser or in Deno; with --chaos see each fallback fire in its window."""
    from pysandbox.cli.browser_run import run_flow_in_browser  # noqa: PLC0415  # when it runs: --help stays fast
    from pysandbox.cli.flow import read  # noqa: PLC0415
    from pysandbox.cli.flow_deno import run_flow_in_deno  # noqa: PLC0415
    from pysandbox.core.flow.check import parse_flow  # noqa: PLC0415
    from pysandbox.testing.browsers import BrowserMissing  # noqa: PLC0415

    try:
        text = read(file)
        flow = parse_flow(text)
        given, answers, wrong = object_in(input_file), object_in(capabilities), faults.chosen(chaos)
        if engine is EngineName.DENO:
            if wrong is not None:
                output.wrong_use("--chaos works in browsers only: use --engine chromium, firefox or webkit")
            report = run_flow_in_deno(
                flow, given, plugins, capabilities=answers, dist=dist, resolve=output.resolver())
        else:
            name, launch = browser_for(engine)
            console = output.err()
            with console.status(f"running the flow in {name} …") if console.is_terminal else nullcontext():
                report = run_flow_in_browser(
                    text.decode(), given, plugins, launch, capabilities=answers, sla_ms=flow.sla_ms, dist=dist,
                    resolve=output.resolver(), chaos=wrong)
    except FlowError as error:
        output.give_up(error, output.FAILED)
    except SandboxError as error:
        output.give_up(error)
    except BrowserMissing as error:
        output.wrong_use(str(error))
    ran = _ran(report)
    if journal is not None:
        keep(ran["journal"], journal)
    late = show_windows(ran["journal"])
    if as_json:
        output.json_line(ran)
    else:
        _show(ran["ending"])
    raise typer.Exit(output.FAILED if late or not ran["ending"]["withinSla"] else 0)


def _ran(report: Report) -> dict[str, Any]:
    """The run, or the end of the command with why there is none."""
    for alert in report.alerts:
        output.err().print(output.line(("alert ", "bold yellow"), json.dumps(alert, ensure_ascii=False)))
    if report.outcome["status"] == "ok":
        return cast(dict[str, Any], report.outcome["value"])
    error = cast(dict[str, Any], report.outcome["error"])
    output.err().print(output.line((f"{error.get('code')} ", "bold red"), str(error.get("message"))))
    raise typer.Exit(output.FAILED)


def _show(ending: dict[str, Any]) -> None:
    routed = ending["type"] == "routeToQueue"
    where = f"queue {ending['queueId']}" if routed else f"disconnect {ending['reason']}".rstrip()
    output.out().print(output.line(
        (ending["block"], "bold"), f"  {where}  ", (f"{ending['durationMs']:.1f} of {ending['slaMs']} ms", "dim")))
    if ending["metadata"]:
        output.out().print(output.line(json.dumps(ending["metadata"], indent=2, ensure_ascii=False)))
