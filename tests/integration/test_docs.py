"""The documents are true: links lead somewhere, code parses and type-checks, names and tables are the code's own."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from pysandbox.core.envelope import KINDS, TO_HOST, TO_PLUGIN, Binding, Opener, Sealer
from pysandbox.core.errors import Code, SandboxError, Status
from pysandbox.core.limits import LIMITS
from pysandbox.core.proxy_nonce import Bound, make
from pysandbox.core.telemetry.record import METRICS, SHAPE
from pysandbox.core.ui import COMPONENTS
from pysandbox.gateway.config_checks import check
from pysandbox.gateway.proxy.route import parse_route
from pysandbox.gateway.settings import load_settings, settings_help
from pysandbox.runtime.tools import deno
from tests.integration.documents import GENERATED, NAMES, ROOT, Document, document, slug

TYPES = (ROOT / "web" / "pysandbox.d.ts").read_text("utf-8")
WRITTEN = [name for name in NAMES if name not in GENERATED]
PROTOCOL = document("docs/protocol.md")
EMBEDDING = document("docs/embedding.md")
ROUTES = document("docs/proxy-routes.md")
CLIENTS = ("https://sandbox.example/pysandbox.js", "http://127.0.0.1:8901/pysandbox.js")
ELEMENT = "https://sandbox.example/pysandbox-element.js"


# --- links ---
@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_somewhere(name: str) -> None:
    for target, title in document(name).links:
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        found = (ROOT / name).parent.joinpath(path).resolve() if path else ROOT / name
        assert found.is_relative_to(ROOT), target
        assert found.exists(), f"{name} links {target}"
        if anchor:
            assert anchor in document(str(found.relative_to(ROOT))).anchors, f"{name} links {target}"
        if title:
            assert f"def {title}(" in found.read_text("utf-8"), f"{name}: {path} has no test {title}"


@pytest.mark.parametrize(("heading", "anchor"), [
    ("Pinning `pysandbox.js`", "pinning-pysandboxjs"), ("Page ⇄ host frame", "page--host-frame"),
    ("MEMORY_LIMIT", "memory_limit"), ("[A](b.md) c", "a-c"),
])  # fmt: skip
def test_anchors_are_made_as_github_makes_them(heading: str, anchor: str) -> None:
    assert slug(heading) == anchor


def test_every_document_can_be_reached_from_the_readme() -> None:
    seen: set[str] = set()
    waiting = ["README.md"]
    while waiting:
        name = waiting.pop()
        if name not in seen and name in NAMES:
            seen.add(name)
            targets = [target.partition("#")[0] for target, _ in document(name).links if "://" not in target]
            waiting += [str((ROOT / name).parent.joinpath(target).resolve().relative_to(ROOT)) for target in targets]
    # What misbehaves on purpose is for the demo, not for a newcomer to copy.
    assert set(NAMES) - seen <= {"examples/misbehaving/README.md"}


# --- code ---
@pytest.mark.parametrize("name", NAMES)
def test_what_can_be_read_parses_and_every_block_names_its_language(name: str, tmp_path: Path) -> None:
    for block in document(name).blocks:
        where = f"{name}:{block.line}"
        if block.language == "json":
            json.loads(block.text)
        elif block.language == "python":
            indented = block.text.replace("\n", "\n ")
            try:
                compile(block.text, where, "exec")
            except SyntaxError:  # an excerpt of a handler
                compile(f"async def _():\n {indented}", where, "exec")
        elif block.language == "toml":  # the gateway's settings, and such that it would start with
            (tmp_path / "gateway.toml").write_text(block.text, "utf-8")
            check(load_settings({}, tmp_path / "gateway.toml"))
        else:
            assert block.language in ("", "sh", "text", "ts", "html"), f"{where}: {block.info}"


@pytest.fixture
def checkable(tmp_path: Path) -> Path:
    """A folder where the addresses that documents import from are the page client's types."""
    imports = {**dict.fromkeys(CLIENTS, "./pysandbox.js"), ELEMENT: "./pysandbox-element.js"}
    options = json.loads((ROOT / "web" / "deno.json").read_text("utf-8"))["compilerOptions"]
    (tmp_path / "deno.json").write_text(json.dumps({"compilerOptions": options, "imports": imports}))
    for name in ("pysandbox", "pysandbox-element"):
        (tmp_path / f"{name}.js").write_text(f'// @ts-self-types="./{name}.d.ts"\n')
        shutil.copy(ROOT / "web" / f"{name}.d.ts", tmp_path)
    return tmp_path


