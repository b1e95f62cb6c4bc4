"""What a rule's bytecode checks, and what follows where the rule as listed does not say so."""

from __future__ import annotations

import json
from typing import Any

import pytest

from segaudit.model.acl import Ace, AddressIn, AllOf, End, FamilyIs, Field, FieldIn, UnknownMatch
from segaudit.model.flow import Family
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.vendors.linux.filters import FilterFacts, read_filters
from segaudit.vendors.linux.filters.nft_bytecode import checks_of

LISTING = """\
inet t @__set0
	element 00000006  : 0 [end]
inet t f 2
  [ meta load nfproto => reg 1 ]
  [ cmp eq reg 1 0x00000002 ]
  [ payload load 4b @ network header + 12 => reg 1 ]
  [ cmp eq reg 1 0x04030201 ]
  [ immediate reg 0 drop ]

ip6 u f 3 2
  [ meta load protocol => reg 1 ]
  [ cmp eq reg 1 0x0000dd86 ]
  [ payload load 1b @ network header + 6 => reg 2 ]
  [ cmp eq reg 2 0x00000011 ]
  [ meta load mark => reg 1 ]
  [ cmp eq reg 1 0x00000006 ]
  [ cmp neq reg 2 0x00000006 ]

table inet t {
	chain f {
	}
}
"""
SADDR = {"payload": {"protocol": "ip", "field": "saddr"}}
SADDR6 = {"payload": {"protocol": "ip6", "field": "saddr"}}
ICMP_TYPE = {"payload": {"protocol": "icmp", "field": "type"}}
DROP = {"drop": None}


def match(left: dict[str, Any], right: object) -> dict[str, Any]:
    return {"match": {"op": "==", "left": left, "right": right}}


def facts(*expressions: dict[str, Any], family: str = "inet", bytecode: str | None = None) -> FilterFacts:
    place = {"family": family, "table": "t"}
    chain = {
        **place,
        "name": "f",
        "handle": 1,
        "type": "filter",
        "hook": "forward",
        "prio": 0,
        "policy": "drop",
    }
    document = [
        {"table": {"family": family, "name": "t", "handle": 1}},
        {"chain": chain},
        {"rule": {**place, "chain": "f", "handle": 2, "expr": list(expressions)}},
    ]
    files = [RawFile("devices/d/nftables.json", json.dumps({"nftables": document}), "", exit_status=0)]
    if bytecode is not None:
        files.append(RawFile("devices/d/nftables-netlink.txt", bytecode, "", exit_status=0))
    return read_filters(RawConfig("d", "linux", tuple(files)))


def ace(found: FilterFacts, family: str = "inet") -> Ace:
    (one,) = found.acls[f"nft {family} t f"].aces
    return one


def test_checks_are_read_by_rule() -> None:
    checks = checks_of(LISTING)
    assert checks["inet", "t", 2] == {("family", 4)}
    assert checks["ip6", "u", 3] == {("family", 6), ("protocol", 17)}


def test_a_rule_whose_checks_are_all_listed_is_believed() -> None:
    found = facts(match(SADDR, "1.2.3.4"), DROP, bytecode=LISTING)
    expected = AllOf((FamilyIs(Family.IPV4), AddressIn(End.SOURCE, Family.IPV4, ((0x01020304,) * 2,))))
    assert ace(found).matches == expected
    assert all(line.bounded for line in found.lines)


def test_a_check_that_is_not_listed_makes_the_rule_match_or_not() -> None:
    hidden = LISTING.replace(
        "[ immediate reg 0 drop ]", "[ meta load l4proto => reg 1 ]\n  [ cmp eq reg 1 0x00000006 ]"
    )
    found = facts(match(SADDR, "1.2.3.4"), DROP, bytecode=hidden)
    assert isinstance(ace(found).matches, AllOf)
    assert any(isinstance(part, UnknownMatch) for part in ace(found).matches.of)  # type: ignore[union-attr]
    assert "the kernel checks more than nft lists" in [line.reason for line in found.lines]


def test_a_rule_that_the_bytecode_does_not_show_may_match_or_not() -> None:
    found = facts(match(SADDR, "1.2.3.4"), DROP, bytecode="")
    assert any(isinstance(part, UnknownMatch) for part in ace(found).matches.of)  # type: ignore[union-attr]


def test_without_bytecode_the_listing_is_believed() -> None:
    assert ace(facts(match(SADDR, "1.2.3.4"), DROP)) == ace(
        facts(match(SADDR, "1.2.3.4"), DROP, bytecode=LISTING)
    )


@pytest.mark.parametrize(
    ("family", "expressions"),
    [
        ("inet", [match(SADDR6, "::1"), match(ICMP_TYPE, "echo-request")]),
        ("inet", [match({"meta": {"key": "nfproto"}}, "ipv6"), match(ICMP_TYPE, "echo-request")]),
        ("ip6", [match(ICMP_TYPE, "echo-request")]),
        ("ip", [match({"meta": {"key": "l4proto"}}, "udp"), match({"meta": {"key": "l4proto"}}, "tcp")]),
    ],
)
def test_a_rule_that_contradicts_itself_may_match_or_not(
    family: str, expressions: list[dict[str, Any]]
) -> None:
    """Kernel: ``ip6 saddr ::1 icmp type 8`` matches IPv6 packets of protocol 1 (tests/oracle/found)."""
    found = facts(*expressions, {"accept": None}, family=family)
    assert isinstance(ace(found, family).matches, UnknownMatch)


def test_the_table_s_family_is_no_hidden_check() -> None:
    bytecode = "ip t f 2\n  [ meta load nfproto => reg 1 ]\n  [ cmp eq reg 1 0x00000002 ]\n"
    protocol = match({"meta": {"key": "l4proto"}}, "tcp")
    found = facts(protocol, DROP, family="ip", bytecode=bytecode)
    assert ace(found, "ip").matches == FieldIn(Field.PROTOCOL, ((6, 6),))
