"""A containerlab topology file, read with the place of every mistake.

Format: containerlab 0.7x, https://containerlab.dev/manual/topo-def-file/ and its JSON schema.
Reading accepts every kind that containerlab has; whether a lab can run here is another question
(:func:`not_run_here`).
"""

from __future__ import annotations

import ipaddress
import os
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from segaudit.documents.yaml_nodes import Node, Reader, did_you_mean, parse_yaml
from segaudit.errors import Problem, TopologyError

RUN_KINDS = ("bridge", "linux")
"""The kinds that the netns runtime brings up."""

SSHD_LABEL = "segaudit.sshd"
"""A node with this label set to ``false`` gets no sshd; containerlab passes labels on untouched."""

KNOWN_KINDS = frozenset(
    """
    arista_ceos arista_veos arrcus_arcos aruba_aoscx border0 bridge c8000 ceos checkpoint_cloudguard
    ciena_saos cisco_asav cisco_c8000 cisco_c8000v cisco_cat9kv cisco_csr1000v cisco_ftdv cisco_iol
    cisco_n9kv cisco_nxos cisco_sdwan cisco_vios cisco_xrd cisco_xrv cisco_xrv9k crpd cumulus_cvx cvx
    dell_ftosv dell_sonic ext-container f5_bigip-ve fdio_vpp fortinet_fortigate freebsd frr generic_vm
    host huawei_vrp ipinfusion_ocnos juniper_cjunosevolved juniper_crpd juniper_vjunosevolved
    juniper_vjunosrouter juniper_vjunosswitch juniper_vmx juniper_vqfx juniper_vsrx k8s-kind
    keysight_ixia-c-one linux mikrotik_ros nokia_sros nokia_srlinux nokia_srsim openbsd ostinato
    ovs-bridge paloalto_panos rare sonic-vm sonic-vs srl veesix_osvbng vr-aoscx vr-arista_veos
    vr-aruba_aoscx vr-cisco_csr vr-cisco_n9kv vr-cisco_xrv vr-cisco_xrv9k vr-csr vr-juniper_vmx
    vr-juniper_vqfx vr-juniper_vsrx vr-mikrotik_ros vr-n9kv vr-nokia_sros vr-paloalto_panos vr-pan
    vr-ros vr-sros vr-veos vr-vmx vr-vqfx vr-vsrx vr-xrv vr-xrv9k vyosnetworks_vyos xrd
    """.split()  # noqa: SIM905 - a list would be one word a line
)

_NODE_KEYS = frozenset(
    """
    SANs aliases auto-remove binds cap-add certificate cmd components config cpu cpu-set credentials
    devices dns enforce-startup-config entrypoint env env-files exec extras group healthcheck image
    image-pull-policy kernel kind labels license memory mgmt-ipv4 mgmt-ipv6 mgmt_ipv4 mgmt_ipv6
    network-mode ports position publish restart-policy runtime sandbox shm-size stages startup-config
    startup-delay suppress-startup-config sysctls type user wait-for
    """.split()  # noqa: SIM905 - a list would be one word a line
)
_CONTAINER_KEYS = (
    "cmd",
    "config",
    "devices",
    "dns",
    "entrypoint",
    "env-files",
    "extras",
    "healthcheck",
    "ports",
    "publish",
    "stages",
    "startup-config",
    "startup-delay",
    "user",
    "wait-for",
)
_MANAGEMENT_KEYS = frozenset(
    """
    bridge driver-opts external-access ipv4-gw ipv4-range ipv4-subnet ipv4_subnet ipv6-gw ipv6-range
    ipv6-subnet ipv6_subnet mtu network
    """.split()  # noqa: SIM905 - a list would be one word a line
)
_LINK_KEYS = (
    "dst-port",
    "endpoint",
    "endpoints",
    "host-interface",
    "ipv4",
    "ipv6",
    "labels",
    "mode",
    "mtu",
    "noLearning",
    "remote",
    "src-port",
    "type",
    "udp-port",
    "vars",
    "vni",
)
_LINK_TYPES = ("dummy", "host", "macvlan", "mgmt-net", "veth", "vxlan", "vxlan-stitch")
_SPECIAL_ENDS = {"dummy": "dummy", "host": "host", "macvlan": "macvlan", "mgmt-net": "mgmt-net"}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z")
_INTERFACE = re.compile(r"[^\s/:]{1,15}\Z")
_MAC = re.compile(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}\Z")
_VARIABLE = re.compile(
    r"\$\{(?P<name>[A-Za-z_]\w*)(?:(?P<op>:?[-=+])(?P<word>[^}]*))?\}|\$(?P<bare>[A-Za-z_]\w*)"
)


