"""The files of a PAN-OS firewall to a ``Device``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from segaudit.errors import Problem, SnapshotError
from segaudit.model.acl import Acl, AclAttachment, Hook
from segaudit.model.device import Device, Interface
from segaudit.model.flow import Family
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.parse.device_files import DeviceFiles, config_files
from segaudit.parse.ledger import LineLedger
from segaudit.vendors.paloalto_panos import extract_network as network_of
from segaudit.vendors.paloalto_panos import extract_policy, platform
from segaudit.vendors.paloalto_panos import services as own_services
from segaudit.vendors.paloalto_panos.claims import looks_like
from segaudit.vendors.paloalto_panos.convert_network import NO_ROUTER, Ports, forwarded, interfaces, routing
from segaudit.vendors.paloalto_panos.convert_policy import (
    DESTINATION_CHAIN,
    FORWARD_CHAIN,
    SOURCE_CHAIN,
    Surroundings,
    chains,
    forwarding_matches,
    rewritings,
)
from segaudit.vendors.paloalto_panos.fates import account
from segaudit.vendors.paloalto_panos.forms import read_tree
from segaudit.vendors.paloalto_panos.objects import Objects
from segaudit.vendors.paloalto_panos.records import (
    InterfaceRecord,
    ManagementProfile,
    NatRule,
    RouterRecord,
    SecurityRule,
    VsysRecord,
)
from segaudit.vendors.paloalto_panos.routes import Tables, tables
from segaudit.vendors.paloalto_panos.tree import Node

BOTH = frozenset(Family)
_HOOKS = {
    FORWARD_CHAIN: (Hook.FORWARD, 0, False),
    DESTINATION_CHAIN: (Hook.PREROUTING, -100, True),
    SOURCE_CHAIN: (Hook.POSTROUTING, 100, True),
    own_services.INPUT_CHAIN: (Hook.INPUT, 0, False),
}
_OF_A_PUSH = frozenset({"pre-rulebase", "post-rulebase", "vsys"})


@dataclass(frozen=True, slots=True)
class Configuration:
    """The trees of a firewall: its own, and what Panorama pushed, where that is in a file of its own."""

    own: Node
    pushed: tuple[Node, ...]
    """Nodes with pushed rules and objects."""

    def section(self, *path: str) -> Node | None:
        """A section of the firewall's own tree."""
        return self.own.get(*path)


def device(raw: RawConfig) -> Device:
    """The device that the files of ``raw`` describe.

    Raises:
        SnapshotError: there is no configuration, there are several, or one is garbage.
    """
    files = DeviceFiles(raw)
    file = _config(raw)
    text, ledger = _opened(files, file)
    tree = read_tree(text, file.path, ledger)
    trees = [(tree, ledger)]
    pushed_file = files.output(platform.PUSHED_POLICY)
    if pushed_file is not None and pushed_file[0].text.strip():
        found, its_ledger = pushed_file
        trees.append((read_tree(found.text, found.path, its_ledger), its_ledger))
    pushed = [node for one, _ in trees for node in _pushed_nodes(one)]
    shown = files.output(platform.ROUTES)
    routes_shown = tables(shown[0].text, shown[1]) if shown is not None else {}
    made = _device(raw, Configuration(tree, tuple(pushed)), bool(pushed), routes_shown)
    for one, its_ledger in trees:
        account(one, its_ledger)
    lines, tallies = files.close()
    return replace(made, lines=lines, tallies=tallies)


def _config(raw: RawConfig) -> RawFile:
    found = config_files(raw, platform.CONFIG, looks_like)
    if len(found) == 1:
        return found[0]
    what = "several configurations of one firewall" if found else "no PAN-OS configuration among the files"
    names = ", ".join(file.path for file in found or raw.files)
    raise SnapshotError(Problem(f"device {raw.device!r}", what, names, f"name it {platform.CONFIG}"))


def _opened(files: DeviceFiles, file: RawFile) -> tuple[str, LineLedger]:
    opened, ledger = files.open(file)
    if file.exit_status:
        what = f"the command failed with exit status {file.exit_status}"
        raise SnapshotError(Problem(file.path, what))
    if not opened.text.strip():
        raise SnapshotError(Problem(file.path, "the configuration is empty"))
    return opened.text, ledger


def _pushed_nodes(tree: Node) -> Iterator[Node]:
    """Where pushed rules and objects stand: ``policy panorama``, or ``panorama`` where it has rules.

    Without rules that section is about the firewall's own use of Panorama.
    """
    policy, section = tree.get("policy", "panorama"), tree.get("panorama")
    if policy is not None:
        yield policy
    if section is not None and not _OF_A_PUSH.isdisjoint(section.children):
        yield section


# ---- the device ---------------------------------------------------------------------------------


