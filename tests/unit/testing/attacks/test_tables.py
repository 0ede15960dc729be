"""The tables in the documentation are those that the catalogue would give today."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pysandbox.testing.attacks import ATTACKS
from pysandbox.testing.attacks.tables import TABLES, compact, residual, whole, write, written

ROOT = Path(__file__).parents[4]


@pytest.mark.parametrize(("file", "name", "table"), TABLES)
def test_a_table_is_up_to_date(file: str, name: str, table: Callable[[], str]) -> None:
    text = (ROOT / file).read_text("utf-8")
    assert written(text, name, table()) == text, f"{file} is stale: run `python -m pysandbox.testing.attacks.tables`"


def test_writing_mends_what_is_stale(tmp_path: Path) -> None:
    for file in {file for file, _, _ in TABLES}:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, tmp_path / file)
    stale = (tmp_path / "README.md").read_text("utf-8").replace("| Gateway |", "| Gate |")
    (tmp_path / "README.md").write_text(stale, encoding="utf-8")
    write(tmp_path)
    for file, _, _ in TABLES:
        assert (tmp_path / file).read_text("utf-8") == (ROOT / file).read_text("utf-8")


def test_a_file_without_its_marks_is_no_place_for_a_table() -> None:
    with pytest.raises(ValueError, match="0 places"):
        written("nothing", "attacks", "table")


@pytest.mark.parametrize("table", [whole, compact])
def test_no_cell_breaks_its_table(table: Callable[[], str]) -> None:
    rows = [line for line in table().splitlines() if line.startswith("|")]
    assert len({row.count("|") for row in rows}) == 1


def test_every_attack_has_a_row_and_every_row_of_groups_adds_up() -> None:
    assert whole().count("\n| ") == len(ATTACKS)
    counts = [int(row.split("|")[2]) for row in compact().splitlines()[2:]]
    assert sum(counts) == len(ATTACKS)


def test_each_risk_that_a_table_links_to_has_its_heading() -> None:
    headings = [line.removeprefix("### ") for line in residual().splitlines() if line.startswith("### ")]
    anchors = {heading.lower().replace("'", "").replace(" ", "-") for heading in headings}
    linked = {part.partition(")")[0] for part in compact().split("docs/security.md#")[1:]}
    assert linked
    assert linked <= anchors
