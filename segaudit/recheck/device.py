"""What one device does with packets: hooks in their order, translations, routes, connections."""

from collections.abc import Iterator
from functools import cached_property
from itertools import groupby
from typing import Any, NamedTuple

from segaudit.recheck.proof import Refused
from segaudit.recheck.rules import Rules, Seen
from segaudit.recheck.sets import ALL, NONE, Headers, Packets, union

Rewrite = tuple[tuple[str, ...], Packets] | None
"""Fields that change, and the packets that are possible afterwards."""
Passing = tuple[str, Packets, Rewrite, Rewrite]
"""A connection state, the packets in it, and how they are rewritten before and after routing."""
Opening = tuple[Packets, Packets, Packets, bool, bool]
"""The packets of a kind of connection as they enter, are routed, leave; if either end is translated."""


class Course(NamedTuple):
    """Packets on their way: ``was`` bounds what they were before the fields ``changed`` changed."""

    was: Packets
    now: Packets
    changed: tuple[str, ...] = ()


class Exit(NamedTuple):
    """Out of ``interface`` (``None``: into the device) to ``next_hop``, or to ``anyone`` on the wire."""

    interface: str | None
    next_hop: int | None = None
    anyone: bool = False


Way = tuple[Exit, Course, Course]
"""Where packets go, as they are when routed and filtered, and as they leave."""


