"""Who may use the port that a forwarder publishes."""

from __future__ import annotations

import pytest

from sidecar.network import is_let_in

# A container on 172.17.0.0/16, as /proc/net/route shows it.
ROUTES = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
"""


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("172.17.0.1", True),  # the gateway: what the engine carries here
        ("127.0.0.1", True),
        ("192.168.65.1", True),  # Docker Desktop shows the address of the machine it runs on
        ("172.17.0.9", False),  # containers beside us, and on another network
        ("172.17.255.254", False),
        ("172.18.0.9", False),
        ("172.18.0.1", False),
        ("192.168.1.20", False),  # a machine that has a route to our network
        ("0.0.0.0", False),  # a route without a gateway shows that
    ],
)
def test_only_this_machine_is_let_in(address: str, expected: bool) -> None:
    assert is_let_in(address, ROUTES) is expected
