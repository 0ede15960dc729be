"""A proxied request's head and body, read strictly (attacks 71, 72 and 73 on the way in)."""

import asyncio

import pytest

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.proxy.incoming import read_body, read_head


def scope(*headers: tuple[bytes, bytes]) -> dict[str, object]:
    return {
        "type": "http", "method": "POST", "raw_path": b"/proxy/vendor/a%20b", "query_string": b"q=%2F",
        "headers": list(headers)}


def code(call) -> Code:
    with pytest.raises(SandboxError) as error:
        call()
    return error.value.code


def test_path_and_query_stay_as_they_were_sent_and_foreign_headers_are_not_read() -> None:
    head = read_head(scope((b"authorization", b"Bearer t0k"), (b"cookie", b"a=b"), (b"x-a", b"1"), (b"x-a", b"2")))
    assert (head.method, head.path, head.query) == ("POST", "/proxy/vendor/a%20b", "q=%2F")
    assert head.fields == {"authorization": "Bearer t0k"}
    assert head.token == "t0k"
    assert "t0k" not in repr(head)


@pytest.mark.parametrize("name", [b"authorization", b"content-type", b"pysandbox-nonce", b"pysandbox-headers"])
def test_attack_71_a_header_that_stands_twice_is_refused(name: bytes) -> None:
    assert code(lambda: read_head(scope((name, b"a"), (name, b"b")))) == Code.INPUT_INVALID


def test_a_header_that_is_no_ascii_is_refused() -> None:
    assert code(lambda: read_head(scope((b"pysandbox-nonce", b"\xff")))) == Code.INPUT_INVALID


@pytest.mark.parametrize("value", [None, b"", b"Basic abc", b"Bearer", b"Bearer  "])
def test_without_a_bearer_token_there_is_no_session(value: bytes | None) -> None:
    head = read_head(scope(*([] if value is None else [(b"authorization", value)])))
    assert code(lambda: head.token) == Code.SESSION_INVALID


@pytest.mark.parametrize("value", [b"", b"com.vendor.risk", b"a@", b"@1", b"a b@1", b"a@1\n", b"a/b@1", b"a" * 300])
def test_a_plugin_is_named_with_its_version(value: bytes) -> None:
    assert code(lambda: read_head(scope((b"pysandbox-plugin", value))).plugin) == Code.INPUT_INVALID


def test_a_timeout_is_a_whole_number_of_milliseconds() -> None:
    assert read_head(scope()).timeout_ms is None
    assert read_head(scope((b"pysandbox-timeout-ms", b"2500"))).timeout_ms == 2500
    for value in (b"0", b"-1", b"1.5", b"1e3", b"99999999", b"", b"1_0", "٢".encode()):
        if value.isascii():
            head = read_head(scope((b"pysandbox-timeout-ms", value)))
            assert code(lambda head=head: head.timeout_ms) == Code.INPUT_INVALID


def body(*messages: dict[str, object], fields: dict[str, str] | None = None, max_bytes: int = 10, within_s: float = 5):
    left = [{"type": "http.request", **message} for message in messages]

    async def receive() -> dict[str, object]:
        if not left:
            await asyncio.Event().wait()
        return left.pop(0)

    return asyncio.run(read_body(receive, fields or {}, max_bytes=max_bytes, within_s=within_s))


def test_a_body_comes_in_pieces() -> None:
    assert body({"body": b"12345", "more_body": True}, {"body": b"67890"}) == b"1234567890"
    assert body({}) == b""


def test_attack_72_a_body_that_is_too_long_is_given_up_at_once() -> None:
    endless = [{"body": b"12345", "more_body": True}] * 3
    assert code(lambda: body(*endless)) == Code.MESSAGE_LIMIT
    assert body(*endless, {}, max_bytes=15) == b"12345" * 3  # the control: it is the limit that ends it
    assert code(lambda: body(fields={"content-length": "11"})) == Code.MESSAGE_LIMIT  # nothing was read


def test_attack_73_a_body_that_does_not_end_is_given_up() -> None:
    assert code(lambda: body({"body": b"1", "more_body": True}, within_s=0.01)) == Code.REQUEST_TIMEOUT


def test_a_caller_who_goes_away_is_no_request() -> None:
    assert code(lambda: body({"body": b"1", "more_body": True}, {"type": "http.disconnect"})) == Code.REQUEST_TIMEOUT
