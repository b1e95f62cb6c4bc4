"""nftables constructs as ``nft`` 1.0.6 lists them -> what they match and do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from segaudit.model.acl import (
    AddressIn,
    AddressMasked,
    AllOf,
    AnyOf,
    AnyPacket,
    Continue,
    Direction,
    End,
    FamilyIs,
    Field,
    FieldIn,
    FieldMasked,
    ForgetMark,
    Forwarding,
    Hook,
    InterfaceIn,
    Jump,
    MarkIs,
    Matches,
    Not,
    NoTrack,
    Return,
    SetMark,
    StateIn,
    Translate,
    TranslationKind,
    UnknownAction,
    UnknownMatch,
)
from segaudit.model.flow import ConnectionState, Family, Flow
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.reach.interpret import evaluate
from segaudit.vendors.linux.filters import FilterFacts, read_filters
from segaudit.vendors.linux.filters.expressions import LATER_BYTES
from segaudit.vendors.linux.filters.facts import HELPER

TCP = FieldIn(Field.PROTOCOL, ((6, 6),))
WHOLE = FieldIn(Field.FRAGMENT, ((0, 0),))
IPV4, IPV6 = FamilyIs(Family.IPV4), FamilyIs(Family.IPV6)
ACCEPT = {"accept": None}


def dport(low: int, high: int | None = None) -> FieldIn:
    return FieldIn(Field.DESTINATION_PORT, ((low, high or low),))


def source(low: str, high: str | None = None) -> AddressIn:
    from ipaddress import ip_address

    first, last = ip_address(low), ip_address(high or low)
    return AddressIn(End.SOURCE, Family(first.version), ((int(first), int(last)),))


def payload(protocol: str, field: str) -> dict[str, Any]:
    return {"payload": {"protocol": protocol, "field": field}}


def match(left: Any, right: Any, op: str = "==") -> dict[str, Any]:
    return {"match": {"op": op, "left": left, "right": right}}


def ruleset(
    *rules: list[Any], family: str = "inet", kind: str = "filter", hook: str = "forward", **sets: Any
) -> str:
    place = {"family": family, "table": "t"}
    base = {"type": kind, "hook": hook, "prio": 0, "policy": "accept"}
    objects: list[Any] = [
        {"metainfo": {"json_schema_version": 1}},
        {"table": {"family": family, "name": "t"}},
    ]
    objects += [
        {
            body.get("object", "set"): {
                **place,
                "name": name,
                **{k: v for k, v in body.items() if k != "object"},
            }
        }
        for name, body in sets.items()
    ]
    objects += [{"chain": {**place, "name": "c", "handle": 1, **base}}]
    objects += [{"chain": {**place, "name": "other", "handle": 2}}]
    objects += [
        {"rule": {**place, "chain": "c", "handle": 10 + n, "expr": list(rule)}}
        for n, rule in enumerate(rules)
    ]
    return json.dumps({"nftables": objects})


def facts(text: str, listing: str | None = None, exit_status: int | None = 0) -> FilterFacts:
    files = [RawFile("devices/d/nftables.json", text, "", exit_status=exit_status)]
    if listing is not None:
        files.append(RawFile("devices/d/nftables.txt", listing, ""))
    return read_filters(RawConfig("d", "linux", tuple(files)))


def of_whole(matches: Matches) -> Matches:
    """``matches`` without what it may be of a later fragment."""
    match matches:
        case AnyOf(parts):
            kept = tuple(of_whole(part) for part in parts if not is_of_later(part))
            return kept[0] if len(kept) == 1 else AnyOf(kept)
        case AllOf(parts):
            return AllOf(tuple(of_whole(part) for part in parts))
        case Not(part):
            return Not(of_whole(part))
        case _:
            return matches


def is_of_later(part: Matches) -> bool:
    return isinstance(part, AllOf) and any(
        isinstance(one, UnknownMatch) and one.reason == LATER_BYTES for one in part.of
    )


def only(*expressions: Any, **more: Any) -> tuple[Matches, object]:
    found = facts(ruleset(list(expressions), **more))
    (ace,) = next(acl for name, acl in found.acls.items() if name.endswith(" c")).aces
    return of_whole(ace.matches), ace.action


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (match(payload("ip", "saddr"), "10.0.0.1"), AllOf((IPV4, source("10.0.0.1")))),
        (
            match(payload("ip", "saddr"), {"prefix": {"addr": "10.0.0.0", "len": 8}}, "!="),
            AllOf((IPV4, Not(source("10.0.0.0", "10.255.255.255")))),
        ),
        (
            match(payload("ip", "saddr"), {"range": ["10.0.0.1", "10.0.0.9"]}),
            AllOf((IPV4, source("10.0.0.1", "10.0.0.9"))),
        ),
        (
            match({"&": [payload("ip", "saddr"), "255.0.0.255"]}, "10.0.0.3"),
            AllOf((IPV4, AddressMasked(End.SOURCE, Family.IPV4, 0x0A000003, 0xFF0000FF))),
        ),
        (match(payload("tcp", "dport"), 22, "!="), AllOf((TCP, Not(dport(22))))),
        (match(payload("tcp", "dport"), 1024, ">="), AllOf((TCP, dport(1024, 65535)))),
        (match(payload("tcp", "dport"), 0, "<"), AllOf((TCP, AnyOf(())))),
        (
            match(payload("tcp", "flags"), "syn", "in"),
            AllOf((TCP, Not(FieldMasked(Field.TCP_FLAGS, 0, 2)))),
        ),
        (match(payload("tcp", "flags"), "syn"), AllOf((TCP, FieldMasked(Field.TCP_FLAGS, 2, 255)))),
        (
            match(payload("tcp", "flags"), "syn", "!"),
            AllOf((TCP, FieldMasked(Field.TCP_FLAGS, 0, 2))),
        ),
        (
            match({"&": [payload("tcp", "flags"), ["fin", "syn", "rst", "ack"]]}, "syn"),
            AllOf((TCP, FieldMasked(Field.TCP_FLAGS, 2, 23))),
        ),
        (match({"meta": {"key": "iifname"}}, "eth*"), InterfaceIn(Direction.IN, ("eth*",))),
        (match({"meta": {"key": "l4proto"}}, "ipv6-icmp"), FieldIn(Field.PROTOCOL, ((58, 58),))),
        (match({"meta": {"key": "nfproto"}}, "ipv6"), IPV6),
        (
            match({"ct": {"key": "state"}}, ["established", "related"], "in"),
            StateIn(frozenset({ConnectionState.ESTABLISHED, ConnectionState.RELATED})),
        ),
        (
            match({"ct": {"key": "state"}}, "established", "!"),
            Not(StateIn(frozenset({ConnectionState.ESTABLISHED}))),
        ),
        (
            match(payload("icmp", "type"), "echo-request"),
            AllOf((IPV4, FieldIn(Field.PROTOCOL, ((1, 1),)), FieldIn(Field.ICMP_TYPE, ((8, 8),)))),
        ),
        (
            match({"&": [payload("ip", "frag-off"), 8191]}, 0, "!="),
            AllOf((IPV4, Not(WHOLE))),
        ),
        (
            match(
                {"concat": [payload("ip", "saddr"), payload("tcp", "dport")]},
                {"set": [{"concat": ["1.1.1.1", 80]}]},
            ),
            AllOf((IPV4, TCP, source("1.1.1.1"), dport(80))),
        ),
    ],
)
def test_match(statement: Any, expected: Matches) -> None:
    assert only(statement, ACCEPT) == (expected, Forwarding.ACCEPT)


@pytest.mark.parametrize(
    "left",
    [
        {"ct": {"key": "status"}},
        {"ct": {"key": "mark"}},
        {"meta": {"key": "cpu"}},
        {"fib": {"result": "oif", "flags": ["saddr", "iif"]}},
        {"payload": {"base": "nh", "offset": 96, "len": 32}},
        {"payload": {"protocol": "ip", "field": "saddr", "tunnel": "vxlan"}},
        {"something": "new"},
    ],
)
def test_match_not_modelled_is_unknown_and_its_line_is_listed(left: Any) -> None:
    found = facts(ruleset([match(left, 1), {"drop": None}]))
    (ace,) = found.acls["nft inet t c"].aces
    assert isinstance(ace.matches, UnknownMatch)
    assert [(line.fate, line.bounded) for line in found.lines] == [("unsupported", True)]


def test_next_header_says_nothing_certain_behind_extension_headers() -> None:
    matches, _ = only(match(payload("ip6", "nexthdr"), "tcp"), {"drop": None})
    assert isinstance(matches, AllOf)
    assert IPV6 in matches.of and TCP in matches.of
    assert any(isinstance(part, UnknownMatch) for part in matches.of)
    matches, _ = only(match(payload("ip6", "nexthdr"), 44), {"drop": None})
    assert isinstance(matches, AllOf)
    assert not any(isinstance(part, FieldIn) for part in matches.of)


def test_port_of_any_protocol_is_exact_only_where_the_protocol_has_ports() -> None:
    th = match(payload("th", "dport"), 53)
    matches, _ = only(th, ACCEPT)
    assert "UnknownMatch" in repr(matches)
    matches, _ = only(match({"meta": {"key": "l4proto"}}, {"set": ["tcp", "udp"]}), th, ACCEPT)
    assert matches == AllOf((FieldIn(Field.PROTOCOL, ((6, 6), (17, 17))), dport(53)))


META_MARK = {"meta": {"key": "mark"}}


@pytest.mark.parametrize(
    ("value", "action"),
    [
        (7, SetMark(7)),
        ({"|": [META_MARK, 3]}, SetMark(3, 3)),
        ({"&": [META_MARK, 0xFF]}, SetMark(0, 0xFFFFFF00)),
        ({"^": [META_MARK, 5]}, SetMark(5, 0)),
        ({"|": [{"&": [META_MARK, 0xFFFFFFF0]}, 2]}, SetMark(2, 0xF)),
        ({"ct": {"key": "mark"}}, ForgetMark()),
        ({"map": {"key": payload("tcp", "dport"), "data": "@m"}}, ForgetMark()),
    ],
)
def test_a_mark_is_set(value: Any, action: object) -> None:
    found = facts(ruleset([{"mangle": {"key": META_MARK, "value": value}}, ACCEPT]))
    assert found.acls["nft inet t c"].aces[0].action == action


@pytest.mark.parametrize(
    ("statement", "matches"),
    [
        (match(META_MARK, 1), MarkIs(1)),
        (match(META_MARK, 1, "!="), Not(MarkIs(1))),
        (match({"&": [META_MARK, 0xFF]}, 3), MarkIs(3, 0xFF)),
        (match({"&": [META_MARK, 1]}, 3), AnyOf(())),
        (match(META_MARK, {"set": [1, 2]}), AnyOf((MarkIs(1), MarkIs(2)))),
    ],
)
def test_a_mark_is_asked_for(statement: Any, matches: object) -> None:
    assert only(statement, ACCEPT)[0] == matches


@pytest.mark.parametrize("operator", ["==", "!="])
def test_of_a_later_fragment_a_port_may_or_may_not_match(operator: str) -> None:
    """Its bytes stand where the header would be, and the kernel compares them."""
    found = facts(ruleset([match(payload("udp", "dport"), 53, operator), ACCEPT]))
    flow = Flow(Family.IPV4, 17, 1, 2, 5, 53, fragment=True)
    (ace,) = found.acls["nft inet t c"].aces
    assert evaluate(ace.matches, flow, None, None, ConnectionState.NEW) is None
    assert not found.lines, "it is bounded, and no fault of the line"


def test_named_set_and_its_negation() -> None:
    body = {"elem": ["1.2.3.4", {"prefix": {"addr": "10.0.0.0", "len": 8}}]}
    inside = AddressIn(End.SOURCE, Family.IPV4, ((0x01020304, 0x01020304), (0x0A000000, 0x0AFFFFFF)))
    assert only(match(payload("ip", "saddr"), "@s"), ACCEPT, s=body)[0] == AllOf((IPV4, inside))
    assert only(match(payload("ip", "saddr"), "@s", "!="), ACCEPT, s=body)[0] == AllOf((IPV4, Not(inside)))


def test_set_that_many_rules_name_is_read_for_each_key() -> None:
    keys = [payload("ip", field) for field in ("saddr", "daddr", "saddr")]
    rules = [[match(key, "@s"), {"drop": None}] for key in keys]
    aces = facts(ruleset(*rules, s={"elem": ["1.2.3.4"]})).acls["nft inet t c"].aces
    here = ((0x01020304, 0x01020304),)
    assert [ace.matches for ace in aces] == [
        AllOf((IPV4, AddressIn(end, Family.IPV4, here)))
        for end in (End.SOURCE, End.DESTINATION, End.SOURCE)
    ]


@pytest.mark.parametrize(
    "body", [{"flags": ["dynamic"]}, {"elem": [{"elem": {"val": "1.2.3.4", "expires": 9}}]}]
)
def test_set_that_changes_by_itself_is_unknown(body: Any) -> None:
    matches, _ = only(match(payload("ip", "saddr"), "@s"), {"drop": None}, s=body)
    assert "UnknownMatch" in repr(matches)


def test_set_that_a_rule_adds_to_is_unknown() -> None:
    add = {"set": {"op": "add", "elem": payload("ip", "saddr"), "set": "@s"}}
    found = facts(
        ruleset([add], [match(payload("ip", "saddr"), "@s"), {"drop": None}], s={"elem": ["1.2.3.4"]})
    )
    assert "UnknownMatch" in repr(found.acls["nft inet t c"].aces[1].matches)


def test_verdict_map_has_one_entry_per_element_and_the_catch_all_last() -> None:
    data = {
        "set": [["*", {"drop": None}], [22, ACCEPT], [{"range": [80, 90]}, {"jump": {"target": "other"}}]]
    }
    found = facts(ruleset([{"vmap": {"key": payload("tcp", "dport"), "data": data}}]))
    aces = found.acls["nft inet t c"].aces
    assert [ace.action for ace in aces] == [Forwarding.ACCEPT, Jump("nft inet t other"), Forwarding.DROP]
    rest = Not(FieldIn(Field.DESTINATION_PORT, ((22, 22), (80, 90))))
    assert of_whole(aces[2].matches) == AllOf((TCP, rest))


def test_overlapping_entries_of_a_map_with_different_verdicts_are_unknown() -> None:
    wide = {"concat": [{"prefix": {"addr": "10.0.0.0", "len": 8}}, {"range": [1, 100]}]}
    narrow, apart = {"concat": ["10.0.0.1", 80]}, {"concat": ["11.0.0.1", 80]}
    data = {"set": [[narrow, {"drop": None}], [wide, ACCEPT], [apart, {"drop": None}]]}
    key = {"concat": [payload("ip", "saddr"), payload("tcp", "dport")]}
    aces = facts(ruleset([{"vmap": {"key": key, "data": data}}])).acls["nft inet t c"].aces
    assert ["UnknownMatch" in repr(of_whole(ace.matches)) for ace in aces] == [True, True, False]


def test_verdict_map_that_is_not_listed_may_do_anything() -> None:
    matches, action = only({"vmap": {"key": payload("tcp", "dport"), "data": "@gone"}})
    assert isinstance(action, UnknownAction)
    assert matches == TCP


def test_statement_in_the_middle_acts_on_what_matched_before_it() -> None:
    mark = {"mangle": {"key": {"meta": {"key": "mark"}}, "value": 32}}
    found = facts(
        ruleset(
            [match(payload("ip", "saddr"), "10.0.0.1"), mark, match(payload("tcp", "dport"), 80), ACCEPT]
        )
    )
    first, second = found.acls["nft inet t c"].aces
    assert (first.matches, first.action) == (AllOf((IPV4, source("10.0.0.1"))), SetMark(32))
    assert of_whole(second.matches) == AllOf((IPV4, source("10.0.0.1"), TCP, dport(80)))


@pytest.mark.parametrize(
    ("statement", "action"),
    [
        ({"drop": None}, Forwarding.DROP),
        ({"reject": {"type": "icmpx"}}, Forwarding.REJECT),
        ({"return": None}, Return()),
        ({"counter": {"packets": 0, "bytes": 0}}, Continue()),
        ({"notrack": None}, NoTrack()),
    ],
)
def test_verdicts(statement: Any, action: object) -> None:
    assert only(statement)[1] == action


def test_reject_with_icmp_drops_ipv4_alone() -> None:
    assert only({"reject": {"type": "icmp", "expr": "host-prohibited"}}) == (IPV4, Forwarding.REJECT)


@pytest.mark.parametrize("name", ["queue", "fwd", "dup", "tproxy", "flow", "invented"])
def test_statement_that_may_send_the_packet_elsewhere_is_unbounded(name: str) -> None:
    found = facts(ruleset([{name: {}}]))
    assert isinstance(found.acls["nft inet t c"].aces[0].action, UnknownAction)
    assert [line.bounded for line in found.lines] == [False]


@pytest.mark.parametrize("name", ["ct helper", "ct expectation"])
def test_expected_connections_are_not_modelled(name: str) -> None:
    """The rule goes on, and what becomes RELATED by it has no bound."""
    found = facts(ruleset([{name: "object"}, {"drop": None}]))
    (ace,) = found.acls["nft inet t c"].aces
    assert ace.action == Forwarding.DROP
    assert isinstance(ace.matches, AnyPacket if name == "ct helper" else UnknownMatch)
    (line,) = found.lines
    assert (line.fate, line.bounded) == ("unsupported", False)
    assert HELPER in line.reason


def test_helper_named_by_its_value_is_unbounded() -> None:
    found = facts(ruleset([{"mangle": {"key": {"ct": {"key": "helper"}}, "value": "ftp"}}]))
    assert [line.bounded for line in found.lines] == [False]


@pytest.mark.parametrize(
    ("statement", "kind", "addresses", "ports"),
    [
        (
            {"dnat": {"family": "ip", "addr": "10.0.0.1", "port": 8080}},
            TranslationKind.DESTINATION,
            ((0x0A000001, 0x0A000001),),
            ((8080, 8080),),
        ),
        (
            {"snat": {"family": "ip", "addr": {"range": ["1.2.3.4", "1.2.3.9"]}}},
            TranslationKind.SOURCE,
            ((0x01020304, 0x01020309),),
            (),
        ),
        ({"masquerade": None}, TranslationKind.MASQUERADE, (), ()),
        ({"redirect": {"port": 8080}}, TranslationKind.REDIRECT, (), ((8080, 8080),)),
        (
            {
                "dnat": {
                    "family": "ip",
                    "addr": {"prefix": {"addr": "10.0.0.0", "len": 24}},
                    "flags": "netmap",
                    "type_flags": "prefix",
                }
            },
            TranslationKind.STATIC_DESTINATION,
            ((0x0A000000, 0x0A0000FF),),
            (),
        ),
    ],
)
def test_translation(statement: Any, kind: TranslationKind, addresses: Any, ports: Any) -> None:
    _, action = only(statement, kind="nat", hook="prerouting")
    assert isinstance(action, Translate)
    assert (action.kind, action.addresses, action.ports) == (kind, addresses, ports)


def test_translation_by_map_has_one_entry_per_element() -> None:
    data = {"set": [[80, {"concat": ["10.0.0.1", 8080]}], [443, {"concat": ["10.0.0.2", 8443]}]]}
    key = payload("tcp", "dport")
    found = facts(
        ruleset([{"dnat": {"family": "ip", "addr": {"map": {"key": key, "data": data}}}}], kind="nat")
    )
    made = [(of_whole(ace.matches), ace.action) for ace in found.acls["nft inet t c"].aces]
    pool = ((0x0A000001, 0x0A000001),)
    translate = Translate(TranslationKind.DESTINATION, pool, ((8080, 8080),), Family.IPV4)
    assert made[0] == (AllOf((IPV4, TCP, dport(80))), translate)
    assert len(made) == 2


def test_translation_to_what_the_packet_says_is_unbounded() -> None:
    found = facts(
        ruleset([{"dnat": {"family": "ip", "addr": {"numgen": {"mode": "inc", "mod": 2}}}}], kind="nat")
    )
    assert isinstance(found.acls["nft inet t c"].aces[0].action, UnknownAction)
    assert [line.bounded for line in found.lines] == [False]


def test_stateless_rewrite_is_unbounded() -> None:
    found = facts(ruleset([{"mangle": {"key": payload("ip", "daddr"), "value": "10.0.0.1"}}]))
    assert [line.bounded for line in found.lines] == [False]


def test_base_chain_is_attached_with_its_priority_and_families() -> None:
    (attachment,) = facts(ruleset([ACCEPT], family="ip6", kind="nat", hook="postrouting")).attachments
    assert (attachment.acl, attachment.hook, attachment.priority) == ("nft ip6 t c", Hook.POSTROUTING, 0)
    assert attachment.families == {Family.IPV6}
    assert attachment.translates


@pytest.mark.parametrize(
    ("statement", "bounded"), [({"drop": None}, True), ({"fwd": {"dev": "eth0"}}, False)]
)
def test_netdev_table_is_unsupported_and_unbounded_where_it_redirects(
    statement: Any, bounded: bool
) -> None:
    found = facts(ruleset([statement], family="netdev", hook="ingress"))
    assert found.attachments == ()
    assert {line.bounded for line in found.lines} == {bounded}


def test_tracks_connections_where_a_rule_reads_state_or_a_nat_chain_exists() -> None:
    assert not facts(ruleset([ACCEPT])).tracks_connections
    assert facts(ruleset([match({"ct": {"key": "state"}}, "new", "in"), ACCEPT])).tracks_connections
    assert facts(ruleset([], kind="nat", hook="prerouting")).tracks_connections


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("", 0),
        ("Operation not permitted", 1),
        ('{"nftables": [{"metainfo": {}}', 0),
        ("[]", 0),
        ('{"nftables": [{"rule": {"family": "ip", "table": "t"}}]}', 0),
        ('{"nftables": []}', 1),
    ],
)
def test_broken_listing_leaves_no_filter_and_any_translation(text: str, status: int) -> None:
    found = facts(text, exit_status=status)
    assert found.acls == {} and found.attachments == ()
    assert found.unknown_translation
    assert any(not line.bounded for line in found.lines)


def test_program_that_is_not_installed_filters_nothing() -> None:
    found = facts("bash: nft: command not found", exit_status=127)
    assert not found.unknown_translation
    assert [line.fate for line in found.lines] == ["ignored"]


LISTING = """table inet t { # handle 1
\tset s { # handle 3
\t\ttype ipv4_addr
\t\telements = { 1.2.3.4,
\t\t\t     1.2.3.5 }
\t}

\tchain c { # handle 1
\t\ttype filter hook forward priority filter; policy accept;
\t\tip saddr @s drop # handle 10
\t\tct mark 0x00000001 accept # handle 11
\t}

\tchain other { # handle 2
\t}
}
"""


def test_entries_cite_their_line_and_every_line_is_accounted_for() -> None:
    rules = (
        [match(payload("ip", "saddr"), "@s"), {"drop": None}],
        [match({"ct": {"key": "mark"}}, 1), ACCEPT],
    )
    found = facts(ruleset(*rules, s={"elem": ["1.2.3.4", "1.2.3.5"]}), LISTING)
    aces = found.acls["nft inet t c"].aces
    assert [(str(ace.span), ace.text) for ace in aces] == [
        ("devices/d/nftables.txt:10", "ip saddr @s drop"),
        ("devices/d/nftables.txt:11", "ct mark 0x00000001 accept"),
    ]
    assert found.acls["nft inet t c"].span is not None
    assert str(found.acls["nft inet t c"].span) == "devices/d/nftables.txt:8"
    (tally,) = found.tallies
    assert (tally.fact, tally.unsupported, tally.total) == (13, 1, 14)


def test_rule_that_only_the_text_shows_is_unbounded() -> None:
    rules = [[match(payload("ip", "saddr"), "@s"), {"drop": None}]]
    found = facts(ruleset(*rules, s={"elem": ["1.2.3.4", "1.2.3.5"]}), LISTING)
    assert [(line.fate, line.bounded, line.span.first_line) for line in found.lines] == [
        ("unrecognized", False, 11)
    ]
