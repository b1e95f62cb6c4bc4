"""One access list entry to ``Matches``: IPv4 and IPv6, standard and extended.

Grammar (IOS ``permit (IP)``; NX-OS, EOS and ASA differ in the words named in ``Dialect``)::

    ace      = [SEQUENCE] ("permit" | "deny") [evaluate] protocol address [ports] address [ports] option*
             | [SEQUENCE] "remark" TEXT
    protocol = "ip" | "ipv6" | NAME | NUMBER | GROUP-WORD NAME
    address  = "any" | "host" A | A WILDCARD | A NETMASK | A/LEN | GROUP-WORD NAME | "interface" NAME
    ports    = ("eq" | "neq") PORT+ | ("lt" | "gt") PORT | "range" PORT PORT | GROUP-WORD NAME

A word that is not understood makes the entry match *perhaps* (``UnknownMatch``); it is never dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from segaudit.model.acl import (
    AddressIn,
    AddressMasked,
    AllOf,
    AnyOf,
    AnyPacket,
    End,
    Field,
    FieldIn,
    FieldMasked,
    Forwarding,
    Matches,
    Not,
    Range,
    UnknownMatch,
)
from segaudit.model.flow import Family
from segaudit.parse.cisco import addresses
from segaudit.parse.cisco.dialect import Dialect, MaskStyle
from segaudit.parse.cisco.names import Icmp
from segaudit.parse.cisco.numbers import decimal
from segaudit.parse.cisco.words import Words

LATER_FRAGMENT = FieldIn(Field.FRAGMENT, ((1, 1),))
"""A non-first fragment."""

UNSEEN_FRAGMENT = UnknownMatch("fragments", "later fragments carry no ports and are not told apart")
"""For a device whose fragments the model shows as whole packets."""

ESTABLISHED = AnyOf((FieldMasked(Field.TCP_FLAGS, 16, 16), FieldMasked(Field.TCP_FLAGS, 4, 4)))
"""``established``: ACK or RST is set."""

_FLAGS = {"fin": 1, "syn": 2, "rst": 4, "psh": 8, "ack": 16, "urg": 32, "ece": 64, "cwr": 128}
_PORT_FIELD = {End.SOURCE: Field.SOURCE_PORT, End.DESTINATION: Field.DESTINATION_PORT}
_ANY_WORDS = {"any": None, "any4": Family.IPV4, "any6": Family.IPV6, "any-ipv4": Family.IPV4}
_LAST_SEQUENCE = (1 << 32) - 1
_OPERATORS = frozenset({"eq", "neq", "lt", "gt", "range"})


class Named(Protocol):
    """What rules mean by the names of groups and objects; ``None``: there is none of that kind."""

    def addresses(self, name: str, end: End) -> Matches | None:
        """The addresses of a network group, as a match of one end."""

    def ports(self, name: str, end: End) -> Matches | None:
        """The ports of a port group, as a match of one end (without a protocol)."""

    def services(self, name: str) -> Matches | None:
        """A protocol or service group: protocols with ports."""


class NothingNamed:
    """For a configuration without groups."""

    def addresses(self, name: str, end: End) -> Matches | None:
        """None."""

    def ports(self, name: str, end: End) -> Matches | None:
        """None."""

    def services(self, name: str) -> Matches | None:
        """None."""


NOTHING_NAMED = NothingNamed()


_ANY = AnyPacket()


@dataclass(slots=True)
class AceReading:
    """One entry as read.

    ``action`` is ``None`` for a remark, an ``evaluate``, and where no action could be read (then
    ``unread`` says so). ``unread`` are words that were not understood: their match is unknown. ``options``
    are words without a bearing on the match (``log``), ``reflects`` and ``evaluates`` name reflexive lists.
    """

    action: Forwarding | None = None
    matches: Matches = _ANY
    sequence: int | None = None
    remark: str | None = None
    reflects: str = ""
    evaluates: str = ""
    inactive: bool = False
    unread: str = ""


AddressReader = Callable[[Words, End, Family | None, Dialect, Named], Matches | None]
"""Takes an address from the words; ``None`` where there is none that it understands."""


def read_ace(
    words: Words,
    dialect: Dialect,
    family: Family | None = Family.IPV4,
    named: Named = NOTHING_NAMED,
    read_address: AddressReader | None = None,
) -> AceReading:
    """An entry of an extended list.

    Args:
        words: from the sequence number or the action on.
        family: of the list; ``None`` where one list holds both (ASA).
        named: what group names mean.
        read_address: in place of ``address_spec``.
    """
    reading = _head(words)
    if reading.action is None:
        return reading
    parts = _Parts(words, dialect, family, named, reading)
    parts.read(read_address or address_spec)
    reading.matches = parts.matches()
    return reading


def read_standard_ace(words: Words, dialect: Dialect, named: Named = NOTHING_NAMED) -> AceReading:
    """An entry of a standard list: one address, the packet's source; a bare address is a host."""
    reading = _head(words)
    if reading.action is None:
        return reading
    found = address_spec(words, End.SOURCE, Family.IPV4, dialect, named, bare_host=True)
    unknown: list[Matches] = []
    if found is None:
        reading.unread = words.rest()
        unknown.append(UnknownMatch(reading.unread or "nothing", "not understood"))
    elif not (words.accept("log") or words.done):
        reading.unread = words.rest()
        unknown.append(UnknownMatch(reading.unread, "not understood"))
    reading.matches = conjunction([found or _ANY, *unknown])
    return reading


