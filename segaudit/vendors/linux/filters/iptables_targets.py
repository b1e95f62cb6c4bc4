"""The target of one iptables rule -> ``Action`` (iptables-extensions(8) 1.8.9, TARGETS)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from segaudit.model.acl import (
    Action,
    Continue,
    ForgetMark,
    Forwarding,
    Goto,
    Jump,
    NoTrack,
    Range,
    Return,
    SetMark,
    Translate,
    TranslationKind,
    UnknownAction,
)
from segaudit.model.flow import Family
from segaudit.vendors.linux.filters.facts import HELPER, Doubt
from segaudit.vendors.linux.filters.iptables_matches import masked_address
from segaudit.vendors.linux.filters.iptables_save import IptablesRule, Option

GOES_ON = frozenset(
    {"LOG", "NFLOG", "ULOG", "TRACE", "AUDIT", "CONNSECMARK", "SECMARK", "CLASSIFY", "DSCP", "TOS"}
    | {"TTL", "HL", "ECN", "TCPMSS", "TCPOPTSTRIP", "CHECKSUM", "LED", "RATEEST", "IDLETIMER", "NFACCT"}
    | {"SET", "CONNMARK"}
)
"""Targets after which the next rule is tried, and which change nothing that the model knows."""

FROM_ELSEWHERE = {
    "CONNMARK": frozenset({"--restore-mark"}),
    "HMARK": frozenset[str](),
    "SET": frozenset({"--map-mark"}),
}
"""Targets that set the packet's mark from something not modelled, and the options with which they do."""


@dataclass(frozen=True, slots=True)
class TargetReading:
    """An action, and why it is doubtful if it is."""

    action: Action
    doubts: tuple[Doubt, ...] = ()


def action_of(rule: IptablesRule, chains: Collection[str], prefix: str, family: Family) -> TargetReading:
    """What a rule does with the packets it matches.

    A target that is neither modelled nor known to be harmless may send the packet anywhere.
    """
    name = rule.wording.target
    if name in chains:
        target = f"{prefix} {name}"
        return TargetReading(Goto(target) if rule.wording.goes else Jump(target))
    match name:
        case "":
            return TargetReading(Continue())
        case "ACCEPT":
            return TargetReading(Forwarding.ACCEPT)
        case "DROP":
            return TargetReading(Forwarding.DROP)
        case "REJECT":
            return TargetReading(Forwarding.REJECT)
        case "RETURN":
            return TargetReading(Return())
        case "MARK":
            return _mark(rule)
        case "NOTRACK":
            return TargetReading(NoTrack())
        case "CT":
            return _connection(rule)
        case _:
            return _other(rule, family)


def _other(rule: IptablesRule, family: Family) -> TargetReading:
    target = rule.wording.target
    if target in FROM_ELSEWHERE and FROM_ELSEWHERE[target] <= _options(rule).keys():
        return TargetReading(ForgetMark(), (Doubt(f"mark not modelled: {target}"),))
    if target in GOES_ON:
        return TargetReading(Continue())
    if target == "SYNPROXY":
        return TargetReading(UnknownAction(rule.text), (Doubt("target not modelled: SYNPROXY"),))
    made = translation_of(rule, family)
    if made is not None:
        return TargetReading(made)
    doubt = Doubt(f"target not modelled, may redirect or change packets: {target}", bounded=False)
    return TargetReading(UnknownAction(rule.text), (doubt,))


def _options(rule: IptablesRule) -> dict[str, Option]:
    return {option.name: option for option in rule.wording.target_options}


def _mark(rule: IptablesRule) -> TargetReading:
    """``--set-xmark value/mask``: zero the bits of mask, XOR value (the form iptables-save prints)."""
    options = _options(rule)
    for name in ("--set-xmark", "--set-mark"):
        if name in options and len(options[name].arguments) == 1:
            value_text, _, mask_text = options[name].arguments[0].partition("/")
            try:
                value, mask = int(value_text, 0), int(mask_text or "0xffffffff", 0)
            except ValueError:
                break
            return TargetReading(SetMark(value, mask if name == "--set-xmark" else mask | value))
    return TargetReading(ForgetMark(), (Doubt("mark not modelled"),))


