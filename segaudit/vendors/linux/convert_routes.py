"""Route records to ``Route``: only what the kernel uses now, in its order."""

from __future__ import annotations

from collections.abc import Container, Iterable

from segaudit.model.device import NextHop, Route, RouteKind
from segaudit.model.flow import Family
from segaudit.vendors.linux.reading import Reading
from segaudit.vendors.linux.records import RouteRecord

_KINDS = {
    **{kind.value: kind for kind in RouteKind},
    # Delivered to this device, whichever of its holders got the packet (RFC 4291 2.6).
    "anycast": RouteKind.LOCAL,
}
_WITH_HOPS = frozenset({RouteKind.UNICAST, RouteKind.LOCAL, RouteKind.BROADCAST, RouteKind.MULTICAST})
_Key = tuple[str, int, int, int]


def routes(
    reading: Reading, records: Iterable[RouteRecord], interfaces: Container[str]
) -> tuple[Route, ...]:
    """The routes in use, in the order of ``records``. What is left out is accounted for.

    Left out and unbounded: what forwards by more than the destination (source selectors, TOS) or
    into a lightweight tunnel. Left out because the kernel passes it over: routes all of whose next
    hops are dead, and IPv4 routes behind an equal one (fib_table_lookup takes the first). A next hop
    out of none of ``interfaces`` (it came up while the device was read) is unresolved.
    """
    used: dict[_Key, RouteRecord] = {}
    kept = [record for record in records if _is_used(reading, record, used)]
    return tuple(_converted(record, interfaces) for record in kept)


def _is_used(reading: Reading, record: RouteRecord, used: dict[_Key, RouteRecord]) -> bool:
    """True for a record that is a ``Route``; all others are accounted for."""
    ledger, first, last = reading.ledger_of(record.span), record.span.first_line, record.span.last_line
    if doubt := _doubt(record):
        ledger.unsupported(first, last, doubt, bounded=False)
        return False
    for key, value in record.unknown:
        ledger.unrecognized(first, last, f"unknown route attribute {key} {value}")
    if record.hops and all(hop.is_dead for hop in record.hops):
        ledger.ignored(first, last, "every next hop is dead: the kernel passes the route over")
        return False
    if earlier := _earlier(record, used):
        reason = f"the kernel uses the equal route of line {earlier.span.first_line}"
        ledger.ignored(first, last, reason)
        return False
    return True


def _doubt(record: RouteRecord) -> str:
    """Why the record cannot be a ``Route``; empty where it can."""
    if record.kind not in _KINDS:
        return f"route type {record.kind!r}"
    if record.source_selector:
        return f"routes by source: from {record.source_selector}"
    if record.tos_selector:
        return f"routes by type of service: {record.tos_selector}"
    encaps = sorted({hop.encap for hop in record.hops if hop.encap})
    return f"the packet is put into a tunnel: encap {', '.join(encaps)}" if encaps else ""


def _earlier(record: RouteRecord, used: dict[_Key, RouteRecord]) -> RouteRecord | None:
    """The equal route that the kernel uses instead, if there is one.

    Between default routes the kernel picks by their gateways' state (fib_select_default), and
    between IPv6 ones by score (rt6_select), so these all stay.
    """
    if record.family is Family.IPV6 or record.prefix_length == 0 or record.kind != "unicast":
        return None
    key = (record.table, record.prefix, record.prefix_length, record.metric)
    earlier = used.setdefault(key, record)
    return None if earlier is record else earlier


def _converted(record: RouteRecord, interfaces: Container[str]) -> Route:
    kind = _KINDS[record.kind]
    hops = [
        NextHop(hop.device if hop.device in interfaces else None, hop.gateway, hop.gateway_family)
        for hop in record.hops
        if not hop.is_dead and kind in _WITH_HOPS
    ]
    return Route(
        family=record.family,
        prefix=record.prefix,
        prefix_length=record.prefix_length,
        next_hops=tuple(dict.fromkeys(hops)),
        kind=kind,
        table=record.table,
        protocol=record.protocol,
        preference=record.metric,
        span=record.span,
    )
