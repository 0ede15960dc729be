"""The attacks as data: whole, unique, and everything that they name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.main import get_command

from pysandbox.cli.app import app
from pysandbox.core.errors import SandboxError
from pysandbox.gateway.folder import submission
from pysandbox.testing.attacks import RESIDUAL
from pysandbox.testing.attacks.live import lodging
from pysandbox.testing.attacks.live.gateway.field import CALLER
from pysandbox.testing.attacks.live.play import GROUPS, Play, duplicates
from pysandbox.testing.attacks.live.plays import ALL, BROWSER
from pysandbox.testing.attacks.live.selection import select

PAGE = Path(lodging.__file__).parent / "page"


def names(data: str) -> set[str]:
    return {str(play.data[data]) for play in BROWSER if play.data.get(data)}


def test_each_attack_says_what_it_tries_what_stops_it_and_what_its_control_is() -> None:
    assert duplicates(ALL) == []
    assert len(BROWSER) > 120
    for play in ALL:
        assert play.group in GROUPS, play.slug
        assert all([play.title, play.tries, play.wall, play.control, play.kind]), play.slug
        assert re.fullmatch(r"[a-z0-9-]+", play.slug), play.slug


def test_what_is_tried_in_javascript_is_there() -> None:
    codes = (PAGE / "codes.js").read_text()
    missing = {name for name in names("code") if f'"{name}": ' not in codes}
    assert missing == set()


def test_every_kind_of_play_is_played_by_the_page() -> None:
    played = "".join(path.read_text() for path in PAGE.glob("plays*.js"))
    missing = {play.kind for play in BROWSER if not re.search(rf"const {play.kind} = {{", played)}
    assert missing == set()


@pytest.mark.parametrize(("module", "data"), [("roads", "road"), ("holding", "how"), ("forging", "forgery")])
def test_what_the_plugin_is_asked_for_it_has(module: str, data: str) -> None:
    source = (lodging.HERE / "plugin" / f"{module}.py").read_text()
    defined = {name.removeprefix("by_") for name in re.findall(r"^(?:async )?def (\w+)", source, re.MULTILINE)}
    assert names(data) <= defined | {"sealed", "raw", "brackets"}


@pytest.mark.parametrize("folder", lodging.FOLDERS, ids=lambda folder: folder.name)
def test_the_attackers_plugins_can_be_registered(folder: Path) -> None:
    body = submission(folder, "1.0.0-r0a1b2c3d4e5f")
    assert body["manifest"]["version"] == "1.0.0-r0a1b2c3d4e5f"
    assert body["manifest"]["pluginId"] in (lodging.ATTACKER, lodging.WITNESS, CALLER)
    assert body["bundle"]


def test_attacks_are_chosen_by_name_pattern_or_group() -> None:
    def chosen(*only: str) -> set[str]:
        return {play.slug for play in select(ALL, only)}

    assert select(ALL, []) == ALL
    assert chosen("egress-fetch") == {"egress-fetch"}
    assert chosen("egress-fetch*") == {"egress-fetch", "egress-fetch-post", "egress-fetch-keepalive"}
    assert chosen("window") == {play.slug for play in ALL if play.group == "window"}


def test_an_unknown_attack_is_refused_with_what_it_is_close_to() -> None:
    with pytest.raises(SandboxError) as caught:
        select(ALL, ["egress-fetsch", "nothing-like-it", "window"])
    assert [problem.path for problem in caught.value.details] == ["--only egress-fetsch", "--only nothing-like-it"]
    assert "egress-fetch" in caught.value.details[0].cure


def test_what_is_left_of_an_attack_is_in_the_catalogues_list() -> None:
    assert {play.residual for play in ALL if play.residual} <= set(RESIDUAL)


def test_no_attack_is_a_play_of_the_page_alone() -> None:
    """What arrives at a server is believed before the page is: every egress is seen there."""
    assert all(play.seen_by == "listener" for play in ALL if play.group == "egress")
    assert isinstance(ALL[0], Play)


def test_the_document_names_every_option_and_about_how_many_attacks_there_are() -> None:
    document = (Path(__file__).parents[5] / "docs" / "attacking.md").read_text()
    options = {option for parameter in get_command(app).commands["attack"].params for option in parameter.opts}  # pyright: ignore[reportAttributeAccessIssue]
    assert {option for option in options if option.startswith("--")} - {"--token-file", "--list"} <= set(
        re.findall(r"^\| `(--[a-z-]+)", document, re.MULTILINE))
    assert f"Some {len(ALL) // 10 * 10} attacks" in document
