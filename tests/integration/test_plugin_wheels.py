"""A plugin's pinned requirements become wheels in its bundle, and are imported in a real browser's plugin realm."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from pysandbox.core.bundle import read_bundle
from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.folder import build_folder
from pysandbox.runtime.requirements import resolver
from pysandbox.runtime.stdlib import is_left_out
from pysandbox.runtime.tools import ROOT
from pysandbox.testing.browsers import find_browser

pytestmark = pytest.mark.slow
MANIFEST = {
    "pluginId": "com.example.wheels", "version": "1.0.0",
    "manifest": {
        "type": "webchat", "workerUrl": "https://cdn.example.com/wheels.zip", "entry": "plugin",
        "csp": "default-src 'self'; worker-src https://cdn.example.com", "permissions": [],
        "isolation": {"mode": "dedicated-worker", "memoryLimitMB": 128, "maxExecutionTimeMs": 30000},
    },
}  # fmt: skip
USES_WHEELS = """
from pysandbox.plugin import handler
from slugify import slugify
import humanize


@handler
def call(payload, ctx):
    return {"slug": slugify(payload["text"]), "size": humanize.naturalsize(payload["bytes"]),
            "from": slugify.__code__.co_filename}
"""
IMPORTS = """
import importlib
import sys
import time
import zipfile
from pysandbox.plugin import handler


@handler
def call(payload, ctx):
    times, failed = {}, {}
    for name in payload["modules"]:
        started = time.perf_counter()
        try:
            importlib.import_module(name)
        except Exception as error:
            failed[name] = repr(error)
        times[name] = time.perf_counter() - started
    return {"failed": failed, "ms": {name: round(seconds * 1000, 1) for name, seconds in times.items()}}
