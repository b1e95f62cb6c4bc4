"""``ip source-route``, which is on unless it is switched off (see the notes).

A packet that is sent to an address of the switch and has a source route goes on to wherever its sender
asks, in the same VRF (RFC 791 section 3.1, "Loose Source and Record Route"): its destination is replaced
before it is routed, behind the filter of the interface that received it. Options are not modelled: each
packet may have one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from segaudit.model.acl import (
    Ace,
    Acl,
    AclAttachment,
    AddressIn,
    AllOf,
    Direction,
    End,
    Forwarding,
    Hook,
    InterfaceIn,
    Matches,
    Translate,
    TranslationKind,
    UnknownMatch,
)
from segaudit.model.device import Interface
from segaudit.model.flow import Family

NAME = "(default) ip source-route"
_PRIORITY = -100


def source_routes(
    found: Mapping[str, Interface], learned: frozenset[str]
) -> tuple[dict[str, Acl], tuple[AclAttachment, ...]]:
    """The replacement of destinations, by VRF.

    Args:
        found: the interfaces.
        learned: VRFs in which the switch has addresses that are not written.
    """
    aces = tuple(_aces(found, learned))
    if not aces:
        return {}, ()
    attachment = AclAttachment(NAME, Hook.PREROUTING, _PRIORITY, frozenset({Family.IPV4}), translates=True)
    return {NAME: Acl(NAME, aces, Forwarding.ACCEPT)}, (attachment,)


def _aces(found: Mapping[str, Interface], learned: frozenset[str]) -> Iterator[Ace]:
    anywhere = Translate(TranslationKind.DESTINATION, family=Family.IPV4)
    perhaps = UnknownMatch("a source route", "IP options are not modelled")
    routed = [one for one in found.values() if Family.IPV4 in one.forwarding]
    for vrf in sorted({one.vrf for one in routed}):
        members = tuple(sorted(one.name for one in routed if one.vrf == vrf))
        parts: list[Matches] = [InterfaceIn(Direction.IN, members)]
        if vrf not in learned:
            own = sorted(
                {
                    (address.address, address.address)
                    for one in found.values()
                    for address in one.addresses
                    if one.vrf == vrf and address.family is Family.IPV4
                }
            )
            parts.append(AddressIn(End.DESTINATION, Family.IPV4, tuple(own)))
        yield Ace(AllOf((*parts, perhaps)), anywhere, None, f"{NAME} in VRF {vrf}")
