"""The walls, each as the edits that take it away. ``variants.py`` makes bundles of them; the README says for what.

The edits know the shape of the built scripts, minified, by their strings; one that no longer matches exactly once
fails loudly, because a control that changes nothing would prove nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import MutableMapping
from pathlib import Path

from e2e.variants import Edit, literal

HOST = "/host.html"
CELLS = ("/cell.html", "/isolated/cell.html")

_LAB = (Path(__file__).parent / "lab_worker.js").read_text()

# Not a wall: gives the plugin's Python the realm as it was before hardening, as a module named ``lab``.
ESCAPED = (
    Edit("plugin_worker.js", r"\A", literal(_LAB + "\n")),
    Edit(
        "plugin_worker.js", r'(\w+)\.pyimport\("pysandbox\.plugin\.boot"\)',
        r'(\1.pyimport("sys").modules.set("lab",lab),\g<0>)'),
)  # fmt: skip

NO_META_CSP = (Edit("cell.html", r'<meta http-equiv="Content-Security-Policy" content="[^"]*">\n', ""),)
NO_BOOT_PROOF = (
    Edit("cell.html", r'(?<=async function )(\w+)\(\)\{(?=if\(self\.origin!=="null"\))', r'\1(){return "";'),)
NO_SANDBOX_ATTRIBUTE = (Edit("host.html", r'\w+\.setAttribute\("sandbox","allow-scripts"\),', ""),)
SAME_ORIGIN_ATTRIBUTE = (
    Edit("host.html", r'(?<=setAttribute\("sandbox",)"allow-scripts"', '"allow-scripts allow-same-origin"'),)
NO_ORIGIN_CHECK = (Edit("host.html", r'\|\|\w+\.origin!=="null"', ""),)
CELL_READY_TWICE = (
    Edit("cell.html", r"parent\.postMessage\((\{kind:[^}]*\}),(\w+)\)",
         r"[0,0].forEach(()=>parent.postMessage(\1,\2))"),)


def cell_navigates(url: str) -> Edit:
    """A cell that goes elsewhere, with what it knows in the address, instead of starting its worker alone."""
    return Edit("cell.html", r"(?<==)new Worker\(", f"(location.href={json.dumps(url)},0)||new Worker(")


ANY_WINDOW_IS_HEARD = (
    Edit("pysandbox.js", r"if\((\w+)\.source!==\w+\.contentWindow\|\|\1\.source===null\)return;", ""),
    Edit("pysandbox.js", r"if\(\w+\.origin!==\w+\)return;", ""),
)
HEARS_ITS_WORKER = (
    Edit("cell.html", r"(\w+)\.onerror=", r"\1.onmessage=({data})=>{if(data.op==='end')\1.terminate()},\g<0>"),)
NO_STRIPPING = (Edit("plugin_worker.js", r"new Set\(`Object Function[^`]*`\.split\(/\\s\+/\)\)", "{has:()=>!0}"),)
NO_MEMORY_CAP = (Edit("cell.html", r"(?<=\{maximumPages:)\w+\*\w+(?=\})", "65536"),)
HOST_READY_TWICE = (
    Edit("host.html", r'parent\.postMessage\((\{kind:"ready"[^}]*\}),"\*"\)',
         r'[0,0].forEach(()=>parent.postMessage(\1,"*"))'),)
NO_CREDIT = (Edit("host_worker.js", r"if\(--this\.#\w+<0\)return this\.#\w+\(\"overdraft\",!0\);", ""),)
NO_PORTS_CHECK = (Edit("host_worker.js", r'if\(\w+\.ports\.length!==0\)return this\.#\w+\("ports",!0\);', ""),)
NO_KIND_CHECK = (
    Edit("host_worker.js", r'this\.#(\w+)\((\w+)\):this\.#\w+\("not-text",!1\)', r"this.#\1(\2):this.accept(\2,[])"),)
NO_GATE_DEPTH = (Edit("host_worker.js", r"this\.limits\.maxDepth", "1e9"),)
NO_END = (
    Edit("host_worker.js", r"endCell\(\w+\)\{.*?\}(?=,arm)", "endCell(){}"),
    Edit("host_worker.js", r"\w+\.get\(\w+\)\?\.gate\.close\(\),", ""),
    Edit("watchdog.js", r'\w+\.get\(\w+\)\?\.postMessage\("end"\),', ""),
    Edit("host.html", r'(?<=\.op==="end"\?)\w+\.end\(\w+\.cell\)(?=:\w+\("HOST_CRASHED")', "0"),
)


def in_host_python(code: str) -> Edit:
    """Runs ``code`` in the host's interpreter before its session starts: takes away a check that is Python's."""
    return Edit(
        "host_worker.js", r'(\w+)\.pyimport\("pysandbox\.host\.boot"\)',
        lambda match: f"({match[1]}.runPython({json.dumps(code)}),{match[0]})")


def in_plugin_python(code: str) -> Edit:
    """The same in a plugin's own interpreter, before anything of ours starts there."""
    return Edit(
        "plugin_worker.js", r'(\w+)\.pyimport\("pysandbox\.plugin\.boot"\)',
        lambda match: f"({match[1]}.runPython({json.dumps(code)}),{match[0]})")


