"""Which addresses an upstream may have: the table that stands between a route and the inside of the network.

Everything that is not plain public unicast is refused: loopback, private, link-local, carrier-grade NAT, multicast,
documentation, and every IPv6 form that hides an IPv4 address (mapped, NAT64, 6to4, Teredo). An operator opens single
networks for one upstream by its ``allowAddresses``; the metadata services of clouds stay shut even then.

After IANA's special-purpose registries (RFC 6890 and what followed). Must not know: sockets, names.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

_METADATA: Final[tuple[Network, ...]] = tuple(ip_network(text) for text in (
    "169.254.169.254", "169.254.170.2", "169.254.170.23",  # AWS, Azure, GCP; ECS; EKS
    "100.100.100.200", "192.0.0.192", "168.63.129.16",  # Alibaba; Oracle; Azure's wire server
    "fd00:ec2::/32", "fd20:ce::/32"))  # AWS; GCP
_SPECIAL: Final[tuple[tuple[IPv4Network, str], ...]] = (
    (IPv4Network("0.0.0.0/8"), "this network"),
    (IPv4Network("10.0.0.0/8"), "private"),
    (IPv4Network("100.64.0.0/10"), "carrier-grade NAT"),
    (IPv4Network("127.0.0.0/8"), "loopback"),
    (IPv4Network("169.254.0.0/16"), "link-local"),
    (IPv4Network("172.16.0.0/12"), "private"),
    (IPv4Network("192.0.0.0/24"), "protocol assignments"),
    (IPv4Network("192.0.2.0/24"), "documentation"),
    (IPv4Network("192.31.196.0/24"), "AS112"),
    (IPv4Network("192.52.193.0/24"), "multicast tunnels"),
    (IPv4Network("192.88.99.0/24"), "6to4 relays"),
    (IPv4Network("192.168.0.0/16"), "private"),
    (IPv4Network("192.175.48.0/24"), "AS112"),
    (IPv4Network("198.18.0.0/15"), "benchmarks"),
    (IPv4Network("198.51.100.0/24"), "documentation"),
    (IPv4Network("203.0.113.0/24"), "documentation"),
    (IPv4Network("224.0.0.0/4"), "multicast"),
    (IPv4Network("240.0.0.0/4"), "reserved or broadcast"))
_UNICAST6: Final = IPv6Network("2000::/3")
_SPECIAL6: Final[tuple[tuple[IPv6Network, str], ...]] = (
    (IPv6Network("2001::/23"), "protocol assignments, Teredo among them"),
    (IPv6Network("2001:db8::/32"), "documentation"),
    (IPv6Network("2002::/16"), "6to4"),
    (IPv6Network("2620:4f:8000::/48"), "AS112"),
    (IPv6Network("3fff::/20"), "documentation"),
    (IPv6Network("::1/128"), "loopback"),
    (IPv6Network("::ffff:0:0/96"), "an IPv4 address in IPv6"),
    (IPv6Network("64:ff9b::/96"), "NAT64"),
    (IPv6Network("64:ff9b:1::/48"), "NAT64"),
    (IPv6Network("fc00::/7"), "private"),
    (IPv6Network("fe80::/10"), "link-local"),
    (IPv6Network("ff00::/8"), "multicast"))


@lru_cache(maxsize=256)
def networks(allow: Sequence[str]) -> tuple[Network, ...]:
    """``allow`` (a tuple of addresses and CIDR networks) as networks. ValueError for anything else."""
    return tuple(ip_network(text, strict=True) for text in allow)


def refusal(address: str, allow: Iterable[Network] = ()) -> str | None:
    """Why a connection to ``address`` is refused, or None. Text that is no address is refused as well."""
    try:
        found = ip_address(address)
    except ValueError:
        return "no IP address"
    if _within(found, _METADATA):
        return "a cloud's metadata service"
    if isinstance(found, IPv6Address) and found.scope_id is not None:
        return "link-local"
    if _within(found, allow):
        return None
    if isinstance(found, IPv4Address):
        return next((kind for network, kind in _SPECIAL if found in network), None)
    special = next((kind for network, kind in _SPECIAL6 if found in network), None)
    return special or (None if found in _UNICAST6 else "no public unicast")


def _within(address: Address, networks: Iterable[Network]) -> bool:
    """``address`` itself or, of an IPv6 form that carries one, the IPv4 address inside it."""
    candidates: list[Address] = [address]
    if isinstance(address, IPv6Address):
        candidates += _carried(address)
    return any(candidate in network for candidate in candidates for network in networks)


def _carried(address: IPv6Address) -> list[IPv4Address]:
    low = IPv4Address(int(address) & 0xFFFFFFFF)
    if address in IPv6Network("::/96") or address in IPv6Network("64:ff9b::/96"):
        return [low]
    return [inside for inside in (address.ipv4_mapped, address.sixtofour) if inside is not None]