def _connection(rule: IptablesRule) -> TargetReading:
    options = _options(rule)
    if "--notrack" in options:
        return TargetReading(NoTrack())
    if "--helper" in options:
        return TargetReading(Continue(), (Doubt(HELPER, bounded=False),))
    doubts = (Doubt("conntrack zone not modelled"),) if any("zone" in name for name in options) else ()
    return TargetReading(Continue(), doubts)


_POOL_OPTION = {
    "SNAT": ("--to-source", TranslationKind.SOURCE),
    "DNAT": ("--to-destination", TranslationKind.DESTINATION),
    "MASQUERADE": ("--to-ports", TranslationKind.MASQUERADE),
    "REDIRECT": ("--to-ports", TranslationKind.REDIRECT),
}

_HARMLESS_OPTIONS = frozenset({"--random", "--random-fully", "--persistent"})


def translation_of(rule: IptablesRule, family: Family) -> Translate | None:
    """The translation of a NAT target; ``None`` where the rule is none, or is not modelled."""
    if rule.wording.target == "NETMAP":
        return _netmap(rule, family)
    if rule.wording.target not in _POOL_OPTION:
        return None
    name, kind = _POOL_OPTION[rule.wording.target]
    pools: list[Range] = []
    ports: list[Range] = []
    for option in rule.wording.target_options:
        if option.name in _HARMLESS_OPTIONS:
            continue
        found = _pool(option, family) if option.name == name and len(option.arguments) == 1 else None
        if found is None:
            return None
        pools += found[0]
        ports += found[1]
    if kind in (TranslationKind.SOURCE, TranslationKind.DESTINATION) and not rule.wording.target_options:
        return None
    return Translate(kind, tuple(pools), tuple(ports), family)


Pool = tuple[list[Range], list[Range]]


def _pool(option: Option, family: Family) -> Pool | None:
    """``address[-address][:port[-port]]``, IPv6 in brackets before a port."""
    text = option.arguments[0]
    if option.name == "--to-ports":
        ports = _port_range(text)
        return ([], [ports]) if ports else None
    addresses, port_text = text, ""
    if family is Family.IPV6 and text.startswith("["):
        addresses, _, port_text = text[1:].partition("]")
        port_text = port_text.removeprefix(":")
    elif family is Family.IPV4:
        addresses, _, port_text = text.partition(":")
    pool = _address_pool(addresses, family) if addresses else []
    ports = _port_range(port_text) if port_text else None
    if pool is None or (port_text and ports is None):
        return None
    return pool, [ports] if ports else []


def _address_pool(text: str, family: Family) -> list[Range] | None:
    low, dash, high = text.partition("-")
    first, last = masked_address(low, family), masked_address(high if dash else low, family)
    if first is None or last is None or first[0] > last[0] or "/" in text:
        return None
    return [(first[0], last[0])]


def _port_range(text: str) -> Range | None:
    """``80`` or ``80-90``; a shifted range (``80-90/8080``) may give any of its ports: not a constant."""
    low, dash, high = text.partition("-")
    if not low.isdigit() or (dash and not high.isdigit()):
        return None
    first, last = int(low), int(high or low)
    return (first, last) if first <= last <= 65535 else None


def _netmap(rule: IptablesRule, family: Family) -> Translate | None:
    """``NETMAP --to net``: destination before routing, source after; unsure inside a user chain."""
    kind = {
        "PREROUTING": TranslationKind.STATIC_DESTINATION,
        "OUTPUT": TranslationKind.STATIC_DESTINATION,
        "POSTROUTING": TranslationKind.STATIC_SOURCE,
        "INPUT": TranslationKind.STATIC_SOURCE,
    }.get(rule.chain)
    words = [option.arguments for option in rule.wording.target_options if option.name == "--to"]
    if kind is None or len(words) != 1 or len(words[0]) != 1 or len(rule.wording.target_options) != 1:
        return None
    found = masked_address(words[0][0], family)
    if found is None:
        return None
    hosts = (1 << family.bits) - 1 - found[1]
    return None if hosts & (hosts + 1) else Translate(kind, ((found[0], found[0] | hosts),), (), family)
