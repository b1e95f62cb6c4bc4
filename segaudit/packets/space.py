"""The set algebra over packet headers, on oxidd's complement-edge BDDs.

Variable order (measured, DESIGN §5): origin, input and output interface, connection state, protocol,
destination port, destination, source, source port, ICMP type and code, fragment, TCP flags; most
significant bit first. One ``Universe`` is one BDD manager for one address family; sets of different
universes never mix.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from enum import Enum
from functools import reduce
from typing import Any

from oxidd.bcdd import BCDDFunction, BCDDManager
from oxidd.util import DDMemoryError

from segaudit.errors import CapacityError, SegauditError
from segaudit.model.acl import Range
from segaudit.model.flow import Family, Flow


class HeaderField(Enum):
    """A field of the header space; not all of it travels with the packet.

    IN_INTERFACE, OUT_INTERFACE and STATE belong to one device and are quantified away before a set
    leaves it. ORIGIN tells apart who sent a packet where the packets of many senders are followed
    together; no device reads it. A non-first fragment carries the ports of its datagram as ghost
    fields.
    """

    ORIGIN = "origin"
    IN_INTERFACE = "in_interface"
    OUT_INTERFACE = "out_interface"
    STATE = "state"
    PROTOCOL = "protocol"
    DESTINATION_PORT = "destination_port"
    DESTINATION = "destination"
    SOURCE = "source"
    SOURCE_PORT = "source_port"
    ICMP_TYPE = "icmp_type"
    ICMP_CODE = "icmp_code"
    FRAGMENT = "fragment"
    TCP_FLAGS = "tcp_flags"


DEVICE_FIELDS = (HeaderField.IN_INTERFACE, HeaderField.OUT_INTERFACE, HeaderField.STATE)

_NOT_HEADER = (HeaderField.ORIGIN, *DEVICE_FIELDS)

_WIDTHS = {
    HeaderField.ORIGIN: 12,
    HeaderField.IN_INTERFACE: 12,
    HeaderField.OUT_INTERFACE: 12,
    HeaderField.STATE: 3,
    HeaderField.PROTOCOL: 8,
    HeaderField.DESTINATION_PORT: 16,
    HeaderField.SOURCE_PORT: 16,
    HeaderField.ICMP_TYPE: 8,
    HeaderField.ICMP_CODE: 8,
    HeaderField.FRAGMENT: 1,
    HeaderField.TCP_FLAGS: 8,
}

_NO_ROOM = (DDMemoryError, MemoryError)

_MOST_REMEMBERED = 1 << 16

DEFAULT_NODE_CAPACITY = 1 << 22


class Universe:
    """All packets of one address family, and the constructors of sets of them.

    Args:
        family: the address family.
        node_capacity: BDD nodes that fit (fixed at creation; 2^22 is about 50 MB). Running out
            raises ``CapacityError`` in whatever operation needed room.
    """

    def __init__(self, family: Family, node_capacity: int = DEFAULT_NODE_CAPACITY) -> None:
        self.family = family
        self._manager = BCDDManager(node_capacity, max(1 << 16, node_capacity // 4), 1)
        self._bits: dict[HeaderField, list[int]] = {}
        first = 0
        for field in HeaderField:
            width = _WIDTHS.get(field, family.bits)
            self._bits[field] = list(range(first, first + width))
            first += width
        self._manager.add_vars(first)
        self._variables = [self._manager.var(index) for index in range(first)]
        self._negated = [~variable for variable in self._variables]
        self._remembered: dict[Hashable, HeaderSpace] = {}
        self._cubes: dict[frozenset[HeaderField], BCDDFunction] = {}
        self.all = HeaderSpace(self, self._manager.true())
        self.none = HeaderSpace(self, self._manager.false())

    def width(self, field: HeaderField) -> int:
        """Number of bits of ``field``."""
        return len(self._bits[field])

    def value(self, field: HeaderField, value: int) -> HeaderSpace:
        """The packets whose ``field`` is ``value``."""
        return self.prefix(field, value, self.width(field))

    def prefix(self, field: HeaderField, value: int, length: int) -> HeaderSpace:
        """The packets whose ``length`` most significant bits of ``field`` are those of ``value``."""
        width = self.width(field)
        mask = ((1 << length) - 1) << (width - length)
        return self.masked(field, value & mask, mask)

    def masked(self, field: HeaderField, value: int, mask: int) -> HeaderSpace:
        """The packets whose ``field``, ANDed with ``mask``, is ``value``."""
        if value & ~mask:
            return self.none
        try:
            return HeaderSpace(self, self._masked(field, value, mask))
        except _NO_ROOM as failure:
            raise _full() from failure

    def _masked(self, field: HeaderField, value: int, mask: int) -> BCDDFunction:
        cube = self._manager.true()
        for position, index in enumerate(reversed(self._bits[field])):
            if mask >> position & 1:
                cube &= self._variables[index] if value >> position & 1 else self._negated[index]
        return cube

    def ranges(self, field: HeaderField, ranges: Iterable[Range]) -> HeaderSpace:
        """The packets whose ``field`` lies in one of the inclusive ``ranges``."""
        return self.union(self._range(field, first, last) for first, last in ranges)

    def _range(self, field: HeaderField, first: int, last: int) -> HeaderSpace:
        width = self.width(field)
        first, last = max(first, 0), min(last, (1 << width) - 1)
        if first > last:
            return self.none
        size = last - first + 1
        if size & last - first == 0 and first & last - first == 0:
            return self.prefix(field, first, width - size.bit_length() + 1)
        try:
            return HeaderSpace(self, self._at_least(field, first) & ~self._at_least(field, last + 1))
        except _NO_ROOM as failure:
            raise _full() from failure

    def _at_least(self, field: HeaderField, bound: int) -> BCDDFunction:
        if bound >> self.width(field):
            return self._manager.false()
        result = self._manager.true()
        for position, index in enumerate(reversed(self._bits[field])):
            variable = self._variables[index]
            result = variable & result if bound >> position & 1 else variable | result
        return result

    def remembered(self, key: Hashable, make: Callable[[], HeaderSpace]) -> HeaderSpace:
        """What ``make`` makes, once per ``key``: for the small sets that many devices' rules share."""
        found = self._remembered.get(key)
        if found is None:
            if len(self._remembered) >= _MOST_REMEMBERED:
                self._remembered.clear()
            found = self._remembered[key] = make()
        return found

    def union(self, spaces: Iterable[HeaderSpace]) -> HeaderSpace:
        """The union, folded in a balanced tree."""
        return _balanced(list(spaces), self.none)

    def flow(self, flow: Flow) -> HeaderSpace:
        """The set that holds exactly ``flow`` (device fields free)."""
        return reduce(lambda a, b: a & b, (self.value(field, flow_value(flow, field)) for field in _FLOW))

    def origin(self, number: int) -> HeaderSpace:
        """Every packet of sender ``number`` of those that are followed together."""
        return self.value(HeaderField.ORIGIN, number)

    def cube(self, fields: frozenset[HeaderField]) -> BCDDFunction:
        """The conjunction of all variables of ``fields``, for quantification."""
        if fields not in self._cubes:
            cube = self._manager.true()
            for field in fields:
                for index in self._bits[field]:
                    cube &= self._variables[index]
            self._cubes[fields] = cube
        return self._cubes[fields]

    def read_cube(self, cube: Sequence[bool | None]) -> dict[HeaderField, int]:
        """The value of every field in an assignment; free bits are 0."""
        values = {}
        for field, indexes in self._bits.items():
            values[field] = reduce(lambda total, index: total << 1 | bool(cube[index]), indexes, 0)
        return values

    def bit_spaces(self) -> Iterator[HeaderSpace]:
        """Per bit of the header itself the set where it is 0, in variable order."""
        for field, indexes in self._bits.items():
            if field not in _NOT_HEADER:
                for index in indexes:
                    yield HeaderSpace(self, ~self._variables[index])