def conjunction(parts: list[Matches]) -> Matches:
    """All of ``parts``, as simply as can be said."""
    telling = [part for part in parts if part.__class__ is not AnyPacket]
    return AllOf(tuple(telling)) if len(telling) > 1 else telling[0] if telling else _ANY


def _head(words: Words) -> AceReading:
    reading = AceReading()
    words.accept("sequence")
    if words.peek().isdecimal():
        reading.sequence = decimal(words.take(), _LAST_SEQUENCE)
    if words.peek() in ("remark", "description"):
        words.take()
        reading.remark = words.rest()
    elif words.accept("evaluate"):
        reading.evaluates = words.take()
    elif words.peek() in ("permit", "deny"):
        reading.action = Forwarding.ACCEPT if words.take() == "permit" else Forwarding.DROP
    else:
        reading.unread = words.rest() or "nothing"
    return reading


# ---- addresses ----------------------------------------------------------------------------------


def address_spec(
    words: Words,
    end: End,
    family: Family | None,
    dialect: Dialect,
    named: Named,
    bare_host: bool = False,
) -> Matches | None:
    """Take an address; ``None``, with nothing taken, where the next word begins none."""
    word = words.peek()
    if word in _ANY_WORDS:
        words.take()
        return every_address(end, _ANY_WORDS[word])
    if word == "host":
        host = addresses.address(words.peek(1))
        if host is None:
            return _unknown_address(words, 2)
        words.position += 2
        return addresses.in_prefix(end, host[0], host[1], host[0].bits)
    if word in dialect.group_words or word == "object":
        words.take()
        name = words.take()
        return named.addresses(name, end) or UnknownMatch(f"{word} {name}", "its addresses are not known")
    if word in ("interface", "fqdn", "user", "user-group", "object-group-user"):
        return _unknown_address(words, 2)
    start = words.position
    found = _literal(words, end, dialect, bare_host)
    if isinstance(found, (AddressIn, AddressMasked)) and family not in (None, found.family):
        words.position = start
        return None
    return found


def every_address(end: End, family: Family | None) -> Matches:
    """Any address, of one family where one is named."""
    return _ANY if family is None else addresses.in_prefix(end, family, 0, 0)


def _unknown_address(words: Words, count: int) -> Matches:
    text = " ".join(words.take() for _ in range(count)).strip()
    return UnknownMatch(text, "its addresses are not known")


