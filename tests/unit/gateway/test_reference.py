"""The page of settings is the one that the code would write today."""

from __future__ import annotations

from pathlib import Path

from pysandbox.gateway.reference import settings_page
from pysandbox.gateway.settings import settings_help

PAGE = Path(__file__).parents[3] / "docs" / "settings.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == settings_page(), "run `python -m pysandbox.gateway.reference`"


def test_every_setting_has_its_row_of_three_cells() -> None:
    rows = [line for line in settings_page().splitlines() if line.startswith("| `PYSANDBOX_")]
    assert len(rows) == len(settings_help()) > 40
    assert {row.count("|") for row in rows} == {4}