def type_faults(folder: Path, *names: str) -> str:
    """What ``deno check`` says, or nothing."""
    command = [deno(), "check", "--quiet", *names]
    env = {"PATH": "", "HOME": str(folder), "DENO_DIR": str(folder / "deno"), "NO_COLOR": "1",
           "DENO_NO_UPDATE_CHECK": "1"}  # fmt: skip
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False)
    return done.stderr or str(done.returncode) if done.returncode else ""


def as_module(code: str) -> str:
    """An excerpt with what it may take for granted: the client's types, a sandbox, a plugin, a token."""
    imports = re.findall(r"^import .*$", code, re.MULTILINE)
    names = re.findall(r"^export (?:interface|type|class|function) (\w+)", TYPES, re.MULTILINE)
    if not imports:
        imports = [f'import {{ {", ".join(names)} }} from "{CLIENTS[0]}";']
    given = f'import type * as given from "{CLIENTS[0]}";\ndeclare const sandbox: given.Sandbox;\n'
    given += "declare const plugin: given.Plugin;\ndeclare const sessionToken: string;\n"
    body = re.sub(r"^import .*$", "", code, flags=re.MULTILINE)
    return "\n".join([*imports, given, f"export async function excerpt() {{\n{body}\n}}\n"])


def test_typescript_type_checks_against_the_page_clients_types(checkable: Path) -> None:
    names: list[str] = []
    for name in WRITTEN:
        for block in document(name).blocks:
            if block.language == "ts":
                names.append(f"{Path(name).stem}_{block.line}.ts")
                (checkable / names[-1]).write_text(as_module(block.text))
    assert len(names) > 5
    assert not type_faults(checkable, *names)


def test_control_an_option_that_is_none_does_not_type_check(checkable: Path) -> None:
    (checkable / "wrong.ts").write_text(as_module('await plugin.invoke("a", 1, { deadline: 5 });'))
    assert "deadline" in type_faults(checkable, "wrong.ts")


def test_the_page_to_copy_type_checks(checkable: Path) -> None:
    shutil.copy(ROOT / "examples" / "embedding" / "page.js", checkable)
    assert not type_faults(checkable, "page.js")


# --- names and tables ---
@pytest.mark.parametrize("name", WRITTEN)
def test_every_code_that_is_mentioned_exists(name: str) -> None:
    words = set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", document(name).text))
    words -= {"PIP_INDEX_URL", "RISK_CLIENT_ID", "RISK_CLIENT_SECRET"}  # pip's own, an example's own
    assert {word for word in words if not word.startswith("PYSANDBOX_")} <= {code.value for code in Code}


@pytest.mark.parametrize("name", WRITTEN)
def test_every_setting_that_is_mentioned_exists(name: str) -> None:
    code = "".join(path.read_text("utf-8") for path in (ROOT / "pysandbox").rglob("*.py"))
    code += "".join(f'"{variable}"' for variable, _, _ in settings_help())
    for word in set(re.findall(r"\bPYSANDBOX_[A-Z_]+\b", document(name).text)):
        assert f'"{word}"' in code, word


def members(interface: str) -> list[str]:
    """The member names of an interface of pysandbox.d.ts."""
    [body] = re.findall(rf"^export interface {interface} {{\n(.*?)^}}", TYPES, re.DOTALL | re.MULTILINE)
    return re.findall(r"^  (\w+)\??:", body, re.MULTILINE)


