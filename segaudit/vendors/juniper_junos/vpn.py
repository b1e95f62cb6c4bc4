"""``security ipsec vpn``: where the tunnels of ``st0`` end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from segaudit.model.device import Interface, TunnelEnds
from segaudit.model.flow import Family
from segaudit.vendors.juniper_junos import words
from segaudit.vendors.juniper_junos.reading import Reading


def with_ends(reading: Reading, interfaces: Mapping[str, Interface]) -> dict[str, Interface]:
    """The interfaces, those bound to a VPN with the peer's address; a VPN without one is doubtful."""
    found = dict(interfaces)
    gateways = reading.root.get("security", "ike", "gateway")
    for vpn in reading.root.under("security", "ipsec", "vpn"):
        name = vpn.value("bind-interface")
        gateway = gateways.get(vpn.value("ike", "gateway") or "") if gateways is not None else None
        peer = words.prefix((gateway.value("address") if gateway is not None else None) or "")
        if name is None:
            continue
        one = found.get(name)
        if one is None:
            reading.unsupported(vpn, "a tunnel whose interface is not there", bounded=False)
            continue
        source = gateway.value("external-interface") if gateway is not None else None
        ends = TunnelEnds(
            "ipsec",
            peer[0] if peer else Family.IPV4,
            destination=peer[1] if peer else None,
            source_interface=source,
        )
        reading.facts(vpn)
        found[name] = replace(one, tunnel=ends)
    return found


def selecting(reading: Reading) -> frozenset[str]:
    """The tunnels to which traffic selectors make routes that the configuration does not show."""
    vpns = reading.root.under("security", "ipsec", "vpn")
    names = (vpn.value("bind-interface") for vpn in vpns if vpn.has("traffic-selector"))
    return frozenset(name for name in names if name is not None)
