"""Oracle 5: every pair of ports of the Stanford backbone, against hassel-C and two second opinions.

hassel-C lists 37,102 pairs. The engine finds 37,055 of them and no other. The 47 are not there:
destinations alone, followed without a BDD, do not get from one port to the other. (A set is a union of
wildcards there, each with a list of what to take away; when several of the list together leave nothing,
it may still count as something.) Here a sample of the engine's own pairs is confirmed, packet by packet
and entry by entry; all of them with ``ORACLE_STANFORD`` set (``make oracle``, a minute).
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import pytest
from bench.stanford import (
    Backbone,
    Rule,
    leaving,
    network,
    reachable_pairs,
    reached,
    read_backbone,
    read_pairs,
)
from bench.stanford_second import Destinations, Walk, entry_vlans

from segaudit.model.flow import Family, Flow
from segaudit.model.topology import TerminationPoint
from segaudit.packets import HeaderSpace, Universe
from segaudit.packets.classes import AddressClasses
from segaudit.reach.fixpoint import Reached
from segaudit.reach.ways import EVERY_FIELD

CORPORA = Path(os.environ.get("SEGAUDIT_CORPORA", Path(__file__).parents[3] / "shared" / "corpora"))
FOLDER = CORPORA / "stanford_backbone"
pytestmark = [
    pytest.mark.corpora,
    pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no Stanford backbone (SEGAUDIT_CORPORA={CORPORA})"),
]

ALL = "ORACLE_STANFORD" in os.environ
HEADERS, ENTRIES = 6, 12
"""How much of the engine's answer CI confirms: headers walked, entries followed by destination."""

SPURIOUS = 47


@dataclass(frozen=True)
class Answer:
    """The backbone, and what the engine says of it."""

    backbone: Backbone

    @cached_property
    def ports(self) -> list[TerminationPoint]:
        return self.backbone.ports

    @cached_property
    def whole(self) -> Reached:
        return reached(network(self.backbone, Universe(Family.IPV4)), self.ports)

    @cached_property
    def pairs(self) -> dict[TerminationPoint, set[TerminationPoint]]:
        return reachable_pairs(self.whole, self.ports)


@cache
def answer() -> Answer:
    return Answer(read_backbone(FOLDER / "transfer_functions"))


@cache
def hassel() -> dict[TerminationPoint, set[TerminationPoint]]:
    return read_pairs(FOLDER / "expected_hassel_c_pairs.json")


@cache
def destinations() -> Destinations:
    return Destinations(answer().backbone)


def test_the_files_are_read_whole() -> None:
    backbone = answer().backbone
    assert len(backbone.routers) == 16
    assert sum(len(router.rules) for router in backbone.routers.values()) == 8799
    assert len(backbone.ports) == len(hassel()) == 681
    assert sum(map(len, backbone.wires.values())) == 74


def test_every_pair_is_one_of_hassel_c() -> None:
    assert answer().pairs.keys() == hassel().keys()
    assert not [
        (entry, more) for entry, found in answer().pairs.items() if (more := found - hassel()[entry])
    ]


def test_what_hassel_c_has_more_no_destination_can_do() -> None:
    spurious = {entry: more for entry, found in hassel().items() if (more := found - answer().pairs[entry])}
    assert sum(map(len, spurious.values())) == SPURIOUS
    for entry, more in spurious.items():
        assert not destinations().leaves_by(entry) & more, entry


def test_destinations_alone_reach_the_same_ports() -> None:
    """They reach at least as many; that it is no more shows that no ACL closes a port altogether."""
    ports = answer().ports if ALL else random.Random(1).sample(answer().ports, ENTRIES)
    for entry in ports:
        assert destinations().leaves_by(entry) == answer().pairs[entry], entry


def test_every_pair_is_walked_by_a_packet() -> None:
    """A header for each exit and for as many entries as it serves, until all entries are served."""
    exits = [port for port in answer().ports if not leaving(answer().whole, port).is_empty]
    walked: dict[TerminationPoint, set[TerminationPoint]] = {port: set() for port in answer().ports}
    for way_out in exits if ALL else random.Random(1).sample(exits, HEADERS):
        for flow, entries in headers(leaving(answer().whole, way_out)):
            walk = Walk(answer().backbone, flow)
            for entry in entries:
                vlans = entry_vlans(answer().backbone, entry)
                assert any(way_out in walk.leaves_by(entry, vlan) for vlan in vlans), (flow, entry, way_out)
                walked[entry].add(way_out)
            if not ALL:
                break
    assert any(walked.values())
    assert not ALL or walked == answer().pairs


def headers(packets: HeaderSpace) -> Iterator[tuple[Flow, list[TerminationPoint]]]:
    """Headers of ``packets``, each with the entries that it comes from and none before it does."""
    universe, rest = packets.universe, packets
    while flow := rest.sample():
        senders = (packets & universe.flow(flow)).without(*EVERY_FIELD)
        yield (
            flow,
            [
                port
                for number, port in enumerate(answer().ports)
                if not (senders & rest & universe.origin(number)).is_empty
            ],
        )
        rest -= senders


def forwarding(rule: Rule) -> object:
    """What a rule of a table does: output ports and VLAN, since two VLANs of a port are two exits."""
    return (rule.leaves, rule.vlan) if rule.leaves else None


def test_tables_tell_as_many_destinations_apart() -> None:
    """So many by this reading of the tables; other programs count 494, by another."""
    assert destinations().classes(forwarding) == 503
    assert destinations().classes(lambda rule: rule.leaves or None) == 232


def test_class_codec_tells_as_many_apart() -> None:
    starts = np.array(destinations().starts)
    columns = []
    for column in destinations().columns(forwarding):
        labels = {told: number for number, told in enumerate(dict.fromkeys(column))}
        columns.append((starts, np.array([labels[told] for told in column])))
    assert len(AddressClasses(32, columns)) == destinations().classes(forwarding)
