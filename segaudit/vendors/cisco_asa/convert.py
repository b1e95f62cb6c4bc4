"""All records of a device to a ``Device``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from segaudit.errors import Problem, SnapshotError
from segaudit.model.device import Device, Interface, InterfaceAddress, Neighbour
from segaudit.model.flow import Family
from segaudit.model.services import ManagementService
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.parse.cisco import fates
from segaudit.parse.cisco.addresses import network
from segaudit.parse.cisco.fates import unrecognized, unsupported
from segaudit.parse.device_files import DeviceFiles, config_files
from segaudit.parse.ledger import LineLedger
from segaudit.vendors.cisco_asa.claims import looks_like_asa
from segaudit.vendors.cisco_asa.convert_filters import TO, Filters
from segaudit.vendors.cisco_asa.convert_interfaces import interfaces
from segaudit.vendors.cisco_asa.convert_nat import Nat
from segaudit.vendors.cisco_asa.convert_routes import configured_prefixes, routing
from segaudit.vendors.cisco_asa.convert_rules import Rules
from segaudit.vendors.cisco_asa.extract import read_config
from segaudit.vendors.cisco_asa.extract_state import TableRoute, neighbours, routes
from segaudit.vendors.cisco_asa.nat_rules import NatRule, crosses_families, ordered
from segaudit.vendors.cisco_asa.objects import Objects
from segaudit.vendors.cisco_asa.platform import ARP, END, PLATFORM, ROUTE, RUNNING_CONFIG
from segaudit.vendors.cisco_asa.records import Config

_END = re.compile(END, re.MULTILINE)
_PAGED = re.compile(r"^<--- More --->", re.MULTILINE)
_CUT = "the configuration does not end with ': end': it may be cut off"
_CROSSING = unsupported("translates between IPv4 and IPv6: whatever leaves may be translated", bounded=True)


def device(raw: RawConfig) -> Device:
    """The device that the files of ``raw`` describe.

    Raises:
        SnapshotError: there is no configuration, or more than one.
    """
    files = DeviceFiles(raw)
    file, ledger = files.open(_config_file(raw))
    config = read_config(file, ledger)
    _account_end(file, ledger)
    objects = Objects(config)
    table = _table(files, config, objects)
    _learn_addresses(config, table or ())
    nat = ordered(config, objects)
    _account_nat(nat, ledger)
    translations = Nat(config, nat)
    found = interfaces(config, translations.proxied())
    rules = Rules(config, objects, ledger)
    _account_references(config, ledger)
    filters = Filters(config, objects, rules).attached()
    chains, translated = translations.attached()
    tables = routing(config, found, nat, rules, ledger, table)
    heard = tuple(_neighbours(config, found, _arp(files, objects)))
    lines, tallies = files.close()
    return Device(
        name=raw.device,
        platform=PLATFORM.name,
        interfaces=found,
        routes=tables.routes,
        rules=tables.rules,
        neighbours=heard,
        acls={**rules.acls, **{chain.name: chain for chain in chains}},
        attachments=(*filters, *translated),
        forwards=frozenset(family for one in found.values() for family in one.forwarding),
        tracks_connections=True,
        unknown_translation=bool(config.old_nat) or any(map(_unclear, nat)),
        labels=raw.labels,
        lines=lines,
        tallies=tallies,
        services=tuple(_services(config)),
        processes=tuple(config.processes),
        shared_fate=tuple(sorted(set(config.shared_fate))),
    )


def _config_file(raw: RawConfig) -> RawFile:
    found = config_files(raw, RUNNING_CONFIG, looks_like_asa)
    if len(found) != 1:
        what = "no configuration" if not found else "several configurations"
        names = ", ".join(file.name for file in found or raw.files)
        raise SnapshotError(Problem(f"device {raw.device!r}", what, names, f"keep one {RUNNING_CONFIG}"))
    if found[0].exit_status:
        raise SnapshotError(Problem(found[0].path, "the command failed", str(found[0].exit_status)))
    return found[0]


def _table(files: DeviceFiles, config: Config, objects: Objects) -> tuple[TableRoute, ...] | None:
    """The device's own IPv4 table; not where it lacks what the configuration puts into it.

    Then an interface is down or the table was cut off, and the configuration says no less.
    """
    opened = files.output(ROUTE)
    found = routes(*opened, objects.number) if opened is not None else None
    if opened is None or found is None:
        return None
    missing = sorted(configured_prefixes(config) - {(one.prefix, one.prefix_length) for one in found})
    if missing:
        lacking = f"{Family.IPV4.address(missing[0][0])}/{missing[0][1]}"
        why = f"the table is not used: it lacks {lacking}, which the configuration puts into it"
        opened[1].unsupported(1, 1, why, bounded=True)
        return None
    return found


def _arp(files: DeviceFiles, objects: Objects) -> tuple[Neighbour, ...]:
    opened = files.output(ARP)
    return tuple(neighbours(*opened, objects.number)) if opened is not None else ()


def _learn_addresses(config: Config, table: tuple[TableRoute, ...]) -> None:
    """Give interfaces that got their address elsewhere the one that the table shows."""
    lengths = {(one.nameif, one.prefix): one.prefix_length for one in table if one.code == "C"}
    named = config.by_nameif()
    for one in table:
        through = named.get(one.nameif)
        if one.code != "L" or through is None or Family.IPV4 not in through.learned:
            continue
        for (nameif, prefix), length in lengths.items():
            if nameif == one.nameif and network(Family.IPV4, one.prefix, length) == prefix:
                through.addresses.append(InterfaceAddress(Family.IPV4, one.prefix, length, one.span))


def _neighbours(
    config: Config, found: Mapping[str, Interface], heard: tuple[Neighbour, ...]
) -> Iterator[Neighbour]:
    """Static and learned ARP entries of interfaces that there are."""
    names = {one.zone: name for name, one in found.items() if one.tunnel is None}
    for one in (*config.neighbours, *heard):
        if one.interface in names:
            yield replace(one, interface=names[one.interface])


def _services(config: Config) -> Iterator[ManagementService]:
    """Who may manage the device, by interface; ``http`` is the encrypted one."""
    for access in config.access:
        if access.protocol != "http" or config.http_port is not None:
            protocol = "https" if access.protocol == "http" else access.protocol
            yield ManagementService(protocol, TO, "", access.nameif, access.span)


# ---- lines whose fate depends on others ---------------------------------------------------------


def _account_end(file: RawFile, ledger: LineLedger) -> None:
    """A configuration whose end is missing, or that a pager cut into pages, may be incomplete."""
    if _END.search(file.text.rstrip()[-200:]) is None:
        last = file.text.rstrip("\n").count("\n") + 1
        ledger.unsupported(last, last, _CUT, bounded=False)
    for page in _PAGED.finditer(file.text):
        line = file.text.count("\n", 0, page.start()) + 1
        ledger.unrecognized(line, line, "a pager's prompt: a line may be missing")


def _account_nat(nat: list[NatRule], ledger: LineLedger) -> None:
    for rule in nat:
        if rule.problem:
            fates.note(ledger, rule.span, unrecognized(rule.problem, bounded=True))
        elif crosses_families(rule):
            fates.note(ledger, rule.span, _CROSSING)
        elif rule.unknown:
            why = f"addresses are not known: {', '.join(rule.unknown)}"
            fates.note(ledger, rule.span, unsupported(why, bounded=True))


def _unclear(rule: NatRule) -> bool:
    """True where a rule translates in a way that is not modelled."""
    return bool(rule.problem) or crosses_families(rule)


def _account_references(config: Config, ledger: LineLedger) -> None:
    """What names an interface or a list that is not there was not copied whole."""
    named = config.by_nameif()
    for group in config.access_groups:
        if group.nameif and group.nameif not in named:
            fates.note(ledger, group.span, unrecognized(f"there is no interface {group.nameif}"))
        elif not config.acls.get(group.acl):
            why = f"there is no rule of {group.acl}: it may permit anything"
            fates.note(ledger, group.span, unsupported(why, bounded=True))
    for name, nameif, span in config.crypto_interfaces:
        if nameif not in named or not any(entry.name == name for entry in config.crypto.values()):
            fates.note(ledger, span, unrecognized("there is no such crypto map or interface"))
    _account_twins(config, ledger)
    _account_early_ipv6(config, ledger)


def _account_twins(config: Config, ledger: LineLedger) -> None:
    """Two interfaces of one name: which one a rule means is not known."""
    seen: set[str] = set()
    for one in config.interfaces.values():
        if one.nameif and one.nameif in seen:
            fates.note(ledger, one.span, unrecognized(f"a second interface is called {one.nameif}"))
        seen.add(one.nameif)


def _account_early_ipv6(config: Config, ledger: LineLedger) -> None:
    if (0, 0) < config.version < (9, 0):
        for one in config.interfaces.values():
            if one.nameif and one.ipv6:
                why = "IPv6 before 9.0 has access lists of its own, which are not modelled"
                fates.note(ledger, one.span, unsupported(why))