def _device(raw: RawConfig, config: Configuration, has_push: bool, shown: Tables) -> Device:
    network = config.section("network")
    system = config.section("deviceconfig", "system")
    _note_settings(config, has_push)
    network_of.note_relays(network)
    vsys = _vsys(config)
    everything = Objects(_scopes(config, *(config.own.each("vsys"))))
    records = [*network_of.interfaces(network, everything.interface_address)]
    management = network_of.management(system)
    records += [management] if management is not None and management.addresses else []
    ports = _ports(config, network, records, vsys)
    found = interfaces(ports)
    made = routing(found, ports, everything.single, shown)
    around = _surroundings(config, vsys, network, found)
    routes, rules = forwarded(
        made, [(rule, forwarding_matches(rule, one)) for one in around for rule in one.vsys.forwarding]
    )
    profiles = _profiles(network, system)
    acls = {
        **chains(around, {name: _own(port) for name, port in found.items()}),
        **own_services.chains(records, profiles),
    }
    _note_names(config, around)
    _note_interfaces(config, records)
    return Device(
        name=raw.device,
        platform=platform.PLATFORM.name,
        interfaces=found,
        routes=routes,
        rules=rules,
        acls=acls,
        attachments=tuple(_attachments(acls)),
        forwards=frozenset(family for port in found.values() for family in port.forwarding),
        tracks_connections=True,
        unknown_translation=any(one.unknown_translation for one in around),
        labels=raw.labels,
        services=own_services.services(records, profiles, {name: port.vrf for name, port in found.items()}),
        processes=own_services.processes(ports.routers),
        shared_fate=own_services.shared_fate(
            system, config.section("mgt-config", "users"), _scopes(config, *config.own.each("vsys"))
        ),
    )


def _own(port: Interface) -> tuple[tuple[Family, int], ...]:
    return tuple((one.family, one.address) for one in port.addresses)


def _attachments(acls: Mapping[str, Acl]) -> Iterator[AclAttachment]:
    for name, (hook, priority, translates) in _HOOKS.items():
        if name in acls:
            yield AclAttachment(name, hook, priority, BOTH, translates)


def _ports(
    config: Configuration,
    network: Node | None,
    records: Sequence[InterfaceRecord],
    vsys: Sequence[VsysRecord],
) -> Ports:
    routers = _routers(config, network)
    router_of = {name: router.name for router in routers for name in router.interfaces}
    tunnels = network_of.tunnel_ends(network, lambda name: router_of.get(name, NO_ROUTER))
    for one in config.own.each("vsys"):
        for gateway in one.each("global-protect", "global-protect-gateway"):
            gateway.word("tunnel-interface")
    zones = {
        name: zone.name if len(vsys) == 1 else f"{one.name}/{zone.name}"
        for one in vsys
        for zone in one.zones.values()
        if zone.kind != "external"
        for name in zone.interfaces
    }
    answers = any(one.nat for one in vsys)
    return Ports(records, routers, tuple(network_of.bridges(network)), tunnels, zones, answers)


def _routers(config: Configuration, network: Node | None) -> tuple[RouterRecord, ...]:
    """Those of the routing engine in use: the legacy one, or the advanced one with logical routers."""
    if network is None:
        return ()
    advanced = config.own.word("deviceconfig", "setting", "advance-routing")
    logical, virtual = network.get("logical-router"), network.get("virtual-router")
    if logical is not None and virtual is not None:
        if not advanced:
            logical.doubt("which routing engine is in use is not said", bounded=False)
        else:
            (virtual if advanced == "yes" else logical).ignore("of the routing engine that is not in use")
    return network_of.routers(network)


def _scopes(config: Configuration, *nearest: Node) -> tuple[Node, ...]:
    shared = config.section("shared")
    return (*nearest, *config.pushed, *([shared] if shared is not None else []))


def _vsys(config: Configuration) -> tuple[VsysRecord, ...]:
    shared = config.section("shared")
    found = [
        extract_policy.vsys_record(one, _pushed_to(one.name, config), shared)
        for one in config.own.each("vsys")
    ]
    if not found:
        found = [extract_policy.vsys_record(Node("vsys1", config.own.file), config.pushed, shared)]
    return tuple(found)


def _pushed_to(name: str, config: Configuration) -> list[Node]:
    """What was pushed to every vsys, and to this one."""
    mine = [one.get("vsys", name) for one in config.pushed]
    return [*config.pushed, *(node for node in mine if node is not None)]


def _surroundings(
    config: Configuration,
    vsys: Sequence[VsysRecord],
    network: Node | None,
    found: Mapping[str, Interface],
) -> tuple[Surroundings, ...]:
    elsewhere = {
        name
        for gateway in (network.each("shared-gateway") if network is not None else ())
        for name in gateway.words("import", "network", "interface")
    }
    split = len(vsys) > 1 or bool(elsewhere)
    made = []
    for one in vsys:
        objects = Objects(_scopes(config, *_nearest(config, one.name)))
        around = Surroundings(one, objects, _members(one, found, elsewhere) if split else ())
        around.rewritten = tuple(rewritings(around))
        made.append(around)
    return tuple(made)


