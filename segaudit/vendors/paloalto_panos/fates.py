"""What becomes of the lines that no reader asked for: a table of what cannot matter, and doubt.

The patterns are paths of the set form, ``*`` for a name; a pattern covers all below it. The longest that
fits counts. What fits none is unrecognized and leaves the device in doubt.
"""

from __future__ import annotations

from segaudit.model.source import LineFate
from segaudit.parse.ledger import LineLedger
from segaudit.vendors.paloalto_panos.tree import Fate, Lines, Node

_UNKNOWN = Fate(LineFate.UNRECOGNIZED, "not known to this reader", False)
_OBJECTS = "an object; rules that use it are read with it"
_CONTENT = "inspection of sessions that the policy allowed; it only drops"
_RECORDS = "records and reports"
_MANAGED = "management of the firewall itself"

_IGNORED = {
    # What the firewall is and how it is run.
    "deviceconfig system": _MANAGED,
    "deviceconfig setting": _MANAGED,
    "deviceconfig high-availability": "a second firewall with this configuration",
    "mgt-config": _MANAGED,
    "readonly": "the firewall's own book-keeping",
    "platform": _MANAGED,
    "predefined": "what every firewall of the version has",
    # Network: what carries no packet from one interface to another.
    "network dhcp": "DHCP, spoken by the firewall itself",
    "network dns-proxy": "DNS, spoken by the firewall itself",
    "network lldp": "neighbour discovery",
    "network qos": "order and pace of packets",
    "network profiles": "parameters of other sections",
    "network ike crypto-profiles": "ciphers",
    "network ike gateway": "parameters of a tunnel, whose ends are read",
    "network tunnel ipsec": "parameters of a tunnel, whose ends are read",
    "network tunnel gre": "parameters of a tunnel, whose ends are read",
    "network tunnel global-protect-gateway": "parameters of a tunnel, whose ends are read",
    "network tunnel global-protect-site-to-site": "parameters of a tunnel, whose ends are read",
    "network virtual-wire *": "parameters of a wire that is taken to pass everything",
    "network vlan *": "parameters of a bridge that is taken to pass everything",
    "network virtual-router * admin-dists": "between routes of protocols, which are not told apart",
    "network virtual-router * ecmp": "all next hops of a route are used anyway",
    "network virtual-router * routing-table": "a table without routes",
    "network virtual-router * protocol": "no routing protocol is on",
    "network logical-router * vrf * admin-dists": "between routes of protocols, which are not told apart",
    "network logical-router * vrf * ecmp": "all next hops of a route are used anyway",
    "network logical-router * vrf * routing-table": "a table without routes",
    "network logical-router * vrf * rib-filter": "takes routes away",
    "network routing-profile": "parameters of routing protocols",
    "network shared-gateway": "its zones: what it receives may go anywhere",
    "network monitor-profile": "parameters of monitoring",
    # Objects and profiles, of a vsys, shared, or pushed.
    "setting": _MANAGED,
    "address": _OBJECTS,
    "address-group": _OBJECTS,
    "service": _OBJECTS,
    "service-group": _OBJECTS,
    "application": "applications are not told apart: rules that name one may match",
    "application-group": "applications are not told apart: rules that name one may match",
    "application-filter": "applications are not told apart: rules that name one may match",
    "application-status": "applications are not told apart: rules that name one may match",
    "application-tag": "applications are not told apart: rules that name one may match",
    "dynamic-user-group": "users are not told apart: rules that name one may match",
    "device-object": "devices are not told apart: rules that name one may match",
    "region": "rules that name a region may match",
    "external-list": "rules that name a list may match",
    "schedule": "rules with a schedule may match",
    "tag": "labels",
    "profiles": _CONTENT,
    "profile-group": _CONTENT,
    "threats": _CONTENT,
    "botnet": _RECORDS,
    "reports": _RECORDS,
    "report-group": _RECORDS,
    "email-scheduler": _RECORDS,
    "pdf-summary-report": _RECORDS,
    "log-settings": _RECORDS,
    "content-preview": _RECORDS,
    "alg-override": "helpers of protocols whose further connections count as related",
    "override": "helpers of protocols whose further connections count as related",
    "admin-role": _MANAGED,
    "authentication-profile": _MANAGED,
    "authentication-sequence": _MANAGED,
    "authentication-object": _MANAGED,
    "certificate": _MANAGED,
    "certificate-profile": _MANAGED,
    "ssl-tls-service-profile": _MANAGED,
    "ssl-decrypt": _CONTENT,
    "ocsp-responder": _MANAGED,
    "scep": _MANAGED,
    "local-user-database": _MANAGED,
    "server-profile": _MANAGED,
    "user-id-agent": _MANAGED,
    "user-id-collector": _MANAGED,
    "user-id-hub": _MANAGED,
    "user-id-ssl-auth": _MANAGED,
    "ts-agent": _MANAGED,
    "group-mapping": _MANAGED,
    "redistribution-agent": _MANAGED,
    "captive-portal": _MANAGED,
    "vm-info-source": _MANAGED,
    "response-page": _MANAGED,
    "display-name": _MANAGED,
    "master-key": _MANAGED,
    "dns-proxy": "DNS, spoken by the firewall itself",
    "import": "what a vsys has; interfaces are read",
    "route": "the source address of the firewall's own packets",
    "resource": "limits",
    "zone * user-acl": "which users are looked up",
    "zone * enable-user-identification": "which users are looked up",
    "zone * enable-device-identification": "which devices are looked up",
    "zone * device-acl": "which devices are looked up",
    "zone * network zone-protection-profile": _CONTENT,
    "zone * network enable-packet-buffer-protection": _CONTENT,
    "zone * network net-inspection": _CONTENT,
    "zone * network log-setting": _RECORDS,
    "global-protect": "remote access: its tunnel interface is read",
    **{
        f"{base} {kind}": reason
        for base in ("rulebase", "pre-rulebase", "post-rulebase")
        for kind, reason in (
            ("decryption", _CONTENT),
            ("dos", _CONTENT),
            ("qos", "order and pace of packets"),
            ("application-override", "applications are not told apart: rules that name one may match"),
            ("captive-portal", "asks users for their name before the policy applies"),
            ("authentication", "asks users for their name before the policy applies"),
            ("tunnel-inspect", _CONTENT),
            ("security", "a rulebase without rules"),
            ("nat", "a rulebase without rules"),
            ("pbf", "a rulebase without rules"),
        )
    },
}

