"""requirements.txt as its own lock."""

from __future__ import annotations

import pytest

from pysandbox.core.errors import Code, SandboxError
from pysandbox.core.requirements import parse_requirements
from pysandbox.runtime.found import Wheel
from pysandbox.runtime.lock import NEEDED, direct, locked

A, B, C = (Wheel(name, "1.0", f"{name}-1.0-py3-none-any.whl", name.encode()) for name in "abc")
TEXT = "# why we need a\nA[x]==1.0  # and this goes\n"


def test_what_was_named_comes_first_then_what_it_needs_each_with_its_hash() -> None:
    assert locked(TEXT, [C, B, A]) == (
        f"# why we need a\nA[x]==1.0 --hash=sha256:{A.sha256}\n\n{NEEDED}\n"
        f"b==1.0 --hash=sha256:{B.sha256}\nc==1.0 --hash=sha256:{C.sha256}\n")


def test_a_lock_is_requirements_and_locking_it_again_changes_nothing() -> None:
    once = locked(TEXT, [A, B])
    assert [one.hashes for one in parse_requirements(once)] == [{A.sha256}, {B.sha256}]
    assert [one.spec for one in direct(once)] == ["A[x]==1.0"]
    assert locked(once, [A, B]) == once


def test_what_is_needed_no_more_is_gone() -> None:
    assert NEEDED not in locked(locked(TEXT, [A, B]), [A])


def test_a_line_is_added_without_a_hash_and_hashes_may_be_on_lines_of_their_own() -> None:
    text = f"b==1.0\nA==1.0 \\\n    --hash=sha256:{A.sha256}\n"
    assert [one.spec for one in direct(text)] == ["b==1.0", "A==1.0"]
    assert locked(text, [A, B]) == f"b==1.0 --hash=sha256:{B.sha256}\nA==1.0 --hash=sha256:{A.sha256}\n"


def test_what_a_marker_leaves_out_is_left_out() -> None:
    assert "b==" not in locked('A==1.0\nb==1.0; python_version < "3.0"\n', [A])


@pytest.mark.parametrize("changed", ["a", "b"])
def test_other_bytes_under_a_locked_version_are_refused(changed: str) -> None:
    once = locked(TEXT, [A, B])
    others = [Wheel(one.name, one.version, one.file, b"other") if one.name == changed else one for one in (A, B)]
    with pytest.raises(SandboxError) as caught:
        locked(once, others)
    assert caught.value.code == Code.REQUIREMENTS_UNRESOLVED
    assert [problem.path for problem in caught.value.details] == [f"requirements.txt: {changed}==1.0"]


def test_another_version_may_have_other_bytes() -> None:
    once = locked(TEXT, [A, B])
    newer = Wheel("b", "2.0", "b-2.0-py3-none-any.whl", b"newer")
    assert f"b==2.0 --hash=sha256:{newer.sha256}" in locked(once, [A, newer])