@dataclass(frozen=True, slots=True)
class Bind:
    """A file or folder of the host that a node sees at ``destination``.

    ``source`` is None for a volume that starts empty. ``writes_back`` is true only for ``:rw``:
    then the node shares the host's file, otherwise it gets a copy.
    """

    source: Path | None
    destination: str
    writes_back: bool
    where: str
    written: str = ""
    """The source as it stands in the file."""


@dataclass(frozen=True, slots=True)
class LabNode:
    """One node after the merge of defaults, its kind, its group and itself."""

    name: str
    kind: str
    where: str
    image: str = ""
    group: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    binds: tuple[Bind, ...] = ()
    exec: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    sysctls: Mapping[str, str] = field(default_factory=dict)
    management_ipv4: str = ""
    management_ipv6: str = ""
    network_mode: str = ""
    unheeded: tuple[str, ...] = ()
    """Keys that were given and that only a container runtime can heed."""

    @property
    def has_management(self) -> bool:
        """Whether the node gets ``eth0`` on the management network."""
        return self.kind != "bridge" and self.network_mode != "none"

    @property
    def wants_sshd(self) -> bool:
        """Whether a real sshd listens on the management address (label :data:`SSHD_LABEL`)."""
        return self.has_management and self.labels.get(SSHD_LABEL, "true").lower() != "false"


@dataclass(frozen=True, slots=True, order=True)
class Endpoint:
    """One end of a link; ``mac`` is empty where the file leaves it to us."""

    node: str
    interface: str
    mac: str = ""

    def __str__(self) -> str:
        return f"{self.node}:{self.interface}"


@dataclass(frozen=True, slots=True)
class LabLink:
    """A link; ``kind`` is ``veth`` between nodes, or one of containerlab's special link types."""

    ends: tuple[Endpoint, ...]
    kind: str
    where: str
    mtu: int = 9500
    """containerlab's default for data links."""


@dataclass(frozen=True, slots=True)
class Management:
    """The management network; an empty gateway means the first host address of the subnet."""

    network: str = "clab"
    bridge: str = ""
    ipv4_subnet: str = "172.20.20.0/24"
    ipv4_gateway: str = ""
    ipv6_subnet: str = "3fff:172:20:20::/64"
    ipv6_gateway: str = ""
    mtu: int = 1500


@dataclass(frozen=True, slots=True)
class Topology:
    """A topology file as read; nodes and links in file order."""

    name: str
    path: Path
    shown_as: str
    management: Management
    nodes: tuple[LabNode, ...]
    links: tuple[LabLink, ...]
    prefix: str | None = None

    def node(self, name: str) -> LabNode:
        """The node of that name."""
        return next(node for node in self.nodes if node.name == name)

    def long_name(self, node: str) -> str:
        """containerlab's container name: ``<prefix>-<lab>-<node>``, or the bare node for no prefix."""
        if self.prefix == "":
            return node
        if self.prefix == "__lab-name":
            return f"{self.name}-{node}"
        return f"{self.prefix or 'clab'}-{self.name}-{node}"


