"""``sysctl`` output: the settings that decide whether and how a packet is forwarded.

Meanings: kernel Documentation/networking/ip-sysctl.rst; which of ``all`` and the interface's own
value counts: include/linux/inetdevice.h (IN_DEV_ANDCONF, IN_DEV_ORCONF, IN_DEV_MAXCONF).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from segaudit.model.flow import Family
from segaudit.model.snapshot import RawFile
from segaudit.model.source import SourceSpan
from segaudit.parse.ledger import LineLedger
from segaudit.vendors.linux import platform
from segaudit.vendors.linux.reading import Reading
from segaudit.vendors.linux.records import Sysctls

_LINE = re.compile(r"net\.ipv([46])\.(?:conf\.(.+)\.([a-z0-9_]+)|(ip_forward)) = (-?\d{1,10})")
_BRIDGE = re.compile(r"net\.bridge\.bridge-nf-call-ip(6?)tables = (-?\d{1,10})")
_WHOLE_TREE = "net.ipv4.conf.all.arp_ignore"
"""A line that only an unfiltered ``sysctl -a`` has: what such a file lacks, the kernel lacks."""


def sysctls(reading: Reading) -> Sysctls:
    """The settings told by the device.

    Raises:
        SnapshotError: the file is missing or its command failed.
    """
    file = reading.required(platform.SYSCTL)
    ledger = reading.ledger(file)
    values: dict[tuple[Family, str, str], int] = {}
    spans: dict[tuple[Family, str, str], SourceSpan] = {}
    for number, line in enumerate(map(str.strip, file.text.split("\n")), start=1):
        if setting := _setting(line):
            key, value = setting
            values[key], spans[key] = value, ledger.span(number)
            ledger.fact(number)
        elif line:
            _account(ledger, number, line)
    return Sysctls(values, spans, _asked_for(file))


@lru_cache(1 << 14)
def _setting(line: str) -> tuple[tuple[Family, str, str], int] | None:
    """A line's setting, which most devices have alike; ``ip_forward`` is ``conf.all.forwarding``, and
    procps writes a dot of an interface's name as a slash.
    """
    if bridge := _BRIDGE.fullmatch(line):
        return (Family.IPV6 if bridge[1] else Family.IPV4, "all", platform.BRIDGE_CALLS), int(bridge[2])
    found = _LINE.fullmatch(line)
    if not found:
        return None
    family = Family(int(found[1]))
    name, setting = ("all", "forwarding") if found[4] else (found[2].replace("/", "."), found[3])
    return (family, name, setting), int(found[5])


def _account(ledger: LineLedger, number: int, line: str) -> None:
    if re.match(r"(?:net|kernel|vm|fs|dev|user|debug|abi|crypto|sunrpc)\.\S+ =", line):
        ledger.ignored(number, None, "a setting that does not choose a packet's way")
    elif line.startswith("sysctl: "):
        ledger.ignored(number, None, "a setting that could not be read; what is absent counts as open")
    else:
        ledger.unrecognized(number, None, "not a sysctl line; what is absent counts as open", bounded=True)


def _asked_for(file: RawFile) -> frozenset[str]:
    """The settings whose absence means that the kernel does not have them."""
    names = (*platform.SYSCTL_NAMES, platform.BRIDGE_CALLS)
    if _WHOLE_TREE in file.text:
        return frozenset(names)
    told = {name for name in names if re.search(rf"\.{name}(?:6?tables)? =", file.text)}
    return frozenset(told | {name for name in names if name in file.command})


# ---- what the settings mean ---------------------------------------------------------------------


def forwards(settings: Sysctls, family: Family, interface: str) -> bool:
    """True where a packet that came in by ``interface`` may be forwarded; unknown counts as true.

    IPv4 asks the input interface alone (net/ipv4/route.c, ip_route_input_slow: IN_DEV_FORWARD);
    ``all`` was copied to every interface when it was written. IPv6 asks ``all`` alone: an
    interface's own ``forwarding`` only makes it a host or a router towards its link. Since Linux
    6.17 an interface's ``force_forwarding`` also lets it through (net/ipv6/ip6_output.c,
    ip6_forward).
    """
    if family is Family.IPV4:
        return settings.get(family, interface, "forwarding") != 0
    if settings.get(family, "all", "forwarding") != 0:
        return True
    return settings.get(family, interface, "force_forwarding") not in (0, None)


def reverse_path_filter(settings: Sysctls, interface: str) -> int:
    """0 off, 1 strict, 2 loose: the larger of ``all`` and the interface's; unknown is off."""
    own, everywhere = (settings.get(Family.IPV4, name, "rp_filter") for name in (interface, "all"))
    if own is None or everywhere is None:
        return 0
    return max(own, everywhere)


