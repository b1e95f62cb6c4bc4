"""What passes a device's hooks, and how it is translated there: filters by priority, then NAT.

A second translation of the same end finds the connection already bound and does nothing (Linux
nf_nat_core.c ``nf_nat_initialized``), so later NAT chains see what is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from segaudit.model.acl import TRACKING_PRIORITY, AclAttachment, Hook, Translate, TranslationKind
from segaudit.model.flow import ConnectionState
from segaudit.packets import Bounds, HeaderField, HeaderSpace
from segaudit.packets.matches import PORT_PROTOCOLS
from segaudit.reach.compiled import CompiledDevice
from segaudit.reach.ways import Level, Rewrite, Way

NAT_PRIORITY = {Hook.PREROUTING: -100, Hook.OUTPUT: -100, Hook.POSTROUTING: 100}
"""Where an already bound connection is rewritten (Linux NF_IP_PRI_NAT_DST, NF_IP_PRI_NAT_SRC)."""

DESTINATION = (HeaderField.DESTINATION, HeaderField.DESTINATION_PORT)
SOURCE = (HeaderField.SOURCE, HeaderField.SOURCE_PORT)

_SOURCE_KINDS = (TranslationKind.SOURCE, TranslationKind.MASQUERADE, TranslationKind.STATIC_SOURCE)


class Hooks:
    """The hooks of one device at one level.

    Args:
        compiled: the device.
        level: MAY or MUST.
    """

    def __init__(self, compiled: CompiledDevice, level: Level) -> None:
        self.compiled = compiled
        self.level = level
        self._universe = compiled.universe

    def passed(
        self,
        hook: Hook,
        incoming: str | None,
        outgoing: str | None,
        state: ConnectionState,
        packets: HeaderSpace,
    ) -> HeaderSpace:
        """The part of ``packets`` that all filters of a hook accept; a NAT chain may drop some too."""
        for attachment in self.compiled.attached[hook]:
            if packets.is_empty:
                break
            if not attachment.translates:
                packets &= self._filter(attachment, incoming, outgoing, state)
            elif self.level is Level.MUST:
                pieces = self.compiled.pieces(attachment.acl, (incoming, outgoing, state))
                packets &= self._universe.union(piece.must for piece, _ in pieces)
        return packets

    def staged(
        self,
        hook: Hook,
        incoming: str | None,
        outgoing: str | None,
        way: Way,
        state: ConnectionState,
        rewrite: Rewrite | None,
    ) -> Iterator[Way]:
        """The ways on through one hook's attachments by priority; translations split them.

        ``rewrite`` is the translation that the packets' connection is already bound to.
        """
        done: list[Way] = []
        attached = self.compiled.attached[hook]
        translating = [one.priority for one in attached if one.translates]
        bound_at = min(translating, default=NAT_PRIORITY[hook])
        for attachment in attached:
            if rewrite is not None and attachment.priority >= bound_at:
                way, rewrite = way.rewrite(*rewrite), None
            if not attachment.translates:
                space = self._filter(attachment, incoming, outgoing, state)
                way, done = way.keep(space), [one.keep(space) for one in done]
            elif state is ConnectionState.NEW:
                way, moved = self._translated(attachment, incoming, outgoing, way)
                done.extend(moved)
        if rewrite is not None:
            way = way.rewrite(*rewrite)
        yield from (one for one in (way, *done) if not one.now.is_empty)

    def _filter(
        self,
        attachment: AclAttachment,
        incoming: str | None,
        outgoing: str | None,
        state: ConnectionState,
    ) -> HeaderSpace:
        """What an attached chain accepts between two interfaces in one state."""
        if attachment.interface is not None:
            applied = incoming if attachment.hook is Hook.INGRESS else outgoing
            if attachment.interface != applied:
                return self._universe.all
        early = (
            attachment.hook in (Hook.PREROUTING, Hook.OUTPUT) and attachment.priority <= TRACKING_PRIORITY
        )
        seen = ConnectionState.INVALID if early else state
        return self.pick(self.compiled.accepted(attachment.acl, (incoming, outgoing, seen)))

    def pick(self, bounds: Bounds) -> HeaderSpace:
        """The bound of this level."""
        return bounds.may if self.level is Level.MAY else bounds.must

    # -- translations ----------------------------------------------------------------------------

    @property
    def translates(self) -> bool:
        """True where any attached chain translates."""
        return any(one.translates for attached in self.compiled.attached.values() for one in attached)

    def _translated(
        self, attachment: AclAttachment, incoming: str | None, outgoing: str | None, way: Way
    ) -> tuple[Way, list[Way]]:
        left, moved = way, []
        place = (incoming, outgoing, ConnectionState.NEW)
        for packets, translate in self.compiled.pieces(attachment.acl, place):
            taken = way.keep(self.pick(packets))
            if translate is None:
                left = taken
            elif not taken.now.is_empty:
                moved.append(self._rewritten(translate, taken, incoming, outgoing))
        return left, moved

    def _rewritten(self, translate: Translate, way: Way, incoming: str | None, outgoing: str | None) -> Way:
        source = translate.kind in _SOURCE_KINDS
        address, port = SOURCE if source else DESTINATION
        addresses = self._pool(translate, incoming, outgoing)
        if self.level is Level.MUST and not _single(addresses, translate):
            return way.keep(self._universe.none)
        column = self.compiled.column
        pool = self._universe.all
        if addresses:
            pool &= self._universe.ranges(column(address), addresses)
        if translate.ports:
            numbers = [(number, number) for number in PORT_PROTOCOLS]
            portless = ~self._universe.ranges(HeaderField.PROTOCOL, numbers)
            pool &= portless | self._universe.ranges(column(port), translate.ports)
        fields = [column(address)]
        if translate.ports or (source and self.level is Level.MAY):
            fields.append(column(port))
        return way.rewrite(tuple(fields), pool)

    def _pool(
        self, translate: Translate, incoming: str | None, outgoing: str | None
    ) -> tuple[tuple[int, int], ...]:
        if translate.addresses:
            return translate.addresses
        if translate.kind is TranslationKind.MASQUERADE:
            return self._own_addresses(outgoing)
        if translate.kind is TranslationKind.REDIRECT:
            return self._own_addresses(incoming)
        return ()

    def _own_addresses(self, name: str | None) -> tuple[tuple[int, int], ...]:
        if name is None:
            return ()
        return tuple(
            (address.address, address.address)
            for address in self.compiled.device.interfaces[name].addresses
            if address.family is self._universe.family
        )


def _single(addresses: tuple[tuple[int, int], ...], translate: Translate) -> bool:
    """True where a translation has only one possible result."""
    if translate.kind in (TranslationKind.STATIC_SOURCE, TranslationKind.STATIC_DESTINATION):
        return False
    ports_fixed = all(first == last for first, last in translate.ports) and len(translate.ports) <= 1
    return len(addresses) == 1 and addresses[0][0] == addresses[0][1] and ports_fixed
