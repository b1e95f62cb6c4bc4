"""The stages of one device's path in their order, as ways: before routing, routing, after routing.

The order is Linux's (netfilter packet flow): ingress ACL, PREROUTING by priority, destination NAT,
routing decision, INPUT or FORWARD, POSTROUTING, source NAT, egress ACL. Other vendors' filters attach
to the same hooks.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from segaudit.model.acl import Hook, Translate, TranslationKind
from segaudit.model.device import InterfaceKind
from segaudit.model.flow import ConnectionState, Family
from segaudit.packets import HeaderSpace
from segaudit.reach.compiled import CompiledDevice
from segaudit.reach.hooks import Hooks
from segaudit.reach.routed import Routing, Target
from segaudit.reach.ways import Level, Passing, RoutingMode, Way


class Stages:
    """The stages of one device at one level under one routing mode.

    Args:
        compiled: the device.
        level: MAY or MUST.
        mode: where it may send packets.
    """

    def __init__(self, compiled: CompiledDevice, level: Level, mode: RoutingMode) -> None:
        self.compiled = compiled
        self.level = level
        self._mode = mode
        self._hooks = Hooks(compiled, level)
        self._routing = Routing(compiled, level, mode)

    def mirrored(self) -> Stages:
        """The same in the coordinates of the answer."""
        return Stages(self.compiled.mirror, self.level, self._mode)

    def ways(self, name: str, passing: Passing, start: HeaderSpace) -> Iterator[tuple[Target, Way]]:
        """Every way of packets received on ``name`` in one state, with where it leads."""
        for way in self.before_routing(name, Way.start(start & passing.packets), passing):
            for target in self.targets(name, way.now, passing.state):
                routed = way.keep(target[2])
                if routed.now.is_empty:
                    continue
                if target[0] is None:
                    accepted = self.passed(Hook.INPUT, name, None, passing.state, routed.now)
                    yield target, routed.keep(accepted)
                    continue
                accepted = self.passed(Hook.FORWARD, name, target[0], passing.state, routed.now)
                for out in self.after_routing(name, target[0], routed.keep(accepted), passing):
                    yield target, out

    def own_ways(self, passing: Passing, start: HeaderSpace) -> Iterator[tuple[Target, Way]]:
        """Every way of packets that the device makes itself: through OUTPUT, as configured.

        Those for itself come in again by the loopback that they left by; they may, for certain none do.
        """
        made = start & passing.packets
        for target in self.targets(None, made, passing.state):
            way = Way.start(made & target[2])
            for interface in () if way.now.is_empty else self._towards(target):
                for sent in self.through_output(interface, way, passing):
                    for final, routed in self._routed_again(target, sent, passing.state):
                        for out in self._made(final, routed, passing):
                            yield final, out

    def _made(self, target: Target, way: Way, passing: Passing) -> Iterator[Way]:
        """Own packets behind OUTPUT as they leave, or as the device itself accepts them."""
        for name in self._towards(target):
            if target[0] is not None:
                yield from self.after_routing(None, name, way, passing)
            elif self.level is Level.MAY:
                yield way.keep(self.passed(Hook.INPUT, name, None, passing.state, way.now))

    def through_output(self, interface: str, way: Way, passing: Passing) -> Iterator[Way]:
        """The device's own packets behind OUTPUT, on their way to ``interface``."""
        yield from self._hooks.staged(
            Hook.OUTPUT, None, interface, way, passing.state, passing.before_routing
        )

    def _towards(self, target: Target) -> list[str]:
        """The output interface of the device's own packets; for those to itself a loopback."""
        interfaces = self.compiled.device.interfaces
        loopbacks = [name for name, one in interfaces.items() if one.kind is InterfaceKind.LOOPBACK]
        return loopbacks if target[0] is None else [target[0]]

    def _routed_again(
        self, target: Target, way: Way, state: ConnectionState
    ) -> Iterator[tuple[Target, Way]]:
        """Where own packets leave; those that OUTPUT changed are routed once more.

        Linux ``ip_route_me_harder``, after another destination (nf_nat_proto.c ``nf_nat_ipv4_local_fn``)
        or another mark or type of service (iptable_mangle.c ``ipt_mangle_out``, nft_chain_route.c).
        """
        if not way.changed and not self.compiled.marks_output:
            yield target, way
            return
        for other in self.targets(None, way.now, state):
            onward = way.keep(other[2])
            if not onward.now.is_empty:
                yield other, onward

    def before_routing(self, name: str, way: Way, passing: Passing) -> Iterator[Way]:
        """From the wire to the routing decision."""
        way = way.keep(self.passed(Hook.INGRESS, name, None, passing.state, way.now))
        way = way.keep(self._routing.let_in(name))
        yield from self._hooks.staged(
            Hook.PREROUTING, name, None, way, passing.state, passing.before_routing
        )

    def after_routing(self, name: str | None, interface: str, way: Way, passing: Passing) -> Iterator[Way]:
        """From the filtered packet to the wire."""
        staged = self._hooks.staged(
            Hook.POSTROUTING, name, interface, way, passing.state, passing.after_routing
        )
        for out in staged:
            yield out.keep(self.passed(Hook.EGRESS, name, interface, passing.state, out.now))

    def passed(
        self,
        hook: Hook,
        name: str | None,
        interface: str | None,
        state: ConnectionState,
        packets: HeaderSpace,
    ) -> HeaderSpace:
        """The part of ``packets`` that all filters of a hook accept."""
        return self._hooks.passed(hook, name, interface, state, packets)

    def targets(self, name: str | None, packets: HeaderSpace, state: ConnectionState) -> Iterator[Target]:
        """Where ``packets`` received on ``name`` may go."""
        return self._routing.targets(name, packets, state)

    # -- interfaces that are alike ---------------------------------------------------------------

    def representative(self, name: str) -> str:
        """The first interface whose packets take the same ways as those received on ``name``."""
        return self._alike[name]

    def representatives(self) -> list[str]:
        """One interface of each kind, sorted."""
        return sorted(set(self._alike.values()))

    @cached_property
    def _alike(self) -> dict[str, str]:
        first: dict[object, str] = {}
        names = sorted(self.compiled.device.interfaces)
        return {name: first.setdefault(self._kind_of(name), name) for name in names}

    def _kind_of(self, name: str) -> object:
        """Equal for interfaces that nothing on the path can tell apart by their packets."""
        compiled, family = self.compiled, self.compiled.universe.family
        own = any(one.interface == name for one in compiled.attached[Hook.INGRESS])
        if own or self._tells_apart or self._routing.filters_sources(name):
            return name
        return family in compiled.device.interfaces[name].forwarding, compiled.group(name)

    @cached_property
    def _tells_apart(self) -> bool:
        """True where every interface may differ: by routing rules, REDIRECT, or IPv6 link-local turns."""
        compiled = self.compiled
        return (
            self._routing.tells_interfaces_apart
            or (compiled.universe.family is Family.IPV6 and self.level is Level.MAY)
            or any(
                isinstance(ace.action, Translate) and ace.action.kind is TranslationKind.REDIRECT
                for acl in compiled.device.acls.values()
                for ace in acl.aces
            )
        )
