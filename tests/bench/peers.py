"""Ratios to other programs, each in one run on one machine: a solver on one filter, hassel-C on Stanford.

Run ``python tests/bench/peers.py``. The filter: N first-match rules of five fields, among them drops that
isolate some of the zone pairs asked about; the question, for every pair, whether any packet gets
from one zone to the other. Z3 (dependency group ``bench``) is asked with the rules as one chain of
booleans, pair by pair under ``push``. Figures are CPU seconds; both must give the same answers, nothing
else is asserted.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from itertools import pairwise
from pathlib import Path
from random import Random
from time import process_time
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.stanford import hassel_seconds, network, reachable_pairs, reached, read_backbone

from segaudit.model.acl import Ace, Acl, AddressIn, AllOf, End, Field, FieldIn, Forwarding, Range
from segaudit.model.flow import Family
from segaudit.packets import ChainCompiler, HeaderField, MatchCompiler, Universe

CORPORA = Path(os.environ.get("SEGAUDIT_CORPORA", Path(__file__).parents[3] / "shared" / "corpora"))
SERVICES = ((6, 22), (6, 80), (6, 443), (6, 445), (6, 3389), (17, 53), (17, 123), (17, 161))
ZONES = 20
NODES = 1 << 24

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Rule:
    """Addresses, ports and a protocol, each as an inclusive range; all of them must match."""

    source: Range
    destination: Range
    protocol: Range
    source_port: Range
    destination_port: Range
    accepts: bool


EVERY_PORT = (0, 65535)


# -- the filter ----------------------------------------------------------------------------------


def zone(number: int) -> Range:
    """The addresses of a zone."""
    return _ends(IPv4Network(f"10.{number}.0.0/16"))


def rules(count: int, seed: int = 1) -> list[Rule]:
    """``count`` rules: drops between every other pair of zones, then single services between networks."""
    random = Random(seed)
    isolated = [
        Rule(zone(a), zone(b), (0, 255), EVERY_PORT, EVERY_PORT, False) for a, b in pairs() if (a + b) % 2
    ]
    return [*isolated, *(_service(random) for _ in range(count - len(isolated)))]


def pairs() -> list[Pair]:
    """Every zone pair that is asked about."""
    return [(a, b) for a in range(ZONES) for b in range(ZONES) if a != b]


def _service(random: Random) -> Rule:
    protocol, port = random.choice(SERVICES)
    ends = (_ends(_network(random)), _ends(_network(random)))
    ports = EVERY_PORT if random.random() < 0.9 else (1024, 65535)
    return Rule(*ends, (protocol, protocol), ports, (port, port), random.random() < 0.7)


def _network(random: Random) -> IPv4Network:
    length = random.choice((18, 20, 22, 24, 24, 24, 26, 28))
    inside = random.randrange(1 << 16) >> (32 - length) << (32 - length)
    return IPv4Network(((10 << 24) + (random.randrange(ZONES) << 16) + inside, length))


def _ends(prefix: IPv4Network) -> Range:
    return int(prefix.network_address), int(prefix.broadcast_address)


# -- who is asked --------------------------------------------------------------------------------


def sets(filtered: Sequence[Rule], asked: Sequence[Pair]) -> Iterator[bool]:
    """The engine's answers: the filter as one set, cut with every pair."""
    universe = Universe(Family.IPV4, NODES)
    acl = Acl("forward", tuple(map(_ace, filtered)), Forwarding.DROP)
    accepted = ChainCompiler(MatchCompiler(universe, {}), {"forward": acl}).accepted("forward").may
    for a, b in asked:
        ends = universe.ranges(HeaderField.SOURCE, [zone(a)]) & universe.ranges(
            HeaderField.DESTINATION, [zone(b)]
        )
        yield not (accepted & ends).is_empty


def _ace(rule: Rule) -> Ace:
    matches = AllOf(
        (
            AddressIn(End.SOURCE, Family.IPV4, (rule.source,)),
            AddressIn(End.DESTINATION, Family.IPV4, (rule.destination,)),
            FieldIn(Field.PROTOCOL, (rule.protocol,)),
            *(
                FieldIn(field, (ports,))
                for field, ports in (
                    (Field.SOURCE_PORT, rule.source_port),
                    (Field.DESTINATION_PORT, rule.destination_port),
                )
                if ports != EVERY_PORT
            ),
        )
    )
    return Ace(matches, Forwarding.ACCEPT if rule.accepts else Forwarding.DROP)


