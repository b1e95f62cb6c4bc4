"""Waiting until a lab's routers have agreed on the routes.

A network in production is always converged; a lab that came up a second ago is not, and a snapshot
of it would be of a network that never lasts.
"""

from __future__ import annotations

import re
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from segaudit.documents.topology_data import read_topology_data
from segaudit.errors import TopologyError
from segaudit.lab import adjacency
from segaudit.lab.running import RunningLab, lab_exec

QUIET_SECONDS = 6.0
"""More than the 5 s for which a router may hold back news of its links (MinLSInterval, RFC 2328)."""

POLL_SECONDS = 0.5

_ROUTERS_AT_ONCE = 4
_ANSWER_SECONDS = 20
_COUNTDOWN = re.compile(r" expires \S+")


def wait_until_settled(running: RunningLab, timeout_seconds: float = 90.0) -> list[str]:
    """Wait until every neighbour is there and no routing table changes; what is still open then.

    An empty answer means settled. Neighbours are those that the wiring promises (:func:`still_open`);
    the tables must stand still for ``QUIET_SECONDS``. A lab without routers is settled at once. OSPF
    on a broadcast link takes 40 s to elect its designated router (RFC 2328, section 9.4), on a
    point-to-point link one hello.
    """
    if not any(node.runs_frr for node in running.nodes):
        return []
    end = time.monotonic() + timeout_seconds
    before, since = "", time.monotonic()
    while True:
        missing, tables = still_open(running), _routing_tables(running)
        now = time.monotonic()
        if missing or tables != before:
            before, since = tables, now
        elif now - since >= QUIET_SECONDS:
            return []
        if now > end:
            return missing or ["the routing tables keep changing"]
        time.sleep(POLL_SECONDS)


def still_open(running: RunningLab) -> list[str]:
    """The OSPF neighbours and BGP sessions that the lab should have and has not, one sentence each."""
    routers = [node.name for node in running.nodes if node.runs_frr]
    words = ["vtysh", *(word for command in adjacency.COMMANDS for word in ("-c", command))]
    with ThreadPoolExecutor(_ROUTERS_AT_ONCE) as pool:
        answers = list(pool.map(lambda router: _answer(running, router, words), routers))
    told = {
        router: adjacency.read_answers(router, answer)
        for router, answer in zip(routers, answers, strict=True)
    }
    data = read_topology_data(running.topology_data, TopologyError)
    segments = [[(end.device, end.interface) for end in link.ends] for link in data.links]
    return adjacency.still_open(told, segments)


def _routing_tables(running: RunningLab) -> str:
    command = ["sh", "-c", "ip -4 route show table all; ip -6 route show table all"]
    routers = [node.name for node in running.nodes if node.runs_frr]
    with ThreadPoolExecutor(_ROUTERS_AT_ONCE) as pool:
        return _COUNTDOWN.sub(
            "", "\n".join(pool.map(lambda router: _answer(running, router, command), routers))
        )


def _answer(running: RunningLab, router: str, command: list[str]) -> str:
    """What the router printed; nothing where it does not answer in time (then it is not settled)."""
    try:
        return lab_exec(running.name, router, command, timeout_seconds=_ANSWER_SECONDS).stdout
    except subprocess.TimeoutExpired:
        return ""
