"""``pysandbox flow try``: a run of a flow with stand-ins for its plugins, to see which way it goes and how fast."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from pysandbox.cli import faults, output
from pysandbox.core.chaos import IN_FLOWS, Chaos
from pysandbox.core.errors import Code, FlowError, SandboxError, Status
from pysandbox.core.outcome import Outcome

if TYPE_CHECKING:
    from pysandbox.core.flow.blocks import Flow
    from pysandbox.core.flow.driver import Ran
    from pysandbox.core.flow.effects import Event, Invocation

_EPOCH_MS = time.time() * 1000 - time.monotonic() * 1000


class StandIns:
    """Ports whose plugins answer at once what they were given to say, or null; messages are shown on stderr."""

    def __init__(self, answers: Mapping[str, object]) -> None:
        self.answers = answers
        self.journal: list[Event] = []

    def clock_ms(self) -> float:
        return _EPOCH_MS + time.monotonic() * 1000

    def append(self, events: Sequence[Event]) -> None:
        self.journal += events

    async def invoke(self, call: Invocation, timeout_ms: float) -> Outcome:  # noqa: ARG002  # they answer at once
        value = self.answers.get(call.plugin, self.answers.get(call.plugin.partition("@")[0]))
        return Outcome(Status.OK, value=json.dumps(value))

    async def send_message(self, to: str, text: str) -> None:
        output.err().print(output.line((f"to the {to}  ", "cyan"), text))

    def has_queue(self, queue_id: str) -> bool:  # noqa: ARG002  # nobody knows of any here
        return True


def attempt(
    file: Annotated[str, typer.Argument(metavar="FLOW", help="The flow's JSON; - for stdin.")],
    input_file: Annotated[
        Path | None,
        typer.Option("--input", metavar="FILE", help="JSON object: interaction, webchat, session."),
    ] = None,
    answers: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JSON object: what each plugin answers, by id; else null."),
    ] = None,
    chaos: faults.FlowChaosText = None,
    journal: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where the run's journal goes: see `explain`, `diagram`."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON on stdout.")] = False,
) -> None:
    """Run a flow with stand-ins that answer for its plugins, and with --chaos see each fallback fire in its window."""
    from pysandbox.cli.flow import read  # noqa: PLC0415
    from pysandbox.core.flow.check import parse_flow  # noqa: PLC0415  # imported when it runs: --help stays fast

    try:
        flow = parse_flow(read(file))
        wrong = faults.chosen(chaos, IN_FLOWS)
        ports = StandIns(object_in(answers))
        ran = _run(flow, object_in(input_file), ports, wrong)
    except FlowError as error:
        output.give_up(error, output.FAILED)
    except SandboxError as error:
        output.give_up(error)
    if journal is not None:
        keep(ports.journal, journal)
    late = show_windows(ports.journal)
    if as_json:
        output.json_line(ran.ending.as_json())
    else:
        _show(ran)
    raise typer.Exit(output.FAILED if late or not ran.ending.within_sla else 0)


def _run(flow: Flow, data: Mapping[str, object], ports: StandIns, wrong: Chaos | None) -> Ran:
    from pysandbox.core.flow.chaos import ChaosPorts  # noqa: PLC0415
    from pysandbox.core.flow.driver import run_flow  # noqa: PLC0415

    used = ports if wrong is None else ChaosPorts(ports, wrong)
    return asyncio.run(run_flow(flow, data, used, correlation_id="try"))


def object_in(path: Path | None) -> dict[str, object]:
    """The JSON object in ``path``. Raises `SandboxError` ``INPUT_INVALID``."""
    from pysandbox.gateway.json_files import read_json_file  # noqa: PLC0415

    if path is None:
        return {}
    found = read_json_file(path)
    if not isinstance(found, dict):
        raise SandboxError(Code.INPUT_INVALID, f"{path} holds no JSON object")
    return cast(dict[str, object], found)


def keep(events: Sequence[Event], path: Path) -> None:
    """Write a journal down."""
    from pysandbox.core.flow.journal import dump_journal  # noqa: PLC0415

    try:
        path.write_text(dump_journal(events), encoding="utf-8")
    except OSError as error:
        output.wrong_use(f"{path} cannot be written: {error.strerror or error}")


def show_windows(journal: Sequence[Event]) -> bool:
    """Every fallback and its window; whether one was late."""
    from pysandbox.core.flow.windows import fallbacks  # noqa: PLC0415

    found = list(fallbacks(journal))
    for one in found:
        output.err().print(output.line(
            ("window ", "bold green" if one.inside else "bold red"),
            f"{one.block} {one.branch} → {one.to} ({one.code}) after {one.at_ms:.0f} ms, "
            f"{'inside' if one.inside else 'OUTSIDE'} its window of {one.window_ms:.0f} ms"))
    return not all(one.inside for one in found)


def _show(ran: Ran) -> None:
    ending = ran.ending
    where = f"queue {ending.queue_id}" if ending.type == "routeToQueue" else f"disconnect {ending.reason}".rstrip()
    output.out().print(output.line(
        (ending.block, "bold"), f"  {where}  ", (f"{ending.duration_ms:.1f} of {ending.sla_ms} ms", "dim")))
    if ending.metadata:
        output.out().print(output.line(json.dumps(ending.metadata, indent=2, ensure_ascii=False)))
