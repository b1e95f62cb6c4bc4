"""The matches of one iptables rule -> ``Matches`` (iptables(8), iptables-extensions(8) 1.8.9)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from ipaddress import ip_address

from segaudit.model.acl import (
    EVERY_MARK_BIT,
    AddressIn,
    AddressMasked,
    AllOf,
    AnyOf,
    AnyPacket,
    Direction,
    End,
    Field,
    FieldIn,
    FieldMasked,
    InterfaceIn,
    MarkIs,
    Matches,
    Range,
    StateIn,
    UnknownMatch,
)
from segaudit.model.flow import ConnectionState, Family
from segaudit.vendors.linux.filters.expressions import (
    FIRST_FRAGMENT,
    LATER_BYTES,
    LATER_FRAGMENT,
    NOTHING,
    all_of,
    any_of,
    holds_unknown,
    negated,
    protocol_is,
)
from segaudit.vendors.linux.filters.ipset_save import IpSets, set_match
from segaudit.vendors.linux.filters.iptables_save import IptablesRule, Option, Wording
from segaudit.vendors.linux.filters.numbers import (
    ICMP_TYPE_AND_CODE,
    ICMP_TYPES,
    ICMPV6_TYPE_AND_CODE,
    ICMPV6_TYPES,
    IPV6_EXTENSION_HEADERS,
    PORT_PROTOCOLS,
    TCP_FLAGS,
    number,
    protocol_number,
)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a rule is read in: the family of its table, and the sets it may name."""

    family: Family
    sets: IpSets = field(default_factory=dict)
    changed_sets: frozenset[str] = frozenset()
    over_nft: bool = False


_ADDRESSES = UnknownMatch("addresses", "stands where those of the rule belong")

_Conjunction = tuple[tuple[Matches, ...], tuple[Matches, ...]]
"""What stands before and after the rule's addresses."""


@dataclass(frozen=True, slots=True)
class _Frame:
    """The matches of a wording, into which addresses are put; true where some are not modelled."""

    alternatives: tuple[_Conjunction, ...]
    unknown: bool

    def around(self, addresses: tuple[Matches, ...]) -> Matches:
        """The matches of a rule with ``addresses``."""
        filled = [_conjunction((*before, *addresses, *after)) for before, after in self.alternatives]
        return filled[0] if len(filled) == 1 else AnyOf(tuple(filled))


def _conjunction(parts: tuple[Matches, ...]) -> Matches:
    if len(parts) < 2:
        return parts[0] if parts else AnyPacket()
    return AllOf(parts)


class MatchReader:
    """Reads what rules match: addresses and wordings once each, however many rules share them."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._frames: dict[Wording, _Frame] = {}

    def read(self, rule: IptablesRule) -> tuple[Matches, str | None]:
        """The packets that a rule matches, all options together; and what of that is not modelled."""
        frame = self._frames.get(rule.wording)
        if frame is None:
            frame = self._frames[rule.wording] = self._frame(rule.wording)
        addresses = [_address_match(one, self._around.family) for one in rule.addresses]
        matches = frame.around(tuple([one for one in addresses if not isinstance(one, AnyPacket)]))
        unknown = frame.unknown or any(isinstance(one, UnknownMatch) for one in addresses)
        return matches, holds_unknown(matches) if unknown else None

    def _frame(self, wording: Wording) -> _Frame:
        """Most wordings mean the same on every device; sets are a device's own."""
        if "set" in wording.modules:
            return _framed(wording, self._around)
        return _setless(wording, self._around.family, self._around.over_nft)


@lru_cache(1 << 14)
def _setless(wording: Wording, family: Family, over_nft: bool) -> _Frame:
    return _framed(wording, Surroundings(family, over_nft=over_nft))


def _framed(wording: Wording, around: Surroundings) -> _Frame:
    found = _matches_of(wording, around)
    alternatives = []
    for one in found.of if isinstance(found, AnyOf) else (found,):
        parts = one.of if isinstance(one, AllOf) else (one,)
        place = parts.index(_ADDRESSES)
        alternatives.append((parts[:place], parts[place + 1 :]))
    bare = _Frame(tuple(alternatives), False).around(())
    return _Frame(tuple(alternatives), holds_unknown(bare) is not None)