_DOUBTFUL = {
    "device-group": "rules for other firewalls: which of them this one has is not known",
    "template": "settings for other firewalls: which of them this one has is not known",
    "template-stack": "settings for other firewalls: which of them this one has is not known",
    "devices": "several devices in one configuration",
    "network shared-gateway * rulebase": "rules of a shared gateway: it may translate",
    "network sd-wan": "paths that are chosen by quality",
    "network interface sdwan": "paths that are chosen by quality",
    "network interface cellular": "an interface that is not modelled",
    "network interface poe": "an interface that is not modelled",
    "network virtual-router * routing-table * static-route": "a route that is not read",
    "rulebase network-packet-broker rules": "packets that go out to another device and come back",
    "pre-rulebase network-packet-broker rules": "packets that go out to another device and come back",
    "post-rulebase network-packet-broker rules": "packets that go out to another device and come back",
    "rulebase sdwan": "paths that are chosen by quality",
    "pre-rulebase sdwan": "paths that are chosen by quality",
    "post-rulebase sdwan": "paths that are chosen by quality",
}

_PORT = "a parameter of an interface that decides no packet's way"
_OF_PORTS = (
    "adjust-tcp-mss", "arp", "bfd", "bonjour", "cluster-interconnect", "comment", "ddns-config",
    "decrypt-forward", "df-ignore", "ipv6 dns-server", "ipv6 enabled", "ipv6 interface-id",
    "ipv6 neighbor-discovery", "lacp", "link-duplex", "link-speed", "link-state", "lldp", "mtu",
    "ndp-proxy", "netflow-profile", "poe", "port-priority", "rate-limit", "tag", "traffic-interconnect",
    "untagged-sub-interface", "upstream-nat",
)  # fmt: skip
_PORT_HOMES = tuple(
    f"network interface {kind} *{mode}{unit}"
    for kind in ("ethernet", "aggregate-ethernet")
    for mode in ("", " layer3", " layer2", " virtual-wire", " tap", " ha", " decrypt-mirror", " log-card")
    for unit in (("", " units *") if mode else ("",))
) + tuple(
    f"network interface {kind}{unit}"
    for kind in ("loopback", "vlan", "tunnel")
    for unit in ("", " units *")
)

_TWICE = Fate(LineFate.UNSUPPORTED, "stands twice: which one counts is not known", False)
_IN_RULES = Fate(LineFate.UNRECOGNIZED, "not known: the rule may match or not", True)
_IN_ROUTE = Fate(LineFate.UNRECOGNIZED, "not known to this reader", False)

