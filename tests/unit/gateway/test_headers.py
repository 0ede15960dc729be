"""The header sets are exactly those of the threat model."""

from __future__ import annotations

import pytest

from pysandbox.core.csp import check_csp
from pysandbox.core.errors import SandboxError
from pysandbox.gateway import headers
from pysandbox.gateway.origins import parse_origin

SANDBOX, API, APP = "http://127.0.0.1:8901", "http://127.0.0.1:8900", "https://app.example"
HASH = "sha256-AAAA"

HOST = headers.host_document(script_hash=HASH, sandbox_origin=SANDBOX, api_origin=API, allowed=[API, APP])
CELL = headers.cell_document(script_hash=HASH, sandbox_origin=SANDBOX, allowed=[API, APP])
ALL = {
    "strict": headers.strict(), "strict_error": headers.strict_error(), "asset": headers.asset(),
    "entry_file": headers.entry_file(), "host": HOST, "cell": CELL, "page": headers.page(sandbox_origin=SANDBOX),
    "api": headers.api(),
}


def _csp(fields: headers.Headers) -> dict[str, list[str]]:
    parts = (directive.split(" ") for directive in fields["Content-Security-Policy"].split("; "))
    return {name: sources for name, *sources in parts}


def test_the_host_frames_policy_is_complete() -> None:
    assert HOST["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'sha256-AAAA' 'wasm-unsafe-eval'; worker-src blob:; "
        "connect-src 'self' http://127.0.0.1:8900; frame-src http://127.0.0.1:8901/cell.html; base-uri 'none'; "
        "form-action 'none'; frame-ancestors http://127.0.0.1:8900 https://app.example")


def test_the_cells_policy_is_complete() -> None:
    assert CELL["Content-Security-Policy"] == (
        "sandbox allow-scripts; default-src 'none'; script-src 'sha256-AAAA' 'wasm-unsafe-eval'; worker-src blob:; "
        "form-action 'none'; base-uri 'none'; "
        "frame-ancestors http://127.0.0.1:8901 http://127.0.0.1:8900 https://app.example")


def test_the_cells_scripts_are_known_by_hash_alone() -> None:
    assert _csp(CELL)["script-src"] == ["'sha256-AAAA'", "'wasm-unsafe-eval'"]
    assert _csp(CELL)["sandbox"] == ["allow-scripts"]


def test_nobody_may_frame_a_host_without_an_allowlist() -> None:
    alone = headers.host_document(script_hash=HASH, sandbox_origin=SANDBOX, api_origin=API, allowed=[])
    assert _csp(alone)["frame-ancestors"] == ["'none'"]


@pytest.mark.parametrize("kind", ALL)
def test_no_policy_reports_anywhere_or_allows_unsafe_code(kind: str) -> None:
    policy = ALL[kind]["Content-Security-Policy"]
    assert "report" not in policy
    assert "'unsafe-inline'" not in policy
    assert "'unsafe-eval'" not in policy.replace("'wasm-unsafe-eval'", "")
    assert "*" not in policy


@pytest.mark.parametrize("smuggled", [
    "https://a.test; report-uri https://evil.example", "https://a.test\n; report-uri https://evil.example"])
def test_attack_8_a_directive_in_the_place_of_an_origin_is_refused(smuggled: str) -> None:
    assert check_csp(f"connect-src {smuggled}")[1]
    with pytest.raises(SandboxError):
        parse_origin(smuggled)
    control = headers.host_document(script_hash=HASH, sandbox_origin=SANDBOX, api_origin=smuggled, allowed=[])
    assert "https://evil.example" in _csp(control)["report-uri"][0], "the control: a policy is what its sources make it"


@pytest.mark.parametrize("kind", ALL)
def test_every_kind_carries_what_all_carry(kind: str) -> None:
    fields = ALL[kind]
    assert fields["X-Content-Type-Options"] == "nosniff"
    assert fields["Referrer-Policy"] == "no-referrer"
    assert "camera=()" in fields["Permissions-Policy"]
    assert _csp(fields)["default-src"] == ["'none'"]


def test_a_page_that_is_isolated_gets_a_host_and_a_cell_that_are_so_too_and_are_otherwise_the_same() -> None:
    same = {"script_hash": HASH, "sandbox_origin": SANDBOX, "allowed": [API, APP]}
    for plain, isolated in (
        (HOST, headers.host_document(**same, api_origin=API, isolated=True)),
        (CELL, headers.cell_document(**same, isolated=True)),
    ):
        assert isolated.pop("Cross-Origin-Embedder-Policy") == "require-corp"
        policy = isolated["Content-Security-Policy"].replace("/isolated/cell.html", "/cell.html")
        assert {**isolated, "Content-Security-Policy": policy} == plain


@pytest.mark.parametrize("kind", ALL)
def test_no_kind_carries_coep_which_breaks_webkit(kind: str) -> None:
    assert "Cross-Origin-Embedder-Policy" not in ALL[kind]


def test_every_feature_is_off_and_isolation_is_none_of_them() -> None:
    parts = headers.strict()["Permissions-Policy"].split(", ")
    assert len(parts) == len(set(parts)) == len(headers.FEATURES)
    assert all(part.endswith("=()") for part in parts)
    assert "cross-origin-isolated=()" not in parts


def test_documents_are_isolated_and_nothing_else_is() -> None:
    isolated = {kind for kind, fields in ALL.items() if "Document-Isolation-Policy" in fields}
    assert isolated == {"host", "cell"}
    assert HOST["Document-Isolation-Policy"] == CELL["Document-Isolation-Policy"] == "isolate-and-require-corp"


def test_only_entry_files_are_readable_by_every_origin() -> None:
    assert {kind for kind, fields in ALL.items() if "Access-Control-Allow-Origin" in fields} == {"entry_file"}


def test_what_may_be_kept_is_what_never_changes() -> None:
    assert ALL["asset"]["Cache-Control"] == "public, max-age=31536000, immutable"
    assert CELL["Cache-Control"] == ALL["strict_error"]["Cache-Control"] == ALL["api"]["Cache-Control"] == "no-store"
    assert HOST["Cache-Control"] == ALL["entry_file"]["Cache-Control"] == "no-cache"


def test_the_sandbox_origins_files_may_be_embedded_anywhere_and_the_apis_nowhere() -> None:
    assert HOST["Cross-Origin-Resource-Policy"] == CELL["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert ALL["asset"]["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert ALL["api"]["Cross-Origin-Resource-Policy"] == ALL["page"]["Cross-Origin-Resource-Policy"] == "same-origin"


def test_a_page_may_import_the_client_and_frame_the_host_and_no_more() -> None:
    policy = _csp(ALL["page"])
    clients = [f"http://127.0.0.1:8901/{name}.js" for name in ("pysandbox", "pysandbox-element")]
    assert policy["script-src"] == ["'self'", *clients]
    assert policy["frame-src"] == ["http://127.0.0.1:8901/host.html"]
