"""iptables tables -> ``Acl`` chains and where they are applied."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from segaudit.model.acl import Ace, Acl, AclAttachment, Forwarding, Hook, Return
from segaudit.model.flow import Family
from segaudit.model.source import LineFate, SourceSpan
from segaudit.vendors.linux.filters.facts import Doubt, LineBook
from segaudit.vendors.linux.filters.iptables_matches import MatchReader, Surroundings
from segaudit.vendors.linux.filters.iptables_save import IptablesRule, IptablesTable
from segaudit.vendors.linux.filters.iptables_targets import action_of

_DESTINATION_FIRST = {"PREROUTING": -100, "OUTPUT": -100, "INPUT": 100, "POSTROUTING": 100}
PRIORITIES: dict[str, dict[str, int]] = {
    "raw": dict.fromkeys(("PREROUTING", "OUTPUT"), -300),
    "mangle": dict.fromkeys(("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"), -150),
    "nat": _DESTINATION_FIRST,
    "filter": dict.fromkeys(("INPUT", "FORWARD", "OUTPUT"), 0),
    "security": dict.fromkeys(("INPUT", "FORWARD", "OUTPUT"), 50),
}
"""Built-in chains of each table and their hook priority (uapi/linux/netfilter_ipv4.h, ``NF_IP_PRI_*``)."""

_STATE_MODULES = frozenset(
    {"state", "conntrack", "connmark", "connbytes", "connlimit", "connlabel", "helper", "cluster", "socket"}
)
_STATE_TARGETS = frozenset(
    {"SNAT", "DNAT", "MASQUERADE", "REDIRECT", "NETMAP", "CONNMARK", "CONNSECMARK", "CT"}
    | {"TPROXY", "SYNPROXY"}
)
"""What makes the kernel track connections, or at least reassemble fragments (xt_socket.c, xt_TPROXY.c)."""


@dataclass(slots=True)
class IptablesFilters:
    """What the tables come to, while they are read."""

    acls: dict[str, Acl] = field(default_factory=dict)
    attachments: list[AclAttachment] = field(default_factory=list)
    reads_state: bool = False


def changed_sets(tables: Iterable[IptablesTable]) -> frozenset[str]:
    """The ipsets that a SET target writes to."""
    return frozenset(
        option.arguments[0]
        for table in tables
        for wording in table.wordings
        for option in wording.target_options
        if option.name in ("--add-set", "--del-set") and option.arguments
    )


def read_iptables(
    tables: Iterable[IptablesTable],
    book: LineBook,
    program: str,
    around: Surroundings,
    result: IptablesFilters,
) -> None:
    """Add the chains of ``tables``, of one family, to ``result``; ``program`` begins their names."""
    reader = MatchReader(around)
    for table in tables:
        if table.name not in PRIORITIES:
            _leave_out(table, book)
            continue
        prefix = f"{program} {around.family.label} {table.name}"
        _read_table(table, book, prefix, around.family, reader, result)


def _leave_out(table: IptablesTable, book: LineBook) -> None:
    for line in (
        table.line,
        *(line for _, line in table.chains.values()),
        *(rule.line for rule in table.rules),
    ):
        book.note(line, LineFate.UNSUPPORTED, f"table {table.name} is not modelled", bounded=False)


def _read_table(
    table: IptablesTable,
    book: LineBook,
    prefix: str,
    family: Family,
    reader: MatchReader,
    result: IptablesFilters,
) -> None:
    rules: dict[str, list[IptablesRule]] = {}
    for rule in table.rules:
        rules.setdefault(rule.chain, []).append(rule)
    for chain, (policy, line) in table.chains.items():
        aces = tuple([_ace(rule, table, book, prefix, family, reader) for rule in rules.get(chain, [])])
        name = f"{prefix} {chain}"
        result.acls[name] = Acl(name, aces, _default(policy), SourceSpan(book.path, line, line))
        _attach(table, chain, policy, name, line, book, family, result)
    if any(_STATE_MODULES & set(one.modules) or one.target in _STATE_TARGETS for one in table.wordings):
        result.reads_state = True


def _default(policy: str) -> Forwarding | Return:
    match policy:
        case "-":
            return Return()
        case "DROP":
            return Forwarding.DROP
        case _:
            return Forwarding.ACCEPT


def _attach(
    table: IptablesTable,
    chain: str,
    policy: str,
    name: str,
    line: int,
    book: LineBook,
    family: Family,
    result: IptablesFilters,
) -> None:
    priority = PRIORITIES[table.name].get(chain)
    if policy == "-":
        return
    if priority is None or policy not in ("ACCEPT", "DROP"):
        book.note(
            line, LineFate.UNRECOGNIZED, f"no such chain or policy in table {table.name}", bounded=False
        )
        return
    translates = table.name == "nat"
    result.attachments.append(
        AclAttachment(name, Hook(chain.lower()), priority, frozenset({family}), translates)
    )


def _ace(
    rule: IptablesRule,
    table: IptablesTable,
    book: LineBook,
    prefix: str,
    family: Family,
    reader: MatchReader,
) -> Ace:
    matches, unknown = reader.read(rule)
    target = action_of(rule, table.chains, prefix, family)
    doubts = [*target.doubts]
    if unknown is not None:
        doubts.append(Doubt(f"match not modelled: {unknown}"))
    if any(option.name == "--restore-skmark" for option in rule.wording.matches):
        doubts.append(Doubt("the match sets the mark from a socket", bounded=False))
    book.note_rule(rule.line, doubts)
    return Ace(matches, target.action, SourceSpan(book.path, rule.line, rule.line), rule.text)
