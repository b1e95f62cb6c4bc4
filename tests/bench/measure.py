"""What the engine costs: CPU seconds and peak memory, stage by stage, as networks grow.

Run ``python tests/bench/measure.py 100 300 1000``. Every size runs in a process of its own, so that
the peak is its own. ``--way command`` is the whole judgement of the network as files, parsing
included; ``--filters 100x5000`` is that for a network with so many filters of so many rules each.
``--grow zones`` (or devices, rules, routes) doubles one thing and leaves the others as they are; the
power is how the cost follows it from row to row (1: in proportion). Figures are for reading and for
ratios within one run; nothing is asserted.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, replace
from itertools import pairwise
from math import isqrt, log
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.generate import SIZES, Size, draw, to_folder, to_policy, to_snapshot

from segaudit.judge.prover import Prover, Reading
from segaudit.model.flow import Family
from segaudit.policy import locate
from segaudit.reach.device_path import Level, RoutingMode

NODES = 1 << 25
"""Room for packet sets; the judge would get here by its second retry."""

Stages = dict[str, float]


@contextmanager
def timed(stages: Stages, name: str) -> Iterator[None]:
    """Add the CPU seconds of the block to ``stages``."""
    start = process_time()
    yield
    stages[name] = stages.get(name, 0.0) + process_time() - start


def peak_megabytes() -> int:
    """Highest resident size of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def engine(size: Size) -> Stages:
    """All zone pairs, both directions: with and without connections, certain, and under any routing."""
    stages: Stages = {}
    with timed(stages, "generate"):
        drawing = draw(size)
        snapshot, policy = to_snapshot(drawing), to_policy(drawing)
    with timed(stages, "locate"):
        zones = locate(policy, snapshot)
    prover = Prover(policy, snapshot, zones, (), NODES)
    with timed(stages, "graph"):
        prover.graph(Reading.STRICT)
    with timed(stages, "compile"):
        prover.network(Family.IPV4, Reading.STRICT, Level.MAY)
    for name, question in QUESTIONS.items():
        with timed(stages, name):
            stages[f"{name} joined"] = sum(
                question(prover, a, b) for a in policy.zones for b in policy.zones
            )
    stages["total"] = sum(value for name, value in stages.items() if not name.endswith("joined"))
    return stages


def _question(level: Level, routing: RoutingMode, connections: bool) -> Callable[[Prover, str, str], bool]:
    reading = Reading.STRICT if level is Level.MAY else Reading.CLOSED

    def arrives(prover: Prover, source: str, destination: str) -> bool:
        if source == destination:
            return False
        reached = prover.reached(Family.IPV4, source, reading, level, routing, connections)
        return not prover.arrived(reached, destination, reading).is_empty

    return arrives


QUESTIONS = {
    "fresh": _question(Level.MAY, RoutingMode.CURRENT, False),
    "connections": _question(Level.MAY, RoutingMode.CURRENT, True),
    "certain": _question(Level.MUST, RoutingMode.CURRENT, False),
    "any routing": _question(Level.MAY, RoutingMode.ANY, True),
}


def command(size: Size) -> Stages:
    """``segaudit check`` on the network as files, parsing included, in this process."""
    from datetime import date

    from segaudit.documents.snapshot_folder import read_snapshot
    from segaudit.judge import judge
    from segaudit.parse import parse_snapshot, vendors
    from segaudit.policy import read_policy

    stages: Stages = {}
    with TemporaryDirectory() as folder:
        _written_apart(size, Path(folder))
        with timed(stages, "parse"):
            policy = read_policy(Path(folder) / "policy.yaml")
            snapshot = parse_snapshot(read_snapshot(Path(folder) / "snapshot"), vendors())
        with timed(stages, "locate"):
            zones = locate(policy, snapshot)
        with timed(stages, "judge"):
            judgement = judge(policy, snapshot, zones, date(2026, 11, 24))
    stages["total"] = sum(stages.values())
    stages["verdicts"] = len(judgement.verdicts)
    return stages


def _written_apart(size: Size, folder: Path) -> None:
    """Draw the network in another process: what that takes is no cost of judging it."""
    with ProcessPoolExecutor(1, get_context("spawn")) as apart:
        apart.submit(_written, size, folder).result()


