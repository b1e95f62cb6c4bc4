"""What tells one operating system's way of writing from another's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from segaudit.parse.cisco import names
from segaudit.parse.cisco.words import Words


class MaskStyle(Enum):
    """What the second number of ``A.B.C.D E.F.G.H`` in a rule is."""

    WILDCARD = "wildcard"
    NETMASK = "netmask"


@dataclass(frozen=True, slots=True)
class Dialect:
    """The words of one operating system.

    ``group_words`` come before the name of an address group (in a port's place: of a port group).
    ``permits_later_fragments`` is true where a permit that asks for ports also lets through the later
    fragments that fit its addresses, and a deny that asks for ports is passed over by them (Cisco IOS IP
    Configuration Guide, "Specifying IP Extended Access Lists with Fragment Control"). With
    ``fragments_unseen`` the model shows fragments as whole packets on a device that does not put them
    together: a later fragment may then match wherever the addresses do, and is denied by no port.
    """

    name: str
    interface_names: tuple[str, ...] = names.IOS_INTERFACES
    mask: MaskStyle = MaskStyle.WILDCARD
    protocols: Mapping[str, int] = field(default_factory=lambda: names.PROTOCOLS)
    tcp_ports: Mapping[str, int] = field(default_factory=lambda: names.TCP_PORTS)
    udp_ports: Mapping[str, int] = field(default_factory=lambda: names.UDP_PORTS)
    icmp: Mapping[str, names.Icmp] = field(default_factory=lambda: names.ICMP)
    icmpv6: Mapping[str, names.Icmp] = field(default_factory=lambda: names.ICMPV6)
    group_words: frozenset[str] = frozenset({"object-group", "addrgroup", "portgroup"})
    permits_later_fragments: bool = True
    fragments_unseen: bool = False

    def interface(self, text: str) -> str:
        """An interface's full name."""
        return names.full_interface_name(text, self.interface_names)


def read_interface(words: Words, dialect: Dialect) -> str:
    """Take an interface name, also one written in two words (``GigabitEthernet 0/0``)."""
    word = words.take()
    if word and not any(letter.isdigit() for letter in word) and words.peek()[:1].isdigit():
        word += words.take()
    return dialect.interface(word)
