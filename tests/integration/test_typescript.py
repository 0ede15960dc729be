"""The TypeScript: what Deno tests of it, and that a page holds drawings against the same rules as a plugin."""

import json
from pathlib import Path

from pysandbox.runtime.tools import ROOT, run_deno
from tests.unit.core.drawings import DRAWINGS, REFUSED

TYPESCRIPT = ROOT / "tests" / "typescript"


def test_the_typescript_passes_its_own_tests() -> None:
    files = sorted(TYPESCRIPT.glob("*_test.ts"))
    assert len(files) >= 3
    said = run_deno(["test", "--quiet", "--no-prompt", "--cached-only", "--frozen", *map(str, files)])
    assert " passed | 0 failed" in said


def test_a_page_refuses_the_drawings_that_a_plugin_may_not_make_and_no_other(tmp_path: Path) -> None:
    drawings = tmp_path / "drawings.json"
    drawings.write_text(json.dumps([*DRAWINGS, *(tree for tree, _ in REFUSED)]))
    said = json.loads(run_deno([
        "run", "--quiet", "--no-prompt", f"--allow-read={drawings}", str(TYPESCRIPT / "ui_verdicts.ts"),
        str(drawings)]))
    assert said[:len(DRAWINGS)] == [""] * len(DRAWINGS)
    for (tree, path), why in zip(REFUSED, said[len(DRAWINGS):], strict=True):
        prefix, _, rest = why.partition("$")
        named = "$" + rest.split(" ")[0]
        assert prefix == "the plugin's drawing cannot be shown: ", (tree, why)
        assert path.startswith(named), (tree, why)  # it names the property where Python names an entry of it
