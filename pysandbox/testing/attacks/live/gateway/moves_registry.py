"""The registry: manifests that want more than a manifest may, bundles that are more than files, consent that is not."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from pysandbox.testing.attacks.live.client import Answer
from pysandbox.testing.attacks.live.gateway.field import Field, Move
from pysandbox.testing.attacks.live.gateway.raw_bundle import pack
from pysandbox.testing.attacks.live.lodging import ATTACKER, HERE, address
from pysandbox.testing.attacks.live.play import Play
from pysandbox.testing.attacks.live.verdicts import Half, Seen

_PLUGINS: Final = "/api/v2/plugins"
Body = dict[str, Any]
Change = Callable[[Body], None]


def _in_manifest(**changes: Any) -> Change:
    def change(body: Body) -> None:
        body["manifest"]["manifest"].update(changes)
        _bundle_it(body)

    return change


def _at_top(**changes: Any) -> Change:
    def change(body: Body) -> None:
        body["manifest"].update(changes)
        _bundle_it(body)

    return change


def _isolated(**changes: Any) -> Change:
    def change(body: Body) -> None:
        body["manifest"]["manifest"]["isolation"].update(changes)
        _bundle_it(body)

    return change


def _bundle_it(body: Body) -> None:
    """A bundle that says the same as the manifest beside it, so that nothing but the change is wrong."""
    body["bundle"] = pack(body["manifest"])


def _with_file(name: str, data: bytes = b"x") -> Change:
    def change(body: Body) -> None:
        body["bundle"] = pack(body["manifest"], {name: data})

    return change


def _twice(body: Body) -> None:
    body["bundle"] = pack(body["manifest"], twice="plugin.py")


def _cut(body: Body) -> None:
    whole = base64.b64decode(pack(body["manifest"]))
    body["bundle"] = base64.b64encode(whole[: len(whole) // 2]).decode()


def _flipped(body: Body) -> None:
    whole = bytearray(base64.b64decode(pack(body["manifest"])))
    whole[len(whole) // 2] ^= 1
    body["bundle"] = base64.b64encode(bytes(whole)).decode()


def _swapped(body: Body) -> None:
    """What is shown for consent asks for nothing; what is in the bundle asks for more."""
    inner = copy.deepcopy(body["manifest"])
    inner["manifest"]["permissions"] = ["integration:proxy:invoke"]
    body["bundle"] = pack(inner)


_CSP: Final = "default-src 'none'; worker-src https://attacker.pysandbox.invalid"
_CHANGES: Final[tuple[tuple[str, str, Change, int], ...]] = (
    ("csp-report", "a reporting directive", _in_manifest(csp=f"{_CSP}; report-uri https://evil.example/"), 81),
    ("csp-report-to", "a reporting group", _in_manifest(csp=f"{_CSP}; report-to evil"), 81),
    ("csp-sandbox", "a sandbox of its own", _in_manifest(csp=f"{_CSP}; sandbox allow-same-origin allow-scripts"), 18),
    ("csp-eval", "eval", _in_manifest(csp=f"{_CSP}; script-src 'unsafe-eval'"), 18),
    ("csp-inline", "inline scripts", _in_manifest(csp=f"{_CSP}; script-src 'unsafe-inline'"), 18),
    ("csp-star", "every host", _in_manifest(csp=f"{_CSP}; connect-src *"), 18),
    ("csp-scheme", "a bare scheme", _in_manifest(csp=f"{_CSP}; connect-src https:"), 18),
    ("csp-data", "scripts of data:", _in_manifest(csp=f"{_CSP}; script-src data:"), 18),
    ("csp-line", "a header's line in the policy", _in_manifest(csp=f"{_CSP}\r\nSet-Cookie: a=b"), 8),
    ("csp-comma", "a second policy", _in_manifest(csp=f"{_CSP}, default-src *"), 8),
    ("worker-url", "a worker of another host", _in_manifest(workerUrl="https://evil.example/a.zip"), 18),
    ("permission-operator", "an operator's permission", _in_manifest(permissions=["application:plugin:manage"]), 57),
    ("permission-form", "a permission that is none", _in_manifest(permissions=["*"]), 57),
    ("entry", "an entry outside of its folder", _in_manifest(entry="../../os"), 54),
    ("entry-runtime", "the runtime itself as its entry", _in_manifest(entry="pysandbox"), 54),
    ("memory", "memory above the ceiling", _isolated(memoryLimitMB=100_000), 37),
    ("time", "time above the ceiling", _isolated(maxExecutionTimeMs=86_400_000), 34),
    ("mode", "no isolation", _isolated(mode="none"), 18),
    ("unknown-key", "keys that nobody knows", _in_manifest(trusted=True), 31),
    ("proto", "`__proto__` as a key", _at_top(__proto__={"trusted": True}), 31),
    ("id", "an id that is a path", _at_top(pluginId="com.x/../../admin"), 54),
    ("version", "a version that is a path", _at_top(version="1.0.0/../../x"), 54),
    ("zip-climb", "a file out of the bundle", _with_file("../../evil.py"), 54),
    ("zip-absolute", "a file with an absolute path", _with_file("/etc/cron.d/evil"), 54),
    ("zip-windows", "a file with a path of Windows'", _with_file("..\\evil.py"), 54),
    ("zip-twice", "one name twice", _twice, 54),
    ("zip-bomb", "a file of 200 MiB, packed", _with_file("bomb.bin", bytes(200 << 20)), 49),
    ("zip-cut", "half a bundle", _cut, 53),
    ("zip-flipped", "a bundle with one flipped bit", _flipped, 53),
    ("swapped", "another manifest in its bundle", _swapped, 55),
)


def _register(field: Field, body: Body) -> Answer:
    return field.target.api.ask(
        "POST", _PLUGINS, [("Authorization", f"Bearer {field.target.token}"), ("Content-Type", "application/json")],
        json.dumps(body).encode())


def _scratch(field: Field) -> Body:
    """A plugin of this run's own, that nobody enables."""
    return {**_submission(HERE / "witness", field.keys[ATTACKER].partition("@")[2] + ".scratch")}


