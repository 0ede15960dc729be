"""The gateway's settings as commands take them: a file, the variables, and their own options over both."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from pysandbox.cli import output
from pysandbox.core.errors import SandboxError
from pysandbox.gateway.settings import Settings, load_settings

Config = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", envvar="PYSANDBOX_CONFIG", exists=True, dir_okay=False,
        help="TOML file of settings. Variables win over it, options over both.")]


def chosen(config: Path | None, **options: object) -> Settings:
    """The settings; ``options`` that were not given are None. Ends the command where they are not usable."""
    given = {name: value for name, value in options.items() if value is not None}
    try:
        return load_settings(os.environ, config, given)
    except SandboxError as error:
        output.give_up(error)
