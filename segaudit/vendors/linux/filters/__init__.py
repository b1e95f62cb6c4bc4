"""Linux packet filters and translations: nftables and iptables -> ``model.acl``.

The kernel is the judge: nftables 1.0.6, iptables 1.8.9, ipset 7.17, Linux 6.1. What is not
understood is kept as an unknown match or action, so that a packet that could pass is never lost.
"""

from __future__ import annotations

from segaudit.model.snapshot import RawConfig
from segaudit.vendors.linux.filters.assembly import assemble
from segaudit.vendors.linux.filters.facts import FilterFacts

__all__ = ["FilterFacts", "read_filters"]


def read_filters(config: RawConfig) -> FilterFacts:
    """The filters of one device, from ``nftables.*``, ``*-save.txt`` and ``ipset.txt``.

    A listing that is broken (a failed command, not JSON, cut off) makes all filters of the device
    unknown: none is returned, so that no packet is taken for dropped, any translation is possible,
    and the listing is an unbounded line. The same holds for a device of which no listing was taken.
    """
    return assemble(config)
