"""Whether a proof holds: it has all of a zone's packets, is closed, and keeps out of the other zone."""

from collections import defaultdict
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
    """One invariant: per node all packets that can be there, ``origin`` the number of their sender."""

    def __init__(self, network: Any, claim: Any) -> None:
        self._network, self.senders, self.connections = network, claim.senders, claim.connections
        self._headers, sets, devices = Headers(network.family), [NONE, ALL], network.devices.items()
        for bit, low, high in claim.nodes:
            sets.append(branch(bit, sets[low], sets[high]))
        self._at = defaultdict(lambda: NONE, {tuple(node): sets[number] for node, number in claim.at})
        self._boxes = {name: Box(network.family, one, claim.connections) for name, one in devices}
        self._wire = {tuple(point): wire for wire, points in network.wires.items() for point in points}
        self._surplus: list[tuple[Packets, str]] = []

    def checked(self, tell: Tell) -> "Claim":
        """The claim, with everything found that is, or gets, where it does not have it."""
        for number, name in enumerate(self.senders):
            zone, packets = self._network.zones[name], self._headers.among("origin", [(number, number)])
            self._spread(zone.starts, packets, f"start of {name}")
            self._require(BEYOND, packets if zone.beyond else NONE, f"start of {name}")
            for maker in zone.makers:
                self._sent(maker, self._boxes[maker].passage(None, packets))
        beyond = self._at[BEYOND]
        rewritten = self._headers.keep(beyond, "origin") if self._network.rewrites else beyond
        self._require(BEYOND, rewritten, "rewritten beyond")
        self._spread(self._network.beyond, beyond, "sent from beyond")
        points = [(name, box, one) for name, box in self._boxes.items() for one in box.device.interfaces]
        for done, (name, box, interface) in enumerate(points):
            tell(f"{name} {interface}", done, len(points))
            if packets := self._at["in", name, interface]:
                self._sent(name, box.passage(interface, packets))
                garbled = self._headers.keep(packets, "origin") if box.device.garbles else NONE
                self._sent(name, ((Exit(one, None, True), garbled) for one in box.device.garbles))
        return self

    def _require(self, node: Node, packets: Packets, why: str) -> None:
        if surplus := packets - self._at[node]:
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
                    self._require(("in", sender, name), self._headers.keep(packets, "origin"), "unpacked")
            elif wire := self._wire.get((sender, exit.interface)):
                self._spread([wire], packets, f"sent by {sender} {exit.interface}", (sender, exit))
            elif not interfaces[exit.interface].inside:
                raise Refused(f"{sender} {exit.interface} is on no wire")

    def _taken(self, sender: str, exit: Exit, name: str, interface: str) -> Packets:
        """What an interface takes of what is sent on its wire: for its addresses, or others' as a proxy."""
        taker = self._boxes[name].device.interfaces[interface]
        bound = self._boxes[sender].device.interfaces[exit.interface].bound
        own = [*taker.addresses, *(address for address, *point in bound if point == [name, interface])]
        itself = (name, interface) == (sender, exit.interface)
        if not itself and (exit.anyone or taker.proxy or exit.next_hop in own):
            return ALL
        own = [] if itself or exit.next_hop is not None else own
        return self._headers.among("destination", zip(own, own, strict=True))

    def shows(self, pair: Any) -> tuple[str, bool, bool]:
        """Why a pair's packets break it; whether all that arrives is permitted, and whether as answers."""
        number, rules = self.senders.index(pair.source), Rules(self._headers, {})
        sender = self._headers.among("origin", [(number, number)])
        zones = [self._network.zones[name] for name in (pair.source, pair.destination)]
        nodes = [("segment", wire) for wire in zones[1].arrives] + [BEYOND] * zones[1].beyond
        local = [self._at["local", name] & rules.may(matches) for name, matches in zones[1].addresses]
        arrived = union([*map(self._at.__getitem__, nodes), *local]) & sender - rules.may(pair.opened)
        why = [why for surplus, why in self._surplus if surplus & sender]
        why += ["a zone has no place" for one in zones if not (one.starts or one.makers or one.beyond)]
        return "".join(why[:1]), not arrived, not arrived - rules.may(pair.answered)


def recheck(networks: list[Any], tell: Tell) -> Iterator[tuple[str, str]]:
    """Every pair of zones that the policy cuts off, and why it is not verified; empty where it is.

    All that arrives is permitted; or what arrives alone is, and what connections bring as their answers.

    Raises:
        Refused: the proof holds something that is not understood here.
    """
    try:
        for network in networks:
            claims = [Claim(network, one).checked(tell) for one in network.invariants]
            for pair in network.pairs:
                told = {one.connections: one.shows(pair) for one in claims if pair.source in one.senders}
                why, outright, answers = told.get(True, ("nothing is claimed", False, False))
                if not why and not outright:
                    why, alone, _ = told.get(False, ("nothing is claimed", False, False))
                    why = why or ("" if alone and answers else "more may arrive than is permitted")
                given = f" if {', '.join(network.assumptions)}" if network.assumptions else ""
                name = f"{pair.assertion} {pair.source} -> {pair.destination} IPv{network.family}"
                yield name + given, why
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as failure:
        raise Refused(f"not a proof that is understood: {failure!r}") from failure