def _matches_of(wording: Wording, around: Surroundings) -> Matches:
    """The packets that the rules of a wording match.

    A module that is named and not modelled is an unknown match even without options. The transport
    header modules do not match a later fragment, negated or not (xt_tcpudp.c, ``par->fragoff``); over nft
    their rules are nft's own, which compare what a later fragment has in the header's place.
    """
    found = all_of(_parts(wording, wording.matches, around))
    of_header = [option for option in wording.matches if _option_guard(option)]
    if not (of_header and around.over_nft):
        return found
    others = [option for option in wording.matches if option not in of_header]
    bytes_ = UnknownMatch(" ".join(option.text for option in of_header), LATER_BYTES)
    later = [part for part in _parts(wording, others, around) if part != FIRST_FRAGMENT]
    return any_of([found, all_of([*later, LATER_FRAGMENT, bytes_])])


def _parts(wording: Wording, options: Sequence[Option], around: Surroundings) -> list[Matches]:
    parts: list[Matches] = []
    for guard in map(_guard, wording.modules):
        parts += guard.of if isinstance(guard, AllOf) else (guard,)
    parts.append(_ADDRESSES)
    for option in options:
        if option.name in _PORTS and not _has_ports(wording):
            parts.append(UnknownMatch(option.text))
        else:
            parts += [_option(option, around), *_option_guard(option)]
    return parts


def _has_ports(wording: Wording) -> bool:
    """True where ``--dport`` can only mean a port: the rule names a protocol with ports, or its module."""
    named = [option.arguments[0] for option in wording.matches if option.name == "-p" and option.arguments]
    numbers = PORT_PROTOCOLS.values()
    return bool({"multiport", *PORT_PROTOCOLS} & set(wording.modules)) or any(
        protocol_number(word) in numbers for word in named
    )


_TRANSPORT_MODULES = {**PORT_PROTOCOLS, "icmp": 1, "icmp6": 58, "icmpv6": 58}
_MODELLED_MODULES = frozenset({"multiport", "iprange", "set", "conntrack", "state", "comment", "mark"})


@cache
def _guard(module: str) -> Matches:
    if module in _TRANSPORT_MODULES:
        return all_of([protocol_is(_TRANSPORT_MODULES[module]), FIRST_FRAGMENT])
    return AnyPacket() if module in _MODELLED_MODULES else UnknownMatch(f"-m {module}")


def _option_guard(option: Option) -> list[Matches]:
    """What an option requires whether or not it is negated."""
    match option.name:
        case "--icmp-type":
            return [protocol_is(1), FIRST_FRAGMENT]
        case "--icmpv6-type":
            return [protocol_is(58), FIRST_FRAGMENT]
        case "--tcp-flags" | "--syn":
            return [protocol_is(6), FIRST_FRAGMENT]
        case name if name in _PORTS:
            return [protocol_is(*PORT_PROTOCOLS.values()), FIRST_FRAGMENT]
        case _:
            return []


def _option(option: Option, around: Surroundings) -> Matches:
    reader = _READERS.get(option.name, _unknown)
    found = reader(option, around)
    return negated(found) if option.negated else found


def _unknown(option: Option, _around: Surroundings) -> Matches:
    return UnknownMatch(option.text)


def _address(option: Option, around: Surroundings) -> Matches:
    return _address_match(option, around.family)


@lru_cache(1 << 16)
def _address_match(option: Option, family: Family) -> Matches:
    """The packets that ``-s`` or ``-d`` asks for, its negation aside."""
    end = End.SOURCE if option.name == "-s" else End.DESTINATION
    if len(option.arguments) != 1:
        return UnknownMatch(option.text)
    parts = [masked_address(text, family) for text in option.arguments[0].split(",")]
    return any_of(_masked_match(end, family, part, option.text) for part in parts)


