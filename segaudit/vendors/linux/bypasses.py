"""What carries packets past the routes and filters of the model: noticed, and never modelled.

A device that has any of it is doubtful, and so is one that did not tell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import TypeVar

from segaudit.model.source import SourceSpan
from segaudit.vendors.linux import platform, words
from segaudit.vendors.linux.reading import JsonObject, Reading
from segaudit.vendors.linux.records import QdiscRecord

R = TypeVar("R")
_HOOKS = frozenset({"clsact", "ingress"})
_TAKE_NO_FILTERS = frozenset(
    {
        *("noqueue", "noop", "pfifo", "bfifo", "pfifo_head_drop", "pfifo_fast", "mq", "mqprio"),
        *("fq", "codel", "pie", "tbf", "netem"),
    }
)
"""Queueing disciplines without ``tcf_block``: the kernel refuses filters on them (net/sched/cls_api.c)."""

_ASSUMED = {
    platform.QDISC: "traffic control is taken to redirect and rewrite nothing",
    platform.XFRM_POLICY: "the device is taken to have no IPsec policies",
    platform.MPLS_ROUTE: "the device is taken to have no MPLS routes",
    platform.MROUTE4: "the device is taken to have no IPv4 multicast routes",
    platform.MROUTE6: "the device is taken to have no IPv6 multicast routes",
}
_ROUTES = {
    platform.MPLS_ROUTE: "labelled packets are forwarded past the routes and filters",
    platform.MROUTE4: "multicast is forwarded by routes that are not modelled",
    platform.MROUTE6: "multicast is forwarded by routes that are not modelled",
}


def account(reading: Reading) -> None:
    """Note everything that may carry a packet past the model, and every listing that is missing.

    What does not move packets is ignored with the reason.
    """
    _account_qdiscs(reading)
    _account_policies(reading)
    for name, reason in _ROUTES.items():
        _account_routes(reading, name, reason)


def _told(reading: Reading, name: str, read: Callable[[JsonObject, SourceSpan], R | None]) -> tuple[R, ...]:
    """The entries of a listing; none where the kernel has no such table, or nobody told (a doubt)."""
    if reading.kernel_lacks(name):
        return ()
    records = reading.optional_records(name, read)
    if records is None:
        _account_untold(reading, name)
    return records or ()


def _account_untold(reading: Reading, name: str) -> None:
    ledger, missing = reading.ledger(reading.required(platform.LINK)), f"{name} was not collected"
    ledger.unsupported(1, None, f"{missing}: {_ASSUMED[name]}", bounded=False, text=missing)


# ---- traffic control ----------------------------------------------------------------------------


def _account_qdiscs(reading: Reading) -> None:
    for record in _told(reading, platform.QDISC, _qdisc):
        ledger, span = reading.ledger_of(record.span), record.span
        doubt = _doubt(record)
        if doubt and not _shown_without_filters(reading, record):
            ledger.unsupported(span.first_line, span.last_line, doubt, bounded=False)
        else:
            reason = f"{record.kind} without filters only delays and drops"
            ledger.ignored(span.first_line, span.last_line, reason)


def _shown_without_filters(reading: Reading, record: QdiscRecord) -> bool:
    """True where the filters of an interface were listed, there are none, and none could be elsewhere."""
    name = platform.qdisc_filters(record.interface)
    whole = record.kind in platform.FILTERS_AT_ROOT and not record.parent
    return whole and reading.optional_records(name, lambda _, span: span) == ()


def _qdisc(element: JsonObject, span: SourceSpan) -> QdiscRecord:
    return QdiscRecord(
        kind=words.word(element, "kind"),
        interface=words.word(element, "dev", ""),
        handle=words.word(element, "handle", ""),
        parent=words.word(element, "parent", ""),
        corrupts="corrupt" in words.mapping(element, "options"),
        span=span,
    )


def _doubt(record: QdiscRecord) -> str:
    """Why the discipline may move or rewrite packets; empty where it cannot.

    Filters act on what the discipline sends, past the FORWARD filters (tc-mirred(8), tc-bpf(8)).
    They are not listed without naming an interface (``platform.qdisc_filters``). A discipline without a
    handle can take some only as an interface's root (``__tcf_qdisc_find``).
    """
    if record.kind in _HOOKS:
        return f"filters of {record.kind} on {record.interface} may redirect or rewrite any packet"
    if record.corrupts:
        return f"{record.kind} on {record.interface} changes bits of packets"
    if record.kind in _TAKE_NO_FILTERS or (record.handle == "0:" and record.parent):
        return ""
    return f"{record.kind} on {record.interface} may hold filters that redirect or rewrite packets"


# ---- IPsec --------------------------------------------------------------------------------------


def _account_policies(reading: Reading) -> None:
    """Every policy is a doubt: it may put any packet into a tunnel, or take it from one (ip-xfrm(8))."""
    if reading.kernel_lacks(platform.XFRM_POLICY):
        return
    file = reading.optional(platform.XFRM_POLICY)
    if file is None:
        _account_untold(reading, platform.XFRM_POLICY)
        return
    ledger, reason = reading.ledger(file), "IPsec may carry packets past the routes and filters"
    for first, last, is_policy in _policies(file.text):
        if is_policy:
            ledger.unsupported(first, last, reason, bounded=False)
        else:
            ledger.unrecognized(first, last, "not a line of ip xfrm policy")


def _policies(text: str) -> Iterator[tuple[int, int, bool]]:
    """First and last line of each entry, and whether it is a policy: what is indented continues one."""
    lines = text.rstrip().split("\n")
    starts = [number for number, line in enumerate(lines, start=1) if re.match(r"\S", line)]
    for first, following in pairwise([*starts, len(lines) + 1]):
        yield first, following - 1, lines[first - 1].startswith("src ")


# ---- MPLS and multicast -------------------------------------------------------------------------


def _account_routes(reading: Reading, name: str, reason: str) -> None:
    for span in _told(reading, name, lambda _, span: span):
        reading.ledger_of(span).unsupported(span.first_line, span.last_line, reason, bounded=False)
