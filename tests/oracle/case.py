"""One configuration and one exchange on which kernel and model must agree: replayed, shrunk, kept."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from oracle.box import Box
from oracle.box_model import BoxModel, Packets
from oracle.exchange import Exchange, Mismatch
from oracle.lines import Dice, Line
from oracle.random_iptables import iptables_lines
from oracle.random_nft import nft_lines
from oracle.random_routing import routing_lines
from oracle.replay import replay
from oracle.words import Sending

from segaudit.model.flow import Family, Flow

FOUND = Path(__file__).parent / "found"


@dataclass(frozen=True, slots=True)
class Case:
    """A configuration, line by line, and an exchange; ``what`` was the mismatch and ``why`` its cause.

    ``doubtful``: what is not listed decides here, so that the device must count as not modelled.
    """

    lines: tuple[Line, ...]
    exchange: Exchange
    what: str
    why: str = ""
    doubtful: bool = False


def random_lines(seed: int) -> list[Line]:
    """The configuration of a seed: nftables for odd ones, iptables for even ones, and routing."""
    dice = Dice(random.Random(seed))
    nat = dice.chance(0.4)
    unmodelled = 0.05 if dice.chance(0.6) else 0.0
    filters = (nft_lines if seed % 2 else iptables_lines)(dice, nat, unmodelled)
    return filters + routing_lines(dice)


def disagreements(box: Box, case: Case) -> list[Mismatch]:
    """The mismatches of one case, replayed in a box."""
    box.load(case.lines)
    model = BoxModel(box.device(), Packets())
    if model.doubtful:
        return []
    return [one for one in replay(box, model, case.exchange) if one.what == case.what]


def shrunk(box: Box, lines: Sequence[Line], mismatch: Mismatch) -> Case:
    """The smallest part of a configuration, line by line, that still shows the mismatch."""
    case = Case(tuple(lines), mismatch.exchange, mismatch.what)
    size = max(1, len(lines) // 2)
    while True:
        smaller = _without_some(box, case, size)
        if smaller is None and size == 1:
            return case
        if smaller is None:
            size //= 2
        else:
            case = smaller
            size = max(1, min(size, len(case.lines) // 2))


def _without_some(box: Box, case: Case, size: int) -> Case | None:
    for start in range(0, len(case.lines), size):
        smaller = replace(case, lines=case.lines[:start] + case.lines[start + size :])
        if disagreements(box, smaller):
            return smaller
    return None


# -- as text -------------------------------------------------------------------------------------


def to_json(case: Case) -> str:
    """The case as text that a reader can follow."""
    flow = case.exchange.probe.flow
    numbers = {
        name: getattr(flow, name)
        for name in ("protocol", "source_port", "destination_port", "icmp_type", "icmp_code", "tcp_flags")
        if getattr(flow, name)
    }
    document = {
        "why": case.why,
        "what": case.what,
        **({"doubtful": True} if case.doubtful else {}),
        "lines": [f"{line.program}: {line.text}" for line in case.lines],
        "into": case.exchange.probe.interface,
        "source": str(flow.source_address),
        "destination": str(flow.destination_address),
        **numbers,
        "fragment": flow.fragment,
        "whole": case.exchange.probe.whole,
        "follow_up": case.exchange.follow_up,
        "error": list(case.exchange.error),
        "liar": case.exchange.liar,
    }
    return json.dumps(document, indent=2) + "\n"


def from_json(text: str) -> Case:
    """The case that :func:`to_json` wrote."""
    document: dict[str, Any] = json.loads(text)
    source, destination = (ip_address(document[end]) for end in ("source", "destination"))
    numbers = {
        name: document.get(name, 0)
        for name in ("protocol", "source_port", "destination_port", "icmp_type", "icmp_code", "tcp_flags")
    }
    flow = Flow(
        Family(source.version),
        source=int(source),
        destination=int(destination),
        fragment=document["fragment"],
        **numbers,
    )
    probe = Sending(document["into"], flow, document["whole"])
    error = (document["error"][0], document["error"][1])
    exchange = Exchange(probe, document["follow_up"], error, document["liar"])
    parts = (line.partition(": ") for line in document["lines"])
    lines = tuple(Line(program, text) for program, _, text in parts)
    return Case(lines, exchange, document["what"], document["why"], document.get("doubtful", False))


def found_cases() -> list[tuple[str, Case]]:
    """Every kept case, by name."""
    return [(path.stem, from_json(path.read_text())) for path in sorted(FOUND.glob("*.json"))]


Report = Callable[[str], None]
