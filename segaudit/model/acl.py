"""Packet filters and translations, vendor-neutral (RFC 8519, RFC 8512).

A filter is a set of named ``Acl`` chains and the ``AclAttachment`` of some of them to a hook.
First match wins; an ``Ace`` may jump to another ``Acl``. What a vendor's rule matches is a small
boolean expression (``Matches``), so that sets, maps, concatenations and negations of any vendor
need no special case downstream.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from segaudit.model.flow import ConnectionState, Family
from segaudit.model.source import SourceSpan

Range = tuple[int, int]
"""An inclusive interval of integers."""


class Field(Enum):
    """A header field other than the addresses; the value is its width in bits."""

    PROTOCOL = "protocol"
    SOURCE_PORT = "source_port"
    DESTINATION_PORT = "destination_port"
    ICMP_TYPE = "icmp_type"
    ICMP_CODE = "icmp_code"
    TCP_FLAGS = "tcp_flags"
    FRAGMENT = "fragment"
    """1 for a non-first fragment, else 0."""


class End(Enum):
    """Which end of a packet an address match reads."""

    SOURCE = "source"
    DESTINATION = "destination"


class Direction(Enum):
    """Which interface of the device an interface match reads."""

    IN = "in"
    OUT = "out"


@dataclass(frozen=True, slots=True)
class AnyPacket:
    """Matches every packet."""


@dataclass(frozen=True, slots=True)
class FamilyIs:
    """Matches packets of one address family."""

    family: Family


@dataclass(frozen=True, slots=True)
class AddressIn:
    """Matches packets of ``family`` whose ``end`` address lies in one of ``ranges``."""

    end: End
    family: Family
    ranges: tuple[Range, ...]


@dataclass(frozen=True, slots=True)
class AddressMasked:
    """Matches packets of ``family`` whose ``end`` address, ANDed with ``mask``, is ``value``."""

    end: End
    family: Family
    value: int
    mask: int


@dataclass(frozen=True, slots=True)
class FieldIn:
    """Matches packets whose ``field`` lies in one of ``ranges``.

    A match on ports, ICMP type/code or TCP flags is false for a packet whose protocol has no such
    field (ports: TCP, UDP, SCTP, DCCP, UDP-Lite) and for a non-first fragment, which carries none.
    A vendor whose rule implies a protocol (``tcp dport``) adds ``FieldIn(PROTOCOL, ...)`` itself.
    """

    field: Field
    ranges: tuple[Range, ...]


@dataclass(frozen=True, slots=True)
class FieldMasked:
    """Matches packets whose ``field``, ANDed with ``mask``, is ``value`` (TCP flags)."""

    field: Field
    value: int
    mask: int


@dataclass(frozen=True, slots=True)
class InterfaceIn:
    """Matches by the packet's input or output interface.

    ``names`` are exact names, or prefixes ended by ``*``; a ``?`` is any one character. At a hook
    that has no such interface (output interface before routing) the match is false.
    """

    direction: Direction
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StateIn:
    """Matches packets whose connection state at this device is one of ``states``."""

    states: frozenset[ConnectionState]


EVERY_MARK_BIT = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class MarkIs:
    """Matches packets whose mark, ANDed with ``mask``, is ``value``.

    The mark is a device's own note on a packet (Linux ``skb->mark``): it never leaves the device, and
    is 0 on what is received by an interface that ``clears_mark``, elsewhere anything.
    """

    value: int
    mask: int = EVERY_MARK_BIT


@dataclass(frozen=True, slots=True)
class UnknownMatch:
    """A match that is not modelled: it may be true or false for any packet."""

    text: str
    reason: str = "not modelled"


@dataclass(frozen=True, slots=True)
class AllOf:
    """True where every one of ``of`` is (true for none)."""

    of: tuple[Matches, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """True where at least one of ``of`` is (false for none)."""

    of: tuple[Matches, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """True where ``of`` is false; an unknown stays unknown."""

    of: Matches


Matches = (
    AnyPacket
    | FamilyIs
    | AddressIn
    | AddressMasked
    | FieldIn
    | FieldMasked
    | InterfaceIn
    | StateIn
    | MarkIs
    | UnknownMatch
    | AllOf
    | AnyOf
    | Not
)
"""What an ``Ace`` matches: a boolean expression over header, interfaces and connection state."""


def leaves(matches: Matches) -> Iterator[Matches]:
    """The single comparisons of an expression, from left to right."""
    match matches:
        case AllOf(of) | AnyOf(of):
            for part in of:
                yield from leaves(part)
        case Not(of):
            yield from leaves(of)
        case _:
            yield matches


class Forwarding(Enum):
    """What a filter does with a packet (RFC 8519 ``forwarding-action``), and how chains end."""

    ACCEPT = "accept"
    DROP = "drop"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Jump:
    """Evaluate another ``Acl``; where it returns or runs out, go on with the next ``Ace``."""

    acl: str


@dataclass(frozen=True, slots=True)
class Goto:
    """Evaluate another ``Acl``; where it returns or runs out, return from this one too."""

    acl: str


@dataclass(frozen=True, slots=True)
class Return:
    """Go back to the ``Ace`` after the jump; at the end of an attached ``Acl``, its default."""


@dataclass(frozen=True, slots=True)
class Continue:
    """No verdict (count, log, comment): the next ``Ace`` is evaluated."""


@dataclass(frozen=True, slots=True)
class SetMark:
    """Set the packet mark: ``mark = (mark & ~mask) ^ value`` (Linux ``MARK --set-xmark``), go on."""

    value: int
    mask: int = EVERY_MARK_BIT


@dataclass(frozen=True, slots=True)
class ForgetMark:
    """Set the bits ``mask`` of the packet mark to something that is not modelled, or leave them; go on."""

    mask: int = EVERY_MARK_BIT


@dataclass(frozen=True, slots=True)
class NoTrack:
    """Exempt the packet from connection tracking (state UNTRACKED), go on."""


class TranslationKind(Enum):
    """Network address translation of one end (RFC 8512)."""

    SOURCE = "source"
    DESTINATION = "destination"
    MASQUERADE = "masquerade"
    """Source becomes an address of the output interface."""
    REDIRECT = "redirect"
    """Destination becomes an address of the input interface."""
    STATIC_SOURCE = "static-source"
    """Source's network bits are replaced, host bits stay (netmap)."""
    STATIC_DESTINATION = "static-destination"


