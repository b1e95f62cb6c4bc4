"""The set algebra over packet headers, on oxidd's complement-edge BDDs.

Variable order (measured, DESIGN §5): origin, input and output interface, connection state, protocol,
destination port, destination, source, source port, ICMP type and code, fragment, TCP flags; most
significant bit first. One ``Universe`` is one BDD manager for one address family; sets of different
universes never mix. Addresses are their own bits, or the codes of their classes where a universe is
given ``AddressClasses``: the sets are the same, only their diagrams differ.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Iterator
from enum import Enum
from functools import reduce
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from oxidd.bcdd import BCDDFunction, BCDDManager
from oxidd.util import DDMemoryError

from segaudit.errors import CapacityError, RunError
from segaudit.model.acl import Range
from segaudit.model.flow import Family, Flow
from segaudit.packets.ranges import masked_ranges, merged

if TYPE_CHECKING:
    from segaudit.packets.classes import AddressClasses, Column


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

ADDRESSES = (HeaderField.DESTINATION, HeaderField.SOURCE)

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

_MOST_SCATTERED = 1 << 12
"""Ranges of one scattered mask that a universe of address classes puts up with."""

DEFAULT_NODE_CAPACITY = 1 << 22


class Universe:
    """All packets of one address family, and the constructors of sets of them.

    Args:
        family: the address family.
        node_capacity: BDD nodes that fit (fixed at creation; 2^22 is about 50 MB). Running out
            raises ``CapacityError`` in whatever operation needed room.
        classes: encode addresses by these classes; ``None``: by their bits.
    """

    def __init__(
        self,
        family: Family,
        node_capacity: int = DEFAULT_NODE_CAPACITY,
        classes: AddressClasses | None = None,
    ) -> None:
        self.family = family
        self.classes = classes
        self._manager = BCDDManager(node_capacity, max(1 << 16, node_capacity // 4), 1)
        self._bits: dict[HeaderField, list[int]] = {}
        first = 0
        for field in HeaderField:
            width = classes.width if classes is not None and field in ADDRESSES else self.width(field)
            self._bits[field] = list(range(first, first + width))
            first += width
        self._manager.add_vars(first)
        self._variables = [self._manager.var(index) for index in range(first)]
        self._negated = [~variable for variable in self._variables]
        self._remembered: dict[Hashable, HeaderSpace] = {}
        self._cubes: dict[frozenset[HeaderField], BCDDFunction] = {}
        self._octets: dict[tuple[int, int, int], BCDDFunction] = {}
        self.all = HeaderSpace(self, self._manager.true())
        self.none = HeaderSpace(self, self._manager.false())

    def width(self, field: HeaderField) -> int:
        """Number of bits of ``field``."""
        return _WIDTHS.get(field, self.family.bits)

    def bits(self, field: HeaderField) -> tuple[int, ...]:
        """The numbers of the bits of ``field``, most significant first."""
        return tuple(self._bits[field])

    def value(self, field: HeaderField, value: int) -> HeaderSpace:
        """The packets whose ``field`` is ``value``."""
        return self.prefix(field, value, self.width(field))

    def prefix(self, field: HeaderField, value: int, length: int) -> HeaderSpace:
        """The packets whose ``length`` most significant bits of ``field`` are those of ``value``."""
        width = self.width(field)
        mask = ((1 << length) - 1) << (width - length)
        return self.masked(field, value & mask, mask)

    def masked(self, field: HeaderField, value: int, mask: int) -> HeaderSpace:
        """The packets whose ``field``, ANDed with ``mask``, is ``value``.

        Raises:
            RunError: the mask is too scattered for a universe of address classes.
        """
        if value & ~mask:
            return self.none
        if self._classes_of(field) is not None:
            return self.ranges(field, _unmasked(value, mask, self.width(field)))
        return self._guarded(lambda: self._masked(field, value, mask))

    def ranges(self, field: HeaderField, ranges: Iterable[Range]) -> HeaderSpace:
        """The packets whose ``field`` lies in one of the inclusive ``ranges``."""
        last = (1 << self.width(field)) - 1
        inside = merged((max(first, 0), min(end, last)) for first, end in ranges)
        classes = self._classes_of(field)
        if classes is None:
            return self._encoded(field, inside)
        key = (field, *inside)
        return self.remembered(key, lambda: self._encoded(field, classes.codes(inside)))

    def painted(self, field: HeaderField, column: Column) -> dict[int, HeaderSpace]:
        """Per label of ``column`` the packets to whose address (``field``) it gives that label."""
        assert self.classes is not None and field in ADDRESSES
        parts = self.classes.painted(column)
        return {label: self._encoded(field, codes) for label, codes in parts.items()}

    def _classes_of(self, field: HeaderField) -> AddressClasses | None:
        return self.classes if field in ADDRESSES else None

    def _guarded(self, make: Callable[[], BCDDFunction]) -> HeaderSpace:
        """The set, made again after a collection where there was no room.

        oxidd collects in a thread of its own once the table is nearly full; whether that thread comes
        first is a matter of luck. Whether a set fits is not.
        """
        try:
            return HeaderSpace(self, make())
        except _NO_ROOM:
            self._manager.gc()
        try:
            return HeaderSpace(self, make())
        except _NO_ROOM as failure:
            raise CapacityError.because("packet sets", "the BDD node table is full") from failure

    def _masked(self, field: HeaderField, value: int, mask: int) -> BCDDFunction:
        bits = self._bits[field]
        cube = self._manager.true()
        for position in range(0, mask.bit_length(), 8):
            if asked := mask >> position & 0xFF:
                lowest = bits[-1] - position
                cube = self._octet(lowest, value >> position & asked, asked) & cube
        return cube

    def _octet(self, lowest: int, value: int, mask: int) -> BCDDFunction:
        """Up to eight neighbouring bits, the last of which is ``lowest``: most cubes are made of few."""
        key = (lowest, value, mask)
        found = self._octets.get(key)
        if found is None:
            found = self._manager.true()
            for position in range(mask.bit_length()):
                if mask >> position & 1:
                    index = lowest - position
                    found &= self._variables[index] if value >> position & 1 else self._negated[index]
            self._octets[key] = found
        return found

    def _encoded(self, field: HeaderField, codes: list[Range]) -> HeaderSpace:
        """The packets whose ``field``, as it is encoded, is in ``codes`` (sorted and disjoint)."""
        return self._guarded(lambda: self._tree(field, codes))

    def _tree(self, field: HeaderField, ranges: list[Range]) -> BCDDFunction:
        """The diagram of a sorted list of ranges of ``field``, halved bit by bit down to single blocks."""
        bits, false = self._bits[field], self._manager.false()
        firsts, lasts = [first for first, _ in ranges], [last for _, last in ranges]

        def halved(depth: int, base: int, begin: int, end: int) -> BCDDFunction:
            if begin == end:
                return false
            size = 1 << len(bits) - depth
            first, last = max(firsts[begin], base), min(lasts[begin], base + size - 1)
            if end - begin == 1 and _is_block(first, last):
                return self._masked(field, first, size - 1 ^ last - first)
            middle = base + size // 2
            cut = bisect_left(firsts, middle, begin, end)
            low = halved(depth + 1, base, begin, cut)
            crossing = cut > begin and lasts[cut - 1] >= middle
            high = halved(depth + 1, middle, cut - crossing, end)
            return self._variables[bits[depth]].ite(high, low)

        return halved(0, 0, 0, len(ranges))

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
            indexes = [index for field in fields for index in self._bits[field]]
            self._cubes[fields] = self._guarded(lambda: self._conjunction(indexes))._function
        return self._cubes[fields]

    def _conjunction(self, indexes: Iterable[int]) -> BCDDFunction:
        return reduce(lambda cube, index: cube & self._variables[index], indexes, self._manager.true())

    def lowest(self, space: HeaderSpace) -> dict[HeaderField, int] | None:
        """Every field of the member of ``space`` that comes first in variable order; ``None`` if empty.

        The same member however addresses are encoded.
        """
        if space.is_empty:
            return None
        first = self._first(space)
        if self.classes is None:
            return first
        for field in _BEFORE_ADDRESSES:
            space &= self.value(field, first[field])
        addresses = {}
        for field in ADDRESSES:
            alone = space.without(*(other for other in HeaderField if other is not field))
            addresses[field], run = self.classes.lowest(self._residues(alone, field)[self.all])
            space &= self._encoded(field, [run])
        return self._first(space) | addresses

    def _first(self, space: HeaderSpace) -> dict[HeaderField, int]:
        """``lowest``, addresses as they are encoded; oxidd prefers 0, and so do free bits."""
        cube = space._function.pick_cube()
        return {
            field: reduce(lambda total, index: total << 1 | bool(cube[index]), indexes, 0)
            for field, indexes in self._bits.items()
        }

    def bit_spaces(self) -> Iterator[HeaderSpace]:
        """Sets that tell every two packets apart, in variable order: the low half of each field, its low
        quarters, and so on. Of address classes by the lowest address of each.
        """
        for field, indexes in self._bits.items():
            classes = self._classes_of(field)
            if classes is not None:
                yield from (self._encoded(field, half) for half in classes.halves())
            elif field not in _NOT_HEADER:
                yield from (HeaderSpace(self, self._negated[index]) for index in indexes)

    # -- between universes -----------------------------------------------------------------------

    def adopt(self, space: HeaderSpace) -> HeaderSpace:
        """The same packets as ``space``, whose universe may encode addresses otherwise."""
        other, known = space.universe, {space.universe.all: self.all, space.universe.none: self.none}

        def adopted(space: HeaderSpace) -> HeaderSpace:
            if space not in known:
                field = other._top(space)
                known[space] = self.union(
                    self.ranges(field, other._decoded(field, codes)) & adopted(rest)
                    for rest, codes in other._residues(space, field).items()
                )
            return known[space]

        return adopted(space)

    def _decoded(self, field: HeaderField, codes: list[Range]) -> list[Range]:
        classes = self._classes_of(field)
        return codes if classes is None else classes.addresses(codes)

    def _top(self, space: HeaderSpace) -> HeaderField:
        """The first field that a set, neither empty nor everything, depends on."""
        variable = space._function.node_var()
        return next(field for field, bits in self._bits.items() if variable <= bits[-1])

    def _residues(self, space: HeaderSpace, field: HeaderField) -> dict[HeaderSpace, list[Range]]:
        """What remains of ``space`` once ``field``, the first that it depends on, is known; by values."""
        bits = self._bits[field]
        found: dict[HeaderSpace, list[Range]] = {}

        def walk(function: BCDDFunction, depth: int, base: int) -> None:
            variable = function.node_var()
            if variable is None or variable > bits[-1]:
                last = base + (1 << len(bits) - depth) - 1
                found.setdefault(HeaderSpace(self, function), []).append((base, last))
                return
            high, low = function.cofactors() if variable == bits[depth] else (function, function)
            walk(low, depth + 1, base)
            walk(high, depth + 1, base + (1 << len(bits) - depth - 1))

        walk(space._function, 0, 0)
        return {rest: merged(codes) for rest, codes in found.items()}


class HeaderSpace:
    """A set of packets: ``& | - ~``, ``==`` (set equality), ``is_empty``, ``is_subset``, ``sample``."""

    __slots__ = ("_function", "universe")

    def __init__(self, universe: Universe, function: BCDDFunction) -> None:
        self.universe = universe
        self._function = function

    def __and__(self, other: HeaderSpace) -> HeaderSpace:
        if other is self or other is self.universe.all:
            return self
        if self is self.universe.all:
            return other
        return self.universe._guarded(lambda: self._function & other._function)

    def __or__(self, other: HeaderSpace) -> HeaderSpace:
        return self.universe._guarded(lambda: self._function | other._function)

    def __sub__(self, other: HeaderSpace) -> HeaderSpace:
        return self.universe._guarded(lambda: self._function & ~other._function)

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
        return self.universe._guarded(lambda: self._function.exists(cube))

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
        values = self.universe.lowest(chosen)
        return None if values is None else _flow(self.universe.family, values)

    def branches(self) -> tuple[int, HeaderSpace, HeaderSpace] | None:
        """The first bit that membership depends on, and the members where it is 0 and where it is 1.

        ``None`` where it depends on none: the set is empty or everything.
        """
        bit, parts = self._function.node_var(), self._function.cofactors()
        if bit is None or parts is None:
            return None
        return bit, HeaderSpace(self.universe, parts[1]), HeaderSpace(self.universe, parts[0])

    @property
    def node_count(self) -> int:
        """Size of the diagram."""
        return int(self._function.node_count())


_FLOW = tuple(field for field in HeaderField if field not in _NOT_HEADER)
_BEFORE_ADDRESSES = tuple(takewhile(lambda field: field not in ADDRESSES, HeaderField))
_ALL_BUT_ORIGIN = frozenset(HeaderField) - {HeaderField.ORIGIN}


def _is_block(first: int, last: int) -> bool:
    """True for a range that is a prefix of bits."""
    return first & last - first == 0 and (last - first + 1).bit_count() == 1


def _unmasked(value: int, mask: int, bits: int) -> list[Range]:
    """The ranges of a mask, where they are few enough to be divided by."""
    free = ~mask & (1 << bits) - 1
    if 1 << (free & -(mask & -mask)).bit_count() > _MOST_SCATTERED:
        raise RunError.because("packet sets", "a mask too scattered for address classes", f"{mask:#x}")
    return masked_ranges(value, mask, bits)


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