class Box:
    """One device; with what passes in connections (``connected``), in an answer's view (``answering``)."""

    def __init__(self, family: int, device: Any, connected: bool, answering: bool = False) -> None:
        self.family, self.device, self.headers = family, device, Headers(family, answering)
        self.rules, self.connected = Rules(self.headers, device.chains), connected
        self._routes: dict[str, list[tuple[str, Any, Packets]]] = {}

    def passage(self, incoming: str | None, packets: Packets) -> Iterator[tuple[Exit, Packets]]:
        """Where packets received on an interface (``None``: made by the device) go, as they leave.

        Where connections are tracked packets are reassembled, and may leave in fragments again.
        """
        loose = ("fragment",) if self.device.reassembles else ()
        packets = self.headers.forget(packets, *loose) & self.rules.may(self.device.sees)
        for passing in self._states:
            for exit, _, left in self._ways(incoming, packets, passing):
                yield exit, self.headers.forget(left.now, *loose) if exit.interface else left.now

    def _ways(self, incoming: str | None, packets: Packets, passing: Passing) -> Iterator[Way]:
        state, possible, before, after = passing
        seen, entered = Seen(incoming, None, state), [Course(ALL, packets & possible)]
        for course in self._hook("received" if incoming else "made", entered, seen, before):
            for exit, routed in self._targets(seen, course.now):
                there = seen._replace(outgoing=exit.interface)
                hook = ("forward" if incoming else "output") if exit.interface else "input"
                for one in self._hook(hook, [_kept(course, routed)], there, before):
                    again = hook == "output" and one.changed
                    for to, part in self._targets(seen, one.now) if again else [(exit, ALL)]:
                        kept, last = [_kept(one, part)], seen._replace(outgoing=to.interface)
                        for out in self._hook("leaving" if to.interface else "inside", kept, last, after):
                            yield to, one, out

    def _hook(self, hook: str, courses: list[Course], seen: Seen, bound: Rewrite = None) -> list[Course]:
        """Through the steps of a hook; ``bound``: the translation that the packets' connection has."""
        moved: list[Course] = []
        for step in self.device.hooks[hook]:
            match step:
                case ["bound"]:
                    courses = [self._rewritten(course, *bound) for course in courses] if bound else courses
                case ["translate", chain]:
                    stays, translated = self.rules.attached(chain, seen)
                    if seen.state == "new":
                        moved += [self._rewritten(_kept(course, packets), *rewrite)
                                  for packets, rewrite in translated for course in courses]  # fmt: skip
                        courses = [_kept(course, stays) for course in courses]
                case ["filter", chain, tracked]:
                    there = seen if tracked else seen._replace(state="invalid")
                    passed, more = self.rules.attached(chain, there)
                    space = passed | union(packets for packets, _ in more)
                    courses, moved = ([_kept(one, space) for one in some] for some in (courses, moved))
                case _:
                    raise Refused(f"step {step} is not known here")
        return [course for course in (*courses, *moved) if course.now]

    def _rewritten(self, course: Course, fields: tuple[str, ...], pool: Packets) -> Course:
        now = self.headers.forget(course.now, *fields) & pool
        return Course(self._was(course), now, (*course.changed, *fields))

    def _was(self, course: Course) -> Packets:
        return course.was & self.headers.forget(course.now, *course.changed)

    # -- routes

    def _targets(self, seen: Seen, packets: Packets) -> Iterator[tuple[Exit, Packets]]:
        for matches, table in self.device.lookups:
            (may, must), found = self.rules.bounds(matches, seen), NONE if table else ALL
            for kind, hops, space in self._longest(table):
                found |= space
                if (part := packets & may & space) and kind == "local" and seen.incoming:
                    yield Exit(None), part
                for name, address, anyone in hops if part and kind == "unicast" else ():
                    yield Exit(name, address, anyone), part
            packets -= must & found

    def _longest(self, table: str) -> list[tuple[str, Any, Packets]]:
        """The routes of a table with the packets that each is the best for; a THROW gives them back."""
        if table not in self._routes:
            found, claimed = [], NONE
            routes = sorted(self.device.tables.get(table, ()), key=_rank)
            for _, alike in groupby(routes, _rank):
                spaces = [(one, self.headers.among("destination", [one[:2]])) for one in alike]
                found += [(one[3], one[4], space - claimed) for one, space in spaces if one[3] != "throw"]
                claimed |= union(space for _, space in spaces)
            self._routes[table] = found
        return self._routes[table]

    # -- connections

    @cached_property
    def _states(self) -> list[Passing]:
        """Every state that packets can be in, connections that anyone may open included."""
        found: list[Any] = [(state, self.rules.may(one), None, None) for state, one in self.device.states]
        if self.connected and self.device.reassembles:
            for opening in self._openings():
                found += self._connection(opening)
            for was, routed, left, turned, hidden in Box(self.family, self.device, True, True)._openings():
                found += self._connection((left, routed, was, hidden, turned))
        joined: dict[Any, Packets] = {}
        for state, packets, *rewrites in found:
            joined[state, *rewrites] = joined.get((state, *rewrites), NONE) | packets
        return [(state, packets, *rewrites) for (state, *rewrites), packets in joined.items()]

    def _connection(self, opening: Opening) -> Iterator[Passing]:
        """The packets of a connection one way, and ICMP errors about it to the same end, from anyone."""
        enter, routed, leave, turned, hidden = opening
        before = (("destination", "destination_port"), routed) if turned else None
        yield "established", enter, before, (("source", "source_port"), leave) if hidden else None
        error = self.rules.may(self.device.errors)
        ends = (error & self.headers.keep(one, "destination") for one in (enter, routed, leave))
        enter, routed, leave = ends
        first = (("destination",), routed) if turned else None
        yield "related", enter, first, (("source",), leave) if hidden else None

    def _openings(self) -> Iterator[Opening]:
        """What anyone may open here: whole packets received as NEW, and what the device may send itself."""
        new = self.rules.may(self.device.states[0][1]) & self.headers.among("fragment", [(0, 0)])
        for name in self.device.interfaces:
            made = [Course(ALL, self.rules.may(self.device.opens, Seen(None, name)))]
            ways = [(one, one) for one in self._hook("output", made, Seen(None, name))]
            ways += [(routed, left) for _, routed, left in self._ways(name, new, ("new", ALL, None, None))]
            for routed, left in ways:
                moved = left.changed[len(routed.changed) :]
                three = (self._was(left), routed.now & self.headers.forget(left.now, *moved), left.now)
                was, between, now = (self.headers.forget(one, "tcp_flags", "fragment") for one in three)
                yield was, between, now, bool(routed.changed), bool(moved)


def _kept(course: Course, space: Packets) -> Course:
    return course._replace(now=course.now & space)


def _rank(route: Any) -> tuple[int, int]:
    return route[1] - route[0], route[2]
