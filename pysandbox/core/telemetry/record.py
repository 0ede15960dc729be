"""One telemetry record: the guide's payload field for field, and what an operator needs beside it.

The table `SHAPE` is the schema: it judges what arrives at the gateway, it is published as JSON Schema, and nothing that
is not in it is ever stored. Must not know: where records come from.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from pysandbox.core.errors import Code, Problem, Status

SCHEMA_VERSION: Final = 1
KINDS: Final = ("invocation", "alert", "log")
CONTEXTS: Final = ("webchat", "desktop", "architect")
REQUEST: Final = "request"
"""The kind of what the gateway's proxy did. The gateway alone makes these: none is taken from a browser."""
OF_KIND: Final[Mapping[str, str]] = {"invocation": "status", "alert": "alert", "log": "log"}
"""What a record of a kind is about, and never without."""
LEVELS: Final = ("debug", "info", "warning", "error")
STATUS_CODES: Final[Mapping[str, int]] = {
    "ok": 200, "error": 500, "timeout": 504, "aborted": 499, "denied": 403, "killed": 502, "unavailable": 503}
"""``metrics.statusCode``: what HTTP would call an outcome."""
FAILED: Final = frozenset({"error", "timeout", "killed", "unavailable"})
"""The outcomes that an error rate counts: neither the caller's own abort nor a permission that was not there."""
MAX_COUNT: Final = 2**53 - 1

_HASH: Final = re.compile(r"hmac-sha256:[0-9a-f]{64}")
_TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z", re.ASCII)
_ID: Final = re.compile(r"[0-9a-f]{32}")
_WORD: Final = re.compile(r"[A-Za-z0-9_.:\-]{0,128}")
_PLUGIN: Final = re.compile(r"[a-z0-9]+([.\-][a-z0-9]+)*")
_EVIDENCE: Final = re.compile(r"[0-9a-f]{0,64}")


@dataclass(frozen=True, slots=True)
class Text:
    """A string of at most ``most`` characters, of a form or from a list. ``null``: it may be absent as ``null``."""

    most: int = 128
    form: re.Pattern[str] | None = None
    one_of: tuple[str, ...] = ()
    null: bool = False

    def fault(self, value: object) -> str:
        if value is None and self.null:
            return ""
        if not isinstance(value, str) or len(value) > self.most:
            return f"is text of at most {self.most} characters"
        if self.one_of and value not in self.one_of:
            return f"is one of {', '.join(self.one_of)}"
        if self.form is not None and self.form.fullmatch(value) is None:
            return f"has the form {self.form.pattern}"
        return ""

    def schema(self) -> dict[str, Any]:
        if self.one_of:
            found: dict[str, Any] = {"enum": list(self.one_of)}
        else:
            found = {"type": "string", "maxLength": self.most}
            if self.form is not None:
                found["pattern"] = f"^{self.form.pattern}$"
        return {"anyOf": [found, {"type": "null"}]} if self.null else found


@dataclass(frozen=True, slots=True)
class Number:
    """From 0 to ``most``."""

    most: float = MAX_COUNT
    whole: bool = False

    def fault(self, value: object) -> str:
        kinds = int if self.whole else (int, float)
        good = isinstance(value, kinds) and not isinstance(value, bool) and 0 <= value <= self.most
        return "" if good else f"is a {'whole ' if self.whole else ''}number from 0 to {self.most:g}"

    def schema(self) -> dict[str, Any]:
        return {"type": "integer" if self.whole else "number", "minimum": 0, "maximum": self.most}


@dataclass(frozen=True, slots=True)
class Counts:
    """A flat object of names and what they count, or (``free``) of whatever plain values a log line had."""

    free: bool = False

    def fault(self, value: object) -> str:
        if not isinstance(value, dict):
            return "is an object"
        members = cast("dict[str, object]", value)
        if len(members) > 40 or any(len(name) > 128 for name in members):
            return "has at most 40 names of at most 128 characters"
        return "" if all(self._fits(member) for member in members.values()) else "holds plain values"

    def _fits(self, member: object) -> bool:
        if self.free and (member is None or isinstance(member, bool | float)):
            return True
        if self.free and isinstance(member, str):
            return len(member) <= 400
        return isinstance(member, int) and not isinstance(member, bool) and abs(member) <= MAX_COUNT

    def schema(self) -> dict[str, Any]:
        kinds = ["integer", "number", "string", "boolean", "null"] if self.free else ["integer"]
        return {"type": "object", "maxProperties": 40, "additionalProperties": {"type": kinds}}


@dataclass(frozen=True, slots=True)
class Members:
    """An object with these members, all of them and no others. ``null``: it may be ``null`` as a whole."""

    of: Mapping[str, Text | Number | Counts | Members]
    null: bool = False

    def fault(self, value: object) -> str:
        return "" if isinstance(value, dict) or (value is None and self.null) else "is an object"

    def schema(self) -> dict[str, Any]:
        found = {
            "type": "object", "required": list(self.of), "additionalProperties": False,
            "properties": {name: rule.schema() for name, rule in self.of.items()}}
        return {"anyOf": [found, {"type": "null"}]} if self.null else found