def _nearest(config: Configuration, vsys: str) -> Iterator[Node]:
    node = config.section("vsys", vsys)
    if node is not None:
        yield node
    for one in config.pushed:
        pushed = one.get("vsys", vsys)
        if pushed is not None:
            yield pushed


def _members(vsys: VsysRecord, found: Mapping[str, Interface], elsewhere: set[str]) -> tuple[str, ...]:
    zoned = {name for zone in vsys.zones.values() if zone.kind != "external" for name in zone.interfaces}
    named = {name for name in {*zoned, *vsys.imported} if name in found} - elsewhere
    return tuple(sorted(named)) or ("",)


def _profiles(network: Node | None, system: Node | None) -> dict[str, ManagementProfile]:
    found = {one.name: one for one in network_of.management_profiles(network)}
    port = own_services.management_profile(system)
    return {**found, **({port.name: port} if port is not None else {})}


# ---- what the trees leave open ------------------------------------------------------------------


def _note_settings(config: Configuration, has_push: bool) -> None:
    """Settings that change what the rest of the configuration means."""
    firewalling = config.section("deviceconfig", "setting", "session", "ipv6-firewalling")
    if firewalling is not None and firewalling.latest == "no":
        firewalling.doubt("IPv6 may pass without the policy", bounded=False)
    for group in _high_availability(config):
        mode = group.get("mode", "active-active")
        if mode is not None:
            mode.doubt("addresses and sessions that move between two firewalls", bounded=False)
    system = config.section("deviceconfig", "system")
    servers = [
        node
        for key in ("panorama-server", "panorama-server-2", "panorama")
        if system and (node := system.get(key))
    ]
    for server in servers:
        if not has_push:
            server.doubt(
                f"Panorama may have pushed rules that stand elsewhere ({platform.PUSHED_POLICY})",
                bounded=False,
            )
        else:
            server.see_all()
    _note_symmetric_return(config)


def _high_availability(config: Configuration) -> Iterator[Node]:
    group = config.section("deviceconfig", "high-availability", "group")
    if group is not None:
        yield group
        yield from group.each()


def _note_symmetric_return(config: Configuration) -> None:
    for key in ("virtual-router", "logical-router"):
        router_nodes = network.each(key) if (network := config.section("network")) is not None else []
        for router in router_nodes:
            ecmp = router.get("ecmp")
            if ecmp is not None and ecmp.says_yes("symmetric-return"):
                ecmp.doubt("answers go back where the packet came from, whatever the routes", bounded=False)


def _note_names(config: Configuration, around: Sequence[Surroundings]) -> None:
    """Names that nothing defines: the rule that has one may match or not."""
    for one in around:
        undefined = one.objects.undefined | one.undefined_zones
        rules: list[SecurityRule | NatRule] = [*one.vsys.security, *one.vsys.nat]
        wanted = {rule.name for rule in rules if undefined & _names_of(rule)}
        for node in _rule_nodes(config):
            if node.name in wanted and node.fate is None:
                _note_undefined(node, undefined)


def _note_undefined(rule: Node, undefined: set[str]) -> None:
    for key in ("from", "to", "source", "destination", "service"):
        for member in rule.each(key):
            if member.name in undefined:
                member.doubt("not defined here: the rule may match or not", bounded=True)


def _names_of(rule: SecurityRule | NatRule) -> set[str]:
    lists = (rule.source_zones, rule.destination_zones, rule.sources, rule.destinations, rule.services)
    return {name for words in lists for name in words.members}


def _note_interfaces(config: Configuration, records: Sequence[InterfaceRecord]) -> None:
    """Interfaces that are used and not defined: a template defines them, and may say anything."""
    known = {record.name for record in records}
    network = config.section("network")
    lists = [zone.get("network", kind) for one in config.own.each("vsys") for zone in one.each("zone")
             for kind in ("layer3", "layer2", "virtual-wire", "tap")]  # fmt: skip
    routers = [] if network is None else network.each("virtual-router")
    logical = [] if network is None else network.each("logical-router")
    routers += [vrf for one in logical for vrf in one.each("vrf")]
    lists += [router.get("interface") for router in routers]
    for listed in lists:
        for member in listed.each() if listed is not None else ():
            if member.name not in known:
                member.doubt("an interface that is not defined here", bounded=False)


def _rule_nodes(config: Configuration) -> Iterator[Node]:
    shared = config.section("shared")
    homes = [*config.own.each("vsys"), *config.pushed, *([shared] if shared is not None else [])]
    homes += [one for pushed in config.pushed for one in pushed.each("vsys")]
    for home in homes:
        for base in ("rulebase", "pre-rulebase", "post-rulebase"):
            for kind in ("security", "nat"):
                yield from home.each(base, kind, "rules")