_RECORDED = {
    "log-collector": _RECORDS,
    "log-collector-group": _RECORDS,
    "panorama": _MANAGED,
    "policy": "what was pushed to the firewall",
    "plugins": _MANAGED,
}

_HOMES = ("vsys *", "shared", "panorama", "policy panorama", "panorama vsys *", "policy panorama vsys *")


class _Table:
    """Patterns as a tree of words."""

    __slots__ = ("fate", "words")

    def __init__(self) -> None:
        self.words: dict[str, _Table] = {}
        self.fate: Fate | None = None

    def add(self, pattern: str, fate: Fate) -> None:
        table = self
        for word in pattern.split():
            table = table.words.setdefault(word, _Table())
        table.fate = fate

    def below(self, name: str) -> tuple[_Table, ...]:
        return tuple(one for key in (name, "*") if (one := self.words.get(key)) is not None)


def _table() -> _Table:
    table = _Table()
    for pattern, reason in {**_IGNORED, **_RECORDED}.items():
        _add_everywhere(table, pattern, Fate(LineFate.IGNORED, reason))
    for pattern, reason in _DOUBTFUL.items():
        _add_everywhere(table, pattern, Fate(LineFate.UNSUPPORTED, reason, False))
    for home in _PORT_HOMES:
        for part in _OF_PORTS:
            table.add(f"{home} {part}", Fate(LineFate.IGNORED, _PORT))
    for base in ("rulebase", "pre-rulebase", "post-rulebase"):
        for kind in ("security", "nat", "pbf"):
            _add_everywhere(table, f"{base} {kind} rules *", _IN_RULES)
    table.add("network virtual-router * routing-table * static-route *", _IN_ROUTE)
    table.add("network logical-router * vrf * routing-table * static-route *", _IN_ROUTE)
    return table


_DEVICE: tuple[str, ...] = (
    "deviceconfig",
    "network",
    "mgt-config",
    "device-group",
    "template",
    "template-stack",
    "devices",
)
_DEVICE += ("readonly", "platform", "predefined", "plugins", "log-collector", "log-collector-group")


def _add_everywhere(table: _Table, pattern: str, fate: Fate) -> None:
    """A pattern of the device stands once; one of a vsys also below ``shared`` and what is pushed."""
    if pattern.split()[0] in (*_DEVICE, "panorama", "policy"):
        table.add(pattern, fate)
        return
    for home in _HOMES:
        table.add(f"{home} {pattern}", fate)


_TABLE = _table()


def account(top: Node, ledger: LineLedger) -> None:
    """Give every line of a tree its fate, in the ledger of its file."""
    for first, last in top.lines:
        ledger.fact(first, last)
    waiting: list[tuple[Node, tuple[_Table, ...], Fate | None]] = [
        (child, _TABLE.below(child.name), None) for child in top.children.values()
    ]
    while waiting:
        node, tables, known = waiting.pop()
        here = next((one.fate for one in tables if one.fate is not None), known)
        deeper = not node.seen and any(one.words for one in tables)
        if node.fate is not None or not (node.seen or deeper):
            _mark(node, node.fate or here or _UNKNOWN, ledger)
            continue
        if node.repeated:
            _mark_lines(*node.lines[0], _TWICE, ledger)
        for first, last in node.lines:
            _mark_lines(first, last, (here or _UNKNOWN) if deeper else None, ledger)
        for child in node.children.values():
            waiting.append((child, _below(tables, child.name), here))


def _below(tables: tuple[_Table, ...], name: str) -> tuple[_Table, ...]:
    found: tuple[_Table, ...] = ()
    for one in tables:
        if one.words:
            found += one.below(name)
    return found


def _mark(node: Node, fate: Fate, ledger: LineLedger) -> None:
    """One account for each run of lines that a node and all below it stand on."""
    for first, last in _runs(node):
        _mark_lines(first, last, fate, ledger)


def _mark_lines(first: int, last: int, fate: Fate | None, ledger: LineLedger) -> None:
    if fate is None:
        ledger.fact(first, last)
    elif fate.fate is LineFate.IGNORED:
        ledger.ignored(first, last, fate.reason)
    elif fate.fate is LineFate.UNSUPPORTED:
        ledger.unsupported(first, last, fate.reason, bounded=fate.bounded)
    else:
        ledger.unrecognized(first, last, fate.reason, bounded=fate.bounded)


def _runs(node: Node) -> list[Lines]:
    runs: list[Lines] = []
    for first, last in sorted({lines for one in node.walk() for lines in one.lines}):
        if runs and first <= runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], max(runs[-1][1], last))
        else:
            runs.append((first, last))
    return runs