def read_topology(
    path: Path, environment: Mapping[str, str] | None = None, shown_as: str | None = None
) -> Topology:
    """The topology in ``path`` with variables expanded from ``environment`` (default: the process's).

    Raises:
        TopologyError: every mistake found, each with ``file:line:column``.
    """
    shown = shown_as or str(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as failure:
        raise TopologyError.because(shown, "cannot read the file", failure.strerror or "") from failure
    except UnicodeDecodeError as failure:
        raise TopologyError.because(shown, "not UTF-8", f"byte {failure.start}") from failure
    expanded = expand_variables(text, os.environ if environment is None else environment)
    root = parse_yaml(expanded, shown, TopologyError)
    return _TopologyReader(path, shown).read(root)


def find_topology_file(folder: Path) -> Path:
    """The one ``*.clab.yml`` (or ``.yaml``) of ``folder``.

    Raises:
        TopologyError: there is none, or more than one.
    """
    found = sorted({*folder.glob("*.clab.yml"), *folder.glob("*.clab.yaml")})
    if len(found) == 1:
        return found[0]
    what = "several topology files, name one" if found else "no *.clab.yml in the folder"
    raise TopologyError.because(str(folder), what, ", ".join(file.name for file in found))


def expand_variables(text: str, environment: Mapping[str, str]) -> str:
    """``text`` with ``$X``, ``${X}``, ``${X:-word}``, ``${X:=word}`` and ``${X:+word}`` replaced.

    As containerlab does: on the raw text, and an unset variable without a default stays as written
    (so that shell variables inside ``exec`` survive). Line numbers stay; a newline in a value is
    taken as a space.
    """

    def replacement(match: re.Match[str]) -> str:
        value = environment.get(match["name"] or match["bare"])
        operator = match["op"] or ""
        present = value is not None and (value != "" or not operator.startswith(":"))
        if operator.endswith("+"):
            return match["word"] if present else ""
        if present:
            return " ".join(str(value).splitlines())
        return match["word"] if operator else match[0]

    return _VARIABLE.sub(replacement, text)


def require_nodes(topology: Topology, names: Iterable[str]) -> None:
    """Every one of ``names`` is a node.

    Raises:
        TopologyError: some are not.
    """
    known = [node.name for node in topology.nodes]
    unknown = sorted(set(names).difference(known))
    where = topology.shown_as
    if unknown:
        raise TopologyError(
            *(Problem(where, "no such node", name, did_you_mean(name, known)) for name in unknown)
        )


def without_sshd(topology: Topology, names: Iterable[str]) -> Topology:
    """``topology`` with no sshd on the named nodes.

    Raises:
        TopologyError: the topology has no such node.
    """
    silent = set(names)
    require_nodes(topology, silent)
    nodes = tuple(
        replace(node, labels={**node.labels, SSHD_LABEL: "false"}) if node.name in silent else node
        for node in topology.nodes
    )
    return replace(topology, nodes=nodes)


def not_run_here(topology: Topology) -> list[Problem]:
    """What the netns runtime cannot bring up: kinds, link types, missing bind sources.

    A missing source for ``/etc/frr/daemons`` is no problem: the daemons follow from ``frr.conf``
    (see :mod:`segaudit.lab.frr`), and the lab says so.
    """
    return [*_foreign_kinds(topology), *_foreign_links(topology), *_missing_sources(topology)]


def _foreign_kinds(topology: Topology) -> Iterator[Problem]:
    hint = f"the netns runtime runs {' and '.join(RUN_KINDS)}; use --runtime containerlab"
    for node in topology.nodes:
        if node.kind not in RUN_KINDS:
            yield Problem(node.where, "kind is not run here", f"{node.kind} (node {node.name})", hint)
        elif node.network_mode not in ("", "none", "bridge"):
            yield Problem(node.where, "network-mode is not run here", node.network_mode, hint)


def _foreign_links(topology: Topology) -> Iterator[Problem]:
    for link in topology.links:
        if link.kind != "veth":
            hint = "the netns runtime joins nodes with veth pairs only; use --runtime containerlab"
            yield Problem(link.where, "link type is not run here", link.kind, hint)


def _missing_sources(topology: Topology) -> Iterator[Problem]:
    for node in topology.nodes:
        for bind in node.binds:
            if bind.source is None or bind.source.exists() or bind.destination == "/etc/frr/daemons":
                continue
            yield Problem(bind.where, "bind source does not exist", bind.written)


class _TopologyReader(Reader):
    """Takes one document apart; problems collect in :class:`Reader`."""

    def __init__(self, path: Path, shown: str) -> None:
        super().__init__(TopologyError)
        self.path = path
        self.shown = shown

    def read(self, root: Node) -> Topology:
        top = self.mapping(
            root, "the topology file", ("name", "prefix", "mgmt", "topology", "settings", "debug")
        )
        name = self._name(top)
        body_node = self.required(root, "topology", "the topology file") if top else None
        keys = ("defaults", "kinds", "groups", "nodes", "links")
        body = self.mapping(body_node, "topology", keys) if body_node else {}
        nodes = self._nodes(body, body_node)
        links = self._links(body.get("links"), {node.name: node for node in nodes})
        management = self._management(top.get("mgmt"), nodes)
        prefix = self._prefix(top)
        self.raise_if_any()
        return Topology(name, self.path, self.shown, management, nodes, links, prefix)

    def _prefix(self, top: Mapping[str, Node]) -> str | None:
        """None where the file gives no prefix, "" where it gives an empty one."""
        if "prefix" not in top:
            return None
        return "" if _is_empty(top["prefix"]) else self.text(top["prefix"], "prefix")

    def raise_if_any(self) -> None:
        self.problems.sort(key=_place)
        super().raise_if_any()

    def _name(self, top: Mapping[str, Node]) -> str:
        node = top.get("name")
        if node is None:
            if top:
                self.problems.append(Problem(f"{self.shown}:1:1", "the topology file lacks a key", "name"))
            return ""
        return self._identifier(node, "lab name")

    def _identifier(self, node: Node, what: str) -> str:
        word = self.text(node, what)
        if word and not _NAME.match(word):
            self.report(
                node, f"{what} has characters that names cannot have", word, "letters, digits, . _ -"
            )
        return word

    # nodes

    def _nodes(self, body: Mapping[str, Node], body_node: Node | None) -> tuple[LabNode, ...]:
        levels = self._levels(body)
        nodes_node = self.required(body_node, "nodes", "topology") if body_node and body else None
        if nodes_node is None:
            return ()
        entries = self.mapping(nodes_node, "nodes")
        if isinstance(nodes_node.value, dict) and not entries:
            self.report(nodes_node, "the topology has no nodes")
        return tuple(
            node
            for name, entry in entries.items()
            if (
                node := self._node(name, nodes_node.keys[name] if nodes_node.keys else entry, entry, levels)
            )
        )

    def _levels(self, body: Mapping[str, Node]) -> dict[tuple[str, str], Mapping[str, Node]]:
        """Definitions above the node, by ``(section, name)``; defaults under ``("defaults", "")``."""
        levels: dict[tuple[str, str], Mapping[str, Node]] = {}
        if "defaults" in body:
            levels["defaults", ""] = self._definition(body["defaults"], "defaults")
        for section in ("kinds", "groups"):
            if section not in body:
                continue
            entries = self.mapping(body[section], section)
            keys = body[section].keys or {}
            for name, entry in entries.items():
                if section == "kinds":
                    self._known_kind(keys[name], name)
                levels[section, name] = self._definition(entry, f"{section}.{name}")
        return levels

    def _definition(self, node: Node, what: str) -> Mapping[str, Node]:
        """A node definition; an empty one is fine (``br1:`` alone)."""
        return {} if _is_empty(node) else self.mapping(node, what, sorted(_NODE_KEYS))

    def _known_kind(self, at: Node, kind: str) -> None:
        if kind not in KNOWN_KINDS:
            self.report(at, "unknown kind", kind, did_you_mean(kind, KNOWN_KINDS))

    def _node(
        self, name: str, at: Node, entry: Node, levels: Mapping[tuple[str, str], Mapping[str, Node]]
    ) -> LabNode | None:
        if not _NAME.match(name):
            self.report(
                at, "node name has characters that names cannot have", name, "letters, digits, . _ -"
            )
        own = self._definition(entry, f"node {name}")
        defaults = levels.get(("defaults", ""), {})
        group_node = own.get("group") or defaults.get("group")
        group_name = self.text(group_node, "group") if group_node else ""
        group = levels.get(("groups", group_name), {})
        kind_node = own.get("kind") or group.get("kind") or defaults.get("kind")
        if kind_node is None:
            self.report(
                at, "node has no kind", name, "write kind: linux, or give one in its group or defaults"
            )
            return None
        kind = self.text(kind_node, "kind")
        if kind:
            self._known_kind(kind_node, kind)
        order = (defaults, levels.get(("kinds", kind), {}), group, own)
        return self._merged(name, kind, at, group_name, order)

    def _merged(
        self, name: str, kind: str, at: Node, group: str, order: tuple[Mapping[str, Node], ...]
    ) -> LabNode:
        def word(*keys: str) -> str:
            found = [level[key] for level in order for key in keys if key in level]
            return self.text(found[-1], keys[0]) if found and not _is_empty(found[-1]) else ""

        return LabNode(
            name=name,
            kind=kind,
            where=at.where,
            image=word("image"),
            group=group,
            labels=self._merged_mapping(order, "labels"),
            binds=self._binds(name, order),
            exec=self._exec(order),
            env=self._merged_mapping(order, "env"),
            sysctls=self._merged_mapping(order, "sysctls"),
            management_ipv4=word("mgmt-ipv4", "mgmt_ipv4"),
            management_ipv6=word("mgmt-ipv6", "mgmt_ipv6"),
            network_mode=word("network-mode"),
            unheeded=tuple(key for key in _CONTAINER_KEYS if any(key in level for level in order)),
        )

    def _merged_mapping(self, order: Iterable[Mapping[str, Node]], key: str) -> dict[str, str]:
        merged: dict[str, str] = {}
        for level in order:
            if key not in level or _is_empty(level[key]):
                continue
            for name, value in self.mapping(level[key], key).items():
                merged[name] = "" if _is_empty(value) else self.text(value, f"{key}.{name}")
        return dict(sorted(merged.items()))

    def _exec(self, order: Iterable[Mapping[str, Node]]) -> tuple[str, ...]:
        commands: list[str] = []
        for level in order:
            for item in self.sequence(level["exec"], "exec") if "exec" in level else ():
                command = self.text(item, "exec command")
                try:
                    shlex.split(command)
                except ValueError as failure:
                    self.report(item, f"exec command cannot be split into words ({failure})", command)
                    continue
                commands.append(command)
        return tuple(commands)

    def _binds(self, node: str, order: Iterable[Mapping[str, Node]]) -> tuple[Bind, ...]:
        merged: dict[str, Bind] = {}
        for level in order:
            here: set[str] = set()
            for item in self.sequence(level["binds"], "binds") if "binds" in level else ():
                bind = self._bind(node, item)
                if bind is None:
                    continue
                if bind.destination in here:
                    self.report(item, "duplicate bind destination", bind.destination)
                here.add(bind.destination)
                merged[bind.destination] = bind
        return tuple(merged.values())

    def _bind(self, node: str, item: Node) -> Bind | None:
        text = self.text(item, "bind")
        if not text:
            return None
        parts = text.split(":")
        source, destination = ("", parts[0]) if len(parts) == 1 else (parts[0], parts[1])
        options = set(parts[2].split(",")) if len(parts) == 3 else set()
        if len(parts) > 3 or not destination.startswith("/") or (len(parts) > 1 and not source):
            self.report(item, "bind is not SOURCE:/DESTINATION[:OPTIONS]", text)
            return None
        path = self._source(source, node) if source else None
        return Bind(path, destination, "rw" in options, item.where, source)

    def _source(self, source: str, node: str) -> Path:
        folder = self.path.resolve().parent
        words = {
            "__clabDir__": f"{folder}/clab",
            "__clabNodeName__": node,
            "__clabNodeDir__": f"{folder}/clab/{node}",
        }
        for word, value in words.items():
            source = source.replace(word, value)
        return folder / Path(source).expanduser()

    # links

    def _links(self, links: Node | None, nodes: Mapping[str, LabNode]) -> tuple[LabLink, ...]:
        if links is None or _is_empty(links):
            return ()
        used: dict[tuple[str, str], Node] = {}
        found = [self._link(item, nodes, used) for item in self.sequence(links, "links")]
        return tuple(link for link in found if link)

    def _link(
        self, item: Node, nodes: Mapping[str, LabNode], used: dict[tuple[str, str], Node]
    ) -> LabLink | None:
        entry = self.mapping(item, "link", _LINK_KEYS)
        if not entry:
            return None
        extended = "type" in entry
        kind = self.one_of(entry["type"], "link type", _LINK_TYPES) if extended else "veth"
        end_nodes = self._end_nodes(item, entry, kind) if kind else ()
        ends = [end for node in end_nodes if (end := self._endpoint(node, extended))]
        if len(ends) != len(end_nodes) or not ends:
            return None
        for node, end in zip(end_nodes, ends, strict=True):
            kind = self._check_end(node, end, kind, nodes, used)
        return LabLink(tuple(ends), kind, item.where, self._mtu(entry.get("mtu"), 9500))

    def _end_nodes(self, item: Node, entry: Mapping[str, Node], kind: str) -> tuple[Node, ...]:
        key = "endpoints" if kind == "veth" else "endpoint"
        if key not in entry:
            self.report(item, "link lacks a key", key)
            return ()
        if key == "endpoint":
            return (entry["endpoint"],)
        ends = self.sequence(entry["endpoints"], "endpoints")
        if isinstance(entry["endpoints"].value, tuple) and len(ends) != 2:
            self.report(entry["endpoints"], "a link has two endpoints", str(len(ends)))
            return ()
        return ends

    def _endpoint(self, node: Node, extended: bool) -> Endpoint | None:
        if extended and isinstance(node.value, dict):
            return self._extended_endpoint(node)
        text = self.text(node, "endpoint")
        device, _, interface = text.partition(":")
        if text and not (device and interface):
            self.report(node, "endpoint is not NODE:INTERFACE", text)
        return Endpoint(device, interface) if device and interface else None

    def _extended_endpoint(self, node: Node) -> Endpoint | None:
        entry = self.mapping(node, "endpoint", ("node", "interface", "mac", "vars", "ipv4", "ipv6"))
        device = self.required(node, "node", "endpoint")
        interface = self.required(node, "interface", "endpoint")
        if device is None or interface is None:
            return None
        mac = self.text(entry["mac"], "mac") if "mac" in entry else ""
        if mac and not _MAC.match(mac):
            self.report(entry["mac"], "not a MAC address", mac)
        return Endpoint(self.text(device, "node"), self.text(interface, "interface"), mac.lower())

    def _check_end(
        self,
        at: Node,
        end: Endpoint,
        kind: str,
        nodes: Mapping[str, LabNode],
        used: dict[tuple[str, str], Node],
    ) -> str:
        """Note what is wrong with ``end``; the link's kind, which a special end (``host``) decides."""
        if end.node in _SPECIAL_ENDS and end.node not in nodes:
            return _SPECIAL_ENDS[end.node]
        node = nodes.get(end.node)
        if node is None:
            self.report(at, "link to an undefined node", end.node, did_you_mean(end.node, nodes))
            return kind
        first = used.setdefault((end.node, end.interface), at)
        if first is not at:
            self.report(at, "interface is used twice", str(end), f"first used at line {first.line}")
        if node.kind in RUN_KINDS and not _INTERFACE.match(end.interface):
            self.report(at, "not an interface name", end.interface, "at most 15 characters, no / or space")
        if node.has_management and end.interface == "eth0":
            self.report(
                at, "eth0 is the management interface", str(end), "start at eth1, or set network-mode: none"
            )
        return kind

    # management

    def _management(self, block: Node | None, nodes: Iterable[LabNode]) -> Management:
        entry = (
            self.mapping(block, "mgmt", sorted(_MANAGEMENT_KEYS)) if block and not _is_empty(block) else {}
        )

        def word(*keys: str) -> str:
            return next((self.text(entry[key], f"mgmt {key}") for key in keys if key in entry), "")

        default = Management()
        management = Management(
            network=word("network") or default.network,
            bridge=word("bridge"),
            ipv4_subnet=self._subnet(entry, 4, "ipv4-subnet", "ipv4_subnet") or default.ipv4_subnet,
            ipv4_gateway=word("ipv4-gw"),
            ipv6_subnet=self._subnet(entry, 6, "ipv6-subnet", "ipv6_subnet") or default.ipv6_subnet,
            ipv6_gateway=word("ipv6-gw"),
            mtu=self._mtu(entry.get("mtu"), default.mtu),
        )
        self._check_addresses(management, nodes)
        return management

    def _subnet(self, entry: Mapping[str, Node], version: int, *keys: str) -> str:
        node = next((entry[key] for key in keys if key in entry), None)
        text = self.text(node, f"mgmt {keys[0]}") if node else ""
        if node is None or not text or text == "auto":
            return ""
        try:
            network = ipaddress.ip_network(text)
        except ValueError as failure:
            self.report(node, f"not a subnet ({failure})", text)
            return ""
        if network.version != version:
            self.report(node, f"not an IPv{version} subnet", text)
            return ""
        return str(network)

    def _mtu(self, node: Node | None, default: int) -> int:
        if node is None:
            return default
        text = self.text(node, "mtu")
        if text.isdigit() and 68 <= int(text) <= 65535:
            return int(text)
        self.report(node, "not an MTU", text, "68 to 65535")
        return default

    def _check_addresses(self, management: Management, nodes: Iterable[LabNode]) -> None:
        seen: dict[str, str] = {}
        for node in nodes:
            pairs = (
                (node.management_ipv4, management.ipv4_subnet),
                (node.management_ipv6, management.ipv6_subnet),
            )
            for address, subnet in pairs:
                if address:
                    self._check_address(node, address, subnet, seen)

    def _check_address(self, node: LabNode, address: str, subnet: str, seen: dict[str, str]) -> None:
        def wrong(what: str, hint: str = "") -> None:
            self.problems.append(Problem(node.where, what, f"{address} (node {node.name})", hint))

        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            wrong("not a management address")
            return
        if parsed not in ipaddress.ip_network(subnet):
            wrong("management address lies outside the management subnet", f"the subnet is {subnet}")
        if (other := seen.setdefault(str(parsed), node.name)) != node.name:
            wrong("duplicate management address", f"also given to {other}")


def _is_empty(node: Node) -> bool:
    """Whether nothing, ``~`` or ``null`` was written (libyaml's reader leaves them as text)."""
    return node.value in (None, "", "~", "null")


def _place(problem: Problem) -> tuple[int, int]:
    """Line and column of a problem, for file order."""
    numbers = problem.where.rsplit(":", 2)[1:]
    return tuple(int(part) if part.isdigit() else 0 for part in numbers) if len(numbers) == 2 else (0, 0)  # type: ignore[return-value]