def _masked_match(end: End, family: Family, part: tuple[int, int] | None, text: str) -> Matches:
    """A contiguous mask is one range; any other is compared bit by bit."""
    if part is None:
        return UnknownMatch(text)
    value, mask = part
    hosts = (1 << family.bits) - 1 - mask
    if hosts & (hosts + 1):
        return AddressMasked(end, family, value, mask)
    return AddressIn(end, family, ((value, value | hosts),)) if mask else AnyPacket()


@lru_cache(1 << 16)
def masked_address(text: str, family: Family) -> tuple[int, int] | None:
    """``address[/mask]`` as masked value and mask; the mask is a length or an address."""
    address_text, slash, mask_text = text.partition("/")
    top = (1 << family.bits) - 1
    try:
        address = ip_address(address_text)
        if address.version != family:
            return None
        if not slash:
            return int(address), top
        if mask_text.isdigit():
            length = int(mask_text)
            mask = (
                top >> (family.bits - length) << (family.bits - length) if length <= family.bits else None
            )
        else:
            mask = int(ip_address(mask_text)) if ip_address(mask_text).version == family else None
    except ValueError:
        return None
    return None if mask is None else (int(address) & mask, mask)


def _interface(option: Option, _around: Surroundings) -> Matches:
    """``eth+`` is every name that begins with ``eth``; ``+`` alone is any."""
    if len(option.arguments) != 1 or set(option.arguments[0]) & {"*", "?"}:
        return UnknownMatch(option.text)
    name = option.arguments[0]
    direction = Direction.IN if option.name == "-i" else Direction.OUT
    if name == "+":
        return AnyPacket()
    return InterfaceIn(direction, (f"{name[:-1]}*" if name.endswith("+") else name,))


def _protocol(option: Option, around: Surroundings) -> Matches:
    """``-p``; in IPv6 the kernel looks past extension headers (ip6_tables.c, ``ip6_packet_match``)."""
    word = option.arguments[0] if len(option.arguments) == 1 else ""
    if word in ("all", "0"):
        return AnyPacket()
    found = protocol_number(word)
    if found is None or (around.family is Family.IPV6 and found in IPV6_EXTENSION_HEADERS):
        return UnknownMatch(option.text)
    return protocol_is(found)


def _fragment(_option: Option, _around: Surroundings) -> Matches:
    return LATER_FRAGMENT


def _family_four(_option: Option, around: Surroundings) -> Matches:
    return AnyPacket() if around.family is Family.IPV4 else NOTHING


def _family_six(_option: Option, around: Surroundings) -> Matches:
    return AnyPacket() if around.family is Family.IPV6 else NOTHING


def port_ranges(text: str) -> tuple[Range, ...] | None:
    """``80``, ``80:90``, ``:90``, ``80:``, separated by commas; a name is not a number."""
    found: list[Range] = []
    for part in text.split(","):
        low, colon, high = part.partition(":")
        first = number(low or ("0" if colon else ""), {})
        last = number(high or ("65535" if colon else low), {})
        if first is None or last is None or not 0 <= first <= last <= 65535:
            return None
        found.append((first, last))
    return tuple(found)


_SOURCE, _DESTINATION = (Field.SOURCE_PORT,), (Field.DESTINATION_PORT,)
_PORTS = {
    "--sport": _SOURCE, "--source-port": _SOURCE, "--sports": _SOURCE, "--source-ports": _SOURCE,
    "--dport": _DESTINATION, "--destination-port": _DESTINATION, "--dports": _DESTINATION,
    "--destination-ports": _DESTINATION, "--ports": (*_SOURCE, *_DESTINATION),
}  # fmt: skip


def _ports(option: Option, _around: Surroundings) -> Matches:
    ranges = port_ranges(option.arguments[0]) if len(option.arguments) == 1 else None
    if ranges is None:
        return UnknownMatch(option.text)
    return any_of(FieldIn(field_, ranges) for field_ in _PORTS[option.name])


def _tcp_flags(option: Option, _around: Surroundings) -> Matches:
    if option.name == "--syn":
        return FieldMasked(Field.TCP_FLAGS, TCP_FLAGS["syn"], 0x17)
    mask, value = (_flag_bits(text) for text in (*option.arguments, "", "")[:2])
    if mask is None or value is None or len(option.arguments) != 2:
        return UnknownMatch(option.text)
    return FieldMasked(Field.TCP_FLAGS, value, mask) if not value & ~mask else NOTHING


