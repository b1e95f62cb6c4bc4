"""``ip rule`` records to ``RoutingRule``: jumps, VRFs and suppressed prefixes spelled out.

Sources: ip-rule(8) of iproute2 6.1; net/core/fib_rules.c (fib_rules_lookup), net/ipv4/fib_rules.c
(fib4_rule_match, fib4_rule_suppress), net/l3mdev/l3mdev.c.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from segaudit.model.acl import (
    AddressIn,
    AllOf,
    AnyOf,
    AnyPacket,
    Direction,
    End,
    Field,
    FieldIn,
    InterfaceIn,
    MarkIs,
    Matches,
    Not,
    UnknownMatch,
)
from segaudit.model.device import Route, RouteKind, RoutingRule
from segaudit.model.flow import Family
from segaudit.vendors.linux.reading import Reading
from segaudit.vendors.linux.records import RuleRecord

_DEFAULTS = {
    Family.IPV4: ((0, "local"), (32766, "main"), (32767, "default")),
    Family.IPV6: ((0, "local"), (32766, "main")),
}
_NEVER: Matches = AnyOf(())
_ESP_AND_AH = (50, 51)


@dataclass(frozen=True, slots=True)
class Vrf:
    """A VRF device with its table and the interfaces enslaved to it."""

    name: str
    table: str
    members: tuple[str, ...]


def default_rules(family: Family) -> tuple[RoutingRule, ...]:
    """The rules that the kernel starts with (ip-rule(8))."""
    return tuple(RoutingRule(family, priority, AnyPacket(), table) for priority, table in _DEFAULTS[family])


def rules(
    reading: Reading, records: tuple[RuleRecord, ...], vrfs: tuple[Vrf, ...]
) -> tuple[RoutingRule, ...]:
    """The rules in the order in which the kernel tries them (by priority, then as printed)."""
    ordered = sorted(records, key=lambda record: record.priority)
    _account(reading, ordered)
    jumps: list[tuple[int, Matches]] = []
    converted: list[RoutingRule] = []
    for record in ordered:
        skipping = [Not(jumped) for target, jumped in jumps if record.priority < target]
        matches = _all([*skipping, _matches(record, vrfs)])
        converted.extend(_targets(record, matches, vrfs))
        if record.action == "goto" and record.target is not None and record.resolved:
            jumps.append((record.target, matches))
    return tuple(converted)


def _account(reading: Reading, records: Iterable[RuleRecord]) -> None:
    for record in records:
        ledger, first, last = reading.ledger_of(record.span), record.span.first_line, record.span.last_line
        for text in (*record.unmodelled, *record.doubts):
            ledger.unsupported(first, last, f"taken as may match or not: {text}", bounded=True)


def _targets(record: RuleRecord, matches: Matches, vrfs: tuple[Vrf, ...]) -> Iterator[RoutingRule]:
    rule = RoutingRule(record.family, record.priority, matches, None, span=record.span)
    if record.action == "lookup":
        yield replace(rule, table=suppressed_table(record))
    elif record.action == "l3mdev":
        for vrf in vrfs:
            inside = InterfaceIn(Direction.IN, (vrf.name, *vrf.members))
            yield replace(rule, matches=_all([matches, inside]), table=vrf.table)
    elif record.action not in ("goto", "nop"):
        yield replace(rule, kind=RouteKind(record.action))


# ---- what a rule matches ------------------------------------------------------------------------


def _matches(record: RuleRecord, vrfs: tuple[Vrf, ...]) -> Matches:
    own = _all(list(_selectors(record, vrfs)))
    matched = Not(own) if record.negated else own
    return _all([matched, *(UnknownMatch(doubt) for doubt in record.doubts)])


def _selectors(record: RuleRecord, vrfs: tuple[Vrf, ...]) -> Iterator[Matches]:
    if record.detached:
        yield _NEVER
    if record.source is not None:
        yield AddressIn(End.SOURCE, record.family, (record.source,))
    if record.destination is not None:
        yield AddressIn(End.DESTINATION, record.family, (record.destination,))
    if record.input_interface is not None:
        yield _input(record.input_interface, vrfs)
    if record.output_interface is not None:
        yield InterfaceIn(Direction.OUT, (record.output_interface,))
    if record.protocol is not None:
        yield FieldIn(Field.PROTOCOL, ((record.protocol, record.protocol),))
    for field, ports in (
        (Field.SOURCE_PORT, record.source_ports),
        (Field.DESTINATION_PORT, record.destination_ports),
    ):
        if ports is not None:
            yield _ports(field, ports, record.protocol)
    if record.mark is not None:
        yield MarkIs(*record.mark)
    for text in record.unmodelled:
        yield UnknownMatch(text)


def _input(name: str, vrfs: tuple[Vrf, ...]) -> Matches:
    """The input interface; whether a VRF's rules see its port or the VRF changed between kernels."""
    inside = InterfaceIn(Direction.IN, (name,))
    for vrf in vrfs:
        if name == vrf.name or name in vrf.members:
            members = InterfaceIn(Direction.IN, (vrf.name, *vrf.members))
            return AllOf((members, UnknownMatch(f"iif {name}", "an interface of a VRF")))
    return inside


def _ports(field: Field, ports: tuple[int, int], protocol: int | None) -> Matches:
    """Ports as the flow dissector reads them: it takes the SPI of ESP and AH for ports too."""
    plain = FieldIn(field, (ports,))
    if protocol is not None and protocol not in _ESP_AND_AH:
        return plain
    spi = UnknownMatch("ports of ESP or AH", "the flow dissector reads the SPI as ports")
    carriers = FieldIn(Field.PROTOCOL, tuple((number, number) for number in _ESP_AND_AH))
    return AnyOf((plain, AllOf((carriers, spi))))


def _all(parts: list[Matches]) -> Matches:
    meaningful = [part for part in parts if part != AnyPacket()]
    if not meaningful:
        return AnyPacket()
    return meaningful[0] if len(meaningful) == 1 else AllOf(tuple(meaningful))


# ---- suppress_prefixlength ----------------------------------------------------------------------


def suppressed_table(record: RuleRecord) -> str | None:
    """The table a rule looks up; one that suppresses short prefixes looks up a table of its own."""
    if record.table is None or record.suppress_prefix_length is None or record.suppress_prefix_length < 0:
        return record.table
    return f"{record.table} suppress_prefixlength {record.suppress_prefix_length}"


def suppressed_routes(records: Iterable[RuleRecord], routes: tuple[Route, ...]) -> tuple[Route, ...]:
    """The routes of the tables that :func:`suppressed_table` names.

    The kernel suppresses a found route whose prefix is too short, never one that ends in an error
    (fib4_rule_suppress is asked only after a successful lookup). Leaving the short ones out before
    the lookup gives the same.
    """
    wanted: Mapping[tuple[Family, str], RuleRecord] = {
        (record.family, table): record
        for record in records
        if (table := suppressed_table(record)) is not None and table != record.table
    }
    return tuple(
        replace(route, table=table)
        for (family, table), record in sorted(wanted.items(), key=lambda item: item[0])
        for route in routes
        if route.family is family and route.table == record.table and _survives(route, record)
    )


def _survives(route: Route, record: RuleRecord) -> bool:
    limit = record.suppress_prefix_length
    errors = (RouteKind.BLACKHOLE, RouteKind.UNREACHABLE, RouteKind.PROHIBIT)
    return limit is None or route.prefix_length > limit or route.kind in errors
