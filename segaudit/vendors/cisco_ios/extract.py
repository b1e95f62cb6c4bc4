"""The text of a running configuration to records; every line gets a fate."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from segaudit.model.flow import Family
from segaudit.model.snapshot import RawFile
from segaudit.parse.cisco import vlans, words
from segaudit.parse.cisco.dialect import read_interface
from segaudit.parse.cisco.dispatch import Table
from segaudit.parse.cisco.fates import FACT, NOT_UNDERSTOOD, Fate, ignored, unrecognized, unsupported
from segaudit.parse.cisco.words import Words
from segaudit.parse.indent import Block, LiteralEnd, banner, blocks, tokenise
from segaudit.parse.ledger import LineLedger
from segaudit.vendors.cisco_ios.dialect import IOS
from segaudit.vendors.cisco_ios.extract_filters import FILTER_SECTIONS
from segaudit.vendors.cisco_ios.extract_interfaces import INTERFACE_LINES
from segaudit.vendors.cisco_ios.extract_system import SYSTEM_SECTIONS
from segaudit.vendors.cisco_ios.harmless import HARMLESS, NOT_MODELLED
from segaudit.vendors.cisco_ios.records import Config, IosInterface
from segaudit.vendors.cisco_ios.sections import Section, note_comment, note_line, read_section

Reader = Callable[[Section, Words], Fate]

_QUOTED = re.compile(r"(?:aaa authentication (?:banner|fail-message)|menu \S+ title) +(\^.|\S)(.*)")
_CERTIFICATE = re.compile(r"certificate(?: \S+)* [0-9A-F]{2,}")
_PROMPT = re.compile(r"[\w.-]+(?:\([\w-]+\))?[#>](?:\s*(?:sh|show|exit|term|terminal)\b.*)?")


def extract(file: RawFile, ledger: LineLedger) -> Config:
    """The records of one configuration file."""
    config = Config()
    for block in blocks(tokenise(file.text), _quotes):
        if config.ended is not None:
            _behind_the_end(block, ledger)
        elif block.line.is_comment:
            note_comment(ledger, block.line)
        elif block.text == "end":
            config.ended = ledger.span(block.number)
            ledger.fact(block.number)
        else:
            read_section(_TOP, Section(config, ledger, block))
    if config.ended is None:
        _incomplete(file, ledger)
    return config


def _quotes(text: str) -> LiteralEnd | None:
    """Banners and other messages, macros up to ``@``, certificates in hexadecimal up to ``quit``."""
    if text.startswith("banner"):
        return banner(text)
    if found := _QUOTED.fullmatch(text):
        return None if found[1] in found[2] else lambda line: found[1] in line
    if text.startswith("macro name "):
        return lambda line: line == "@"
    if _CERTIFICATE.fullmatch(text):
        return lambda line: line == "quit"
    return None


def _behind_the_end(block: Block, ledger: LineLedger) -> None:
    """A prompt is left over from the session; anything else may be another configuration."""
    if block.line.is_comment:
        note_comment(ledger, block.line)
    elif _PROMPT.fullmatch(block.text) and not block.children:
        ledger.ignored(block.number, None, "a prompt")
    else:
        fate = unrecognized("it stands behind the end")
        Section(Config(), ledger, block).all_are(fate)
        note_line(ledger, words.read(block.text, ledger.span(block.number)), fate)


def _incomplete(file: RawFile, ledger: LineLedger) -> None:
    """IOS ends what it prints with ``end``: without it the rest may be missing."""
    lines = file.text.split("\n")
    last = max((number for number, line in enumerate(lines, start=1) if line.strip()), default=1)
    reason = "the configuration does not end with `end`: more may follow"
    ledger.unsupported(last, None, reason, bounded=False, text="(no end)")


# ---- interfaces and VLANs -----------------------------------------------------------------------


def _interface(section: Section, words: Words) -> Fate:
    """``interface NAME [point-to-point]``; two blocks of one name are one interface."""
    if words.accept("range"):
        return NOT_UNDERSTOOD
    name = read_interface(words, IOS)
    kind = words.rest()
    if not name or kind not in ("", "point-to-point", "multipoint", "module", "l2transport"):
        return NOT_UNDERSTOOD
    if words.negated:
        section.config.interfaces.pop(name, None)
        return FACT
    record = section.config.interfaces.get(name) or IosInterface(name, section.span)
    if not name.startswith("Null"):  # what is sent there is dropped: it has no wire
        section.config.interfaces[name] = record
    section.each(INTERFACE_LINES, record)
    return FACT


def _vlan(section: Section, words: Words) -> Fate:
    """``vlan LIST`` and its name; what is no list of VLANs is a setting."""
    if vlans.vlan_ranges("".join(words.rest().split())) is None:
        return NOT_UNDERSTOOD
    section.config.vlans_defined = True
    section.each(_VLAN, section.config)
    return FACT


def _vlan_shut(_config: Config, words: Words) -> Fate:
    del words
    return ignored("a VLAN that is suspended counts as carried")


_VLAN: Table[Config] = Table(
    {
        "shutdown": _vlan_shut,
        "state": _vlan_shut,
        "private-vlan": lambda _config, _words: unsupported("private VLANs"),
        "remote-span": lambda _config, _words: unsupported("copies of packets are carried"),
    },
    harmless={
        "name": "a name",
        "mtu": "packet size",
        "exit": "the end of a block",
        "tb-vlan": "token ring",
    },
)


# ---- the whole box ------------------------------------------------------------------------------


def _switch(attribute: str) -> Reader:
    """A reader of ``X`` and ``no X`` as a fact of the whole box."""

    def read(section: Section, words: Words) -> Fate:
        setattr(section.config, attribute, not words.negated)
        return FACT if words.done else NOT_UNDERSTOOD

    return read


def _local_policy(family: Family) -> Reader:
    """``ip local policy route-map M``: policy routing of the device's own packets."""

    def read(section: Section, words: Words) -> Fate:
        section.config.local_policies[family] = (words.take(), words.span)
        return FACT

    return read


