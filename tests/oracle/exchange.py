"""Packets that belong together at one router: a probe, and what is sent because it arrived.

The first packet of a connection says what a stranger can send through. Its answer, a further packet of
it and ICMP errors about it say what a connection lets through.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address

from oracle.box import Arrival, Box
from oracle.box_model import BoxModel
from oracle.frames import packets
from oracle.words import INTERFACES, Sending, some_address

from segaudit.model.flow import Family, Flow

FOLLOW_UPS = ("answer", "more", "error-back", "error-on", "error-elsewhere")
_ICMP_ANSWERS = {8: 0, 13: 14, 15: 16, 17: 18, 128: 129}


@dataclass(frozen=True, slots=True)
class Exchange:
    """A probe and what follows it; ``error`` and ``liar`` are an ICMP error's type and claimed sender."""

    probe: Sending
    follow_up: str = ""
    error: tuple[int, int] = (0, 0)
    liar: str = ""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Kernel and model disagree on one packet."""

    what: str
    """``passed`` (the model says it cannot) or ``lost`` (the model says that it must pass)."""
    exchange: Exchange
    detail: str


@dataclass(slots=True)
class Tally:
    """What a comparison came to."""

    packets: int = 0
    arrived: int = 0
    open_between: int = 0
    """Packets that may pass and need not: the model does not decide."""
    follow_ups: int = 0
    follow_ups_arrived: int = 0

    def __iadd__(self, other: Tally) -> Tally:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self


def compare_fresh(
    box: Box, model: BoxModel, sent: Sequence[Sending]
) -> tuple[list[Mismatch], dict[int, list[Arrival]], Tally]:
    """Fresh packets: one that passed must be in may, one that did not must not be in must."""
    tally = Tally(packets=len(sent))
    arrived = box.send(sent)
    expected = {number: model.must(one) for number, one in enumerate(sent)}
    again = [number for number, ways in expected.items() if ways and number not in arrived]
    for number in again:  # a lost packet is sent once more before it counts as lost
        more = box.send([sent[number]])
        if more:
            arrived[number] = more[0]
    found = []
    for number, one in enumerate(sent):
        came = arrived.get(number, [])
        ways = expected[number]
        tally.arrived += bool(came)
        tally.open_between += not ways and model.may_pass(one.flow, one.interface)
        for arrival in came:
            if not model.may(one.flow, one.interface, arrival, False):
                found.append(
                    Mismatch("passed", Exchange(one), f"out of {arrival.interface}: {arrival.flow}")
                )
        if ways and not came:
            found.append(Mismatch("lost", Exchange(one), f"must leave by {ways}"))
    return found, arrived, tally


def exchanges(
    dice: random.Random, sent: Sequence[Sending], arrived: dict[int, list[Arrival]]
) -> list[Exchange]:
    """Follow-ups of packets that came through, each kind for some."""
    made = []
    for number, came in sorted(arrived.items()):
        one = sent[number]
        if len(came) != 1 or came[0].flow.fragment or one.flow.fragment:
            continue
        kinds: tuple[tuple[int, int], ...] = ((3, 1), (3, 3), (3, 4), (11, 0), (12, 0), (5, 1), (4, 0))
        if one.flow.family is Family.IPV6:
            kinds = ((1, 0), (1, 4), (2, 0), (3, 0), (4, 0))
        liar = some_address(dice, one.flow.family)
        made.append(Exchange(one, dice.choice(FOLLOW_UPS), dice.choice(kinds), liar))
    return made


def compare_followed(box: Box, model: BoxModel, cases: Sequence[Exchange]) -> tuple[list[Mismatch], Tally]:
    """Packets of a connection, its answers and errors about it: what passed must be in may."""
    box.forget_connections()
    probes = box.send([one.probe for one in cases])
    tally = Tally()
    ready: list[tuple[int, str, bytes, Flow]] = []
    flows: dict[int, tuple[str, Flow, Exchange]] = {}
    for number, case in enumerate(cases):
        came = probes.get(number, [])
        if len(came) != 1:
            continue
        for interface, flow, quoted in _followed(case, came[0]):
            key = box.numbers(1)
            flows[key] = (interface, flow, case)
            ready += [(key, interface, part, flow) for part in packets(flow, key, quoted)]
    arrived = box.send_ready(ready)
    tally.follow_ups = len(flows)
    found = []
    for key, (interface, flow, case) in flows.items():
        came = arrived.get(key, [])
        tally.follow_ups_arrived += bool(came)
        for arrival in came:
            if not model.may(flow, interface, arrival, True):
                detail = f"{flow} into {interface} came out of {arrival.interface}: {arrival.flow}"
                found.append(Mismatch("passed", case, detail))
    return found, tally


def _followed(case: Exchange, came: Arrival) -> Iterator[tuple[str, Flow, bytes]]:
    """What is sent, where, and what it quotes."""
    probe, there = case.probe, came.flow
    answer = _answer(there)
    if case.follow_up == "error-on":
        # the probe's own side sends an error about the answer, which quotes it as the probe's side saw it
        yield came.interface, answer, b""
        seen = _answer(probe.flow)
        yield probe.interface, _error(case, seen, seen.source), packets(seen, 7)[0]
        return
    if case.follow_up == "answer":
        yield came.interface, answer, b""
    elif case.follow_up == "more":
        yield came.interface, answer, b""
        flags = 16 if probe.flow.protocol == 6 else 0
        yield probe.interface, replace(probe.flow, tcp_flags=flags), b""
    else:
        where = came.interface
        if case.follow_up == "error-elsewhere":
            where = INTERFACES[(INTERFACES.index(where) + 1) % len(INTERFACES)]
        yield where, _error(case, there, there.source), packets(there, 7)[0]


def _error(case: Exchange, about: Flow, to: int) -> Flow:
    number = 1 if about.family is Family.IPV4 else 58
    return Flow(about.family, number, int(ip_address(case.liar)), to, 0, 0, *case.error)


def _answer(flow: Flow) -> Flow:
    kind = _ICMP_ANSWERS.get(flow.icmp_type, flow.icmp_type) if flow.protocol in (1, 58) else 0
    return replace(
        flow,
        source=flow.destination,
        destination=flow.source,
        source_port=flow.destination_port,
        destination_port=flow.source_port,
        icmp_type=kind,
        tcp_flags=18 if flow.protocol == 6 else 0,
    )
