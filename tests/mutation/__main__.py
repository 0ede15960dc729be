"""`python -m tests.mutation [MODULE ...]`: which small faults in the security-critical core do its unit tests miss?

Writes mutation.json beside this file; leaves with 1 if a module scores below what is asked, or an explanation is for
a mutant that is killed or no longer exists.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import sys
import time
from pathlib import Path
from typing import Any, Final

from tests.mutation.mutants import mutants
from tests.mutation.run import survives

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]
WANTED: Final = 0.95


def main() -> int:
    targets: dict[str, list[str]] = json.loads((HERE / "targets.json").read_text())
    explained: dict[str, dict[str, str]] = json.loads((HERE / "explained.json").read_text())
    parser = argparse.ArgumentParser(prog="tests.mutation", description="Mutation testing of the critical core.")
    parser.add_argument("modules", nargs="*", help=f"all by default: {', '.join(targets)}")
    asked: list[str] = parser.parse_args().modules or list(targets)
    if unknown := [module for module in asked if module not in targets]:
        parser.error(f"not in targets.json: {', '.join(unknown)}")
    os.environ["CI"] = "true"  # Hypothesis: the same examples for every mutant
    reports: dict[str, Any] = {}
    for module in asked:
        reports[module] = report = try_module(module, targets[module], explained.get(module, {}))
        print(json.dumps({"module": module, **{k: v for k, v in report.items() if isinstance(v, int | float)}}))
        (HERE / "mutation.json").write_text(json.dumps(reports, indent=1) + "\n")
    return 1 if any(r["score"] < WANTED or r["stale"] for r in reports.values()) else 0


def try_module(module: str, tests: list[str], explained: dict[str, str]) -> dict[str, Any]:
    """The figures of one module. Its tests must pass on the module as it is, or nothing that follows means a thing."""
    path = ROOT / (module.replace(".", "/") + ".py")
    source, begun = path.read_text(), time.monotonic()
    if not survives(module, path, ast.parse(source), tests, timeout_s=300):
        raise SystemExit(f"{module}: its tests do not pass without a mutation")
    timeout_s = 10 + 10 * (time.monotonic() - begun)
    counts = {"mutants": 0, "killed": 0, "timeouts": 0, "explained": 0}
    surviving: list[str] = []
    survived: set[str] = set()
    for mutant in mutants(source):
        alive = survives(module, path, mutant.tree, tests, timeout_s)
        counts["mutants"] += 1
        if alive:
            survived.add(mutant.name)
            if mutant.name in explained:
                counts["explained"] += 1
            else:
                surviving.append(mutant.name)
                print(f"{path.name}:{mutant.line}: {mutant.name}", file=sys.stderr, flush=True)
        else:
            counts["killed"] += 1
            counts["timeouts"] += alive is None
    meant = counts["mutants"] - counts["explained"]
    return {
        **counts, "score": round(counts["killed"] / meant, 4) if meant else 1.0,
        "seconds": round(time.monotonic() - begun),
        "surviving": surviving, "stale": sorted(set(explained) - survived)}


if __name__ == "__main__":
    raise SystemExit(main())
