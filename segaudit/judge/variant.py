"""The same network with something about it changed, and what may then arrive: for "what if" questions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from segaudit.graph import ForwardingGraph
from segaudit.judge.conduits import Permitted, surplus
from segaudit.judge.prover import Prover, Reading
from segaudit.model.device import Device
from segaudit.model.flow import Family
from segaudit.packets import HeaderSpace
from segaudit.reach.device_path import DevicePaths, Level, RoutingMode
from segaudit.reach.fixpoint import Network, Reached, Source


class Variant:
    """Fixpoints of one changed graph, each computed once.

    The changes may touch what devices do and which of them are modelled, never which addresses the
    zones have: arrival in a zone is judged by the unchanged snapshot.

    Args:
        prover: the engine for the unchanged network.
        family: the address family.
        reading: under which reading ``graph`` was made.
        graph: the changed graph.
        arrivals: judges what has arrived in the place of ``prover``, whose memory of it then does not
            grow with every variant.
        paths: changed devices compiled before, for this variant to share.
    """

    def __init__(
        self,
        prover: Prover,
        family: Family,
        reading: Reading,
        graph: ForwardingGraph,
        arrivals: Prover | None = None,
        paths: DevicePaths | None = None,
    ) -> None:
        self.reading = reading
        self.graph = graph
        self._arrivals = arrivals or prover
        universe = prover.universe(family)
        paths = paths or DevicePaths(universe, prover.paths(family))
        self._network = Network(graph, universe, Level.MAY, RoutingMode.CURRENT, paths)
        self._has_conduits = prover.policy.has_conduits
        self._reached: dict[tuple[Source, bool], Reached] = {}

    def reached(self, source: Source, with_connections: bool) -> Reached:
        """Everything that packets from ``source`` may arrive at."""
        key = (source, with_connections)
        if key not in self._reached:
            self._reached[key] = self._network.reach(source, with_connections)
        return self._reached[key]

    def reach_together(self, sources: Iterable[Source]) -> None:
        """Compute what each of ``sources`` may arrive at, all at once: cheaper than one by one."""
        new = list(dict.fromkeys(one for one in sources if (one, True) not in self._reached))
        fresh = self._network.reach_each(new) if self._has_conduits else []
        whole = self._network.reach_each(new, True, fresh)
        self._reached.update(((source, False), alone) for source, alone in zip(new, fresh, strict=False))
        self._reached.update(((source, True), found) for source, found in zip(new, whole, strict=True))

    def left(self, source: Source, destination: str, allowed: Permitted) -> HeaderSpace:
        """All that may arrive in a zone although nothing in the policy permits it."""
        return surplus(allowed, lambda connections: self._arrived(source, destination, connections))

    def is_closed(self, source: Source, destination: str, allowed: Permitted) -> bool:
        """True where ``left`` is empty.

        What arrives without connections arrives with them too, so one fixpoint often tells.
        """
        whole = self._arrived(source, destination, True) - allowed.opened
        if not (whole - allowed.answered).is_empty:
            return False
        return whole.is_empty or self.left(source, destination, allowed).is_empty

    def _arrived(self, source: Source, destination: str, with_connections: bool) -> HeaderSpace:
        reached = self.reached(source, with_connections)
        return self._arrivals.arrived(reached, destination, self.reading)


def with_devices(graph: ForwardingGraph, changed: Iterable[Device]) -> ForwardingGraph:
    """The graph with other devices in the place of those of the same name."""
    return replace(graph, devices={**graph.devices, **{device.name: device for device in changed}})
