"""The real server, and the command line that administers it as a user would: by URL and token from the environment."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from pysandbox.cli.app import app
from pysandbox.gateway.server import GatewayServer
from pysandbox.gateway.settings import Settings
from tests.unit.gateway.fake_dist import write_dist

SCOPES = ("application:plugin:manage", "integration:edit", "telemetry:audit:read", "webchat:session:read")


@dataclass
class Administered:
    """One server; each call is a command of its own with a token of ``scopes``."""

    server: GatewayServer
    scopes: tuple[str, ...] = SCOPES

    def run(self, *args: str, text: str | None = None) -> Result:
        env = {"PYSANDBOX_URL": self.server.api_origin, "PYSANDBOX_TOKEN": self.server.token(*self.scopes),
               "COLUMNS": "300"}  # fmt: skip
        return CliRunner().invoke(app, args, input=text, env=env)

    def done(self, *args: str, text: str | None = None) -> str:
        """What the command printed on stdout; it must have ended well."""
        result = self.run(*args, text=text)
        assert result.exit_code == 0, result.output
        return result.stdout

    def json(self, *args: str) -> Any:
        return json.loads(self.done(*args, "--json"))


@contextmanager
def administered(folder: Path) -> Iterator[Administered]:
    settings = Settings(
        port=0, sandbox_port=0, data_dir=folder / "data", dist=write_dist(folder / "dist"), access_log=False)
    with GatewayServer(settings) as server:
        yield Administered(server)
