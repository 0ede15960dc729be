"""The change to Pyodide's glue is made exactly where it is known to fit, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from pysandbox.core.errors import Code, SandboxError
from pysandbox.runtime.scripts import HEAP_COPY, SCRIPTS, bundle_scripts
from pysandbox.runtime.tools import ROOT


@pytest.mark.parametrize("times", [0, 2])
def test_a_glue_that_is_not_the_known_one_is_refused(tmp_path: Path, times: int) -> None:
    (tmp_path / "pyodide.asm.mjs").write_text("export default 1;" + HEAP_COPY[0] * times)
    (tmp_path / "work").mkdir()
    with pytest.raises(SandboxError, match="not the one this build knows") as caught:
        bundle_scripts(tmp_path, tmp_path / "work")
    assert caught.value.code == Code.BUILD_FAILED


def test_the_change_asks_our_copy_and_keeps_what_the_loader_is_told() -> None:
    assert "_copyHeap" in HEAP_COPY[1]
    assert HEAP_COPY[0].endswith(",l}")
    assert HEAP_COPY[1].endswith(",l}")


def test_every_script_has_its_source() -> None:
    for source, _ in SCRIPTS.values():
        assert (ROOT / source).is_file()
