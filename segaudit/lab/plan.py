"""What a topology becomes when run: every address, MAC, key and daemon decided beforehand.

Pure but for the keys, which the caller injects. The plan is plain data that travels to the
supervisor as JSON (:func:`as_document`), because the supervisor lives in other namespaces.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from segaudit.errors import Problem, TopologyError
from segaudit.lab.topology import Endpoint, LabNode, Management, Topology

SSH_PORT = 22


@dataclass(frozen=True, slots=True)
class KeyPair:
    """An SSH key: OpenSSH private text and one-line public text without comment."""

    private: str
    public: str


@dataclass(frozen=True, slots=True)
class PlannedBind:
    """A bind with its source as text ("" for an empty volume)."""

    source: str
    destination: str
    writes_back: bool


@dataclass(frozen=True, slots=True)
class PlannedNode:
    """One node; management addresses carry their prefix length and are empty where it has none."""

    name: str
    long_name: str
    kind: str
    image: str
    group: str
    labels: dict[str, str]
    env: dict[str, str]
    sysctls: dict[str, str]
    exec: list[str]
    binds: list[PlannedBind]
    interfaces: list[str]
    management_ipv4: str = ""
    management_ipv6: str = ""
    management_mac: str = ""
    runs_frr: bool = False
    sshd: bool = False
    host_key: KeyPair | None = None


@dataclass(frozen=True, slots=True)
class PlannedEnd:
    """One end of a veth pair."""

    node: str
    interface: str
    mac: str


@dataclass(frozen=True, slots=True)
class PlannedLink:
    """One veth pair."""

    a: PlannedEnd
    z: PlannedEnd
    mtu: int


@dataclass(frozen=True, slots=True)
class LabPlan:
    """All that the supervisor needs; ``gateway_*`` are the lab's own management addresses."""

    name: str
    gateway_ipv4: str
    gateway_ipv6: str
    management_mtu: int
    nodes: list[PlannedNode]
    links: list[PlannedLink]
    client_key: KeyPair | None = None
    notes: list[str] = field(default_factory=list)


def plan_lab(topology: Topology, name: str, new_key: Callable[[], KeyPair]) -> LabPlan:
    """The plan of ``topology`` run as lab ``name``; same inputs, same plan, but for the keys.

    Raises:
        TopologyError: the management subnet has too few addresses.
    """
    management = topology.management
    gateway4 = _gateway(management.ipv4_subnet, management.ipv4_gateway)
    gateway6 = _gateway(management.ipv6_subnet, management.ipv6_gateway)
    addresses = _addresses(topology, gateway4, gateway6)
    macs = _Macs(name)
    interfaces = _interfaces(topology)
    nodes = [
        _planned_node(
            topology, node, interfaces.get(node.name, []), addresses.get(node.name), macs, new_key
        )
        for node in topology.nodes
    ]
    links = [
        PlannedLink(_planned_end(link.ends[0], macs), _planned_end(link.ends[1], macs), link.mtu)
        for link in topology.links
    ]
    return LabPlan(
        name=name,
        gateway_ipv4=_with_length(gateway4, management.ipv4_subnet),
        gateway_ipv6=_with_length(gateway6, management.ipv6_subnet),
        management_mtu=management.mtu,
        nodes=nodes,
        links=links,
        client_key=new_key(),
        notes=list(_notes(topology)),
    )


def as_document(plan: LabPlan) -> dict[str, Any]:
    """The plan as JSON-ready mappings and lists."""
    return asdict(plan)


def _notes(topology: Topology) -> Iterator[str]:
    for node in topology.nodes:
        if node.kind == "bridge" and (node.exec or node.binds):
            yield f"{node.name}: a bridge runs no exec and takes no binds"
        if node.unheeded and node.kind != "bridge":
            keys = ", ".join(node.unheeded)
            yield f"{node.name}: the netns runtime runs no image and does not heed {keys}"
        for bind in node.binds:
            if bind.source is not None and not bind.source.exists():
                yield f"{node.name}: no {bind.written}: the daemons follow from the sections of frr.conf"