NO_BUDGETS = (
    in_plugin_python("""
from pysandbox.plugin.settings import LoadedSettings
LoadedSettings.limit = lambda self, name: 1_000_000_000
"""),
    in_host_python("""
from pysandbox.core.rate import Rate
from pysandbox.core.broker.plugin import LivePlugin
LivePlugin.limit = lambda self, name, limit=LivePlugin.limit: (
    1_000_000 if name in ("eventsPerInvocation", "logLinesPerInvocation", "callsPerInvocation", "creditMessages")
    else limit(self, name))
Rate.take = lambda self, *_: True
"""),
)
NO_END_OF_TASKS = (in_plugin_python("""
from pysandbox.plugin.runner import Runner
def end(self, run, scope):
    run.over = True
    for clock in run.clocks:
        clock.cancel()
    self._runs.discard(run)
Runner.end = end
"""),)
NO_NEW_SEED = (in_plugin_python("import random; random.seed = lambda *_: None"),)
NO_ENVELOPE_CHECKS = (in_host_python("""
from pysandbox.core import envelope as e
def trusting(self, text, buffers=()):
    found = e._HEADER.match(text)
    kind, id, cid, method = found.group(7, 8, 9, 10)
    return e.Envelope(kind, id, cid, text[found.end():-1], method or "")
e.Opener.open = trusting
"""),)  # fmt: skip
NO_JSON_DEPTH = (in_host_python("""
from pysandbox.core import strict_json
strict_json._refuse_depth = lambda *_: None
"""),)
NO_SLOT_END = (in_host_python("""
from pysandbox.core.broker import slot
from pysandbox.host import session
session.HostSession.slot_ended = lambda self, slot: None
slot.Slot.closed = property(lambda self: False, lambda self, value: None)
"""),)


def lost_cell_csp(path: str, headers: MutableMapping[str, str], body: bytes) -> bytes:
    """A server's `Change`: the cell's policy header is lost."""
    if path in CELLS:
        del headers["Content-Security-Policy"]
    return body


def _looser(documents: tuple[str, ...], directive: str, put: str, headers: MutableMapping[str, str], path: str) -> None:
    if path in documents:
        policy = headers["Content-Security-Policy"]
        headers["Content-Security-Policy"] = re.sub(directive, put, policy)
        assert headers["Content-Security-Policy"] != policy


def any_frame(path: str, headers: MutableMapping[str, str], body: bytes) -> bytes:
    """A server's `Change`: the host frame may hold frames of any address."""
    _looser((HOST,), r"frame-src [^;]*", "frame-src *", headers, path)
    return body


def lost_cell_sandbox(path: str, headers: MutableMapping[str, str], body: bytes) -> bytes:
    """A server's `Change`: the cell's policy lacks its sandbox directive."""
    _looser(CELLS, r"sandbox [^;]*; ", "", headers, path)
    return body
