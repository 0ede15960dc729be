"""The playground completes what a `Context` has: all of it, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from pysandbox.plugin import AbortSignal, Context
from pysandbox.plugin.context import Cache, Log, Proxy

SCRIPT = Path(__file__).parents[3] / "web" / "pages" / "playground" / "complete.js"
PARTS = {"cache": Cache, "log": Log, "proxy": Proxy, "signal": AbortSignal}


def _public(kind: type) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


def test_every_name_of_the_context_is_there_and_no_other() -> None:
    listed = re.findall(r'"([a-z_.]+)[()]*",', SCRIPT.read_text("utf-8").split("/**\n")[0])
    names = {tuple(name.split(".")) for name in listed}
    assert {name[0] for name in names} == _public(Context)
    for part in ("cache", "log", "proxy"):
        assert {name[1] for name in names if name[0] == part} == _public(PARTS[part])
    assert {name[1] for name in names if name[0] == "signal"} <= _public(AbortSignal)