def _literal(words: Words, end: End, dialect: Dialect, bare_host: bool) -> Matches | None:
    """``A/len``, ``A MASK``; a bare ``A`` where that is allowed."""
    prefix = addresses.prefix(words.peek())
    if prefix is not None:
        words.take()
        return addresses.in_prefix(end, *prefix)
    number = addresses.ipv4(words.peek())
    if number is None:
        return None
    mask = addresses.ipv4(words.peek(1))
    if mask is None:
        if not bare_host:
            return None
        words.take()
        return addresses.under_wildcard(end, number, 0)
    words.position += 2
    wildcard = mask if dialect.mask is MaskStyle.WILDCARD else ~mask & 0xFFFFFFFF
    return addresses.under_wildcard(end, number, wildcard)


# ---- ports --------------------------------------------------------------------------------------


def port_number(text: str, names: Mapping[str, int]) -> int | None:
    """A port by number or name."""
    if text.isascii() and text.isdecimal():
        return decimal(text, 65535)
    return names.get(text)


def port_ranges(words: Words, names: Mapping[str, int], several: bool = True) -> tuple[Range, ...] | None:
    """Take an operator and its ports; ``None`` where they cannot be read (nothing is taken then).

    Args:
        several: ``eq`` and ``neq`` may be followed by more than one port.
    """
    operator, start = words.peek(), words.position
    first = port_number(words.peek(1), names)
    if operator not in _OPERATORS or first is None:
        return None
    words.position += 2
    if operator in ("lt", "gt"):
        low, high = (0, first - 1) if operator == "lt" else (first + 1, 65535)
        return ((low, high),) if low <= high else ()
    if operator == "range":
        last = port_number(words.take(), names)
        if last is None:
            words.position = start
            return None
        return ((min(first, last), max(first, last)),)
    ports = [first]
    while several and (another := port_number(words.peek(), names)) is not None:
        ports.append(another)
        words.take()
    exact = tuple((port, port) for port in ports)
    return exact if operator == "eq" else _complement(exact)


def _complement(ranges: tuple[Range, ...]) -> tuple[Range, ...]:
    left, start = [], 0
    for first, last in sorted(ranges):
        if start < first:
            left.append((start, first - 1))
        start = max(start, last + 1)
    return (*left, (start, 65535)) if start <= 65535 else tuple(left)


def ports_of(dialect: Dialect, protocol: int | None) -> Mapping[str, int]:
    """The port names that hold for a protocol; for an unknown one those of TCP, then UDP."""
    if protocol == 6:
        return dialect.tcp_ports
    if protocol == 17:
        return dialect.udp_ports
    return {**dialect.udp_ports, **dialect.tcp_ports}


# ---- the parts of an extended entry -------------------------------------------------------------


