"""Where a receiver over HTTP may be: which addresses are refused, so that nobody makes the monitor call its
own network (server-side request forgery). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_METADATA = frozenset(
    ip_address(text)
    for text in ("169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192", "168.63.129.16")
) | {ip_address("fd00:ec2::254")}
"""Where clouds tell machines their secrets: AWS, Google, Azure and others; Alibaba; Oracle; Azure's wire
server. They are refused even where private addresses are allowed."""

_LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
_PRIVATE = tuple(
    ip_network(text)
    for text in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
        "100.64.0.0/10",  # shared by carriers and overlay networks
        *("fc00::/7", "fec0::/10"),
    )
)
_NAT64 = ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Policy:
    """``allow_private`` lets private and loopback addresses in, ``networks`` whatever lies in them."""

    allow_private: bool = False
    networks: tuple[Network, ...] = ()


def refusal(address: Address, policy: Policy) -> str | None:
    """Why nothing is sent to this address (``a private address``), or None where it may be sent."""
    for meant in _meant(address):
        if any(meant.version == network.version and meant in network for network in policy.networks):
            continue
        what = _special(meant)
        if what is None or (policy.allow_private and what in ("a private address", "a loopback address")):
            continue
        return what
    return None


def _meant(address: Address) -> Iterator[Address]:
    """The addresses an address stands for: itself, or those that are written inside of it."""
    if isinstance(address, IPv4Address):
        yield address
        return
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
        return
    if address in _NAT64:
        yield IPv4Address(int(address) & 0xFFFFFFFF)
        return
    if address.sixtofour is not None:
        yield address.sixtofour  # of the whole range Pythons before 3.11.4 say that it is private
        return
    yield address
    if address.teredo is not None:
        yield from address.teredo


def _special(address: Address) -> str | None:
    if address in _METADATA:
        return "an address where a cloud tells machines their secrets"
    for networks, what in ((_LOOPBACK, "a loopback address"), (_PRIVATE, "a private address")):
        if _within(address, networks):
            return what
    if address.is_link_local:
        return "a link-local address"
    if address.is_multicast:
        return "a multicast address"
    if address.is_unspecified or address.is_reserved or not address.is_global:
        return "an address that is reserved"
    return None


def _within(address: Address, networks: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)
