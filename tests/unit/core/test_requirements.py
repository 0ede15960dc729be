"""requirements.txt: what is pinned is read, everything else is refused with its line, rule and cure."""

from __future__ import annotations

import pytest

from pysandbox.core.errors import Code, SandboxError
from pysandbox.core.requirements import MAX_REQUIREMENTS, canonical_name, parse_requirements

HEX = "ab" * 32
OTHER = "cd" * 32


def problems(text: str) -> list[tuple[str, str, str]]:
    with pytest.raises(SandboxError) as caught:
        parse_requirements(text)
    assert caught.value.code == Code.REQUIREMENTS_UNRESOLVED
    return [(problem.path, problem.rule, problem.cure) for problem in caught.value.details]


@pytest.mark.parametrize(("line", "spec"), [
    ("humanize==4.12.3", "humanize==4.12.3"),
    ("  Humanize == 4.12.3  # sizes", "Humanize==4.12.3"),
    ("a==1!2.0.post1+local.7", "a==1!2.0.post1+local.7"),
    ("markdown-it-py[linkify, plugins]==4.0", "markdown-it-py[linkify,plugins]==4.0"),
    ('tomli==2.0 ; python_version < "3.11"', 'tomli==2.0; python_version < "3.11"'),
])  # fmt: skip
def test_a_pinned_package_is_read(line: str, spec: str) -> None:
    [requirement] = parse_requirements(line)
    assert requirement.spec == spec
    assert requirement.hashes == frozenset()


def test_comments_blank_lines_and_continued_lines() -> None:
    text = f"# what we need\n\nhumanize==4.12.3 \\\n    --hash=sha256:{HEX} \\\n    --hash=sha256:{OTHER}\n"
    [requirement] = parse_requirements(text)
    assert requirement.name == "humanize"
    assert requirement.hashes == {HEX, OTHER}


@pytest.mark.parametrize("text", ["", "\n \n", "# nothing"])
def test_nothing_is_fine(text: str) -> None:
    assert parse_requirements(text) == []


@pytest.mark.parametrize("line", [
    "humanize", "humanize>=4", "humanize~=4.0", "humanize==4.*", "humanize===4.0", "humanize==", "humanize==4,<5",
    "==4", "humanize==4.", "hümanize==1", "a b==1",
])  # fmt: skip
def test_what_is_not_pinned_to_one_version_is_refused(line: str) -> None:
    [(path, rule, cure)] = problems(f"ok==1\n{line}\n")
    assert path == "requirements.txt, line 2"
    assert rule.endswith("is not pinned to one version")
    assert "NAME==VERSION" in cure


@pytest.mark.parametrize("line", ["-r other.txt", "-e .", "--index-url https://index.example/simple", "--pre"])
def test_options_are_refused(line: str) -> None:
    [(_, rule, _)] = problems(line)
    assert "is an option of pip's" in rule


@pytest.mark.parametrize("line", [
    "https://index.example/a-1-py3-none-any.whl", "a @ https://index.example/a.whl", "./wheels/a.whl", "../a",
    "/opt/a.whl", "git+https://index.example/a@main", "C:\\a.whl",
])  # fmt: skip
def test_places_are_refused(line: str) -> None:
    [(_, rule, _)] = problems(line)
    assert "names a place" in rule


@pytest.mark.parametrize("option", [f"--hash=md5:{'a' * 32}", "--hash=sha256:short", f"--hash=sha256:{HEX.upper()}"])
def test_hashes_are_sha256_in_hex(option: str) -> None:
    [(_, rule, cure)] = problems(f"humanize==4 {option}")
    assert "64 hexadecimal digits" in rule
    assert "pip hash" in cure


def test_one_hash_asks_for_all() -> None:
    [(_, rule, _)] = problems(f"a==1 --hash=sha256:{HEX}\nb==2\n")
    assert "b==2 has no --hash" in rule


def test_a_package_is_named_once_however_it_is_spelt() -> None:
    [(path, rule, _)] = problems("ruamel.yaml==1\nRuamel_YAML==2\n")
    assert (path, rule) == ("requirements.txt, line 2", "names ruamel-yaml a second time")


def test_every_problem_is_listed_at_once_with_the_line_where_it_begins() -> None:
    found = problems("a>=1\nok==1 \\\n  --hash=sha256:no\n-r x\n")
    assert [path for path, _, _ in found] == [f"requirements.txt, line {number}" for number in (1, 2, 4)]


def test_there_is_an_end_to_it() -> None:
    many = "\n".join(f"package{number}==1" for number in range(MAX_REQUIREMENTS + 1))
    assert "more than" in problems(many)[0][1]


def test_names_are_compared_as_indexes_do() -> None:
    assert canonical_name("Zope.Interface__x") == "zope-interface-x"