@pytest.mark.parametrize("interface", ["SandboxOptions", "InvokeOptions"])
def test_the_table_lists_the_options_of(interface: str) -> None:
    assert sorted(row[0].strip("`") for row in EMBEDDING.rows(interface)) == sorted(members(interface))


def test_the_table_lists_the_components_that_plugins_draw_with_and_their_properties() -> None:
    listed: dict[str, set[str]] = {}
    for row in document("docs/drawing.md").rows("components"):
        for kind in re.findall(r"`(\w+)`", row[0]):
            listed[kind] = set(re.findall(r"`(\w+\??)`", row[2]))
    listed["heading"].remove("tone?")
    assert listed == {
        kind: {name + ("?" if type.endswith("?") else "") for name, type in properties.items()}
        for kind, properties in COMPONENTS.items()}


def test_the_boot_timeouts_default_is_the_codes() -> None:
    [row] = [row for row in EMBEDDING.rows("SandboxOptions") if row[0] == "`bootTimeoutMs`"]
    assert int(row[1]) == LIMITS["bootMs"].default


def test_every_status_is_explained() -> None:
    for text in (PROTOCOL.prose, document("README.md").prose):
        assert {f"`{status.value}`" for status in Status} <= set(re.findall(r"`\w+`", text))


def test_limits_that_are_mentioned_exist() -> None:
    suffixes = ("Ms", "MB", "Chars", "Bytes", "Depth", "PerSecond", "Budget", "Live", "Kills", "Messages", "Object")
    words = {word for name in WRITTEN if name != ROUTES.name
             for word in re.findall(r"`([a-z]+[A-Z]\w*)`", document(name).text)}
    mentioned = {word for word in words if word.endswith(suffixes)}
    assert len(mentioned) > 5
    mentioned -= {"bootTimeoutMs", "timeoutMs", "deadlineMs", "durationMs", "memoryBytes", "retryInMs", "memoryMB"}
    mentioned -= {"hostBytes", "spareBytes", "jsBytes", "slaMs", "prepareMs"}
    mentioned -= {*SHAPE.of, *METRICS.of}
    assert mentioned <= LIMITS.keys()


def test_the_picture_is_well_formed_and_names_every_realm() -> None:
    text = " ".join(ET.parse(ROOT / "docs" / "architecture.svg").getroot().itertext())
    for realm in ("page", "host frame", "host worker", "watchdog", "cell", "plugin worker", "gateway"):
        assert realm in text
    assert "prefers-color-scheme: dark" in text