@dataclass(frozen=True, slots=True)
class Translate:
    """Rewrite and accept. Empty ``addresses`` = the interface's own, or for SOURCE/DESTINATION any.

    Empty ``ports`` = kept where free, else any. ``addresses`` are of the packet's family.
    """

    kind: TranslationKind
    addresses: tuple[Range, ...] = ()
    ports: tuple[Range, ...] = ()
    family: Family | None = None


@dataclass(frozen=True, slots=True)
class UnknownAction:
    """A statement that is not modelled: the packet may be accepted, dropped or go on."""

    text: str


Action = (
    Forwarding
    | Jump
    | Goto
    | Return
    | Continue
    | SetMark
    | ForgetMark
    | NoTrack
    | Translate
    | UnknownAction
)
"""What an ``Ace`` does with the packets it matches."""


@dataclass(frozen=True, slots=True)
class Ace:
    """One rule (RFC 8519: access control entry); ``text`` is the rule as the device prints it."""

    matches: Matches
    action: Action
    span: SourceSpan | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Acl:
    """An ordered list of rules; ``default`` applies where no rule decided (or ``Return`` to the caller)."""

    name: str
    aces: tuple[Ace, ...]
    default: Forwarding | Return
    span: SourceSpan | None = None


class Hook(Enum):
    """Where in a device's path a filter is applied (Linux netfilter's hooks; other vendors map onto them).

    INGRESS and EGRESS are per-interface ACLs of switches and routers: INGRESS is before PREROUTING,
    EGRESS after POSTROUTING.
    """

    INGRESS = "ingress"
    PREROUTING = "prerouting"
    INPUT = "input"
    FORWARD = "forward"
    OUTPUT = "output"
    POSTROUTING = "postrouting"
    EGRESS = "egress"


@dataclass(frozen=True, slots=True)
class AclAttachment:
    """An ``Acl`` applied at a hook; at one hook the lower ``priority`` is evaluated first.

    A packet passes the hook only where every attached filter accepts it. ``translates`` marks a NAT
    chain: it sees only the first packet of a connection, and "accept" means "no translation".
    ``interface`` restricts a per-interface ACL. Linux priorities: raw -300, conntrack -200,
    mangle -150, dstnat -100, filter 0, srcnat 100.
    """

    acl: str
    hook: Hook
    priority: int
    families: frozenset[Family]
    translates: bool = False
    interface: str | None = None


TRACKING_PRIORITY = -200
"""Linux ``NF_IP_PRI_CONNTRACK``: filters before it see every packet as UNTRACKED."""
