"""``pysandbox attack``: attacks on a deployment of one's own, their controls outside of it, and a report of both."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pysandbox.cli import attack_show, output, remote
from pysandbox.core.errors import SandboxError

if TYPE_CHECKING:
    from pysandbox.testing.attacks.live.play import Play
    from pysandbox.testing.attacks.live.run import Report
    from pysandbox.testing.browsers import Engine

EXAMPLES = (
    "Examples:  pysandbox attack http://127.0.0.1:8900  ·  "
    "pysandbox attack http://127.0.0.1:8900 --engine firefox --only egress --only 'window-*'  ·  "
    "pysandbox attack https://api.example --sandbox https://sandbox.example --i-own-this")


class EngineName(StrEnum):
    """The engines that there are."""

    CHROMIUM = "chromium"
    FIREFOX = "firefox"
    WEBKIT = "webkit"


def attack(
    url: Annotated[str, typer.Argument(metavar="URL", help="The deployment: its API, or its sandbox origin.")] = "",
    engine: Annotated[
        list[EngineName] | None,
        typer.Option(help="Browser to attack from; may be repeated. Default: all that this machine has.")] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only this attack, group or pattern such as 'egress-*'; may be repeated."),
    ] = None,
    folder: Annotated[
        Path, typer.Option("--output", metavar="DIR", file_okay=False, help="Where report.html and report.json go."),
    ] = Path("attack-report"),
    sandbox: Annotated[
        str | None,
        typer.Option(metavar="URL", help="The sandbox origin, where it is not at the API's next port.")] = None,
    page_port: Annotated[
        int,
        typer.Option(
            min=1, max=65535, help="Port of this machine whose page attacks; the deployment must allow its origin."),
    ] = 8910,
    own: Annotated[
        bool, typer.Option("--i-own-this", help="You may attack this deployment; needed beyond this machine.")] = False,
    show_list: Annotated[bool, typer.Option("--list", help="Print the attacks, and attack nothing.")] = False,
    token_file: remote.TokenFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as one line of JSON too.")] = False,
) -> None:
    """Attack a deployment of your own from real browsers, with controls, and write a report.

    It needs an administrator's token: two plugins of its own are registered, granted and enabled for the time of the
    attacks, and removed afterwards. Exit code 0: nothing got through, and every attack that was made works outside of
    the sandbox.
    """
    from pysandbox.testing.attacks.live import selection  # noqa: PLC0415  # when it runs: --help stays fast
    from pysandbox.testing.attacks.live.plays import ALL  # noqa: PLC0415
    from pysandbox.testing.attacks.live.report import as_data  # noqa: PLC0415

    try:
        plays = selection.select(ALL, only or [])
    except SandboxError as error:
        output.give_up(error)
    if show_list:
        attack_show.listed(plays)
        return
    if not url:
        output.wrong_use("which deployment? Pass its URL, such as http://127.0.0.1:8900")
    _require_ownership(url, own=own)
    token = remote.platform_token(token_file)
    report = _run(url, sandbox, plays, [one.value for one in engine or []], page_port, token)
    data = as_data(report, token)
    _write(data, folder)
    if as_json:
        output.json_line(data)
    attack_show.summary(data, folder)
    if not data["ok"]:
        raise typer.Exit(output.FAILED)


def _run(
    url: str, sandbox: str | None, plays: tuple[Play, ...], asked: Sequence[Engine], page_port: int, token: str
) -> Report:
    from pysandbox.testing.attacks.live import run, selection, target  # noqa: PLC0415  # as above

    engines, lacking = selection.engines(asked)
    told = {str(name): why for name, why in lacking.items()}
    if told and asked:
        output.wrong_use("; ".join(f"{name}: {why}" for name, why in told.items()))
    for name, why in told.items():
        output.err().print(output.line((f"{name} will NOT be attacked: ", "bold yellow"), why))
    try:
        found = target.find(url, token, sandbox)
        report = run.Report(url, found.build, time.time(), plays, absent=told)
        with _interruptible():
            run.attack(
                found, plays, engines, page_port=page_port, progress=attack_show.progress(len(plays)), report=report)
    except SandboxError as error:
        output.give_up(error)
    except KeyboardInterrupt:
        output.err().print(output.line(("interrupted: ", "bold yellow"), "what was registered has been removed again"))
        raise typer.Exit(output.FAILED) from None
    return report


def _require_ownership(url: str, *, own: bool) -> None:
    from pysandbox.testing.attacks.live.target import is_loopback  # noqa: PLC0415  # as above

    if not own and not is_loopback(url):
        output.wrong_use(
            f"{url} is not on this machine. Attack only what is yours, or what its owner lets you attack; "
            "if it is, say so: --i-own-this")


@contextmanager
def _interruptible() -> Generator[None]:
    """SIGTERM ends the command as Ctrl-C does: with everything removed again."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _write(data: dict[str, Any], folder: Path) -> None:
    from pysandbox.testing.attacks.live.report_html import render  # noqa: PLC0415  # as above

    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "report.json").write_text(json.dumps(data, indent=1) + "\n", "utf-8")
        (folder / "report.html").write_text(render(data), "utf-8")
    except OSError as error:
        output.wrong_use(f"the report cannot be written to {folder}: {error.strerror or error}")
