"""``pysandbox flow``: check a flow before it is deployed, draw it, and read what a run of it did."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pysandbox.cli import flow_remote, flow_run, flow_try, output
from pysandbox.core.errors import FlowError, SandboxError

if TYPE_CHECKING:
    from pysandbox.core.flow.blocks import Flow
    from pysandbox.core.flow.check import FlowCheck
    from pysandbox.core.flow.effects import Event

EXAMPLES = (
    "Examples:  pysandbox flow check flow.json  ·  pysandbox flow explain run.jsonl  ·  "
    "pysandbox flow try flow.json --input call.json --chaos hang=1  ·  "
    "pysandbox flow run flow.json --input call.json --plugins my_plugin  ·  "
    "pysandbox flow diagram flow.json --journal run.jsonl -o run.svg  ·  pysandbox flow replay flow.json run.jsonl  ·  "
    "pysandbox flow deploy flow.json  ·  pysandbox flow start risk --input call.json --wait")

app = typer.Typer(
    help="Check, draw and replay flows; keep and run them at a gateway.", no_args_is_help=True, epilog=EXAMPLES)
app.command("try")(flow_try.attempt)
app.command("run")(flow_run.run)
app.command("deploy")(flow_remote.deploy)
app.command("list")(flow_remote.show_all)
app.command("start")(flow_remote.start)
app.command("show")(flow_remote.show)
app.command("remove")(flow_remote.remove)
FlowFile = Annotated[str, typer.Argument(metavar="FLOW", help="The flow's JSON; - for stdin.")]
JournalFile = Annotated[
    str, typer.Argument(metavar="JOURNAL", help="A run's journal, one JSON object a line; - for stdin.")]
Json = Annotated[bool, typer.Option("--json", help="Print one line of JSON on stdout.")]
Called = Annotated[
    list[Path], typer.Option("--flow", metavar="FILE", exists=True, dir_okay=False,
                             help="A flow that callFlow names; may be given several times.")]


@app.command("check")
def check(file: FlowFile, called: Called = [], as_json: Json = False) -> None:  # noqa: B006  # typer reads it only
    """Check a flow: every fault with its place and its cure, and the path that takes longest."""
    from pysandbox.core.flow.check import check_flow  # noqa: PLC0415  # imported when it runs: --help stays fast
    from pysandbox.core.flow.registered import View  # noqa: PLC0415

    found = check_flow(read(file), View(flows=_flows(called) if called else None))
    if as_json:
        output.json_line(_as_json(found))
    else:
        _show(found)
    raise typer.Exit(output.FAILED if found.problems else 0)


@app.command("explain")
def explain(file: JournalFile, as_json: Json = False) -> None:
    """Say what a run did, step by step, from its journal."""
    from pysandbox.core.flow.explain import explain as lines_of  # noqa: PLC0415

    lines = lines_of(_journal(file))
    if as_json:
        output.json_line({"steps": [
            {"atMs": line.at_ms, "text": line.text, "trouble": line.trouble} for line in lines]})
        return
    for line in lines:
        output.out().print(output.line(
            (f"{line.at_ms:>10.1f} ms  ", "dim"), (line.text, "yellow") if line.trouble else line.text))


@app.command("replay")
def replay(flow_file: FlowFile, journal_file: JournalFile, called: Called = [], as_json: Json = False) -> None:  # noqa: B006
    """Run a flow again with the answers of its journal, and prove that the same happens. Nothing is called."""
    from pysandbox.core.flow.journal import replay as again  # noqa: PLC0415

    flow, journal = _parsed(flow_file), _journal(journal_file)
    try:
        events = again(flow, journal, flows=_flows(called))
    except SandboxError as error:
        output.give_up(error, output.FAILED)
    ended = bool(events) and events[-1]["event"] == "flowEnded"
    if as_json:
        output.json_line({"ok": True, "events": len(events), "ended": ended})
        return
    rest = f"it ended in {events[-1]['block']}" if ended else "the journal breaks off before the end"
    output.out().print(output.line(("ok ", "bold green"), f"{len(events)} events, each the same; {rest}"))


@app.command("diagram")
def diagram(
    file: FlowFile,
    target: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to; default: stdout.")] = None,
    journal: Annotated[
        Path | None,
        typer.Option(metavar="FILE", exists=True, dir_okay=False, help="A run's journal: its path and times."),
    ] = None,
) -> None:
    """Draw a flow as SVG, with a journal the path that a run took and its times against the deadline."""
    from pysandbox.core.flow.diagram import diagram as draw  # noqa: PLC0415

    svg = draw(_parsed(file), _journal(str(journal)) if journal is not None else ())
    if target is None:
        typer.echo(svg, nl=False)
        return
    try:
        target.write_text(svg, encoding="utf-8")
    except OSError as error:
        output.wrong_use(f"{target} cannot be written: {error.strerror or error}")


@app.command("schema")
def schema() -> None:
    """Print the JSON Schema of flows, for editors."""
    from pysandbox.core.flow.schema import schema_text  # noqa: PLC0415

    typer.echo(schema_text(), nl=False)


def read(file: str) -> bytes:
    """What ``file`` holds; - is stdin. Ends the command where it cannot be read."""
    from pysandbox.core.flow.journal import MAX_FILE_BYTES  # noqa: PLC0415

    try:
        if file == "-":
            return sys.stdin.buffer.read(MAX_FILE_BYTES)
        with Path(file).open("rb") as stream:
            return stream.read(MAX_FILE_BYTES)
    except OSError as error:
        output.wrong_use(f"{file} cannot be read: {error.strerror or error}")


def _parsed(file: str) -> Flow:
    """The flow, or the end of the command with every fault."""
    from pysandbox.core.flow.check import parse_flow  # noqa: PLC0415

    try:
        return parse_flow(read(file))
    except FlowError as error:
        output.give_up(error, output.FAILED)


def _flows(files: list[Path]) -> dict[str, Flow]:
    """The flows by name; without a name, by the file's."""
    found: dict[str, Flow] = {}
    for file in files:
        flow = _parsed(str(file))
        found[flow.name or file.stem] = flow
    return found


def _journal(file: str) -> list[Event]:
    from pysandbox.core.flow.journal import parse_journal  # noqa: PLC0415

    try:
        return parse_journal(read(file).decode("utf-8", errors="replace"))
    except SandboxError as error:
        output.give_up(error, output.FAILED)


def _as_json(found: FlowCheck) -> dict[str, object]:
    way = found.longest
    return {
        "ok": not found.problems,
        "problems": [problem.as_json() for problem in found.problems],
        "slaMs": found.sla_ms,
        "longestPath": None if way is None else {
            "ms": way.ms, "blocks": [{"id": id, "ms": ms} for id, ms in way.steps]},
        "digest": None if found.flow is None else found.flow.digest,
    }


def _show(found: FlowCheck) -> None:
    console = output.out()
    if found.flow is not None:
        name = found.flow.name or "flow"
        console.print(output.line((name, "bold"), f" · {len(found.flow.blocks)} blocks · entry {found.flow.entry}"))
    if found.longest is not None:
        console.print(output.line(("  longest path ", "dim"), f"{found.longest.ms} of {found.sla_ms} ms"))
        console.print(output.line(("  ", "dim"), str(found.longest)))
    output.show_problems(console, found.problems)
    count = len(found.problems)
    console.print(output.line(
        (f"{count} problem{'s' * (count != 1)}", "bold red") if count else ("ok", "bold green")))
