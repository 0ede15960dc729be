"""From a plugin's requirements.txt to the wheels of its bundle: micropip finds them inside Pyodide, once per file."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, cast

from pysandbox.core.errors import Code, Problem, SandboxError
from pysandbox.core.requirements import FILE_NAME, Requirement, canonical_name, parse_requirements
from pysandbox.core.wheel import wheel_faults
from pysandbox.core.wheel_needs import wheel_needs
from pysandbox.runtime.found import Wheel
from pysandbox.runtime.interpreter import HERE, run_inside
from pysandbox.runtime.lock import direct, locked
from pysandbox.runtime.tools import Progress, cache_dir
from pysandbox.runtime.wheels import LOCK

PYPI: Final = "PYPI"  # micropip's own name for its default index
_CURES: Final = {
    "Can't fetch metadata": "Check its name, and that the package index is reachable (PIP_INDEX_URL names another).",
    "Can't find a pure": "Take a version with a pure-Python wheel; compiled code and source archives do not run here.",
}


def resolver(progress: Progress) -> Callable[[str], Mapping[str, bytes]]:
    """What a bundle's build calls with the text of requirements.txt; ``progress`` is told what is done and found."""

    def resolve(text: str) -> Mapping[str, bytes]:
        requirements = parse_requirements(text)
        wheels = _wheels(requirements, progress)
        for wheel in wheels:
            for need in wheel_needs(wheel.data):
                progress(f"{wheel.name}=={wheel.version} may use what the sandbox has not, {need}")
        return {f"wheels/{wheel.file}": wheel.data for wheel in wheels}

    return resolve


def lock(text: str, progress: Progress) -> str:
    """The text of a requirements.txt that pins and hashes all its wheels; a build finds them where this left them."""
    requirements = direct(text)
    wheels = _wheels(requirements, progress)
    answer = locked(text, wheels)
    pinned = parse_requirements(answer)
    check_wheels(pinned, wheels)
    _keep(pinned, wheels)
    return answer


def _wheels(requirements: Sequence[Requirement], progress: Progress) -> list[Wheel]:
    """The wheels of these requirements, found now or before, and fit for a bundle."""
    kept = _kept(requirements)
    if kept is None:
        progress(f"finding wheels for {len(requirements)} requirements")
    wheels = _find(requirements) if kept is None else kept
    check_wheels(requirements, wheels)
    if kept is None:
        _keep(requirements, wheels)
        named = {requirement.name for requirement in requirements}
        if others := [f"{wheel.name}=={wheel.version}" for wheel in wheels if wheel.name not in named]:
            progress(f"they need {', '.join(others)} too: `pysandbox build --lock` pins them in {FILE_NAME}")
    return wheels


def check_wheels(requirements: Sequence[Requirement], wheels: Sequence[Wheel]) -> None:
    """Refuse compiled code, bombs and lies (`wheel_faults`), and, where hashes are given, what has none of them.

    Raises SandboxError (``REQUIREMENTS_UNRESOLVED``) with every problem at once.
    """
    problems = [
        Problem(f"{FILE_NAME}: {wheel.name}=={wheel.version}", rule, cure)
        for wheel in wheels for rule, cure in wheel_faults(wheel.file, wheel.data)
    ]  # fmt: skip
    hashes = {requirement.name: requirement.hashes for requirement in requirements}
    if any(hashes.values()):
        for wheel in wheels:
            if wheel.sha256 in hashes.get(wheel.name, ()):
                continue
            rule = "has none of the given hashes" if wheel.name in hashes else "is needed too, and others have hashes"
            pinned = f"{wheel.name}=={wheel.version} --hash=sha256:{wheel.sha256}"
            problems.append(Problem(f"{FILE_NAME}: {wheel.name}", rule, f"If you trust it: {pinned}"))
    _refuse(problems)


def _refuse(problems: Sequence[Problem]) -> None:
    if problems:
        first = problems[0]
        raise SandboxError(
            Code.REQUIREMENTS_UNRESOLVED, f"{first.path} {first.rule}. {first.cure}", details=problems)


def _find(requirements: Sequence[Requirement]) -> list[Wheel]:
    indexes = [os.environ.get("PIP_INDEX_URL", PYPI), *os.environ.get("PIP_EXTRA_INDEX_URL", "").split()]
    arguments = {
        "requirements": [requirement.spec for requirement in requirements],
        "indexUrls": [url for url in indexes if url.startswith(("https:", "http:"))] or [PYPI],
    }
    answer = run_inside("resolve.py", arguments, wheels=("micropip",), network=True)
    _refuse([_unresolved(failure["spec"], failure["why"]) for failure in answer.value["failed"]])
    return sorted(
        (Wheel(canonical_name(found["name"]), found["version"], found["file"], answer.files[found["file"]])
         for found in answer.value["wheels"]), key=lambda wheel: wheel.file)  # fmt: skip


def _unresolved(spec: str, why: str) -> Problem:
    text = why.partition("\n")[0].partition(". Please")[0].rstrip(".")
    cure = next((cure for start, cure in _CURES.items() if why.startswith(start)), "Mend what micropip names.")
    return Problem(f"{FILE_NAME}: {spec}", f"has no wheel that runs here: {text}", cure)


def _folder(requirements: Sequence[Requirement]) -> Path:
    """Where the wheels of these requirements are kept; another resolver looks elsewhere."""
    made_by = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (LOCK, HERE / "inside" / "resolve.py")]
    key = json.dumps([made_by, [(requirement.spec, sorted(requirement.hashes)) for requirement in requirements]])
    return cache_dir() / "plugins" / hashlib.sha256(key.encode()).hexdigest()


def _kept(requirements: Sequence[Requirement]) -> list[Wheel] | None:
    folder = _folder(requirements)
    try:
        index = cast(list[dict[str, str]], json.loads((folder / "wheels.json").read_text()))
        wheels = [Wheel(one["name"], one["version"], one["file"], (folder / one["file"]).read_bytes()) for one in index]
    except (OSError, ValueError, KeyError, TypeError):
        return None  # never found, or a cache that somebody cleaned by half: find them again
    whole = all(wheel.sha256 == one["sha256"] for wheel, one in zip(wheels, index, strict=True))
    return wheels if whole else None


def _keep(requirements: Sequence[Requirement], wheels: Sequence[Wheel]) -> None:
    folder = _folder(requirements)
    folder.mkdir(parents=True, exist_ok=True)
    for wheel in wheels:
        _write(folder / wheel.file, wheel.data)
    index = [{"name": one.name, "version": one.version, "file": one.file, "sha256": one.sha256} for one in wheels]
    _write(folder / "wheels.json", json.dumps(index, indent=1).encode())


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all: another build may read it at the same time."""
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as stream:
        stream.write(data)
    Path(stream.name).replace(path)
