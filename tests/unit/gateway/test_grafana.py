"""The dashboard file for Grafana asks for what ``/metrics`` has, under the names and labels that it has there."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any, Final

from pysandbox.core.errors import Code
from pysandbox.core.flow.effects import Ending
from pysandbox.gateway.flows.figures import FlowFigures
from pysandbox.gateway.proxy.inspection import Finding, Kind
from pysandbox.gateway.proxying import ProxyCounts
from pysandbox.gateway.telemetry.export.shipping import Figures
from pysandbox.gateway.watch import Metrics

FILE: Final = Path(__file__).parents[3] / "docs/grafana/pysandbox.json"
NAME: Final = re.compile(r"pysandbox_[a-z_]+")
SELECTED: Final = re.compile(r"(pysandbox_[a-z_]+)\{([a-z_]+)")
GROUPED: Final = re.compile(r"by \(([a-z_, ]+)\) \(.*?(pysandbox_[a-z_]+)")
SHOWN: Final = re.compile(r"\{\{([a-z_]+)\}\}")


def exported() -> dict[str, set[str]]:
    """The labels of each sample of a gateway at which everything has happened once."""
    metrics = Metrics()
    metrics.requests.labels("/x", "GET", "200").inc()
    metrics.seconds.labels("/x").observe(1)
    proxied = ProxyCounts(metrics.registry)
    proxied("risk", "refused", 503, Code.BREAKER_OPEN)
    proxied.found("risk", Finding(next(iter(Kind)), "body"))
    flows = FlowFigures(metrics.registry)
    flows.ended(Ending(
        "end", "disconnect", {}, {"failures": [{"errorCode": "PLUGIN_TIMEOUT"}]}, 5.0, 1000, "c-1"))
    exports = Figures(metrics.registry)
    exports.records.labels("otlp", "sent").inc()
    exports.failures.labels("otlp").inc()
    exports.behind.labels("otlp").set(1)
    found: defaultdict[str, set[str]] = defaultdict(set)
    for family in metrics.registry.collect():
        for sample in family.samples:
            found[sample.name].update(sample.labels)
    return found


def panels() -> list[dict[str, Any]]:
    return [one for one in json.loads(FILE.read_text())["panels"] if one["type"] != "row"]


def test_every_name_and_label_is_one_that_is_exported() -> None:
    known = exported()
    for panel in panels():
        for target in panel["targets"]:
            expression: str = target["expr"]
            names = NAME.findall(expression)
            assert names, expression
            assert set(names) <= known.keys(), expression
            asked = {(name, label) for name, label in SELECTED.findall(expression)}
            asked |= {(name, label) for labels, name in GROUPED.findall(expression) for label in labels.split(", ")}
            asked |= {(names[0], label) for label in SHOWN.findall(target["legendFormat"])}
            assert [(name, label) for name, label in asked if label not in known[name]] == [], expression


def test_every_figure_that_is_exported_is_shown() -> None:
    shown = {name for panel in panels() for target in panel["targets"] for name in NAME.findall(target["expr"])}
    helpers = ("_created", "_sum", "_count")
    assert {name for name in exported() if not name.endswith(helpers)} == shown


def test_the_file_is_whole() -> None:
    told = json.loads(FILE.read_text())
    ids = [one["id"] for one in told["panels"]]
    assert len(ids) == len(set(ids))
    assert {target["datasource"]["uid"] for one in panels() for target in one["targets"]} == {"${datasource}"}
    assert [one["name"] for one in told["templating"]["list"]] == ["datasource"]