# --- the protocol ---
def test_the_kinds_are_the_codes_own() -> None:
    [listed] = re.findall(r"^Kinds: (.*?)\. The list", PROTOCOL.text, re.DOTALL | re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", listed)) == KINDS


def test_every_rule_of_an_alert_is_one_that_the_code_has() -> None:
    sources = [*(ROOT / "pysandbox").glob("core/**/*.py"), *(ROOT / "pysandbox").glob("host/*.py")]
    code = "".join(path.read_text("utf-8") for path in [*sources, ROOT / "worker" / "gate.ts"])
    [table] = re.findall(r"^\| `rule` \|.*?\n\n", PROTOCOL.text, re.DOTALL | re.MULTILINE)
    rules = [rule for line in table.splitlines()[2:] for rule in re.findall(r"`([\w-]+)`", line.split(" | ")[0])]
    assert len(rules) > 20
    assert [rule for rule in rules if f'"{rule}"' not in code] == []


def vectors() -> dict[str, Any]:
    [block] = [block for block in PROTOCOL.blocks if block.language == "json" and '"host>plugin"' in block.text]
    return json.loads(block.text)


def test_the_vectors_are_what_the_code_seals() -> None:
    told = vectors()
    binding = Binding(told["plugin"], told["sid"], told["gen"], bytes.fromhex(told["key"]), "https://sandbox.example")
    host, plugin = Sealer(binding, TO_PLUGIN, binding.origin), Sealer(binding, TO_HOST, "null")
    assert told[TO_PLUGIN] == [
        host.seal("call", "1", "ps-7", '{"name":"Mia"}', method="greet", deadline_ms=1000),
        host.seal("abort", "1", "ps-7", '"abort"'),
    ]
    assert told[TO_HOST] == [
        plugin.seal("result", "1", "ps-7", '{"text":"Grüße, Mia"}', memory=(10322944, 16918064))]


def test_the_vectors_are_what_the_code_opens() -> None:
    told = vectors()
    binding = Binding(told["plugin"], told["sid"], told["gen"], bytes.fromhex(told["key"]), "https://sandbox.example")
    for direction, origin in ((TO_PLUGIN, binding.origin), (TO_HOST, "null")):
        opener = Opener(binding, direction, origin, max_chars=10_000)
        assert all(opener.open(text) for text in told[direction])


def test_the_printed_formula_gives_the_nonces() -> None:
    [block] = [block for block in PROTOCOL.blocks if block.language == "python"]
    names: dict[str, Any] = {}
    exec(compile(block.text, "protocol.md", "exec"), names)
    told = vectors()
    for direction in (TO_PLUGIN, TO_HOST):
        for seq, envelope in enumerate(told[direction]):
            assert names["nonce"](told, direction, seq, envelope) == json.loads(envelope)["nonce"]


def test_the_proxy_nonce_is_what_the_code_makes() -> None:
    [block] = [block for block in PROTOCOL.blocks if block.language == "json" and '"seed"' in block.text]
    told = json.loads(block.text)
    counter, expires = map(int, told["nonce"].split(".")[1:3])
    bound = Bound(
        told["session"], told["plugin"], told["method"], told["path"], told["query"], told["contentType"],
        told["contentEncoding"], told["headers"], told["body"].encode())
    assert make(told["seed"], bound, counter=counter, expires_at_ms=expires) == told["nonce"]


# --- docs/proxy-routes.md ---

def test_the_route_that_is_shown_is_one() -> None:
    [block] = [block for block in ROUTES.blocks if block.language == "json"]
    assert parse_route(json.loads(block.text), allowlist=["/proxy/*"]).state == "enabled"


@pytest.mark.parametrize("part", [
    "route", "credentials", "upstream", "rateLimit", "responseTransform", "circuitBreaker"])
def test_every_key_of_a_route_is_in_its_table(part: str) -> None:
    unknown = {"qqqqqqqq": 1}
    with pytest.raises(SandboxError) as caught:
        parse_route(unknown if part == "route" else {part: unknown}, allowlist=[])
    [known] = [
        problem.cure.partition("Known here: ")[2].rstrip(".").split(", ") for problem in caught.value.details
        if problem.path.endswith("qqqqqqqq")]
    told = [key for row in ROUTES.rows(f"{part} keys") for key in re.findall(r"`(\w+)`", row[0])]
    assert sorted(told) == sorted(known)


def test_the_gateways_figures_are_the_measured_ones() -> None:
    measured = json.loads((ROOT / "tests" / "bench" / "gateway.json").read_text("utf-8"))
    page = document("docs/comparison.md")
    told = [[float(cell.removesuffix(" ms")) for cell in row[1:]] for row in page.rows("gateway.json")]
    assert told == [[measured["subjects"][name][key] for key in ("rps", "added_p50_ms", "added_p99_ms")]
                    for name in ("nginx", "passthrough", "ours")]
    assert f"{measured['machine']['cpu']} with CPython {measured['machine']['python']}" in page.text


def test_a_table_is_found_by_its_marker() -> None:
    rows = Document("x", "<!-- a -->\n| h | i |\n|---|---|\n| `b` | c |\n| d | e |\n\nrest").rows("a")
    assert [row[0] for row in rows] == ["`b`", "d"]
