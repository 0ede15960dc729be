"""A plugin's manifest: JSON that a vendor wrote becomes a `Manifest` that keeps every rule, or all problems at once.

Must not know: bundles, registries, folders, sessions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from keyword import iskeyword
from types import MappingProxyType
from typing import Final, cast

from pysandbox.core.csp import MAX_CHARS as CSP_MAX_CHARS
from pysandbox.core.csp import Csp, check_csp
from pysandbox.core.errors import ManifestError, Problem
from pysandbox.core.json_text import read_json
from pysandbox.core.limits import default, names
from pysandbox.core.manifest_checks import MAX_PROBLEMS, Checks, Form, join, kind, show
from pysandbox.core.permissions import is_name, provider
from pysandbox.core.weburl import parse_url

TYPES: Final = ("webchat", "desktop", "architect")
MODES: Final = ("dedicated-worker",)

_LABEL: Final = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_NUMBER: Final = r"(0|[1-9][0-9]*)"
_PRE: Final = r"(0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
# https://semver.org, version 2.0.0
_SEMVER: Final = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(-{_PRE}(\.{_PRE})*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?")
_ANY: Final = re.compile(r"(?s).*")

FORMS: Final = {
    "pluginId": Form(
        re.compile(rf"[a-z]([a-z0-9-]{{0,61}}[a-z0-9])?(\.{_LABEL})+"), 128, "is no reverse-DNS name",
        'Write it like "com.vendor.risk-scoring".'),
    "version": Form(_SEMVER, 64, "is no SemVer version", 'Write it like "2.1.0".'),
    "entry": Form(
        re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*"), 200, "is no dotted name of a Python module",
        'Write the module\'s name without ".py", such as "plugin".'),
    "workerUrl": Form(
        _ANY, 2048, "", 'Write it like "https://cdn.vendor.com/plugin-1.0.0.zip", or leave it out.'),
    "csp": Form(_ANY, CSP_MAX_CHARS, "", "Write a policy, such as \"default-src 'none'\"."),
}
# A plugin's module of this name would hide, or be hidden by, what runs it.
_RESERVED: Final = frozenset({"pysandbox", "pyodide", "pyodide_js", "_pyodide", "js", "builtins", "sys", "__main__"})
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost"})

_NOT_IN_LIMITS: Final = {
    **dict.fromkeys(names("host"), ("is the deployment's to set, not a manifest's", "Remove it.")),
    **{name: ("has its place in isolation itself", f'Move it to "isolation.{name}".') for name in names("isolation")},
}


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest that holds every rule. ``limits`` has every name of ``isolation.limits``, defaults filled in.

    ``worker_url`` says where a vendor publishes the bundle; the kind of code is decided by ``entry``, a Python module.
    """

    plugin_id: str
    version: str
    type: str
    worker_url: str | None
    entry: str
    csp: Csp
    permissions: tuple[str, ...]
    memory_limit_mb: int
    max_execution_time_ms: int
    limits: Mapping[str, int]
    raw: dict[str, object]

    @property
    def key(self) -> str:
        """``id@version``, what a page loads."""
        return f"{self.plugin_id}@{self.version}"


def parse_manifest(data: object) -> Manifest:
    """The manifest in ``data``: its bytes or text, or the JSON value already read.

    Raises `ManifestError` that lists all problems (the first `MAX_PROBLEMS` of them), whatever ``data`` is.
    """
    value, problems = read_json(data, max_chars=default("manifestBytes"), refuse=ManifestError)
    checks = Checks()
    manifest = _manifest(value, checks)
    told = {problem.path for problem in problems}
    problems += [problem for problem in checks.problems if problem.path not in told]
    if len(problems) > MAX_PROBLEMS:
        rest = Problem("$", f"has {len(problems) - MAX_PROBLEMS} more problems", "Mend these first.")
        problems = [*problems[:MAX_PROBLEMS], rest]
    if problems:
        raise ManifestError(problems)
    return manifest