def _not_modelled(reason: str) -> Reader:
    """A feature that may carry packets past the model, with all its lines."""

    def read(section: Section, words: Words) -> Fate:
        return section.all_are(ignored("switched off") if words.negated else unsupported(reason))

    return read


def _multicast6(section: Section, words: Words) -> Fate:
    """``ipv6 multicast-routing [vrf V]`` switches PIM on at every interface that has IPv6."""
    words.rest()
    section.config.multicast6 = not words.negated
    return FACT


def _version(section: Section, words: Words) -> Fate:
    """``version 15.2``: the release."""
    found = re.match(r"(\d+)\.(\d+)", words.rest())
    section.config.release = (int(found[1]), int(found[2])) if found else None
    return FACT


def _vlan_map(section: Section, words: Words) -> Fate:
    """``vlan access-map``: it drops, or sends packets out of another port."""
    words.rest()

    def line(one: Words) -> Fate:
        if one.accept("action", "redirect"):
            return unsupported("packets are sent out of another port")
        return ignored("it only ever drops; what it is applied to passes perhaps")

    section.every(line)
    return FACT


def _domain(section: Section, words: Words) -> Fate:
    """``domain NAME`` of performance routing; with nothing beneath it does nothing."""
    bare = all(child.line.is_comment for child in section.block.children)
    unused = ignored("performance routing without a policy")
    return section.all_are(unused if bare or words.negated else unsupported("performance routing"))


def _banner(section: Section, words: Words) -> Fate:
    del words
    return section.all_are(ignored("a greeting"))


_BOX: Mapping[str, Reader] = {
    "interface": _interface,
    "vlan": _vlan,
    "banner": _banner,
    "ipv6 multicast-routing": _multicast6,
    "version": _version,
    "vlan access-map": _vlan_map,
    "domain": _domain,
    "ip routing": _switch("routes4"),
    "ipv6 unicast-routing": _switch("routes6"),
    "ip source-route": _switch("source_routes"),
    "ipv6 source-route": _switch("source_routes6"),
    "ip local policy route-map": _local_policy(Family.IPV4),
    "ipv6 local policy route-map": _local_policy(Family.IPV6),
}

_TOP: Table[Section] = Table(
    {words: _not_modelled(reason) for words, reason in NOT_MODELLED.items()},
    SYSTEM_SECTIONS,
    FILTER_SECTIONS,
    _BOX,
    harmless=HARMLESS,
)
"""Every top-level line that is read."""