def _planned_node(
    topology: Topology,
    node: LabNode,
    interfaces: list[str],
    addresses: tuple[str, str] | None,
    macs: _Macs,
    new_key: Callable[[], KeyPair],
) -> PlannedNode:
    ipv4, ipv6 = addresses or ("", "")
    management = topology.management
    return PlannedNode(
        name=node.name,
        long_name=topology.long_name(node.name),
        kind=node.kind,
        image=node.image,
        group=node.group,
        labels=dict(node.labels),
        env=dict(node.env),
        sysctls=dict(node.sysctls),
        exec=list(node.exec),
        binds=[
            PlannedBind(str(bind.source or ""), bind.destination, bind.writes_back)
            for bind in node.binds
            if bind.source is None or bind.source.exists()
        ],
        interfaces=interfaces,
        management_ipv4=_with_length(ipv4, management.ipv4_subnet) if ipv4 else "",
        management_ipv6=_with_length(ipv6, management.ipv6_subnet) if ipv6 else "",
        management_mac=macs.of(Endpoint(node.name, "eth0")) if addresses else "",
        runs_frr=runs_frr(node),
        sshd=node.wants_sshd,
        host_key=new_key() if node.wants_sshd else None,
    )


def runs_frr(node: LabNode) -> bool:
    """Whether the node is an FRR router: its image says so, or something is bound below /etc/frr."""
    repository = node.image.rsplit(":", 1)[0]
    bound = any(bind.destination.startswith("/etc/frr") for bind in node.binds)
    return node.kind == "linux" and (
        bound or "frr" in repository.rsplit("/", 1)[-1] or "/frrouting/" in repository
    )


def _planned_end(end: Endpoint, macs: _Macs) -> PlannedEnd:
    return PlannedEnd(end.node, end.interface, end.mac or macs.of(end))


def _interfaces(topology: Topology) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for link in topology.links:
        for end in link.ends:
            found.setdefault(end.node, []).append(end.interface)
    return {node: sorted(names) for node, names in found.items()}


class _Macs:
    """Unicast MAC addresses under containerlab's prefix aa:c1:ab, equal for equal lab and endpoint."""

    def __init__(self, lab: str) -> None:
        self._lab = lab
        self._given: set[str] = set()

    def of(self, end: Endpoint) -> str:
        for attempt in range(1 << 16):
            seed = f"{self._lab}/{end.node}/{end.interface}/{attempt}".encode()
            tail = hashlib.sha256(seed).hexdigest()[:6]
            mac = f"aa:c1:ab:{tail[:2]}:{tail[2:4]}:{tail[4:]}"
            if mac not in self._given:
                self._given.add(mac)
                return mac
        raise AssertionError("24 bits of MAC addresses are used up")


def _gateway(subnet: str, given: str) -> str:
    return given or str(next(ipaddress.ip_network(subnet).hosts()))


def _with_length(address: str, subnet: str) -> str:
    return f"{address}/{subnet.rsplit('/', 1)[1]}"


def _addresses(topology: Topology, gateway4: str, gateway6: str) -> dict[str, tuple[str, str]]:
    nodes = [node for node in topology.nodes if node.has_management]
    management: Management = topology.management
    fixed4 = {node.management_ipv4 for node in nodes}
    fixed6 = {str(ipaddress.ip_address(node.management_ipv6)) for node in nodes if node.management_ipv6}
    free4 = _free(management.ipv4_subnet, {*fixed4, gateway4})
    free6 = _free(management.ipv6_subnet, {*fixed6, gateway6})
    given: dict[str, tuple[str, str]] = {}
    for node in nodes:
        ipv4, ipv6 = node.management_ipv4 or next(free4, ""), node.management_ipv6 or next(free6, "")
        if not (ipv4 and ipv6):
            what = "the management subnet has too few addresses"
            raise TopologyError(
                Problem(node.where, what, f"{management.ipv4_subnet}, {management.ipv6_subnet}")
            )
        given[node.name] = (ipv4, ipv6)
    return given


def _free(subnet: str, taken: set[str]) -> Iterator[str]:
    return (str(host) for host in ipaddress.ip_network(subnet).hosts() if str(host) not in taken)