def proxies_arp(settings: Sysctls, interface: str) -> bool:
    """True where the device answers ARP for addresses it routes to; unknown counts as true."""
    either = [settings.get(Family.IPV4, name, "proxy_arp") for name in (interface, "all")]
    pvlan = settings.get(Family.IPV4, interface, "proxy_arp_pvlan")
    return any(value != 0 for value in either) or bool(pvlan)


def bridges_call_filters(settings: Sysctls) -> bool:
    """True where bridged packets may pass the IP filters and translations; unknown counts as true.

    Without the kernel's br_netfilter module the settings do not exist (kernel: br_netfilter_hooks.c).
    """
    if platform.BRIDGE_CALLS not in settings.asked_for:
        return True
    return any(settings.get(family, "all", platform.BRIDGE_CALLS) for family in Family)


# Settings that move packets past the model, with how ``all`` and the interface's value combine.
_DOUBTS = (
    (
        Family.IPV4,
        "accept_source_route",
        "and",
        "source-routed packets pass the filters with another destination",
    ),
    (Family.IPV4, "bc_forwarding", "and", "directed broadcasts are forwarded"),
    (Family.IPV4, "mc_forwarding", "or", "multicast routing is on; its table is not collected"),
    (Family.IPV6, "mc_forwarding", "or", "multicast routing is on; its table is not collected"),
    (Family.IPV6, "seg6_enabled", "and", "segment routing headers send packets on"),
    (Family.IPV6, "rpl_seg_enabled", "and", "RPL source routing headers send packets on"),
)


def account_doubts(
    reading: Reading, settings: Sysctls, interfaces: Iterable[str], families: Iterable[Family]
) -> None:
    """Note every setting that moves packets past the model, or that the device was not asked for.

    A device that forwards nothing in ``families`` cannot be made to by these.
    """
    names, forwarded = tuple(interfaces), tuple(families)
    for family, setting, combine, reason in _DOUBTS:
        if family in forwarded:
            for span in _effective(settings, family, setting, combine, names):
                line = span.first_line
                reading.ledger_of(span).unsupported(line, None, reason, bounded=False)
    if Family.IPV6 in forwarded:
        _account_force_forwarding(reading, settings, names)
    if forwarded:
        _account_unasked(reading, settings)


def _effective(
    settings: Sysctls, family: Family, setting: str, combine: str, interfaces: tuple[str, ...]
) -> Iterator[SourceSpan]:
    everywhere = settings.get(family, "all", setting)
    if combine == "and" and everywhere == 0:
        return
    for interface in interfaces if combine == "and" else ("all", *interfaces):
        span = settings.span(family, interface, setting)
        if span is not None and settings.get(family, interface, setting) != 0:
            yield span


def _account_force_forwarding(reading: Reading, settings: Sysctls, interfaces: tuple[str, ...]) -> None:
    """A host that forwards by force picks next hops by their reachability (ip6_pol_route)."""
    if settings.get(Family.IPV6, "all", "forwarding") != 0:
        return
    for interface in interfaces:
        span = settings.span(Family.IPV6, interface, "force_forwarding")
        if span is not None and settings.get(Family.IPV6, interface, "force_forwarding"):
            reason = "forwards without being a router: next hops depend on their reachability"
            reading.ledger_of(span).unsupported(span.first_line, None, reason, bounded=False)


def _account_unasked(reading: Reading, settings: Sysctls) -> None:
    needed = {setting for _, setting, _, _ in _DOUBTS}
    unasked = sorted(needed - settings.asked_for)
    if unasked:
        ledger = reading.ledger(reading.required(platform.SYSCTL))
        reason = f"the device was not asked for {', '.join(unasked)}"
        ledger.unsupported(1, None, reason, bounded=False)