METRICS: Final = Members({
    "durationMs": Number(1e9), "memoryUsedMB": Number(1e6), "networkLatencyMs": Number(1e9),
    "statusCode": Number(599, whole=True)})
SHAPE: Final = Members({
    "schema": Number(SCHEMA_VERSION, whole=True),
    "id": Text(32, _ID),
    "kind": Text(one_of=KINDS),
    "timestamp": Text(24, _TIME),
    "correlationId": Text(64, _WORD),
    "pluginId": Text(200, _PLUGIN),
    "vendor": Text(200, _PLUGIN),
    "version": Text(128, re.compile(r"[0-9A-Za-z.+\-]{1,128}")),
    "executionContext": Text(one_of=CONTEXTS),
    "environment": Text(64),
    "queue": Text(128),
    "handler": Text(128, _WORD),
    "status": Text(one_of=tuple(status.value for status in Status), null=True),
    "code": Text(64, re.compile(r"[A-Z][A-Z0-9_]{0,63}"), null=True),
    "generation": Number(whole=True),
    "metrics": METRICS,
    "payloadHash": Text(76, _HASH, null=True),
    "payloadBytes": Members({"in": Number(whole=True), "out": Number(whole=True)}),
    "proxyCalls": Number(whole=True),
    "limitsHit": Counts(),
    "errorDetails": Members({
        "code": Text(64), "message": Text(400), "layer": Text(16, re.compile("[a-z]*"))}, null=True),
    "alert": Members({
        "code": Text(64), "rule": Text(128), "evidence": Text(64, _EVIDENCE)}, null=True),
    "log": Members({
        "level": Text(one_of=LEVELS), "message": Text(400), "fields": Counts(free=True)}, null=True),
    "masked": Number(whole=True),
})
"""Every field is there in every record; what does not apply is null, 0 or empty."""


def problems(value: object) -> list[Problem]:
    """Why ``value`` is no record; nothing if it is one."""
    found = _problems(value, SHAPE, "$")
    if found:
        return found
    told = cast("dict[str, Any]", value)
    part = OF_KIND[told["kind"]]
    return [] if told[part] is not None else [
        Problem(f"$.{part}", f"is what a record of the kind {told['kind']!r} is about", "send it, or another kind")]


def _problems(value: object, rule: Members, path: str) -> list[Problem]:
    fault = rule.fault(value)
    if fault:
        return [Problem(path, fault, "send a record as docs/telemetry.md lists it")]
    if value is None:
        return []
    members = cast("dict[str, object]", value)
    found = [
        Problem(f"{path}.{name[:64]}", "is not known", "leave it out") for name in members if name not in rule.of]
    for name, inner in rule.of.items():
        at = f"{path}.{name}"
        if name not in members:
            found.append(Problem(at, "is missing", "send every field; null, 0 or empty where it does not apply"))
        elif isinstance(inner, Members):
            found += _problems(members[name], inner, at)
        elif fault := inner.fault(members[name]):
            found.append(Problem(at, fault, "send a record as docs/telemetry.md lists it"))
    return found


def json_schema() -> dict[str, Any]:
    """The published schema, draft 2020-12."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "pysandbox telemetry record",
        **SHAPE.schema(), "allOf": [
            {"if": {"properties": {"kind": {"const": kind}}}, "then": {"properties": {part: {"not": {"type": "null"}}}}}
            for kind, part in OF_KIND.items()]}


def empty(kind: str) -> dict[str, Any]:
    """A record of ``kind`` in which nothing has happened."""
    return {
        "schema": SCHEMA_VERSION, "id": "", "kind": kind, "timestamp": "", "correlationId": "", "pluginId": "",
        "vendor": "", "version": "", "executionContext": "webchat", "environment": "", "queue": "", "handler": "",
        "status": None, "code": None, "generation": 0,
        "metrics": {"durationMs": 0, "memoryUsedMB": 0, "networkLatencyMs": 0, "statusCode": 0},
        "payloadHash": None, "payloadBytes": {"in": 0, "out": 0}, "proxyCalls": 0, "limitsHit": {},
        "errorDetails": None, "alert": None, "log": None, "masked": 0}


def vendor_of(plugin_id: str) -> str:
    """``com.vendor`` of ``com.vendor.risk-scoring``."""
    return ".".join(plugin_id.split(".")[:2])


def status_code(status: str) -> int:
    """See `STATUS_CODES`."""
    return STATUS_CODES.get(status, 500)


def known_code(code: str) -> str:
    """``code`` if it is one of ours."""
    return code if code in Code.__members__ else Code.PLUGIN_ERROR.value
