"""The text of a configuration to records; rules of filters and NAT get their fates later."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from segaudit.model.flow import Family
from segaudit.model.services import RoutingProcess, SharedFate
from segaudit.model.snapshot import RawFile
from segaudit.model.source import LineFate, SourceSpan
from segaudit.parse.cisco import fates, words
from segaudit.parse.cisco.dialect import read_interface
from segaudit.parse.cisco.fates import FACT, NOT_UNDERSTOOD, Fate, ignored, unsupported
from segaudit.parse.cisco.sections import comment
from segaudit.parse.cisco.words import Words
from segaudit.parse.indent import Block, LiteralEnd, blocks, tokenise
from segaudit.parse.ledger import LineLedger
from segaudit.vendors.cisco_asa.dialect import ASA
from segaudit.vendors.cisco_asa.extract_interface import LINES as INTERFACE_LINES
from segaudit.vendors.cisco_asa.extract_lines import GLOBAL_LINES
from segaudit.vendors.cisco_asa.extract_vpn import crypto_line, group_policy_line, tunnel_group_line
from segaudit.vendors.cisco_asa.records import (
    Config,
    Group,
    InterfaceRecord,
    Line,
    NatLine,
    NetworkObject,
    ServiceObject,
)

_VERSION = re.compile(r"([0-9]{1,4})\.([0-9]{1,4})")
_GROUP_KINDS = frozenset({"network", "service", "protocol", "icmp-type", "user", "security"})
_MEMBERS = frozenset(
    {"network-object", "group-object", "service-object", "port-object", "protocol-object", "icmp-object"}
)
_OPENS_NOTHING = frozenset(
    {"dns", "esmtp", "http", "icmp", "im", "ip-options", "ipv6", "lisp", "radius-accounting", "snmp"}
)
"""Inspections that open no connection; all others may (Firewall CLI Configuration Guide 9.x, "Application
Layer Protocol Inspection")."""


_LIMITS = frozenset(
    {"class", "csc", "cxsc", "description", "flow-export", "ips", "match", "police", "priority",
     "service-policy", "set", "sfr", "shape", "user-statistics"}
)  # fmt: skip
"""The other lines of a policy: choosing a class, and actions that let nothing through."""


class Reading:
    """One file while it is read.

    Args:
        config: what is found is added to it.
        ledger: where the lines' fates go.
    """

    def __init__(self, config: Config, ledger: LineLedger) -> None:
        self.config = config
        self.ledger = ledger

    def words(self, block: Block) -> Words:
        """The words of a block's first line."""
        return words.read(block.text, self.ledger.span(block.number))

    def note(self, span: SourceSpan, fate: Fate) -> None:
        """Enter the fate of a line."""
        fates.note(self.ledger, span, fate)

    def note_below(self, block: Block, fate: Fate) -> None:
        """One fate for everything below a block's first line, but for comments."""
        for child in block.children:
            if child.line.is_comment:
                comment(self.ledger, child)
            else:
                self.note(self.ledger.span(child.number), fate)
                self.note_below(child, fate)
        if block.literal:
            self.note(self.ledger.span(block.literal[0].number, block.literal[-1].number), fate)


def read_config(file: RawFile, ledger: LineLedger) -> Config:
    """The records of a configuration file."""
    reading = Reading(Config(), ledger)
    for block in blocks(tokenise(file.text), _literal):
        _block(reading, block)
    return reading.config


def _literal(text: str) -> LiteralEnd | None:
    """The hexadecimal text of a certificate."""
    if text.startswith(("certificate ", "crl ")):
        return lambda line: line == "quit"
    return None


def _block(reading: Reading, block: Block) -> None:
    text = block.text
    if text[0] in "!#:" or text.startswith(("Cryptochecksum:", "ASA Version", "<---", "Serial Number")):
        _separator(reading, block)
        return
    found = reading.words(block)
    head = found.peek()
    if head == "access-list" and _access_list(reading, block, found):
        return
    reader = _BLOCKS.get(head)
    if reader is not None and reader(reading, block, found):
        return
    fate = GLOBAL_LINES.read(reading.config, found)
    reading.note(found.span, fate)
    below = _BELOW.get(head, NOT_UNDERSTOOD)
    reading.note_below(block, below if fate.fate is LineFate.FACT else fate)


_BELOW = {
    "aaa-server": ignored("how the server is asked"),
    "username": ignored("what the user may do on the device"),
    "snmp-server": ignored("what is watched"),
}


def _separator(reading: Reading, block: Block) -> None:
    """A comment, the version, the checksum at the end."""
    if block.text.startswith("ASA Version"):
        found = _VERSION.search(block.text)
        if found is not None:
            reading.config.version = (int(found.group(1)), int(found.group(2)))
    if block.line.is_comment:
        comment(reading.ledger, block)
    else:
        reading.ledger.fact(block.number)
    for child in block.children:
        _block(reading, child)


def _children(reading: Reading, block: Block) -> Iterable[tuple[Block, Words]]:
    """The lines below a block; comments are done with."""
    for child in block.children:
        if child.line.is_comment:
            comment(reading.ledger, child)
        else:
            yield child, reading.words(child)
            reading.note_below(child, NOT_UNDERSTOOD)


# ---- rules, kept for later ----------------------------------------------------------------------


def _access_list(reading: Reading, block: Block, found: Words) -> bool:
    """``access-list NAME {remark TEXT | [line N] extended|standard|... RULE}``."""
    name, kind = found.peek(1), found.peek(2)
    if found.negated or not kind:
        return False
    rule = tuple(found.words[2:])
    if kind == "line":
        rule, kind = rule[2:], found.peek(4)
    if kind == "remark":
        reading.config.acls.setdefault(name, [])
        reading.ledger.fact(block.number)
    elif kind in ("extended", "permit", "deny"):
        line = Line(rule[1:] if kind == "extended" else rule, block.text, found.span)
        reading.config.acls.setdefault(name, []).append(line)
        if found.peek(2) == "line":
            reading.note(found.span, _INSERTED)
    elif kind in ("standard", "webtype", "ethertype"):
        reading.note(found.span, _OTHER_LISTS[kind])
    else:
        return False
    reading.note_below(block, NOT_UNDERSTOOD)
    return True


_INSERTED = unsupported("it is put in between: the order of the list is not that of the file")
_OTHER_LISTS = {
    "standard": ignored("standard lists choose routes or split tunnels, they filter no packets"),
    "webtype": ignored("filters what clientless VPN users ask for, which counts as connected"),
    "ethertype": ignored("filters frames that are not IP, in transparent mode only"),
}


# ---- blocks -------------------------------------------------------------------------------------


def _interface(reading: Reading, block: Block, found: Words) -> bool:
    if found.negated:
        return False
    found.take()
    name = read_interface(found, ASA)
    one = reading.config.interfaces.setdefault(name, InterfaceRecord(name, found.span))
    one.span = reading.ledger.span(block.number, block.last_number)
    reading.ledger.fact(block.number)
    for _, line in _children(reading, block):
        reading.note(line.span, INTERFACE_LINES.read(one, line))
    return True


def _object(reading: Reading, block: Block, found: Words) -> bool:
    """``object network X`` (also with a NAT rule below), ``object service X``."""
    kind, name = found.peek(1), found.peek(2)
    if found.negated or kind not in ("network", "service") or not name:
        return False
    reading.ledger.fact(block.number)
    for child, line in _children(reading, block):
        reading.note(line.span, _object_line(reading.config, kind, name, child, line))
    if kind == "network":
        reading.config.networks.setdefault(name, NetworkObject(name, found.span))
    else:
        reading.config.services.setdefault(name, ServiceObject(name, found.span))
    return True


def _object_line(config: Config, kind: str, name: str, child: Block, line: Words) -> Fate:
    head, said = line.peek(), tuple(line.words)
    if head == "description":
        return FACT
    if line.negated:
        return NOT_UNDERSTOOD
    if kind == "network" and head in ("host", "subnet", "range", "fqdn"):
        config.networks[name] = NetworkObject(name, line.span, said)
        return FACT
    if kind == "network" and head == "nat":
        config.nat.append(NatLine(said[1:], child.text, line.span, name))
        return FACT
    if kind == "service" and head == "service":
        config.services[name] = ServiceObject(name, line.span, said[1:])
        return FACT
    return NOT_UNDERSTOOD


def _object_group(reading: Reading, block: Block, found: Words) -> bool:
    """``object-group KIND X [tcp|udp|tcp-udp]`` and its members."""
    kind, name = found.peek(1), found.peek(2)
    if found.negated or kind not in _GROUP_KINDS or not name:
        return False
    reading.ledger.fact(block.number)
    group = reading.config.groups.setdefault(name, Group(name, kind, found.peek(3), found.span))
    for _, line in _children(reading, block):
        if line.peek() in _MEMBERS and not line.negated:
            group.members.append((tuple(line.words), line.span))
            reading.note(line.span, FACT)
        else:
            reading.note(line.span, _group_line(kind, line))
    return True


def _group_line(kind: str, line: Words) -> Fate:
    if line.peek() == "description":
        return FACT
    if kind in ("user", "security"):
        return ignored("what a rule about users or tags matches counts as unknown")
    return NOT_UNDERSTOOD


def _router(reading: Reading, block: Block, found: Words) -> bool:
    """``router ospf 1``: what it learns is unknown; ``ipv6 router ospf 1`` likewise."""
    six = found.peek() == "ipv6"
    if found.negated or found.peek(six) != "router":
        return False
    found.position += 1 + six
    protocol = found.take()
    one_family = (Family.IPV6,) if six else (Family.IPV4,)
    families = one_family if protocol in ("ospf", "rip") else tuple(Family)
    for family in families:
        reading.config.unknown_routes.append((family, f"routes that {protocol} learns"))
    name = "ospf3" if six else protocol
    reading.config.processes.append(RoutingProcess(name, process=found.rest(), span=found.span))
    reading.ledger.fact(block.number)
    reading.note_below(block, ignored("of a routing protocol, whose routes count as unknown"))
    return True


def _policy_map(reading: Reading, block: Block, found: Words) -> bool:
    """``policy-map``: inspections that open connections, and what exempts from connection tracking."""
    if found.negated:
        return False
    found.take()
    parameters = found.peek() == "type"
    reading.ledger.fact(block.number)
    for child in block.children:
        _policy_line(reading, child, parameters)
    return True


def _policy_line(reading: Reading, block: Block, parameters: bool) -> None:
    if block.line.is_comment:
        comment(reading.ledger, block)
        return
    line = reading.words(block)
    reading.note(line.span, _policy_fate(reading.config, line, parameters))
    for child in block.children:
        _policy_line(reading, child, parameters)


def _policy_fate(config: Config, line: Words, parameters: bool) -> Fate:
    """The fate of one line; an inspection counts wherever the policy is applied."""
    if line.negated or parameters:
        return ignored("how a protocol is inspected")
    if line.accept("inspect"):
        config.inspects_icmp |= line.peek() == "icmp"
        if line.peek() in _OPENS_NOTHING:
            return ignored("looks into what the rules let through, opens nothing")
        return unsupported("opens connections that no rule names, as its protocol asks for")
    if line.accept("set", "connection", "advanced-options", "tcp-state-bypass"):
        return FACT  # any packet may open a connection then, as it may in the model
    if line.peek() in _LIMITS:
        return ignored("limits, marks, counts or checks what the rules let through")
    return NOT_UNDERSTOOD


def _tunnel_group(reading: Reading, block: Block, found: Words) -> bool:
    fate = tunnel_group_line(reading.config, found)
    reading.note(found.span, fate)
    reading.note_below(block, ignored("how VPN users and peers log in"))
    return True


def _group_policy(reading: Reading, block: Block, found: Words) -> bool:
    reading.note(found.span, group_policy_line(reading.config, found))
    reading.note_below(block, ignored("what VPN users get; where they may go counts as anywhere"))
    return True


def _crypto(reading: Reading, block: Block, found: Words) -> bool:
    fate = crypto_line(reading.config, found)
    if fate is None:
        return False
    reading.note(found.span, fate)
    reading.note_below(block, ignored("how VPN peers agree"))
    return True


def _dns(reading: Reading, block: Block, found: Words) -> bool:
    """``dns server-group X`` with its name servers."""
    if found.negated or found.peek(1) != "server-group":
        return False
    reading.ledger.fact(block.number)
    for _, line in _children(reading, block):
        if line.accept("name-server") and not line.negated:
            servers = [word for word in line.words[1:] if word[0].isdigit() or ":" in word]
            reading.config.shared_fate += [SharedFate("dns-server", one, line.span) for one in servers]
            reading.note(line.span, FACT)
        else:
            reading.note(line.span, ignored("how names are asked for"))
    return True


def _webvpn(reading: Reading, block: Block, found: Words) -> bool:
    if found.negated:
        return False
    for _, line in _children(reading, block):
        if line.peek() == "enable" and not line.negated:
            reading.config.remote_access.append(line.span)
            reading.note(line.span, FACT)
        else:
            reading.note(line.span, ignored("how the VPN portal works"))
    reading.note(found.span, FACT)
    return True


BlockReader = Callable[[Reading, Block, Words], bool]
"""Reads a block; false, with nothing noted, where it is none of its kind."""

_BLOCKS: dict[str, BlockReader] = {
    "interface": _interface,
    "object": _object,
    "object-group": _object_group,
    "router": _router,
    "ipv6": _router,
    "policy-map": _policy_map,
    "tunnel-group": _tunnel_group,
    "group-policy": _group_policy,
    "crypto": _crypto,
    "dns": _dns,
    "webvpn": _webvpn,
}
