"""Networks that no one meant to build, through the command line: each has a defined outcome.

Loops of jumps, of translations and of routes end; what they may let through is not proven isolated.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from builders.linux_snapshot import RULES, Box, write_network

PROVEN, VIOLATED, REFUSED, UNKNOWN = 0, 1, 2, 3
"""Exit codes of ``segaudit check``."""

POLICY = """\
version: 1
name: bad-network
zones:
  sub:
    side: subsidiary
    owner: netops@example.org
    members: [{sub}]
  par:
    side: parent
    owner: noc@example.org
    members: [{par}]
isolation:
  - id: ISO-1
    title: apart
    between: sub
    and: par
"""
SUB, PAR = "{prefix: 10.1.0.0/24}", "{prefix: 10.2.0.0/24}"


def segaudit(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from segaudit.cli import main; main()", *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def check(
    tmp_path: Path, boxes: Sequence[Box], wires: Sequence[tuple[str, ...]], sub: str = SUB, par: str = PAR
) -> subprocess.CompletedProcess[str]:
    """``segaudit check`` of a network; it never ends in a traceback."""
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY.replace("{sub}", sub).replace("{par}", par))
    folder = write_network(tmp_path / "snapshot", boxes, wires)
    run = segaudit("check", "-p", str(policy), "-s", str(folder), "--as-of", "2026-11-24")
    assert "Traceback" not in run.stderr
    return run


def walk(tmp_path: Path, source: str, destination: str) -> str:
    """What ``segaudit path`` says of a packet in the network checked last."""
    run = segaudit("path", source, destination, "-s", str(tmp_path / "snapshot"))
    assert "Traceback" not in run.stderr
    return run.stdout


def host(name: str, address: str, gateway: str) -> Box:
    return Box(name, {"eth1": (address,)}, (f"0.0.0.0/0 via {gateway} dev eth1",), forwards=False)


HOSTS = (host("a", "10.1.0.9/24", "10.1.0.1"), host("b", "10.2.0.9/24", "10.2.0.1"))
WIRES = (("a:eth1", "r:eth1"), ("b:eth1", "r:eth2"))
LEGS = {"eth1": ("10.1.0.1/24",), "eth2": ("10.2.0.1/24",)}


# -- jumps that go round in a circle ------------------------------------------------------------


def saved(*rules: str) -> dict[str, str]:
    lines = ["*filter", ":INPUT DROP [0:0]", ":FORWARD DROP [0:0]", ":OUTPUT DROP [0:0]"]
    lines += [":one - [0:0]", ":two - [0:0]", *rules, "COMMIT"]
    return {"iptables-save.txt": "\n".join(lines) + "\n"}


def listed(*rules: tuple[str, list[object]]) -> dict[str, str]:
    """An nftables ruleset with chains input and forward (drop), one and two, as JSON."""
    place = {"family": "ip", "table": "t"}
    base = {"type": "filter", "prio": 0, "policy": "drop"}
    chains = {
        "input": base | {"hook": "input"},
        "forward": base | {"hook": "forward"},
        "one": {},
        "two": {},
    }
    document: list[object] = [{"metainfo": {"json_schema_version": 1}}]
    document.append({"table": {"family": "ip", "name": "t", "handle": 1}})
    for number, (name, more) in enumerate(chains.items(), start=1):
        document.append({"chain": {**place, "name": name, "handle": number, **more}})
    for number, (chain, statements) in enumerate(rules, start=10):
        document.append({"rule": {**place, "chain": chain, "handle": number, "expr": statements}})
    return {"nftables.json": json.dumps({"nftables": document}), "nftables.txt": ""}


def jump(target: str) -> list[object]:
    return [{"jump": {"target": target}}]


CIRCLES = {
    "iptables": saved("-A FORWARD -j one", "-A one -j two", "-A two -j one"),
    "iptables-itself": saved("-A FORWARD -s 10.1.0.0/24 -j one", "-A one -j one"),
    "iptables-goto": saved("-A FORWARD -j one", "-A one -g two", "-A two -g one"),
    "nft": listed(("forward", jump("one")), ("one", jump("two")), ("two", jump("one"))),
    "nft-itself": listed(("forward", jump("one")), ("one", [{"goto": {"target": "one"}}])),
}


@pytest.mark.parametrize("files", CIRCLES.values(), ids=CIRCLES)
def test_jumps_in_a_circle_may_accept_anything(tmp_path: Path, files: dict[str, str]) -> None:
    run = check(tmp_path, (*HOSTS, Box("r", LEGS, files=files)), WIRES)
    assert run.returncode == UNKNOWN, run.stdout + run.stderr


@pytest.mark.parametrize(
    "files",
    [
        saved("-A FORWARD -j DROP", "-A FORWARD -j one", "-A one -j two", "-A two -j one"),
        listed(("forward", [{"drop": None}]), ("forward", jump("one")), ("one", jump("one"))),
    ],
    ids=["iptables", "nft"],
)
def test_a_circle_that_no_packet_comes_to_takes_nothing_away(tmp_path: Path, files: dict[str, str]) -> None:
    run = check(tmp_path, (*HOSTS, Box("r", LEGS, files=files)), WIRES)
    assert run.returncode == PROVEN, run.stdout + run.stderr


# -- loops of routes and of translations ----------------------------------------------------------

TWO_WIRES = (("a:eth1", "r:eth1"), ("r:eth2", "s:eth1"), ("s:eth2", "b:eth1"))
R_LEGS = {"eth1": ("10.1.0.1/24",), "eth2": ("10.12.0.1/24",)}
S_LEGS = {"eth1": ("10.12.0.2/24",), "eth2": ("10.2.0.1/24",)}


def test_a_routing_loop_ends_and_is_told(tmp_path: Path) -> None:
    """10.2.0.0/24 goes from r to s and back: s knows a better way than its own wire."""
    better = tuple(f"10.2.0.{half}/25 via 10.12.0.1 dev eth1" for half in (0, 128))
    r = Box("r", R_LEGS, ("10.2.0.0/24 via 10.12.0.2 dev eth2",))
    s = Box(
        "s",
        S_LEGS,
        (*better, "10.1.0.0/24 via 10.12.0.1 dev eth1"),
        files=saved("-A FORWARD -i eth1 -j ACCEPT"),
    )
    run = check(tmp_path, (*HOSTS, r, s), TWO_WIRES)
    assert run.returncode == PROVEN, run.stdout + run.stderr
    assert "hop limit reached: a routing loop" in walk(tmp_path, "a", "10.2.0.9")


def translating(rule: str) -> dict[str, str]:
    lines = [
        "*nat",
        *(f":{chain} ACCEPT [0:0]" for chain in ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING")),
    ]
    return {"iptables-save.txt": "\n".join([*lines, rule, "COMMIT"]) + "\n"}


def test_a_loop_of_translations_ends(tmp_path: Path) -> None:
    """r turns 10.9.0.1 into 10.9.0.2 and sends it to s, which turns it back and returns it."""
    r = Box(
        "r", R_LEGS, ("10.9.0.0/24 via 10.12.0.2 dev eth2",),
        files=translating("-A PREROUTING -d 10.9.0.1/32 -j DNAT --to-destination 10.9.0.2"),
    )  # fmt: skip
    s = Box(
        "s", S_LEGS, ("10.9.0.0/24 via 10.12.0.1 dev eth1",),
        files=translating("-A PREROUTING -d 10.9.0.2/32 -j DNAT --to-destination 10.9.0.1"),
    )  # fmt: skip
    run = check(tmp_path, (*HOSTS, r, s), TWO_WIRES)
    assert run.returncode in (PROVEN, VIOLATED, UNKNOWN), run.stderr
    assert "hop limit reached: a routing loop" in walk(tmp_path, "a", "10.9.0.1")


def test_a_loop_of_translations_hides_no_way_out_of_it(tmp_path: Path) -> None:
    """The same, and s turns what comes round for port 80 into the parent's address."""
    r = Box(
        "r", R_LEGS, ("10.9.0.0/24 via 10.12.0.2 dev eth2",),
        files=translating("-A PREROUTING -d 10.9.0.1/32 -j DNAT --to-destination 10.9.0.2"),
    )  # fmt: skip
    s = Box(
        "s", S_LEGS, ("10.9.0.0/24 via 10.12.0.1 dev eth1",),
        files=translating(
            "-A PREROUTING -d 10.9.0.2/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.2.0.9\n"
            "-A PREROUTING -d 10.9.0.2/32 -j DNAT --to-destination 10.9.0.1"
        ),
    )  # fmt: skip
    run = check(tmp_path, (*HOSTS, r, s), TWO_WIRES)
    assert run.returncode == VIOLATED, run.stdout + run.stderr


