"""``nft --debug=netlink list ruleset``: the family and protocol that each rule really asks for.

What a rule depends on (``tcp dport`` on TCP) the kernel checks like everything else, and nft leaves it out
of its other listings, sometimes although the rule says otherwise elsewhere. So a check of the bytecode
that the rule as listed does not state is one more condition, of which nothing more is known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from segaudit.model.acl import AllOf, FamilyIs, Field, FieldIn, Matches
from segaudit.model.flow import Family

Check = tuple[str, int]
"""``("family", 4)`` or ``("protocol", 6)``: what a packet must be for the rule to go on."""

Checks = Mapping[tuple[str, str, int], frozenset[Check]]
"""The checks of each rule, by table family, table and handle."""

_RULE = re.compile(r"(\S+) (\S+) \S+ (\d+)(?: \d+)?$")
_LOAD = re.compile(r"\[ (.+) => reg (\d+)\b")
_EQUAL = re.compile(r"\[ cmp eq reg (\d+) (0x[0-9a-f]+) \]")

_FAMILY_OF = {
    "meta load nfproto": {2: 4, 10: 6},
    "ct load l3protocol": {2: 4, 10: 6},
    "meta load protocol": {0x0008: 4, 0xDD86: 6},
}
"""Numbers in the byte order in which nft prints registers."""

_PROTOCOLS = frozenset(
    {
        "meta load l4proto",
        "ct load protocol",
        "payload load 1b @ network header + 9",
        "payload load 1b @ network header + 6",
    }
)


def checks_of(text: str) -> Checks:
    """The checks of every rule in the listing."""
    steps: dict[tuple[str, str, int], list[str]] = {}
    current: list[str] = []
    for line in text.split("\n"):
        if named := _RULE.match(line):
            current = steps.setdefault((named[1], named[2], int(named[3])), [])
        else:
            current.append(line)
    return {rule: frozenset(_checks(lines)) for rule, lines in steps.items()}


def _checks(steps: Iterable[str]) -> Iterator[Check]:
    loaded: dict[str, str] = {}
    for step in steps:
        if load := _LOAD.search(step):
            loaded[load[2]] = load[1]
        elif equal := _EQUAL.search(step):
            what, value = loaded.get(equal[1], ""), int(equal[2], 16)
            if what in _PROTOCOLS:
                yield "protocol", value
            elif value in _FAMILY_OF.get(what, ()):
                yield "family", _FAMILY_OF[what][value]


def stated(matches: Matches) -> frozenset[Check]:
    """The checks that a rule as it was read makes anyway."""
    return frozenset(_stated(matches))


def _stated(matches: Matches) -> Iterator[Check]:
    match matches:
        case AllOf(of):
            for part in of:
                yield from _stated(part)
        case FamilyIs(family):
            yield "family", int(family)
        case FieldIn(Field.PROTOCOL, ((low, high),)) if low == high:
            yield "protocol", low


def contradicts(matches: Matches, families: frozenset[Family]) -> bool:
    """True where a rule as it was read can match no packet of its table, by family or protocol.

    nft checks less then than the rule says: ``ip6 saddr ::1 icmp type 8`` matches IPv6 packets of
    protocol 1.
    """
    checks = stated(matches)
    named = {value for kind, value in checks if kind == "family"}
    protocols = {value for kind, value in checks if kind == "protocol"}
    return len(named) > 1 or len(protocols) > 1 or not named <= {int(one) for one in families}
