"""Which addresses the monitor may be made to call."""

from ipaddress import ip_address, ip_network

import pytest

from monitor.alerts.addresses import Policy, refusal

PRIVATE = Policy(allow_private=True)


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:2800:220:1::1", "64:ff9b::808:808"])
def test_addresses_of_the_internet_are_let_in(address: str) -> None:
    assert refusal(ip_address(address), Policy()) is None


@pytest.mark.parametrize(
    ("address", "what"),
    [
        ("127.0.0.1", "loopback"),
        ("127.8.9.1", "loopback"),
        ("::1", "loopback"),
        ("10.1.2.3", "private"),
        ("172.31.0.1", "private"),
        ("192.168.1.1", "private"),
        ("100.64.0.1", "private"),
        ("fd12::1", "private"),
        ("fec0::1", "private"),
        ("169.254.1.1", "link-local"),
        ("fe80::1", "link-local"),
        ("169.254.169.254", "cloud"),
        ("168.63.129.16", "cloud"),
        ("100.100.100.200", "cloud"),
        ("fd00:ec2::254", "cloud"),
        ("224.0.0.1", "multicast"),
        ("239.1.1.1", "multicast"),
        ("ff02::1", "multicast"),
        ("0.0.0.0", "reserved"),
        ("0.1.2.3", "reserved"),
        ("::", "reserved"),
        ("255.255.255.255", "reserved"),
        ("240.0.0.1", "reserved"),
        ("192.0.2.1", "reserved"),
        ("198.18.0.1", "reserved"),
        ("2001:db8::1", "reserved"),
        ("64:ff9b:1::1", "reserved"),
        ("::7f00:1", "reserved"),
        # an address inside of an address
        ("::ffff:127.0.0.1", "loopback"),
        ("::ffff:169.254.169.254", "cloud"),
        ("::ffff:10.0.0.1", "private"),
        ("64:ff9b::7f00:1", "loopback"),
        ("64:ff9b::a9fe:a9fe", "cloud"),
        ("2002:7f00:1::1", "loopback"),
        ("2002:a00:1::1", "private"),
    ],
)
def test_all_others_are_refused(address: str, what: str) -> None:
    said = refusal(ip_address(address), Policy())
    assert said is not None
    assert what in said


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.0.0.1", "fd12::1", "::ffff:192.168.0.1"])
def test_private_ones_can_be_allowed(address: str) -> None:
    assert refusal(ip_address(address), PRIVATE) is None


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "169.254.1.1", "fd00:ec2::254", "224.0.0.1", "0.0.0.0", "240.0.0.1"]
)
def test_what_is_worse_than_private_is_not_allowed_with_them(address: str) -> None:
    assert refusal(ip_address(address), PRIVATE) is not None


def test_networks_can_be_allowed_whatever_they_are() -> None:
    some = Policy(networks=(ip_network("10.1.0.0/16"), ip_network("169.254.169.254/32")))
    assert refusal(ip_address("10.1.2.3"), some) is None
    assert refusal(ip_address("::ffff:10.1.2.3"), some) is None
    assert refusal(ip_address("169.254.169.254"), some) is None
    assert refusal(ip_address("10.2.0.1"), some) is not None
    assert refusal(ip_address("::1"), some) is not None
