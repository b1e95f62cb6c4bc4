"""The NX-OS reader on damaged and random text: nothing but our own errors, one fate a line, linear time."""

from __future__ import annotations

from functools import partial

from builders.switch_fuzz import (
    calls,
    mutated,
    random_lines,
    read,
    read_with_table,
    routed_samples,
    samples,
)
from hypothesis import HealthCheck, given, settings

from segaudit.vendors.cisco_nxos import VENDOR

TEXTS = samples(VENDOR)
[(CONFIG, TABLE)] = routed_samples(VENDOR)
SLOW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@given(mutated(TEXTS))
@SLOW
def test_damaged_samples_are_read_or_refused(text: str) -> None:
    read(VENDOR, text)


@given(random_lines(TEXTS))
@SLOW
def test_random_lines_are_read_or_refused(text: str) -> None:
    read(VENDOR, text)


@given(mutated([TABLE]))
@SLOW
def test_a_damaged_routing_table_is_read_or_not_used(table: str) -> None:
    device = read_with_table(VENDOR, CONFIG, table)
    assert (
        any(route.protocol == "connected" and route.table == "main" for route in device.routes)
        or table.strip() == ""
    )


def repeated(size: int) -> str:
    """Every kind of line that may come in thousands."""
    lines = ["vrf context A", "vlan 1-3900"]
    for at in range(size):
        lines += [
            f"interface Ethernet1/{at}",
            "  switchport mode trunk",
            f"  switchport trunk allowed vlan {at + 1}",
        ]
        lines += [
            f"interface Vlan{at + 1}",
            "  no shutdown",
            f"  ip address 10.{at // 250}.{at % 250}.1/24",
        ]
        lines += ["  hsrp 1", f"    ip 10.{at // 250}.{at % 250}.2", ""]
        lines += [f"object-group ip address g{at}", "  10 host 10.0.0.1"]
    lines += ["ip access-list A", *(f"  {at} permit ip addrgroup g{at} any" for at in range(1, size))]
    lines += [f"ip route 192.0.{at}.0/24 10.0.0.9" for at in range(20)]
    return "\n".join(lines)


def test_the_work_grows_with_the_lines_and_no_faster() -> None:
    small, large = (calls(partial(read, VENDOR, repeated(size))) for size in (100, 400))
    assert large < 4.6 * small