def solver(filtered: Sequence[Rule], asked: Sequence[Pair]) -> Iterator[bool]:
    """Z3's answers: one boolean per rule for "no rule up to here has matched"."""
    z3: Any = importlib.import_module("z3")
    fields = {
        name: z3.BitVec(name, bits)
        for name, bits in (
            ("source", 32),
            ("destination", 32),
            ("protocol", 8),
            ("source_port", 16),
            ("destination_port", 16),
        )
    }
    asking = z3.SolverFor("QF_BV")
    open_, accepting = z3.BoolVal(True), []
    for number, rule in enumerate(filtered):
        matched = z3.And(*_inside(z3, fields, rule))
        if rule.accepts:
            accepting.append(z3.And(open_, matched))
        still = z3.Bool(f"open {number}")
        asking.add(still == z3.And(open_, z3.Not(matched)))
        open_ = still
    asking.add(z3.Or(*accepting))
    for a, b in asked:
        asking.push()
        asking.add(*_within(z3, fields["source"], zone(a)), *_within(z3, fields["destination"], zone(b)))
        yield asking.check() == z3.sat
        asking.pop()


def _inside(z3: Any, fields: dict[str, Any], rule: Rule) -> Iterator[Any]:
    for name, field in fields.items():
        first, last = getattr(rule, name)
        if last - first + 1 < 1 << field.size():
            yield from _within(z3, field, (first, last))


def _within(z3: Any, field: Any, ends: Range) -> list[Any]:
    first, last = ends
    return [field == first] if first == last else [z3.UGE(field, first), z3.ULE(field, last)]


# -- figures -------------------------------------------------------------------------------------

Answers = Callable[[Sequence[Rule], Sequence[Pair]], Iterator[bool]]


def timed(answers: Answers, filtered: Sequence[Rule], asked: Sequence[Pair]) -> tuple[list[bool], float]:
    """The answers, and the CPU seconds that they took."""
    start = process_time()
    found = list(answers(filtered, asked))
    return found, process_time() - start


def filters(counts: Sequence[int], asked: int, solved: int) -> None:
    """Ask both about filters of several sizes: all pairs, and the first ``asked`` where Z3 is slow."""
    for count in counts:
        filtered = rules(count)
        found, own = timed(sets, filtered, pairs())
        _say(f"{count} rules, {len(found)} pairs, {sum(found)} joined: {own:.2f} s")
        if count > solved:
            continue
        few = pairs()[:asked]
        (told, theirs), (again, ours) = timed(solver, filtered, few), timed(sets, filtered, few)
        assert told == again, "Z3 says something else"
        _say(f"  {asked} of the pairs: {ours:.2f} s, Z3 {theirs:.2f} s, ratio {theirs / ours:.0f}")


def stanford() -> None:
    """Every port of the Stanford backbone to every other."""
    folder = CORPORA / "stanford_backbone"
    if not folder.is_dir():
        _say(f"no Stanford backbone (SEGAUDIT_CORPORA={CORPORA})")
        return
    marks = [process_time()]
    backbone = read_backbone(folder / "transfer_functions")
    marks.append(process_time())
    found = network(backbone, Universe(Family.IPV4))
    for port in backbone.ports:
        found.onward(port.device, port.interface, False)
    marks.append(process_time())
    joined = sum(map(len, reachable_pairs(reached(found, backbone.ports), backbone.ports).values()))
    marks.append(process_time())
    read, compiled, pairs_found = (later - earlier for earlier, later in pairwise(marks))
    theirs = hassel_seconds(folder / "expected_hassel_c_pairs.json")
    ratio = theirs / (compiled + pairs_found)
    _say(f"Stanford, {len(backbone.ports)} ports to all, {joined} pairs:")
    _say(f"  read {read:.2f} s, routers as sets {compiled:.2f} s, all pairs {pairs_found:.2f} s")
    _say(f"  hassel-C where its pairs were computed: {theirs:.0f} s, ratio {ratio:.0f}")


def main() -> None:
    """Parse arguments and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("counts", nargs="*", type=int, default=[1000, 10000, 50000], help="rules")
    parser.add_argument("--pairs", type=int, default=100, help="how many pairs Z3 is asked about")
    parser.add_argument("--solve-up-to", type=int, default=10000, help="largest filter that Z3 is given")
    arguments = parser.parse_args()
    stanford()
    filters(arguments.counts, arguments.pairs, arguments.solve_up_to)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
