"""What the engine costs: CPU seconds and peak memory, stage by stage, as networks grow.

Run ``python tests/bench/measure.py 100 300 1000``. Every size runs in a process of its own, so that
the peak is its own. ``--way command`` is the whole judgement of the network as files, parsing
included. Figures are for reading and for ratios within one run; nothing is asserted.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
        to_folder(draw(size), Path(folder))
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


WAYS = {"engine": engine, "command": command}


def main() -> None:
    """Parse arguments; with ``--here`` measure one size in this process and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", default=["100", "300"], help=", ".join(SIZES))
    parser.add_argument("--way", choices=WAYS, default="engine")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.here:
        stages = WAYS[arguments.way](SIZES[arguments.sizes[0]])
        _say(json.dumps({**stages, "peak MB": peak_megabytes()}))
        return
    for name in arguments.sizes:
        _row(name, SIZES[name], arguments.way)


def _row(name: str, size: Size, way: str) -> None:
    own = [sys.executable, __file__, name, "--way", way, "--here"]
    found = json.loads(subprocess.run(own, check=True, stdout=subprocess.PIPE).stdout)
    _say(f"{size.devices} devices, {size.all_zones} zones, {size.rules} rules ({way})")
    for stage, value in found.items():
        shown = f"{value:10d}" if isinstance(value, int) else f"{value:10.2f} s"
        _say(f"  {stage:20} {shown}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
