"""Whether a proof holds: a zone's packets inside, closed under forwarding, and outside of the other zone."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from segaudit.recheck.device import Box, Exit
from segaudit.recheck.proof import Refused
from segaudit.recheck.rules import Rules
from segaudit.recheck.sets import ALL, NONE, Headers, Packets, branch, union

Node = tuple[str, ...]
Sent = tuple[str, Exit] | None
"""Who sends, and out of where to whom; ``None``: somebody who may do anything."""
Tell = Callable[[str, int, int], None]
"""Told what is being done, how many steps are done, and how many there are."""
BEYOND = ("beyond",)
"""The internet, and everything that is not modelled."""


class Claim:
    """One invariant: per node all packets that can be there, each with its sender's number as ``origin``."""

    def __init__(self, network: Any, claim: Any) -> None:
        self._network, self.senders, self.connections = network, claim.senders, claim.connections
        self._headers, sets, devices = Headers(network.family), [NONE, ALL], network.devices.items()
        for bit, low, high in claim.nodes:
            sets.append(branch(bit, sets[low], sets[high]))
        self._at = {tuple(node): sets[number] for node, number in claim.at}
        self._boxes = {name: Box(network.family, one, claim.connections) for name, one in devices}
        self._wire = {tuple(point): wire for wire, points in network.wires.items() for point in points}
        self._surplus: list[tuple[Packets, str]] = []

    def check(self, tell: Tell) -> None:
        """Find everything that is, or gets, where the claim does not have it."""
        for number, name in enumerate(self.senders):
            zone, packets = self._network.zones[name], self._from(number)
            self._spread(zone.starts, packets, f"start of {name}")
            self._require(BEYOND, packets if zone.beyond else NONE, f"start of {name}")
            for maker in zone.makers:
                self._sent(maker, self._boxes[maker].passage(None, packets))
        beyond = self._anything(self._of(BEYOND)) if self._network.rewrites else self._of(BEYOND)
        self._require(BEYOND, beyond, "rewritten beyond")
        self._spread(self._network.beyond, beyond, "sent from beyond")
        points = [(name, one) for name, box in self._boxes.items() for one in box.device.interfaces]
        for done, (name, interface) in enumerate(points):
            tell(f"{name} {interface}", done, len(points))
            if packets := self._of(("in", name, interface)):
                self._sent(name, self._boxes[name].passage(interface, packets))

    def _of(self, node: Node) -> Packets:
        return self._at.get(node, NONE)

    def _from(self, number: int) -> Packets:
        return self._headers.among("origin", [(number, number)])

    def _anything(self, packets: Packets) -> Packets:
        return self._headers.keep(packets, "origin")

    def _require(self, node: Node, packets: Packets, why: str) -> None:
        if surplus := packets - self._of(node):
            self._surplus.append((surplus, f"{why}: more than is claimed at {' '.join(node)}"))

    def _spread(self, wires: Iterable[str], packets: Packets, why: str, sent: Sent = None) -> None:
        """Packets are on wires, where everyone receives all, or what he takes of what is ``sent``."""
        for wire in wires:
            self._require(("segment", wire), packets, why)
            self._require(BEYOND, packets if wire in self._network.beyond else NONE, why)
            for name, interface in self._network.wires[wire]:
                if name in self._boxes and interface in self._boxes[name].device.interfaces:
                    taken = self._taken(*sent, name, interface) if sent else ALL
                    self._require(("in", name, interface), packets & taken, why)
                elif wire not in self._network.beyond:
                    raise Refused(f"{name} {interface} is not modelled, its wire {wire} is")

    def _sent(self, sender: str, sent: Iterable[tuple[Exit, Packets]]) -> None:
        interfaces = self._boxes[sender].device.interfaces
        for exit, packets in sent:
            if exit.interface is None:
                self._require(("local", sender), packets, f"accepted by {sender}")
                for name in (name for name, one in interfaces.items() if one.unpacks):
                    self._require(("in", sender, name), self._anything(packets), f"unpacked by {sender}")
            elif wire := self._wire.get((sender, exit.interface)):
                self._spread([wire], packets, f"sent by {sender} {exit.interface}", (sender, exit))
            elif not interfaces[exit.interface].inside:
                raise Refused(f"{sender} {exit.interface} is on no wire")

    def _taken(self, sender: str, exit: Exit, name: str, interface: str) -> Packets:
        """What an interface takes of what is sent on its wire: for its addresses, or others' as a proxy."""
        taker = self._boxes[name].device.interfaces[interface]
        bound = self._boxes[sender].device.interfaces[exit.interface].bound
        own = [*taker.addresses, *(address for address, *point in bound if point == [name, interface])]
        if (name, interface) == (sender, exit.interface):
            return NONE
        if exit.anyone or taker.proxy or exit.next_hop in own:
            return ALL
        if exit.next_hop is not None:
            return NONE
        return self._headers.among("destination", zip(own, own, strict=True))

    def shows(self, pair: Any) -> tuple[str, bool, bool]:
        """Why this is no invariant of a pair's packets; if all that arrives is permitted, and as an answer."""
        sender, rules = self._from(self.senders.index(pair.source)), Rules(self._headers, {})
        zones = [self._network.zones[name] for name in (pair.source, pair.destination)]
        nodes = [("segment", wire) for wire in zones[1].arrives] + [BEYOND] * zones[1].beyond
        local = [self._of(("local", name)) & rules.may(matches) for name, matches in zones[1].addresses]
        arrived = union([*map(self._of, nodes), *local]) & sender - rules.may(pair.opened)
        why = [why for surplus, why in self._surplus if surplus & sender]
        why += ["a zone has no place" for one in zones if not (one.starts or one.makers or one.beyond)]
        return "".join(why[:1]), not arrived, not arrived - rules.may(pair.answered)


def recheck(networks: list[Any], tell: Tell) -> Iterator[tuple[int, Any, str, list[str]]]:
    """Every pair of zones that the policy cuts off, why it is not verified ("": it is), on what assumptions.

    All that arrives is permitted; or what arrives alone is, and what connections bring as their answers.
    """
    for network in networks:
        claims = [Claim(network, one) for one in network.invariants]
        for claim in claims:
            claim.check(tell)
        for pair in network.pairs:
            fitting = [claim for claim in claims if pair.source in claim.senders]
            told = {claim.connections: claim.shows(pair) for claim in fitting}
            why, outright, answers = told.get(True, ("nothing is claimed", False, False))
            if not why and not outright:
                why, alone, _ = told.get(False, ("nothing is claimed without connections", False, False))
                why = why or ("" if alone and answers else "more may arrive than is permitted")
            yield network.family, pair, why, network.assumptions