def _written(size: Size, folder: Path) -> None:
    to_folder(draw(size), folder)


WAYS = {"engine": engine, "command": command}


# -- growth --------------------------------------------------------------------------------------

START = Size(sites=8, access=8, zones=1, cores=8, firewall_rules=150, access_rules=10, extra_routes=500)

GROWN: dict[str, Callable[[int], Size]] = {
    "devices": lambda times: replace(START, sites=8 * times, cores=8 * times, zones=1),
    "rules": lambda times: replace(START, firewall_rules=150 * times, access_rules=10 * times),
    "zones": lambda times: replace(START, zones=times),
    "routes": lambda times: replace(START, extra_routes=500 * times),
}
"""The network of which one thing is so many times as much; a device brings its rules and zones along."""

COUNTED: dict[str, Callable[[Size], int]] = {
    "devices": lambda size: size.devices,
    "rules": lambda size: size.rules,
    "zones": lambda size: size.all_zones,
    "routes": lambda size: sum(len(box.routes) for box in draw(size).boxes.values()),
}


def curve(what: str, doublings: int, way: str) -> None:
    """Print what growing one thing costs, row by row."""
    sizes = [GROWN[what](1 << doubling) for doubling in range(doublings + 1)]
    costs = [_measured(size, way) for size in sizes]
    counts = [{name: counted(size) for name, counted in COUNTED.items()} for size in sizes]
    _say(f"growing {what} ({way})")
    _say("  " + "".join(f"{name:>10}" for name in (*COUNTED, "total s", "peak MB", "power")))
    powers = [
        "",
        *(_power(*pair) for pair in pairwise(zip((one[what] for one in counts), costs, strict=True))),
    ]
    for count, cost, power in zip(counts, costs, powers, strict=True):
        cells = (*count.values(), f"{cost['total']:.2f}", cost["peak MB"], power)
        _say("  " + "".join(f"{cell:>10}" for cell in cells))


def _power(before: tuple[int, Stages], after: tuple[int, Stages]) -> str:
    """The exponent with which the cost grew."""
    return f"{log(after[1]['total'] / before[1]['total']) / log(after[0] / before[0]):.1f}"


# -- large filters -------------------------------------------------------------------------------


def filtered(filters: int, rules: int) -> Size:
    """A network with so many filters of so many rules each: as many sites as LANs per site, about."""
    sites = max(2, min(20, isqrt(filters)))
    access = -(-filters // sites)
    few = Size(sites, access, zones=1, cores=4, firewall_rules=50, access_rules=0)
    return replace(few, large_filters=filters, large_rules=rules)


# -- command line --------------------------------------------------------------------------------


def main() -> None:
    """Parse arguments; with ``--here`` measure one size in this process and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", help=", ".join(SIZES))
    parser.add_argument("--way", choices=WAYS, default="engine")
    parser.add_argument("--grow", choices=GROWN, action="append", default=[])
    parser.add_argument("--doublings", type=int, default=3)
    parser.add_argument("--filters", nargs="+", default=[], metavar="FILTERSxRULES")
    parser.add_argument("--here", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.here:
        stages = WAYS[arguments.way](Size(**json.loads(arguments.here)))
        _say(json.dumps({**stages, "peak MB": peak_megabytes()}))
        return
    for name in arguments.sizes:
        _row(SIZES[name], arguments.way)
    for shape in arguments.filters:
        _say(f"{shape} rules in large filters")
        _row(filtered(*map(int, shape.split("x"))), "command")
    for what in arguments.grow:
        curve(what, arguments.doublings, arguments.way)


def _measured(size: Size, way: str) -> Stages:
    """What a size costs, in a process of its own."""
    own = [sys.executable, __file__, "--way", way, "--here", json.dumps(asdict(size))]
    found: Stages = json.loads(subprocess.run(own, check=True, stdout=subprocess.PIPE).stdout)
    return found


def _row(size: Size, way: str) -> None:
    _say(f"{size.devices} devices, {size.all_zones} zones, {size.rules} rules ({way})")
    for stage, value in _measured(size, way).items():
        shown = f"{value:10d}" if isinstance(value, int) else f"{value:10.2f} s"
        _say(f"  {stage:20} {shown}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
