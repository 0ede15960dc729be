"""The tests of the TypeScript, which Deno runs: the gate, the memory's limit, the snapshot's two ends."""

from pysandbox.runtime.tools import ROOT, run_deno


def test_the_typescript_passes_its_own_tests() -> None:
    files = sorted((ROOT / "tests" / "typescript").glob("*_test.ts"))
    assert len(files) >= 3
    said = run_deno(["test", "--quiet", "--no-prompt", "--cached-only", "--frozen", *map(str, files)])
    assert " passed | 0 failed" in said