def _manifest(value: object, checks: Checks) -> Manifest:
    """The manifest as far as it is good; of use only if ``checks`` found no problem."""
    top = checks.fields(value, "$", required=("pluginId", "version", "manifest"))
    plugin_id = checks.text(top, "$", "pluginId", FORMS["pluginId"])
    version = checks.text(top, "$", "version", FORMS["version"])
    path = "$.manifest"
    body = checks.fields(
        top.get("manifest", {}), path, required=("type", "csp", "permissions") if "manifest" in top else (),
        optional=("workerUrl", "entry", "isolation"))
    csp = _csp(body, path, checks)
    isolation_path = join(path, "isolation")
    isolation = checks.fields(
        body.get("isolation", {}), isolation_path, required=(), optional=("mode", *names("isolation"), "limits"))
    checks.choice(isolation, isolation_path, "mode", MODES)
    return Manifest(
        plugin_id or "", version or "", checks.choice(body, path, "type", TYPES) or "",
        _worker_url(body, path, csp, checks), _entry(body, path, checks), csp or Csp({}),
        _permissions(body, path, checks), checks.limit(isolation, isolation_path, "memoryLimitMB"),
        checks.limit(isolation, isolation_path, "maxExecutionTimeMs"), _limits(isolation, isolation_path, checks),
        cast(dict[str, object], value))


def _csp(body: Mapping[str, object], path: str, checks: Checks) -> Csp | None:
    """The policy, or None if anything is wrong with it."""
    text = checks.text(body, path, "csp", FORMS["csp"])
    if text is None:
        return None
    csp, problems = check_csp(text, join(path, "csp"))
    checks.problems += problems
    return None if problems else csp


def _worker_url(body: Mapping[str, object], path: str, csp: Csp | None, checks: Checks) -> str | None:
    form = FORMS["workerUrl"]
    text = checks.text(body, path, "workerUrl", form)
    if text is None:
        return None
    at = join(path, "workerUrl")
    try:
        url = parse_url(text)
    except ValueError as error:
        checks.fault(at, f"{show(text)}: {error}", form.cure)
        return None
    if url.scheme != "https" and not (url.scheme == "http" and url.host in _LOOPBACK):
        checks.fault(at, f"{show(text)} is not https", form.cure)
    elif csp is not None and not csp.allows("worker-src", text):
        checks.fault(at, f"{show(text)} is outside of the worker-src of the csp", f"Add {url.origin} to worker-src.")
    return text


def _entry(body: Mapping[str, object], path: str, checks: Checks) -> str:
    form = FORMS["entry"]
    entry = checks.text(body, path, "entry", form)
    if entry is None:
        return "plugin"
    parts = entry.split(".")
    if parts[-1] in {"py", "js", "mjs", "pyc"}:
        checks.fault(join(path, "entry"), f"{show(entry)} is the name of a file, not of a Python module", form.cure)
    elif any(map(iskeyword, parts)):
        checks.fault(join(path, "entry"), f"{show(entry)} has a Python keyword in it", form.cure)
    elif parts[0] in _RESERVED:
        checks.fault(join(path, "entry"), f"{show(entry)} is a name of the sandbox itself", "Rename the module.")
    return entry


def _permissions(body: Mapping[str, object], path: str, checks: Checks) -> tuple[str, ...]:
    value = body.get("permissions", [])
    at, most = join(path, "permissions"), default("manifestPermissions")
    if not isinstance(value, list):
        checks.fault(at, f"is {kind(value)}, not an array", 'Write an array, such as ["webchat:session:read"].')
        return ()
    items = cast(list[object], value)
    if len(items) > most:
        checks.fault(at, f"has {len(items)} entries, more than {most}", "Declare fewer.")
        return ()
    seen: list[str] = []
    for index, item in enumerate(items):
        if not isinstance(item, str) or not is_name(item):
            checks.fault(join(at, index), f"{show(item)} is no permission", 'Write it like "webchat:session:read".')
        elif provider(item) == "operator":
            checks.fault(join(at, index), f"{item} is for operators' tokens; no plugin can hold it", "Remove it.")
        elif item in seen:
            checks.fault(join(at, index), f"{item} is there twice", "Remove one.")
        else:
            seen.append(item)
    return tuple(seen)


def _limits(isolation: Mapping[str, object], path: str, checks: Checks) -> Mapping[str, int]:
    at, table = join(path, "limits"), names("limits")
    given = isolation.get("limits", {})
    members = checks.fields(given, at, required=(), optional=table, elsewhere=_NOT_IN_LIMITS)
    return MappingProxyType({name: checks.limit(members, at, name) for name in table})
