"""The glue loses what nobody names and nothing else; a glue that is not the known one is refused."""

from __future__ import annotations

import pytest

from pysandbox.core.errors import Code, SandboxError
from pysandbox.runtime.glue import PATCHES, slim_glue

PATCHED = "".join(old for old, _ in PATCHES.values())
GLUE = (
    "var _used,_unused,_asked,_data,wasmTable,wasmMemory;"
    "function assignWasmExports(wasmExports){"
    '_used=Module["_used"]=wasmExports["used"];_unused=Module["_unused"]=wasmExports["unused"];'
    '_asked=Module["_asked"]=wasmExports["asked"];_data=Module["_data"]=wasmExports["data"].value>>>0}'
    'wasmExports["used"]=makeWrapper_pp(wasmExports["used"]);wasmExports["unused"]=makeWrapper_p(wasmExports["unused"]);'
    '_used();wasmExports["ctors"]();wasmExports.promising;' + PATCHED
)


def test_what_a_word_of_the_glue_or_of_a_user_names_is_kept() -> None:
    glue = slim_glue(GLUE, ["module._asked()"])
    assert glue.exports == {"used", "asked", "ctors", "promising", "__main_argc_argv"}
    assert '_used=Module["_used"]=wasmExports["used"];_asked=Module["_asked"]=wasmExports["asked"]}' in glue.text
    assert "var _used,_asked,wasmTable,wasmMemory;" in glue.text
    assert 'wasmExports["used"]=makeWrapper_pp(wasmExports["used"]);' in glue.text


def test_what_nobody_names_leaves_no_trace() -> None:
    text = slim_glue(GLUE, []).text
    assert [name for name in ("unused", "asked", "data") if name in text] == []


def test_a_name_in_a_string_counts() -> None:
    assert "data" in slim_glue(GLUE + 'Module["_data"];', []).exports


def test_the_known_changes_are_made() -> None:
    text = slim_glue(GLUE, []).text
    assert all(new in text for _, new in PATCHES.values())
    assert "updateGOT(" not in text


@pytest.mark.parametrize("glue", [
    "export default 1;",
    *(GLUE.replace(old, "") for old, _ in PATCHES.values()),
    *(GLUE + old for old, _ in PATCHES.values()),
    GLUE.replace("function assignWasmExports", "function assignExports"),
    GLUE.replace('_used=Module["_used"]=wasmExports["used"]', '_used=lazily("used")'),
    GLUE.replace(",wasmTable,wasmMemory", ""),
])  # fmt: skip
def test_a_glue_that_is_not_the_known_one_is_refused(glue: str) -> None:
    with pytest.raises(SandboxError, match="not the one this build knows") as caught:
        slim_glue(glue, [])
    assert caught.value.code == Code.BUILD_FAILED
