"""The reference pages are those that the code would write today."""

from __future__ import annotations

from pathlib import Path

import pytest

from pysandbox.core.errors import INFO, Code
from pysandbox.core.limits import LIMITS
from pysandbox.core.reference import PAGES, errors_page, limits_page, write

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_is_up_to_date(name: str) -> None:
    text = (DOCS / name).read_text(encoding="utf-8")
    assert text == PAGES[name](), f"docs/{name} is stale: run `python -m pysandbox.core.reference`"


def test_every_code_has_its_meaning_and_its_section() -> None:
    assert set(INFO) == set(Code)
    for code in Code:
        assert errors_page().count(f"\n## {code}\n") == 1


def test_every_limit_has_its_row() -> None:
    for name in LIMITS:
        assert limits_page().count(f"| `{name}` |") == 1


def test_no_cell_breaks_its_table() -> None:
    columns = 0
    for line in limits_page().splitlines():
        if line.startswith("|---"):
            columns = line.count("|")
        elif line.startswith("| `"):
            assert line.count("|") == columns, line


def test_writing_makes_the_pages(tmp_path: Path) -> None:
    write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(PAGES)
