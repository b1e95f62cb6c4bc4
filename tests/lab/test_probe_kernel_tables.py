"""What rtnetlink says in a namespace with the routes that hosts really have."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import segaudit

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root to make a network namespace"),
    pytest.mark.skipif(shutil.which("unshare") is None, reason="needs unshare"),
]

NETWORK = """
set -e
ip link set lo up
ip link add eth1 type veth peer name far1
ip link add eth2 type veth peer name far2
ip link add down1 type veth peer name down2
for i in eth1 far1 eth2 far2; do ip link set $i up; done
ip addr add 10.1.0.2/24 dev eth1
ip addr add 10.2.0.2/24 dev eth2
ip addr add fd01::2/64 dev eth1 nodad
ip route add default via 10.1.0.1
ip route add default via 10.2.0.1 metric 50 dev eth2 table 100
ip route add 10.50.0.0/16 via 10.1.0.50
ip route add 10.51.0.0/16 nexthop via 10.1.0.51 dev eth1 nexthop via 10.2.0.51 dev eth2
ip route add blackhole 10.52.0.0/16
ip route add 10.53.0.0/16 via inet6 fd01::53 dev eth1
ip -6 route add default via fd01::1
ip neigh add 10.1.0.77 lladdr 02:00:00:00:00:77 dev eth1 nud permanent
ip neigh add 10.1.0.78 lladdr 02:00:00:00:00:78 dev eth1 nud stale
"""

QUESTIONS = """
import json, sys
from segaudit.model.flow import parse_address
from segaudit.probe import kernel_tables as kernel
links = {link.name: link for link in kernel.links()}
def hop(text, interface):
    found = kernel.next_hop(*parse_address(text), links[interface].index)
    return str(found.family.address(found.address)) if found else None
def neighbour(text):
    found = kernel.fresh_neighbour(kernel.NextHopAddress(*parse_address(text)), links["eth1"].index)
    return found.hex(":") if found else None
print(json.dumps({
    "links": {name: [links[name].usable, links[name].ethernet] for name in sys.argv[1].split(",")},
    "addresses": sorted(
        f"{each.family.address(each.address)}/{each.prefix_length}"
        for each in kernel.addresses()
        if each.index == links["eth1"].index and each.address >> 112 != 0xFE80
    ),
    "hops": [hop(*question.split("@")) for question in sys.argv[2].split(",")],
    "neighbours": [neighbour(text) for text in ("10.1.0.77", "10.1.0.78", "10.1.0.79")],
}))
"""

HOPS = {
    "10.1.0.9@eth1": "10.1.0.9",
    "192.0.2.1@eth1": "10.1.0.1",
    "192.0.2.1@eth2": "10.2.0.1",
    "10.50.1.1@eth1": "10.1.0.50",
    "10.51.1.1@eth1": "10.1.0.51",
    "10.51.1.1@eth2": "10.2.0.51",
    "10.53.1.1@eth1": "fd01::53",
    "192.0.2.1@down1": None,
    "2001:db8::1@eth1": "fd01::1",
    "2001:db8::1@eth2": None,
    "fd01::9@eth1": "fd01::9",
}


def test_interfaces_routes_and_neighbours_are_those_of_the_namespace() -> None:
    command = ["unshare", "-n", "sh", "-c", f'{NETWORK}\nexec "$0" -c "$@"', sys.executable, QUESTIONS]
    package = str(Path(segaudit.__file__).resolve().parent.parent)
    done = subprocess.run(
        [*command, "lo,eth1,down1", ",".join(HOPS)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": package},
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["links"] == {"lo": [True, False], "eth1": [True, True], "down1": [False, True]}
    assert answer["addresses"] == ["10.1.0.2/24", "fd01::2/64"]
    assert dict(zip(HOPS, answer["hops"], strict=True)) == HOPS
    assert answer["neighbours"] == ["02:00:00:00:00:77", None, None]