def _flag_bits(text: str) -> int | None:
    total = 0
    for word in text.split(","):
        bit = number(word, TCP_FLAGS)
        if bit is None:
            return None
        total |= bit
    return total


def _icmp(option: Option, _around: Surroundings) -> Matches:
    """Type, type/code, or a name; 255 is ``any`` in IPv4 (xt_tcpudp.c, ``icmp_type_code_match``)."""
    old = option.name == "--icmp-type"
    word = option.arguments[0] if len(option.arguments) == 1 else ""
    if old and word in ("any", "255"):
        return AnyPacket()
    named = (ICMP_TYPE_AND_CODE if old else ICMPV6_TYPE_AND_CODE).get(word)
    kind_text, _, code_text = word.partition("/")
    if named is not None:
        kind_text, code_text = str(named[0]), str(named[1])
    kind = number(kind_text, ICMP_TYPES if old else ICMPV6_TYPES)
    codes = port_ranges(code_text) if code_text else None
    if kind is None or (code_text and codes is None):
        return UnknownMatch(option.text)
    code_is = [FieldIn(Field.ICMP_CODE, codes)] if codes else []
    return all_of([FieldIn(Field.ICMP_TYPE, ((kind, kind),)), *code_is])


def _address_range(option: Option, around: Surroundings) -> Matches:
    end = End.SOURCE if option.name == "--src-range" else End.DESTINATION
    low, dash, high = (option.arguments[0] if len(option.arguments) == 1 else "").partition("-")
    first = masked_address(low, around.family)
    last = masked_address(high if dash else low, around.family)
    if first is None or last is None or first[0] > last[0] or "/" in low + high:
        return UnknownMatch(option.text)
    return AddressIn(end, around.family, ((first[0], last[0]),))


def _match_set(option: Option, around: Surroundings) -> Matches:
    if len(option.arguments) != 2:
        return UnknownMatch(option.text)
    return set_match(around.sets, option.arguments[0], option.arguments[1].split(","), around.changed_sets)


def _states(option: Option, _around: Surroundings) -> Matches:
    """``SNAT`` and ``DNAT`` are virtual states: the connection is translated."""
    if len(option.arguments) != 1:
        return UnknownMatch(option.text)
    return any_of(_state(word, option) for word in option.arguments[0].split(","))


def _state(word: str, option: Option) -> Matches:
    try:
        return StateIn(frozenset({ConnectionState(word.lower())}))
    except ValueError:
        return UnknownMatch(option.text)


def _mark(option: Option, _around: Surroundings) -> Matches:
    """``--mark value[/mask]`` of ``-m mark``; ``-m connmark`` has an option of that name too."""
    word = option.arguments[0] if len(option.arguments) == 1 else ""
    value_text, slash, mask_text = word.partition("/")
    value, mask = number(value_text, {}), number(mask_text if slash else str(EVERY_MARK_BIT), {})
    if option.module != "mark" or value is None or mask is None:
        return UnknownMatch(option.text)
    return NOTHING if value & ~mask else MarkIs(value, mask)


def _always(_option: Option, _around: Surroundings) -> Matches:
    return AnyPacket()


_READERS: dict[str, Callable[[Option, Surroundings], Matches]] = {
    "-s": _address,
    "-d": _address,
    "-i": _interface,
    "-o": _interface,
    "-p": _protocol,
    "-f": _fragment,
    "-4": _family_four,
    "-6": _family_six,
    **dict.fromkeys(_PORTS, _ports),
    "--tcp-flags": _tcp_flags,
    "--syn": _tcp_flags,
    "--icmp-type": _icmp,
    "--icmpv6-type": _icmp,
    "--src-range": _address_range,
    "--dst-range": _address_range,
    "--match-set": _match_set,
    "--ctstate": _states,
    "--state": _states,
    "--mark": _mark,
    "--comment": _always,
}
