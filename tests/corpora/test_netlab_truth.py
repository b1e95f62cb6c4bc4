"""netlab's integration tests: what must ping and what must not, on every system that we read.

The expectation is the same for every system, and the real systems meet it. What must ping may never be
called isolated; what must not ping may never be called certain.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from oracle.netlab import NETLAB, PLATFORMS, Lab, folders, read_lab

pytestmark = [
    pytest.mark.corpora,
    pytest.mark.skipif(not NETLAB.is_dir(), reason=f"no labs of netlab (SEGAUDIT_CORPORA: {NETLAB})"),
]

LABS = [folder for system in sorted(PLATFORMS) for folder in folders(system)]


@cache
def lab(folder: Path) -> Lab:
    return read_lab(folder)


def _named(folder: Path) -> str:
    return f"{folder.name}-{folder.parent.name}"


@pytest.mark.parametrize("folder", LABS, ids=_named)
def test_what_must_ping_is_not_isolated(folder: Path) -> None:
    isolated = [ping for ping in lab(folder).pings if ping.expected and not lab(folder).may(ping)]
    assert not isolated


@pytest.mark.parametrize("folder", LABS, ids=_named)
def test_what_must_not_ping_is_not_certain(folder: Path) -> None:
    reached = [ping for ping in lab(folder).pings if not ping.expected and lab(folder).certain(ping)]
    assert not reached


def test_separation_is_proven_where_the_lab_is_understood() -> None:
    """Of the pings that must fail, in labs without a routing protocol or anything not modelled."""
    understood = [one for one in map(lab, LABS) if not (one.unread or one.doubts() or _learns(one))]
    failing = [(one, ping) for one in understood for ping in one.pings if not ping.expected]
    assert len(failing) >= MOST_SEPARATE
    assert not [(one.system, one.name, ping) for one, ping in failing if one.may(ping)]


MOST_SEPARATE = 8


def _learns(one: Lab) -> bool:
    return any(route.protocol == "unknown" for box in one.snapshot.devices.values() for route in box.routes)
