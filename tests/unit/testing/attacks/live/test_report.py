"""The report: all that was seen, nothing that was secret, and a page that nobody can write into."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import pytest

from pysandbox.testing.attacks.live.plays import BROWSER
from pysandbox.testing.attacks.live.report import as_data, is_good
from pysandbox.testing.attacks.live.report_html import render
from pysandbox.testing.attacks.live.run import Progress, Report, keep
from pysandbox.testing.attacks.live.verdicts import Half, Seen

TOKEN = "eyJh.bGci.OiJS"
EVIL = "</style><script>alert(1)</script><img src=x onerror=alert(1)> \" ' & "


def report(*, inside: bool = False, said: str = "refused", missing: bool = False) -> Report:
    made = Report("http://127.0.0.1:8900", "0123", 1_000_000_000.0, BROWSER[:3], ended_s=1_000_000_060.0)
    made.agents["chromium"] = "Chromium 156"
    for play in made.plays:
        keep(made, Progress(), play.slug, "chromium", Seen(Half(True, "open"), Half(inside, said), ("nonce", "nonce")))
    if missing:
        made.missing["firefox"] = "it did not start"
    return made


def test_everything_that_was_seen_is_in_it() -> None:
    data = as_data(report(), TOKEN)
    assert data["ok"] is True
    assert data["counts"]["stopped"] == 3
    assert (data["startedAt"], data["endedAt"]) == ("2001-09-09T01:46:40Z", "2001-09-09T01:47:40Z")
    first = data["attacks"][0]
    assert (first["slug"], first["control"]) == (BROWSER[0].slug, BROWSER[0].control)
    assert first["results"]["chromium"] == {
        "verdict": "stopped", "reason": "refused", "control": {"worked": True, "said": "open"},
        "attack": {"worked": False, "said": "refused"}, "alerts": ["nonce"]}
    assert json.loads(json.dumps(data)) == data


def test_residual_risks_are_those_of_the_engines_that_were_attacked() -> None:
    told = {one["name"] for one in as_data(report(), TOKEN)["residual"]}
    assert "timers-stay-fine" in told
    assert "shared-process" not in told, "Chromium has a process for each cell"


def test_what_is_known_to_work_in_an_engine_is_residual_there_and_no_hole() -> None:
    clocks = tuple(play for play in BROWSER if play.residual == "timers-stay-fine")
    made = Report("http://127.0.0.1:8900", "0123", 0.0, (*clocks, BROWSER[0]))
    keep(made, Progress(), clocks[0].slug, "chromium", Seen(Half(True, "5 µs"), Half(True, "5 µs")))
    assert as_data(made, TOKEN)["counts"]["residual"] == 1
    assert is_good(made) is True


@pytest.mark.parametrize("made", [report(inside=True), report(missing=True)])
def test_a_hole_or_a_missing_engine_is_not_good(made: Report) -> None:
    assert is_good(made) is False
    assert as_data(made, TOKEN)["ok"] is False


def test_the_token_is_nowhere_in_it() -> None:
    data = as_data(report(said=f"sent {TOKEN} away"), TOKEN)
    assert TOKEN not in json.dumps(data)
    assert "sent [the token] away" in json.dumps(data)
    assert TOKEN not in render(data)


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@pytest.mark.parametrize("made", [report(said=EVIL), report(said=EVIL, inside=True)])
def test_nothing_that_is_said_becomes_markup(made: Report) -> None:
    made.url = made.build = EVIL
    made.agents["chromium"] = EVIL
    made.warnings.append(EVIL)
    made.missing["firefox"] = EVIL
    reader = Reader()
    reader.feed(render(as_data(made, TOKEN)))
    assert {tag for tag, _ in reader.tags} & {"script", "img", "iframe", "object", "form", "base"} == set()
    assert [tag for tag, _ in reader.tags].count("style") == 1
    for tag, attributes in reader.tags:
        assert not any(name.startswith("on") or name in ("style", "src") for name in attributes), (tag, attributes)
        assert (attributes.get("href") or "#").startswith("#")


def test_the_page_forbids_itself_everything_but_its_own_style() -> None:
    reader = Reader()
    reader.feed(render(as_data(report(), TOKEN)))
    policies = [attributes for tag, attributes in reader.tags if attributes.get("http-equiv")]
    assert (policies[0]["content"] or "").startswith("default-src 'none'; style-src 'sha256-")
    assert len(policies) == 1


def test_a_reader_of_a_bad_run_sees_first_what_is_bad() -> None:
    page = render(as_data(report(inside=True, missing=True), TOKEN))
    assert page.index("Look here first") < page.index("it did not start") < page.index('id="attacks"')
    assert f'<a href="#{BROWSER[0].slug}">' in page
    assert "Nothing got through" in render(as_data(report(), TOKEN))