# -- zones ----------------------------------------------------------------------------------------


def test_an_interface_in_two_zones_is_refused(tmp_path: Path) -> None:
    both = {"eth1": ("10.1.0.1/24", "10.2.0.1/24")}
    run = check(tmp_path, (Box("r", both),), (("r:eth1",),))
    assert run.returncode == REFUSED
    assert "interface in two zones: r[eth1]" in run.stderr
    assert run.stdout == ""


# -- VRFs with the same prefixes ------------------------------------------------------------------

L3MDEV = {"priority": 1000, "src": "all", "l3mdev": None}
VRF_LEGS = {
    "red1": ("10.0.1.1/24",), "red2": ("10.0.2.1/24",), "blue1": ("10.0.1.1/24",), "blue2": ("10.0.2.1/24",)
}  # fmt: skip
VRFS = {"red": (10, ("red1", "red2")), "blue": (20, ("blue1", "blue2"))}
VRF_HOSTS = tuple(
    host(f"{colour}-{side}", f"10.0.{net}.9/24", f"10.0.{net}.1")
    for colour in ("red", "blue")
    for side, net in (("a", 1), ("b", 2))
)
VRF_WIRES = tuple(
    (f"{colour}-{side}:eth1", f"r:{colour}{net}")
    for colour in ("red", "blue")
    for side, net in (("a", 1), ("b", 2))
)


