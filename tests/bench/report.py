"""The results as a file and as a table on the terminal."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench.model import METRICS, REFERENCE, Samples
from tests.bench.stats import Summary, percentiles, ratios, summaries


def write(path: Path, meta: Mapping[str, Any], samples: Samples) -> None:
    """Write results.json: every raw sample, the medians with their spread, and the ratios."""
    found = summaries(samples)
    document = {
        "meta": meta,
        "metrics": {name: {"meaning": metric.meaning, "unit": metric.unit} for name, metric in METRICS.items()},
        "samples": samples.raw,
        "medians": {name: {who: one.median for who, one in by.items()} for name, by in found.items()},
        "spread": {name: {who: dataclasses.asdict(one) for who, one in by.items()} for name, by in found.items()},
        "ratios": ratios(found, "ours") | percentiles(found, "ours"),
        **percentiles(found, "ours"),
        "ratios_pyscript": ratios(found, "pyscript"),
    }
    path.write_text(json.dumps(document, indent=1) + "\n")


def amount(value: float, unit: str) -> str:
    """A value as a person reads it."""
    if unit == "bytes":
        return f"{value / 1e6:.2f} MB"
    if value >= 1000:
        return f"{value / 1000:.2f} s"
    return f"{value:.2f} ms" if value < 10 else f"{value:.0f} ms"


def _cell(one: Summary, metric: str, *, ours: bool) -> str:
    unit, p95, aim_ms = METRICS[metric].unit, METRICS[metric].p95, METRICS[metric].aim_ms
    judged = one.p95 if p95 else one.median
    text = f"[bold]{amount(judged, unit)}[/]" + (" p95" if p95 else "")
    if ours and aim_ms is not None:
        text = f"[{'green' if judged <= aim_ms else 'red'}]{text}[/] [dim]≤ {aim_ms:g} ms[/]"
    if one.count > 1:
        q1, q3, low, high = (amount(value, unit) for value in (one.q1, one.q3, one.low, one.high))
        text += f"\n[dim]{q1} – {q3}\n({low} … {high})[/]"
    return text


def _ratio(metric: str, ratio: float | None) -> str:
    if ratio is None:
        return ""
    aim = METRICS[metric].aim
    if aim is None:
        return f"{ratio:.2f}"
    return f"[{'green' if ratio <= aim else 'red'}]{ratio:.2f}[/] [dim]≤ {aim:g}[/]"


def show(console: Console, samples: Samples, labels: Mapping[str, str], meta: Mapping[str, Any]) -> None:
    """Print the table: median, quartiles and (extremes) of each subject, and our ratio to the reference."""
    found = summaries(samples)
    ours = ratios(found, "ours")
    subjects: Sequence[str] = [name for name in labels if any(name in by for by in found.values())]
    table = Table(title=f"{meta['browser']}, {meta['cores']} cores, {meta['rounds']} rounds", title_justify="left")
    table.add_column("metric")
    for name in subjects:
        table.add_column(labels[name], justify="right")
    if ours:
        table.add_column(f"ours / {labels[REFERENCE]}", justify="right")
    for metric, by_subject in found.items():
        cells = [_cell(by_subject[who], metric, ours=who == "ours") if who in by_subject else "–" for who in subjects]
        if ours:
            cells.append(_ratio(metric, ours.get(metric)))
        table.add_row(f"{metric}\n[dim]{METRICS[metric].meaning}[/]", *cells, end_section=True)
    console.print(table)
