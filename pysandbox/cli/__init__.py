"""The command line: parse, call, print. What a command does lives elsewhere; each command imports it when it runs."""

from __future__ import annotations


def main() -> None:
    """The console script ``pysandbox``."""
    from pysandbox.cli.app import app  # noqa: PLC0415  # so that importing this package costs nothing

    app()
