"""Sets of packets: reduced ordered binary decision diagrams (Bryant 1986), each made once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache, reduce

LAYOUT = {"origin": 12, "protocol": 8, "destination_port": 16, "destination": 0, "source": 0,
          "source_port": 16, "icmp_type": 8, "icmp_code": 8, "fragment": 1, "tcp_flags": 8}  # fmt: skip
"""The bits of a header in their order, most significant first; addresses have 32 or 128."""
OPPOSITE = {"source": "destination", "source_port": "destination_port"}
ANSWERS = {4: {8: 0, 0: 8, 13: 14, 14: 13, 15: 16, 16: 15, 17: 18, 18: 17}, 6: {128: 129, 129: 128}}
"""ICMP types that answer each other (RFC 792, RFC 4443)."""
MOST_REMEMBERED = 1 << 20
"""Results kept of each operation, to be found again."""


class Packets:
    """Those of ``low`` where ``bit`` is 0 and of ``high`` where it is 1; equal sets are one object."""

    __slots__ = ("bit", "high", "low")

    def __init__(self, bit: int, *branches: Packets) -> None:
        self.bit, (self.low, self.high) = bit, branches or (self, self)

    def __and__(self, other: Packets) -> Packets:
        return _choose(self, other, NONE)

    def __or__(self, other: Packets) -> Packets:
        return _choose(self, ALL, other)

    def __sub__(self, other: Packets) -> Packets:
        return _choose(other, NONE, self)

    def __bool__(self) -> bool:
        return self is not NONE


NONE, ALL = Packets(1 << 30), Packets(1 << 30)
_made: dict[tuple[int, Packets, Packets], Packets] = {}


def branch(bit: int, low: Packets, high: Packets) -> Packets:
    """The one set that is ``low`` where ``bit`` is 0 and ``high`` where it is 1."""
    if not 0 <= bit < min(low.bit, high.bit):
        raise ValueError("a decision diagram out of order")
    if low is high:
        return low
    return _made.get((bit, low, high)) or _made.setdefault((bit, low, high), Packets(bit, low, high))


def union(sets: Iterable[Packets]) -> Packets:
    """What is in any of them."""
    return reduce(Packets.__or__, sets, NONE)


@lru_cache(MOST_REMEMBERED)
def _choose(test: Packets, yes: Packets, no: Packets) -> Packets:
    """Of ``yes`` what is in ``test``, and of ``no`` what is not."""
    if test is ALL or test is NONE or yes is no:
        return yes if test else no
    if yes is ALL and no is NONE:
        return test
    bit = min(test.bit, yes.bit, no.bit)
    test0, test1 = (test.low, test.high) if test.bit == bit else (test, test)
    yes0, yes1 = (yes.low, yes.high) if yes.bit == bit else (yes, yes)
    no0, no1 = (no.low, no.high) if no.bit == bit else (no, no)
    return branch(bit, _choose(test0, yes0, no0), _choose(test1, yes1, no1))


@lru_cache(MOST_REMEMBERED)
def _forget(packets: Packets, bits: range) -> Packets:
    if packets.bit >= bits.stop:
        return packets
    low, high = _forget(packets.low, bits), _forget(packets.high, bits)
    return low | high if packets.bit in bits else branch(packets.bit, low, high)


class Headers:
    """A family's header fields; ``answering``: those of the packets that packets answer."""

    def __init__(self, family: int, answering: bool = False) -> None:
        self._bits, first = {}, 0
        for field, width in LAYOUT.items():
            self._bits[field] = range(first, first := first + (width or {4: 32, 6: 128}[family]))
        for one, other in OPPOSITE.items() if answering else ():
            self._bits[one], self._bits[other] = self._bits[other], self._bits[one]
        self._answers = ANSWERS[family] if answering else {}

    def among(self, field: str, ranges: Iterable[Sequence[int]]) -> Packets:
        """The packets whose ``field`` lies in one of ``ranges``."""
        if field == "icmp_type" and self._answers:
            pairs = self._answers.items()
            ranges = [(b, b) for a, b in pairs if any(first <= a <= last for first, last in ranges)]
        bits = self._bits[field]
        return union(_at_least(bits, first) - _at_least(bits, last + 1) for first, last in ranges)

    def forget(self, packets: Packets, *fields: str) -> Packets:
        """All that agrees with a member on every other field."""
        return reduce(_forget, (self._bits[field] for field in fields), packets)

    def keep(self, packets: Packets, field: str) -> Packets:
        """All that agrees with a member on ``field``."""
        return self.forget(packets, *(LAYOUT.keys() - {field}))


def _at_least(bits: range, bound: int) -> Packets:
    found = NONE if bound >> len(bits) else ALL
    for place, bit in enumerate(reversed(bits if found else ())):
        found = branch(bit, NONE, found) if bound >> place & 1 else branch(bit, found, ALL)
    return found