class _Parts:
    """The words of one extended entry, sorted by the layer that they ask for."""

    __slots__ = ("dialect", "family", "layer3", "layer4", "named", "protocol", "reading", "words")

    def __init__(
        self, words: Words, dialect: Dialect, family: Family | None, named: Named, reading: AceReading
    ) -> None:
        self.words = words
        self.dialect = dialect
        self.family = family
        self.named = named
        self.reading = reading
        self.protocol: int | None = None
        self.layer3: list[Matches] = []
        self.layer4: list[Matches] = []

    def read(self, read_address: AddressReader) -> None:
        if not self._protocol():
            self._leftover()
            return
        for end in End:
            found = read_address(self.words, end, self.family, self.dialect, self.named)
            if found is None:
                self._leftover()
                return
            self.layer3.append(found)
            self._ports(end)
        while not self.words.done:
            option = _OPTIONS.get(self.words.peek())
            if option is not None:
                self.words.take()
                option(self)
            elif not self._icmp():
                self._leftover()

    def matches(self) -> Matches:
        if not self.layer4:
            return conjunction(self.layer3)
        return conjunction([*self.layer3, self._of_any_fragment(conjunction(self.layer4))])

    def _of_any_fragment(self, layer4: Matches) -> Matches:
        """What the entry asks of layer 4, and what it does with later fragments, which carry none."""
        if not self.dialect.permits_later_fragments:
            return layer4
        permits = self.reading.action is Forwarding.ACCEPT
        if self.dialect.fragments_unseen:
            return AnyOf((layer4, UNSEEN_FRAGMENT)) if permits else AllOf((layer4, UNSEEN_FRAGMENT))
        return AnyOf((layer4, LATER_FRAGMENT)) if permits else layer4

    def unknown(self, text: str, reason: str = "not modelled") -> None:
        """The entry matches only perhaps, because of ``text``."""
        self.layer3.append(UnknownMatch(text, reason))

    def _leftover(self) -> None:
        self.reading.unread = self.words.rest() or "it ends too early"
        self.layer3.append(UnknownMatch(self.reading.unread, "not understood"))

    def _protocol(self) -> bool:
        word = self.words.take()
        if word in ("ip", "ipv4", "ipv6"):
            return True
        if word in self.dialect.group_words or word == "object":
            name = self.words.take()
            found = self.named.services(name)
            if found is None:
                self.unknown(f"{word} {name}", "its services are not known")
            else:
                self.layer4.append(found)
            return True
        number = decimal(word, 255) if word.isdecimal() else self.dialect.protocols.get(word)
        if number is None:
            self.words.position -= 1
            return False
        if word == "icmp" and self.family is Family.IPV6:
            number = 58
        self.protocol = number
        self.layer3.append(FieldIn(Field.PROTOCOL, ((number, number),)))
        return True

    def _ports(self, end: End) -> None:
        word = self.words.peek()
        if word in _OPERATORS:
            names = ports_of(self.dialect, self.protocol)
            ranges = port_ranges(self.words, names)
            if ranges is None:
                self._unread_port()
            else:
                self.layer4.append(FieldIn(_PORT_FIELD[end], ranges))
        elif word in self.dialect.group_words:
            found = self.named.ports(self.words.peek(1), end)
            if found is not None:
                self.words.position += 2
                self.layer4.append(found)
            elif word == "portgroup":
                self.unknown(f"{self.words.take()} {self.words.take()}", "its ports are not known")

    def _unread_port(self) -> None:
        """Take an operator and a port name that is not known; the entry is not understood."""
        count = 3 if self.words.peek() == "range" else 2
        text = " ".join(self.words.take() for _ in range(count)).strip()
        self.reading.unread = text
        self.layer4.append(UnknownMatch(text, "not understood"))

    def _icmp(self) -> bool:
        """``TYPE [CODE]`` or a message's name, behind the addresses of an ICMP entry."""
        if self.protocol not in (1, 58):
            return False
        word = self.words.peek()
        kind = decimal(word, 255)
        if kind is not None:
            self.words.take()
            code = decimal(self.words.peek(), 255)
            if code is not None:
                self.words.take()
            self.layer4.extend(icmp_matches((kind, code)))
            return True
        found = (self.dialect.icmpv6 if self.protocol == 58 else self.dialect.icmp).get(word)
        if found is None:
            return False
        self.words.take()
        self.layer4.extend(icmp_matches(found))
        return True


def icmp_matches(message: Icmp) -> list[Matches]:
    """The matches of an ICMP type and code."""
    kind, code = message
    parts: list[Matches] = [FieldIn(Field.ICMP_TYPE, ((kind, kind),))]
    return parts if code is None else [*parts, FieldIn(Field.ICMP_CODE, ((code, code),))]


def _fragments(parts: _Parts) -> None:
    parts.layer3.append(LATER_FRAGMENT)


def _established(parts: _Parts) -> None:
    parts.layer4.append(ESTABLISHED)


def _nothing(_parts: _Parts) -> None:
    """A word without a bearing on the match."""