def _registered(field: Field, body: Body) -> Half:
    """Whether it is taken; if it is, it goes again. A gateway that fails over it has not refused it."""
    answer = _register(field, body)
    if answer.status < 400:
        key = f"{body['manifest']['pluginId']}@{body['manifest']['version']}"
        field.target.api.json("DELETE", address(key), field.target.token)
    refused = 400 <= answer.status < 500
    return Half(not refused, f"{answer.status} {(answer.error or {}).get('code', '')}".strip())


def _changed(change: Change) -> Callable[[Field], Seen]:
    def make(field: Field) -> Seen:
        honest, body = _scratch(field), _scratch(field)
        _bundle_it(honest)
        control = _registered(field, honest)
        change(body)
        return Seen(replace(control, said=f"unchanged: {control.said}"), _registered(field, body))

    return make


def _submission(folder: Path, version: str) -> Body:
    from pysandbox.gateway.folder import submission  # noqa: PLC0415  # when it runs: --help stays fast

    return submission(folder, version)


def _other_content(field: Field) -> Seen:
    """The attacker's own version, with something else in it."""
    same = _submission(HERE / "plugin", field.keys[ATTACKER].partition("@")[2])
    again = _register(field, same)
    _bundle_it(same)
    answer = _register(field, same)
    return Seen(
        Half(again.status < 400, f"the same bytes again: {again.status}"),
        Half(answer.status < 400, f"{answer.status} {(answer.error or {}).get('code', '')}"))


def _consent(permissions: list[str], *, stale: bool) -> Callable[[Field], Seen]:
    def make(field: Field) -> Seen:
        at = address(field.keys[ATTACKER])
        told = field.target.api.json("GET", at, field.target.token)
        identity = "0" * 64 if stale else told["identity"]
        answer = field.target.api.ask(
            "PUT", f"{at}/grant",
            [("Authorization", f"Bearer {field.target.token}"), ("Content-Type", "application/json")],
            json.dumps({"permissions": permissions, "identity": identity}).encode())
        now = field.target.api.json("GET", at, field.target.token)["granted"]
        return Seen(
            Half(told["granted"] == ["webchat:session:read"], f"what it asks for was granted: {told['granted']}"),
            Half(now != told["granted"], f"{answer.status} {(answer.error or {}).get('code', '')}, granted is {now}"))

    return make


def _move(slug: str, title: str, tries: str, wall: str, number: int, make: Callable[[Field], Seen]) -> Move:
    return Move(Play(
        slug=f"registry-{slug}", group="registry", title=title, tries=tries, wall=wall, kind="move", seen_by="answer",
        control="the same plugin as it should be is registered", place="gateway", needs=("registry",),
        numbers=(number,)), make)


_JUDGED: Final = "manifest and bundle are judged whole before anything is stored"
_CONSENT: Final = "consent names permissions that the manifest asks for, and the identity of manifest and bundle"

MOVES: Final = (
    *(_move(slug, f"A plugin with {what}", f"registers a plugin with {what}", _JUDGED, number, _changed(change))
      for slug, what, change, number in _CHANGES),
    _move("other-content", "Other bytes under a name that is taken", "registers its version again, with another bundle",
          "a version never changes", 55, _other_content),
    _move("grant-more", "Consent to more than was asked for", "grants a permission that the manifest does not ask for",
          _CONSENT, 57, _consent(["webchat:session:read", "integration:proxy:invoke"], stale=False)),
    _move("grant-stale", "Consent to other bytes", "grants for another identity", _CONSENT, 55,
          _consent([], stale=True)),
)
