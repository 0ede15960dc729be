"""What a browser sends becomes rows: stamped, redacted again, keyed anew; or all of it is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.telemetry.intake import MAX_RECORDS, Sender, epoch_ms, read_batch
from pysandbox.gateway.telemetry.keys import EPOCH_MS, TelemetryKeys, telemetry_key
from tests.unit.gateway.telemetry.records import KEYS, NOW_MS, SENDER, rows, timestamp, told


def refusal(body: dict[str, Any]) -> SandboxError:
    with pytest.raises(SandboxError) as error:
        read_batch(body, SENDER, KEYS, NOW_MS)
    assert error.value.code is Code.INPUT_INVALID
    return error.value


def test_tenant_subject_and_vendor_are_stamped_and_never_read() -> None:
    (row,) = rows(told(1, vendor="com.other"))

    assert row.told["vendor"] == "com.vendor"
    assert row.told["subject"] == KEYS.subject("acme", "ada", NOW_MS)
    assert row.at_ms == NOW_MS


def test_a_plugin_of_somebody_else_is_refused() -> None:
    error = refusal({"records": [told(1), told(2, pluginId="com.other.plugin")]})

    assert [problem.path for problem in error.details] == ["$.records[1].pluginId"]


def test_every_problem_is_told_and_nothing_is_kept() -> None:
    error = refusal({"records": [told(1, queue=5), told(2, x=1)], "gap": -1, "more": 1})

    assert sorted(problem.path for problem in error.details) == [
        "$.gap", "$.more", "$.records[0].queue", "$.records[1].x"]
    assert refusal({"records": [told(at) for at in range(MAX_RECORDS + 1)]}).details[0].path == "$.records"
    assert refusal({}).details[0].path == "$.records"


def test_a_browsers_hash_is_keyed_anew() -> None:
    sent = "hmac-sha256:" + "a" * 64
    (row,) = rows(told(1, payloadHash=sent))

    assert row.told["payloadHash"] == KEYS.rekeyed("acme", sent, NOW_MS)
    assert sent not in row.body


def test_text_is_redacted_again_with_the_plugins_own_words() -> None:
    log = {"level": "info", "message": "frobnicated Ada Lovelace", "fields": {"email": "ada@example.com", "score": 0.5}}
    (line, error) = rows(
        told(1, kind="log", log=log),
        told(2, status="error", errorDetails={"code": "PLUGIN_ERROR", "message": "no Ada here", "layer": ""}))

    assert line.told["log"] == {
        "level": "info", "message": "frobnicated [redacted]", "fields": {"email": "[redacted]", "score": 0.5}}
    assert line.told["masked"] == 3
    assert error.told["errorDetails"]["message"] == "no [redacted] here"
    assert "Ada" not in line.body + error.body


def test_a_clock_that_is_fast_is_believed_for_five_minutes() -> None:
    (row,) = rows(told(1, NOW_MS + 3_600_000))

    assert row.at_ms == NOW_MS + 300_000
    assert epoch_ms(timestamp(NOW_MS + 7)) == NOW_MS + 7
    assert epoch_ms("2024-99-99T00:00:00.000Z") == 0


def test_names_join_within_a_tenant_and_a_month_and_nowhere_else() -> None:
    name = KEYS.subject("acme", "ada", NOW_MS)

    assert name == KEYS.subject("acme", "ada", NOW_MS + 1)
    assert len({name, KEYS.subject("other", "ada", NOW_MS), KEYS.subject("acme", "ada", NOW_MS + EPOCH_MS),
                KEYS.subject("acme", "eve", NOW_MS), TelemetryKeys(b"j" * 32).subject("acme", "ada", NOW_MS)}) == 5
    assert KEYS.of_session("acme", "1") != KEYS.of_session("acme", "2")
    assert name in KEYS.subjects("acme", "ada", NOW_MS + EPOCH_MS, EPOCH_MS)


def test_the_key_is_made_once_and_kept_from_others(tmp_path: Path) -> None:
    key = telemetry_key(tmp_path / "data", {})

    assert telemetry_key(tmp_path / "data", {}) == key
    assert (tmp_path / "data" / "telemetry.key").stat().st_mode & 0o077 == 0
    assert telemetry_key(tmp_path, {"PYSANDBOX_TELEMETRY_KEY": "ab" * 32}) == b"\xab" * 32
    with pytest.raises(SandboxError) as refused:
        telemetry_key(tmp_path, {"PYSANDBOX_TELEMETRY_KEY": "short-secret"})
    assert "short-secret" not in str(refused.value.details)


def test_a_body_is_compact_json() -> None:
    (row,) = rows(told(1))
    assert json.loads(row.body)["id"] == row.id


def test_a_sender_without_the_plugin_has_no_words_for_it() -> None:
    nobody = Sender("acme", "ada", lambda _plugin, _version: None)
    with pytest.raises(SandboxError):
        read_batch({"records": [told(1)]}, nobody, KEYS, NOW_MS)
