"""What looks like personal data, or a credential."""

from __future__ import annotations

import pytest

from pysandbox.gateway.proxy.sensitive import (
    looks_like_credential,
    looks_personal,
    named_credential,
    named_personal,
)


@pytest.mark.parametrize("text", [
    "4111111111111111", "pay with 4111 1111 1111 1111, please", "5500-0000-0000-0004", "340000000000009",
    "ssn 078-05-1120.", "IBAN DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432"])
def test_cards_bank_accounts_and_social_security_numbers_are_seen(text: str) -> None:
    assert looks_personal(text)


@pytest.mark.parametrize("text", [
    "", "4111111111111112", "a4111111111111111", "1" * 16, "0000-0000-0000-0000", "000-12-3456", "123-00-4567",
    "900-12-3456", "DE88 3704 0044 0532 0130 00", "ORDER 2026-11-22", "order 100200300", "id 1795359569123"])
def test_numbers_with_a_wrong_check_digit_and_other_numbers_are_not(text: str) -> None:
    assert not looks_personal(text)


@pytest.mark.parametrize("text", [
    "Authorization: Bearer abcdefghijklmnop1234", "basic dXNlcjpwYXNzd29yZA==", "AKIAIOSFODNN7EXAMPLE",
    "-----BEGIN RSA PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----", "ghp_" + "a1" * 18, "xoxb-123456789012",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "sk_live_0123456789abcdef"])
def test_credentials_in_wide_use_are_seen(text: str) -> None:
    assert looks_like_credential(text)


@pytest.mark.parametrize("text", ["", "bearer of news", "a basic truth", "eyJ.a.b", "sk_live_", "AKIA and so on"])
def test_words_are_no_credentials(text: str) -> None:
    assert not looks_like_credential(text)


def test_fields_are_known_by_name_in_any_spelling() -> None:
    assert named_personal("Social-Security_Number")
    assert named_credential("client_secret")
    assert not named_personal("score")
    assert not named_credential("passwords")
    assert not named_credential("p" * 10_000)
