"""What may go into a bundle of the wheels that were found."""

from __future__ import annotations

import hashlib

import pytest

from pysandbox.core.errors import Code, SandboxError
from pysandbox.core.requirements import parse_requirements
from pysandbox.runtime.found import Wheel
from pysandbox.runtime.requirements import check_wheels
from tests.unit.core.make_wheel import make_wheel


def wheel(name: str, file: str | None = None, *, holding: str = "module.py") -> Wheel:
    return Wheel(name, "1.0", file or f"{name}-1.0-py3-none-any.whl", make_wheel({holding: b""}, name=name))


def refusal(text: str, *wheels: Wheel) -> SandboxError:
    with pytest.raises(SandboxError) as caught:
        check_wheels(parse_requirements(text), wheels)
    assert caught.value.code == Code.REQUIREMENTS_UNRESOLVED
    return caught.value


def test_pure_wheels_pass_those_they_need_too() -> None:
    check_wheels(parse_requirements("a==1.0"), [wheel("a"), wheel("b")])


@pytest.mark.parametrize("bad", [
    wheel("a", "a-1.0-cp314-cp314-pyemscripten_2026_0_wasm32.whl"),
    wheel("a", holding="a/_speed.cpython-314-wasm32-emscripten.so"),
    Wheel("a", "1.0", "a-1.0-py3-none-any.whl", b"no zip"),
])  # fmt: skip
def test_compiled_code_is_refused_by_name_and_by_content(bad: Wheel) -> None:
    error = refusal("a==1.0", bad)
    assert "holds compiled code" in error.message
    assert "pure Python" in error.details[0].cure


def test_a_wheel_that_lies_is_refused_with_its_package_and_version() -> None:
    liar = make_wheel({"a.py": b"1"}, swapped={"a.py": b"2"})
    [problem] = refusal("a==1.0", Wheel("a", "1.0", "a-1.0-py3-none-any.whl", liar)).details
    assert (problem.path, problem.rule) == (
        "requirements.txt: a==1.0", "has a file 'a.py' that is not what RECORD says")


def test_a_wheel_without_the_given_hash_is_refused_and_its_own_is_named() -> None:
    found = wheel("a")
    error = refusal(f"a==1.0 --hash=sha256:{'0' * 64}", found)
    assert f"a==1.0 --hash=sha256:{hashlib.sha256(found.data).hexdigest()}" in error.details[0].cure


def test_with_hashes_what_is_needed_too_needs_one() -> None:
    found = wheel("a")
    [problem] = refusal(f"a==1.0 --hash=sha256:{found.sha256}", found, wheel("b")).details
    assert problem.path == "requirements.txt: b"


def test_the_given_hash_passes() -> None:
    found = wheel("a")
    check_wheels(parse_requirements(f"a==1.0 --hash=sha256:{'0' * 64} --hash=sha256:{found.sha256}"), [found])
