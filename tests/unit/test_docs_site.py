"""The site of the docs has every page in its navigation, and whoever makes it hears of what leads nowhere."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from tools.docs import files_linked_by, pages, site_faults, stage

ROOT = Path(__file__).parents[2]


def in_nav(entry: Any) -> list[str]:
    """The pages below an entry of the navigation."""
    if isinstance(entry, str):
        return [entry]
    return [page for inner in (entry.values() if isinstance(entry, dict) else entry) for page in in_nav(inner)]


def test_the_navigation_names_each_page_once() -> None:
    nav = tomllib.loads((ROOT / "zensical.toml").read_text("utf-8"))["project"]["nav"]
    assert sorted(in_nav(nav)) == pages(ROOT), "zensical.toml: nav"


def test_what_a_page_links_goes_with_it(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "code.py").write_text("")
    text = '[b](../code.py#L1 "t") [c](https://x.example) [d](none.md) ![e](../../out)'
    (tmp_path / "docs" / "a.md").write_text(text)
    assert files_linked_by(tmp_path, "docs/a.md") == {"code.py"}


def test_what_a_fence_says_to_the_tests_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("```sh serve\nx\n```\n```json\n{}\n```\n")
    stage(tmp_path / "a.md", tmp_path / "b.md")
    assert (tmp_path / "b.md").read_text() == "```sh\nx\n```\n```json\n{}\n```\n"


def test_a_link_that_leads_nowhere_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        '<h1 id="top">A</h1><a href="#top"></a><a href="b.html#here"></a><a href="https://x.example/none"></a>'
        '<a href="#gone"></a><a href="b.html#gone"></a><img src="none.png">')
    (tmp_path / "b.html").write_text('<p id="here">```sh serve</p>')
    assert site_faults(tmp_path) == [
        "a.html links #gone", "a.html links b.html#gone", "a.html links none.png",
        "b.html has a fence that was not understood"]
