"""What holds every function of the glue alive is cut, and nothing that is asked for by name; the wasm is read right."""

from __future__ import annotations

import pytest

from pysandbox.core.errors import SandboxError
from pysandbox.runtime.prune import loosen
from pysandbox.runtime.slim import imported_functions, without_data

GLUE = (
    'function _wanted(){}_wanted.sig="vi";function _other(){}_other.sig="v";'
    'Module["_wanted"]=_wanted;Module["_other"]=_other;Module["FS"]=FS;Module["PATH"]=PATH;'
    "var wasmImports={wanted:_wanted,other:_other,short};run(Module.FS);"
)


def test_only_what_the_wasm_imports_is_handed_to_it() -> None:
    assert "var wasmImports={wanted:_wanted,short};" in loosen(GLUE, {"wanted", "short"}, [])


def test_public_names_and_signatures_go_unless_somebody_asks_for_them() -> None:
    glue = loosen(GLUE, {"wanted"}, ["module._other()"])
    assert 'Module["FS"]=FS;' in glue  # asked for by the glue
    assert 'Module["_other"]=_other;' in glue  # and by a user
    assert [gone for gone in ("PATH", 'Module["_wanted"]', ".sig") if gone in glue] == []


def test_a_name_in_a_string_counts_as_asked_for() -> None:
    assert 'Module["PATH"]=PATH;' in loosen(GLUE + 'get("PATH");', {"wanted"}, [])


def test_eval_sees_no_local_variable() -> None:
    glue = loosen(GLUE + "x=eval(text);page.eval(text);retrieval(text);", {"wanted"}, [])
    assert glue.endswith("x=(0,eval)(text);page.eval(text);retrieval(text);")


def test_a_glue_without_what_the_wasm_imports_is_refused() -> None:
    with pytest.raises(SandboxError, match="it has no absent, gone"):
        loosen(GLUE, {"wanted", "gone", "absent"}, [])


def test_the_imports_of_a_wasm_are_read_however_long_its_numbers_are() -> None:
    name = b"a" * 130
    types = b"\x01\x04\x01\x60\x00\x00"
    entries = b"\x01m\x81\x01" + b"a" * 129 + b"\x00\x00" + b"\x01m\x82\x01" + name + b"\x00\x80\x00"
    body = b"\x82\x00" + entries
    section = b"\x02" + bytes([len(body) & 0x7F | 0x80, len(body) >> 7]) + body
    assert imported_functions(b"\0asm\x01\0\0\0" + types + section) == {"a" * 129, "a" * 130}


def test_a_wasm_that_imports_a_global_is_refused() -> None:
    with pytest.raises(SandboxError, match="imports g, no function"):
        imported_functions(b"\0asm\x01\0\0\0\x02\x08\x01\x01m\x01g\x03\x7f\x00")


def test_a_wasm_without_its_data_keeps_every_other_section() -> None:
    memory, code, custom = b"\x05\x03\x01\x00\x01", b"\x0a\x01\x00", b"\x00\x02\x01n"
    data, count = b"\x0b\x07\x01\x00\x41\x00\x0b\x01x", b"\x0c\x01\x01"
    header = b"\0asm\x01\0\0\0"
    assert without_data(header + memory + count + code + data + custom) == header + memory + code + custom
