"""Who may use the port that a forwarder publishes."""

from __future__ import annotations

import pytest

from sidecar.network import is_neighbour

# A container on 172.17.0.0/16, as /proc/net/route shows it.
ROUTES = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
"""


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("172.17.0.1", False),  # the gateway: what the engine carries here
        ("172.17.0.9", True),
        ("172.17.255.254", True),
        ("172.18.0.9", False),
        ("192.168.65.1", False),  # some engines show the address of the machine they run on
        ("127.0.0.1", False),
    ],
)
def test_other_containers_are_neighbours(address: str, expected: bool) -> None:
    assert is_neighbour(address, ROUTES) is expected
