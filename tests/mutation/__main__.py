"""`python -m tests.mutation [--again] [MODULE ...]`: which small faults in the critical core do its unit tests miss?

Writes the modules' figures into scores.json beside this file; leaves with 1 if one scores below what is asked, or an
explanation is for a mutant that is killed or no longer exists.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import sys
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

from tests.mutation.mutants import mutants
from tests.mutation.run import survives

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]
SCORES: Final = HERE / "scores.json"
WANTED: Final = 0.95


def main() -> int:
    targets: dict[str, list[str]] = json.loads((HERE / "targets.json").read_text())
    explained: dict[str, dict[str, str]] = json.loads((HERE / "explained.json").read_text())
    parser = argparse.ArgumentParser(prog="tests.mutation", description="Mutation testing of the critical core.")
    parser.add_argument("modules", nargs="*", help=f"all by default: {', '.join(targets)}")
    parser.add_argument("--again", action="store_true", help="only what survived before; for when tests were added")
    given = parser.parse_args()
    asked: list[str] = given.modules or list(targets)
    if unknown := [module for module in asked if module not in targets]:
        parser.error(f"not in targets.json: {', '.join(unknown)}")
    os.environ["CI"] = "true"  # Hypothesis: the same examples for every mutant
    scores: dict[str, Any] = json.loads(SCORES.read_text()) if SCORES.exists() else {}
    good = True
    for module in asked:
        begun = time.monotonic()
        reasons = explained.get(module, {})
        before = {*scores[module]["surviving"], *reasons} if given.again and module in scores else None
        scores[module] = score = try_module(module, targets[module], reasons, before)
        print(f"{module}: {json.dumps(score)}, {time.monotonic() - begun:.0f} s", flush=True)
        ordered = {name: scores[name] for name in targets if name in scores}
        SCORES.write_text(json.dumps(ordered, indent=1) + "\n")
        good = good and score["score"] >= WANTED and not score["stale"]
    return 0 if good else 1


def try_module(
    module: str, tests: list[str], explained: dict[str, str], only: Collection[str] | None = None,
) -> dict[str, Any]:
    """The figures of one module. Its tests must pass on the module as it is, or nothing that follows means a thing.

    ``only``: the names of the mutants that are tried; the others were killed before.
    """
    path = ROOT / (module.replace(".", "/") + ".py")
    source, begun = path.read_text(), time.monotonic()
    if not survives(module, path, ast.parse(source), tests, timeout_s=300):
        raise SystemExit(f"{module}: its tests do not pass without a mutation")
    timeout_s = 10 + 5 * (time.monotonic() - begun)
    tried = 0
    survived: list[str] = []
    for mutant in mutants(source):
        tried += 1
        if (only is None or mutant.name in only) and survives(module, path, mutant.tree, tests, timeout_s):
            survived.append(mutant.name)
            if mutant.name not in explained:
                print(f"{path.name}:{mutant.line}: {mutant.name}", file=sys.stderr, flush=True)
    excused = sum(name in explained for name in survived)
    killed, meant = tried - len(survived), tried - excused
    return {
        "mutants": tried, "killed": killed, "explained": excused, "score": round(killed / meant, 4) if meant else 1.0,
        "surviving": [name for name in survived if name not in explained],
        "stale": [name for name in explained if name not in survived]}


if __name__ == "__main__":
    raise SystemExit(main())
