"""Rules of the operator's own, and silences."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pysandbox.core.errors import SandboxError
from pysandbox.core.telemetry.alerts import BUILT_IN
from pysandbox.gateway.telemetry.rules import is_silenced, load_rules

DOCUMENT = Path(__file__).parents[4] / "docs" / "telemetry.md"


def rules_file(folder: Path, text: str) -> Path:
    file = folder / "rules.toml"
    file.write_text(text, "utf-8")
    return file


def test_the_documents_rule_comes_beside_the_built_in_ones(tmp_path: Path) -> None:
    (text,) = re.findall(r"```text\n(\[\[rule.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    *built_in, own = load_rules(rules_file(tmp_path, text))
    assert tuple(built_in) == BUILT_IN == load_rules(None)
    assert (own.name, own.by, own.above, own.window_s, own.for_s) == ("queue-errors", "queue", 0.1, 600, 60)


def test_a_rule_of_a_built_in_name_takes_its_place(tmp_path: Path) -> None:
    file = rules_file(tmp_path, '[[rule]]\nname = "latency"\nmetric = "averageMs"\nabove = 500\nclear = 400')
    assert [(one.name, one.above) for one in load_rules(file)] == [("error-rate", 0.05), ("latency", 500)]


@pytest.mark.parametrize("wrong", [
    'colour = "red"', 'metric = "moon"', "clear = 0.9", "window_s = 90", "window_s = 86400", "least = 0",
    'severity = "loud"', 'by = "phase"', 'name = "A b"', "above = true", "for_s = -1"])
def test_each_rule_that_is_wrong_is_told(tmp_path: Path, wrong: str) -> None:
    good = {"name": '"a"', "metric": '"errorRate"', "above": "0.1", "clear": "0.05"}
    key, _, value = wrong.partition(" = ")
    text = "[[rule]]\n" + "\n".join(f"{name} = {told}" for name, told in {**good, key: value}.items()) + "\n"
    with pytest.raises(SandboxError) as refused:
        load_rules(rules_file(tmp_path, text * 2))
    assert [one.path for one in refused.value.details] == ["rule[0]", "rule[1]"]


@pytest.mark.parametrize("text", ["rule = 1", "x = 1", "[[rule]", "rule = []\nx = 1"])
def test_a_file_without_rules_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SandboxError):
        load_rules(rules_file(tmp_path, text))


@pytest.mark.parametrize(("silence", "silenced"), [
    ("error-rate", True), ("error-rate/com.vendor.*", True), ("*/com.vendor.one", True), ("latency", False),
    ("error-rate/com.other.*", False), ("error", False)])
def test_silences_name_rules_and_groups(silence: str, silenced: bool) -> None:
    assert is_silenced((silence,), "error-rate", "com.vendor.one") is silenced