def _log(parts: _Parts) -> None:
    """``log [LEVEL | COOKIE | disable | default] [interval N]``, ``log-input [COOKIE]``."""
    if parts.words.peek() not in _OPTIONS and parts.words.peek() != "interval":
        parts.words.take()
    if parts.words.accept("interval"):
        parts.words.take()


def _taking(count: int) -> Callable[[_Parts], None]:
    """An option with ``count`` values whose match is not modelled."""

    def read(parts: _Parts) -> None:
        option = parts.words.peek(-1)
        values = [parts.words.take() for _ in range(count)]
        parts.unknown(" ".join([option, *values]).strip())

    return read


def _compared(parts: _Parts) -> None:
    """``ttl OPERATOR N [N]``, ``packet-length OPERATOR N [N]``; also a bare value."""
    taken = [parts.words.peek(-1)]
    operator = parts.words.take()
    taken.append(operator)
    for _ in range({"range": 2}.get(operator, 1) if operator in _OPERATORS else 0):
        taken.append(parts.words.take())
    while parts.words.peek().isdecimal():
        taken.append(parts.words.take())
    parts.unknown(" ".join(taken).strip())


def _flag(parts: _Parts) -> None:
    """TCP flags by name. Of several it is not asked which way they combine: one at least is set."""
    names = [parts.words.peek(-1)]
    while parts.words.peek() in _FLAGS:
        names.append(parts.words.take())
    set_flags = tuple(FieldMasked(Field.TCP_FLAGS, _FLAGS[name], _FLAGS[name]) for name in names)
    parts.layer4.append(set_flags[0] if len(set_flags) == 1 else AnyOf(set_flags))
    if len(set_flags) > 1:
        parts.unknown(" ".join(names), "several flags")


def _match_flags(parts: _Parts) -> None:
    """``match-any`` or ``match-all`` and ``+FLAG`` or ``-FLAG`` (IOS, TCP flags filtering)."""
    every = parts.words.peek(-1) == "match-all"
    found: list[Matches] = []
    while parts.words.peek()[:1] in ("+", "-") and parts.words.peek()[1:] in _FLAGS:
        word = parts.words.take()
        bit = _FLAGS[word[1:]]
        found.append(FieldMasked(Field.TCP_FLAGS, bit if word[0] == "+" else 0, bit))
    parts.layer4.append(AllOf(tuple(found)) if every else AnyOf(tuple(found)))


def _inactive(parts: _Parts) -> None:
    parts.reading.inactive = True
    parts.layer3.append(Not(AnyPacket()))


def _reflect(parts: _Parts) -> None:
    parts.reading.reflects = parts.words.take()
    if parts.words.accept("timeout"):
        parts.words.take()


def _sequence(parts: _Parts) -> None:
    """IOS prints the sequence number of an IPv6 entry behind it."""
    number = decimal(parts.words.take(), _LAST_SEQUENCE)
    parts.reading.sequence = parts.reading.sequence if number is None else number


_OPTIONS: dict[str, Callable[[_Parts], None]] = {
    "log": _log, "log-input": _log, "logging": _log, "count": _nothing,
    "established": _established, "fragments": _fragments, "fragment": _fragments,
    **dict.fromkeys(_FLAGS, _flag), "match-any": _match_flags, "match-all": _match_flags,
    "dscp": _taking(1), "precedence": _taking(1), "tos": _taking(1), "option": _taking(1),
    "time-range": _taking(1), "flow-label": _taking(1), "ttl": _compared, "packet-length": _compared,
    "routing": _taking(0), "routing-type": _taking(1), "mobility": _taking(0), "mobility-type": _taking(1),
    "dest-option": _taking(0), "dest-option-type": _taking(1), "hbh": _taking(0), "auth": _taking(0),
    "undetermined-transport": _taking(0), "inactive": _inactive, "reflect": _reflect,
    "sequence": _sequence,
}  # fmt: skip
