"""What an ASA lets through because of a connection, and what it does not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders.asa import INSIDE, OUTSIDE, PORTS, V4, asa, packet, passes, ways

from segaudit.model.device import Device
from segaudit.model.flow import Flow
from segaudit.reach.device_path import DevicePath

IN, OUT = "10.1.0.9", "198.51.100.9"
INSPECTED = "policy-map global_policy\n class inspection_default\n  inspect icmp\n"
DENYING = """
access-list none extended deny ip any any
access-group none in interface outside
access-group none in interface inside
access-group none in interface dmz
"""


def as_part(device: Device, interface: str, flow: Flow) -> set[str]:
    """Where the packet may leave, also as part of a connection."""
    return {way[0] for way in ways(device, interface, flow, connections=True)}


def test_answers_come_back_and_nothing_else_does() -> None:
    box = asa(PORTS)
    answer = replace(packet("tcp", OUT, IN, 40000), source_port=443, tcp_flags=16)
    assert as_part(box, OUTSIDE, answer) == {INSIDE}
    assert not passes(box, OUTSIDE, answer)
    shut = asa(PORTS + DENYING)
    assert not as_part(shut, OUTSIDE, answer)


@pytest.mark.parametrize("kind", [0, 3, 11])
def test_icmp_comes_back_only_where_it_is_inspected_or_a_list_lets_it(kind: int) -> None:
    """Without inspection an ASA denies echo replies, and ICMP errors about connections, too."""
    message = packet("icmp", OUT, IN, kind=kind)
    assert not as_part(asa(PORTS), OUTSIDE, message)
    assert as_part(asa(PORTS + INSPECTED), OUTSIDE, message) == {INSIDE}
    lists = "access-list a extended permit icmp any any\naccess-group a in interface outside"
    assert as_part(asa(PORTS + lists), OUTSIDE, message) == {INSIDE}


@pytest.mark.parametrize("extra", [
    "", "object network lan\n subnet 10.1.0.0 255.255.255.0\n nat (inside,outside) dynamic interface\n",
    "route outside 0.0.0.0 0.0.0.0 198.51.100.1\n",
])  # fmt: skip
def test_where_every_list_denies_nothing_passes_in_any_state(extra: str) -> None:
    """Nor do the device's own connections, which anybody may claim to be part of, open a way through."""
    path = DevicePath(asa(PORTS + extra + DENYING), V4)
    for name in (OUTSIDE, INSIDE):
        passage = path.passage(name, V4.all, True)
        left = [one.interface for one in passage.emissions if not one.packets.is_empty]
        assert not left


def test_an_address_of_another_interface_is_no_part_of_a_connection_either() -> None:
    answer = replace(packet("tcp", OUT, "10.1.0.1", 40000), source_port=443, tcp_flags=16)
    assert not as_part(asa(PORTS), OUTSIDE, answer)
    own = replace(answer, destination=packet("tcp", OUT, "198.51.100.2", 1).destination)
    assert as_part(asa(PORTS), OUTSIDE, own) == {"itself"}
    zoned = PORTS.replace(" nameif outside", " zone-member all\n nameif outside")
    assert as_part(asa(zoned), OUTSIDE, answer) == {"itself"}