class HeaderSpace:
    """A set of packets: ``& | - ~``, ``==`` (set equality), ``is_empty``, ``is_subset``, ``sample``."""

    __slots__ = ("_function", "universe")

    def __init__(self, universe: Universe, function: BCDDFunction) -> None:
        self.universe = universe
        self._function = function

    def __and__(self, other: HeaderSpace) -> HeaderSpace:
        try:
            return HeaderSpace(self.universe, self._function & other._function)
        except _NO_ROOM as failure:
            raise _full() from failure

    def __or__(self, other: HeaderSpace) -> HeaderSpace:
        try:
            return HeaderSpace(self.universe, self._function | other._function)
        except _NO_ROOM as failure:
            raise _full() from failure

    def __sub__(self, other: HeaderSpace) -> HeaderSpace:
        try:
            return HeaderSpace(self.universe, self._function & ~other._function)
        except _NO_ROOM as failure:
            raise _full() from failure

    def __invert__(self) -> HeaderSpace:
        return HeaderSpace(self.universe, ~self._function)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, HeaderSpace) and bool(self._function == other._function)

    def __hash__(self) -> int:
        return hash(self._function)

    def __repr__(self) -> str:
        return "HeaderSpace(empty)" if self.is_empty else f"HeaderSpace(e.g. {self.sample()})"

    @property
    def is_empty(self) -> bool:
        """True for the empty set."""
        return not self._function.satisfiable()

    def is_subset(self, other: HeaderSpace) -> bool:
        """True where every packet of this set is in ``other``."""
        return (self - other).is_empty

    def without(self, *fields: HeaderField) -> HeaderSpace:
        """Forget ``fields``: the packets that agree with some member on all other fields."""
        return self._exists(frozenset(fields))

    def _exists(self, fields: frozenset[HeaderField]) -> HeaderSpace:
        cube = self.universe.cube(fields)
        try:
            return HeaderSpace(self.universe, self._function.exists(cube))
        except _NO_ROOM as failure:
            raise _full() from failure

    def anything(self) -> HeaderSpace:
        """Every packet, from whoever sent one of these; empty where this is."""
        return self._exists(_ALL_BUT_ORIGIN)

    def always(self, *fields: HeaderField) -> HeaderSpace:
        """The packets that are members whatever the values of ``fields``."""
        return ~(~self)._exists(frozenset(fields))

    def sample(self, preferences: Iterable[HeaderSpace] = ()) -> Flow | None:
        """One member (``None`` if empty), inside each of ``preferences`` in turn while possible."""
        chosen = self
        for preference in preferences:
            narrowed = chosen & preference
            chosen = chosen if narrowed.is_empty else narrowed
        cube = chosen._function.pick_cube()
        if cube is None:
            return None
        values = self.universe.read_cube(cube)
        return _flow(self.universe.family, values)

    @property
    def node_count(self) -> int:
        """Size of the diagram."""
        return int(self._function.node_count())


_FLOW = tuple(field for field in HeaderField if field not in _NOT_HEADER)
_ALL_BUT_ORIGIN = frozenset(HeaderField) - {HeaderField.ORIGIN}


def flow_value(flow: Flow, field: HeaderField) -> int:
    """The integer value of ``field`` in ``flow``."""
    return int(getattr(flow, field.value))


def _flow(family: Family, values: dict[HeaderField, int]) -> Flow:
    fields: dict[str, Any] = {field.value: values[field] for field in _FLOW}
    fields["fragment"] = bool(fields["fragment"])
    return Flow(family=family, **fields)


def _balanced(items: list[HeaderSpace], empty: HeaderSpace) -> HeaderSpace:
    while len(items) > 1:
        pairs = zip(items[::2], items[1::2], strict=False)
        items = [a | b for a, b in pairs] + (items[-1:] if len(items) % 2 else [])
    return items[0] if items else empty


def _full() -> SegauditError:
    return CapacityError.because("packet sets", "the BDD node table is full")