"""
USEFUL = (  # noqa: SIM905  # a table to read
    "abc argparse array ast asyncio base64 binascii bisect bz2 calendar cmath codecs collections colorsys "
    "concurrent.futures configparser contextlib contextvars copy csv ctypes dataclasses datetime decimal difflib "
    "dis email.message email.mime.text email.parser enum errno fileinput fnmatch fractions functools gettext glob "
    "graphlib gzip hashlib heapq hmac html html.parser http http.client http.cookies importlib.metadata "
    "importlib.resources inspect io ipaddress itertools json json.tool keyword locale logging logging.config "
    "logging.handlers lzma math mimetypes multiprocessing numbers operator optparse os pathlib pickle pkgutil "
    "platform plistlib pprint queue quopri random re reprlib runpy sched secrets select selectors shelve shlex "
    "shutil signal socket sqlite3 ssl statistics string stringprep struct subprocess symtable sys sysconfig "
    "tarfile tempfile textwrap threading time timeit tokenize tomllib traceback tracemalloc types typing "
    "unicodedata unittest unittest.mock urllib.error urllib.parse urllib.request uuid warnings wave weakref "
    "xml.dom.minidom xml.etree.ElementTree xml.sax zipfile zipimport zlib zoneinfo encodings.cp1252 "
    "encodings.iso8859_15 encodings.koi8_r encodings.idna encodings.punycode encodings.gb18030 encodings.cp437 "
    "encodings.utf_16"
).split()


def plugin(folder: Path, code: str, requirements: str = "") -> Path:
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps(MANIFEST))
    (folder / "plugin.py").write_text(code)
    if requirements:
        (folder / "requirements.txt").write_text(requirements)
    return folder


def outcome_of(folder: Path, payload: object) -> Any:
    given = folder.parent / "input.json"
    given.write_text(json.dumps(payload))
    command = [sys.executable, "-c", "from pysandbox.cli import main; main()", "run", str(folder), "--call", "call",
               "--input", str(given), "--json", "--engine", "chromium"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False, cwd=ROOT)
    assert done.stdout, done.stderr[-3000:]
    return json.loads(done.stdout)


needs_chromium = pytest.mark.skipif(find_browser("chromium") is None, reason="no chromium on this machine")


@needs_chromium
def test_a_plugin_imports_what_it_pinned_and_what_that_needs(tmp_path: Path) -> None:
    folder = plugin(tmp_path / "plugin", USES_WHEELS, "python-slugify==8.0.4\nhumanize==4.12.3  # sizes\n")
    outcome = outcome_of(folder, {"text": "Grüße aus Köln — 北京", "bytes": 123456789})
    assert outcome["status"] == "ok", outcome
    where = outcome["value"].pop("from")
    assert outcome["value"] == {"slug": "grusse-aus-koln-bei-jing", "size": "123.5 MB"}
    assert where == "/plugin/wheels/python_slugify-8.0.4-py2.py3-none-any.whl/slugify/slugify.py"


@needs_chromium
def test_the_useful_part_of_the_standard_library_is_there(tmp_path: Path) -> None:
    outcome = outcome_of(plugin(tmp_path / "plugin", IMPORTS), {"modules": USEFUL})
    assert outcome["status"] == "ok", outcome
    assert outcome["value"]["failed"] == {}


@needs_chromium
def test_every_module_that_ships_still_imports_without_those_left_out(tmp_path: Path) -> None:
    with zipfile.ZipFile(ROOT / "pysandbox/runtime/dist/python_stdlib.zip") as archive:
        stems = [name.removesuffix(".pyc") for name in archive.namelist()]
    assert not [stem for stem in stems if is_left_out(stem)]
    modules = [stem.removesuffix("/__init__").replace("/", ".") for stem in stems if not stem.endswith("__main__")]
    outcome = outcome_of(plugin(tmp_path / "plugin", IMPORTS), {"modules": modules})
    assert outcome["status"] == "ok", outcome
    assert outcome["value"]["failed"] == {}


def test_the_same_requirements_give_the_same_bundle(tmp_path: Path) -> None:
    said: list[str] = []
    one, other = (
        build_folder(plugin(tmp_path / name, USES_WHEELS, "python-slugify==8.0.4\n"), resolve=resolver(said.append))
        for name in ("one", "other"))
    assert one.sha256 == other.sha256
    assert sorted(name for name in read_bundle(one.bundle) if name.startswith("wheels/")) == [
        "wheels/python_slugify-8.0.4-py2.py3-none-any.whl", "wheels/text_unidecode-1.3-py2.py3-none-any.whl"]


def test_the_wheels_are_found_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build_folder(plugin(tmp_path / "one", USES_WHEELS, "python-slugify==8.0.4\n"), resolve=resolver(lambda _: None))
    monkeypatch.setenv("PIP_INDEX_URL", "https://127.0.0.1:1/simple")  # nobody is asked again
    said: list[str] = []
    build_folder(plugin(tmp_path / "other", USES_WHEELS, "python-slugify==8.0.4\n"), resolve=resolver(said.append))
    assert said == []


@pytest.mark.parametrize(("line", "rule", "cure"), [
    ("numpy==2.3.0", "no wheel that runs here", "pure-Python wheel"),
    (f"text-unidecode==1.3 --hash=sha256:{'0' * 64}", "has none of the given hashes", "--hash=sha256:1311f1"),
])  # fmt: skip
def test_what_cannot_run_or_is_not_what_was_hashed_is_refused(
    tmp_path: Path, line: str, rule: str, cure: str
) -> None:
    folder = plugin(tmp_path / "plugin", USES_WHEELS, f"{line}\n")
    with pytest.raises(SandboxError) as caught:
        build_folder(folder, resolve=resolver(lambda _: None))
    assert caught.value.code == Code.REQUIREMENTS_UNRESOLVED
    assert rule in caught.value.details[0].rule
    assert cure in caught.value.details[0].cure


def test_an_index_out_of_reach_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "PIP_INDEX_URL", "https://127.0.0.1:1/simple")
    folder = plugin(tmp_path / "plugin", USES_WHEELS, "never-asked-for-before==1.2.3\n")
    with pytest.raises(SandboxError, match="that the package index is reachable") as caught:
        build_folder(folder, resolve=resolver(lambda _: None))
    assert caught.value.code == Code.REQUIREMENTS_UNRESOLVED
