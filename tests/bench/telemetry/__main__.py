"""`python -m tests.bench.telemetry`: records in, a dashboard's questions, retention; on SQLite and on PostgreSQL.

This process keeps to one core. What it takes in is told by the clock and by the processor's time, which other work on
the machine changes less; PostgreSQL's own time is not in the latter.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from pysandbox.gateway.store.database import Database
from pysandbox.gateway.telemetry.store import TelemetryStore
from tests.bench.machine import cpu_name
from tests.bench.telemetry.measures import ask, forget, ingest
from tests.integration.services import postgres_server

OUTPUT = Path(__file__).parents[1] / "telemetry.json"
INGEST, ANSWER_MS = 2000, 200


def main(
    records: Annotated[int, typer.Option(help="So many are stored.")] = 1_000_000,
    only: Annotated[str, typer.Option(help="One of the two alone.")] = "",
    output: Annotated[Path, typer.Option(help="Where the figures go.")] = OUTPUT,
) -> None:
    """Measure both, and print what there is. Figures of what is not measured now are left as they are."""
    for name in [only] if only else ["sqlite", "postgres"]:
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="pysandbox-bench-"))
            url = f"sqlite:///{folder}/gateway.db"
            if name == "postgres":
                url = stack.enter_context(postgres_server()).url
            found = {**circumstances(), **asyncio.run(measured(url, records))}
        add(output, name, found)  # what there is, should the next fail
        show(name, found)


def circumstances() -> dict[str, Any]:
    """When and where it was, and how busy the machine was with other things as it began."""
    return {
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"), "cpu": cpu_name(), "cores": os.cpu_count(),
        "loadAverage": round(os.getloadavg()[0], 1)}


def add(output: Path, name: str, found: dict[str, Any]) -> None:
    """Put figures beside the others in the file."""
    told: dict[str, Any] = json.loads(output.read_text()) if output.exists() else {}
    output.write_text(json.dumps({**told, name: found}, indent=2) + "\n")


async def measured(url: str, records: int) -> dict[str, Any]:
    database, now_ms = Database.open(url), time.time_ns() // 1_000_000
    await database.migrate()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # PostgreSQL was started before, and keeps its own
    store = TelemetryStore(database)
    try:
        return {
            "ingest": await ingest(store, records, now_ms), "questionsMs": await ask(store, now_ms),
            "retention": await forget(database, now_ms, min(records, 50_000))}
    finally:
        await database.close()


def show(name: str, found: dict[str, Any]) -> None:
    taken, slowest = found["ingest"], max(found["questionsMs"].items(), key=lambda item: item[1]["p95"])
    print(f"{name}: {taken['recordsPerSecond']} records/s by the clock, {taken['recordsPerCpuSecond']} by the processor"
          f" (wanted: {INGEST}); slowest question p95 {slowest[1]['p95']} ms: {slowest[0]} (wanted: {ANSWER_MS} ms)")
    print(f"{name}: {json.dumps(found['retention'])}")


if __name__ == "__main__":
    typer.run(main)
