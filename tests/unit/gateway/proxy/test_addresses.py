"""The address table: what is refused, in every spelling, and what an operator can open."""

import pytest

from pysandbox.gateway.proxy.addresses import networks, refusal

INSIDE = [
    "0.0.0.0", "10.1.2.3", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.8.9.10", "169.254.1.1", "172.16.0.1",
    "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.7",
    "203.0.113.9", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::7f00:1", "64:ff9b::7f00:1", "64:ff9b::808:808",
    "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "2002:808:808::", "3fff::1", "fc00::1",
    "fd12:3456::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "4000::1"]
METADATA = ["169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "169.254.170.2",
            "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254"]
EVERYTHING = networks(("0.0.0.0/0", "::/0"))


@pytest.mark.parametrize("address", [*INSIDE, *METADATA])
def test_what_is_not_public_is_refused(address: str) -> None:
    assert refusal(address) is not None


@pytest.mark.parametrize("address", [
    "8.8.8.8", "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1",
    "172.15.255.255", "172.32.0.0", "192.0.3.1", "192.167.255.255", "192.169.0.0", "223.255.255.255",
    "2606:4700::1111", "2a00:1450::200e", "2001:4860:4860::8888"])
def test_public_addresses_pass(address: str) -> None:
    assert refusal(address) is None


@pytest.mark.parametrize("text", ["", "localhost", "0177.0.0.1", "2130706433", "0x7f.1", "127.1", "1.2.3.4 ", "1.2.3"])
def test_what_is_no_address_is_refused(text: str) -> None:
    assert refusal(text) == "no IP address"


@pytest.mark.parametrize("address", ["10.1.2.3", "127.0.0.1", "::ffff:127.0.0.1", "fd12::1", "::1"])
def test_an_upstream_can_open_an_address_of_its_own(address: str) -> None:
    assert refusal(address, EVERYTHING) is None


def test_what_is_opened_is_no_wider_than_what_was_named() -> None:
    allow = networks(("127.0.0.1", "10.2.0.0/16"))
    assert refusal("127.0.0.1", allow) is None
    assert refusal("10.2.255.255", allow) is None
    assert refusal("127.0.0.2", allow) == "loopback"
    assert refusal("10.3.0.0", allow) == "private"


@pytest.mark.parametrize("address", METADATA)
def test_metadata_services_stay_shut_whatever_is_opened(address: str) -> None:
    assert refusal(address, EVERYTHING) is not None


@pytest.mark.parametrize("text", ["10.0.0.1/8", "host", "", "10.0.0.0/33"])
def test_a_network_that_is_none_is_no_setting(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        networks((text,))