def vrf_router(*routes: str, rules: tuple[dict[str, object], ...] = ()) -> Box:
    ordered = tuple(sorted((*RULES, L3MDEV, *rules), key=lambda rule: int(str(rule["priority"]))))
    return Box("r", VRF_LEGS, routes, rules=ordered, vrfs=VRFS)


def between(tmp_path: Path, router: Box, sub: str, par: str) -> int:
    zones = [f"{{device: {device}, interface: eth1}}" for device in (sub, par)]
    run = check(tmp_path, (*VRF_HOSTS, router), VRF_WIRES, *zones)
    assert run.returncode != REFUSED, run.stderr
    return run.returncode


def test_vrfs_with_the_same_prefixes_are_not_joined(tmp_path: Path) -> None:
    assert between(tmp_path, vrf_router(), "red-a", "blue-b") == PROVEN


def test_the_two_ends_of_one_vrf_are(tmp_path: Path) -> None:
    assert between(tmp_path, vrf_router(), "red-a", "red-b") == VIOLATED


def test_a_route_that_leaks_from_one_vrf_into_the_other_is_found(tmp_path: Path) -> None:
    leak = "10.0.2.128/25 via 10.0.2.9 dev blue2 table 10"
    assert between(tmp_path, vrf_router(leak), "red-a", "blue-b") == VIOLATED


def test_a_rule_that_leaks_from_one_vrf_into_the_other_is_found(tmp_path: Path) -> None:
    leak = {"priority": 500, "src": "10.0.1.0", "srclen": 25, "table": "20"}
    assert between(tmp_path, vrf_router(rules=(leak,)), "red-a", "blue-b") == VIOLATED
