"""A judgement spread over workers: first the filters are compiled, then each source zone is judged.

What is the same for all tasks travels as bytes, and a worker unpacks it once. What comes back is the
same whoever computed it and in whatever order: packet sets are canonical, and they stay at home but
for compiled filters, which go from the first round to the second.
"""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from threading import Lock
from typing import Any

from segaudit.documents.own_sources import digest_of_own_sources
from segaudit.errors import RunError
from segaudit.executors import Done, Workers
from segaudit.judge.prover import Prover
from segaudit.judge.share import Case, Part, Share, judge_share, source_zones
from segaudit.model.flow import Family
from segaudit.packets import Universe
from segaudit.reach.compiled import CompiledDevice
from segaudit.reach.filter_store import ChainDigests, FilterStore, Kept, KeptInMemory
from segaudit.reach.universes import classes_pay

Groups = tuple[tuple[str, ...], ...]
FilterName = tuple[str, str, bool]
"""Device, chain, and whether in the coordinates of the answer."""

_BATCHES_PER_WORKER = 4
_SMALL_UNIVERSE = 1 << 14
"""Nodes of a universe in which no filter is compiled."""


def judge_with(
    workers: Workers,
    case: Case,
    node_capacity: int,
    kept: Kept | None,
    tell: Callable[[str, int, int], None],
) -> list[Part]:
    """Every part of the judgement.

    Args:
        workers: who does it.
        case: what is judged.
        node_capacity: of every packet universe.
        kept: where compiled filters are found, and kept.
        tell: told what is done, how many tasks of it are, and how many there are.

    Raises:
        CapacityError: something does not fit.
        RunError: the workers are lost.
    """
    packed = _pack(case)
    filters = KeptInMemory()
    for family in Family:
        missing = _sift(case, family, filters, kept)
        batches = [(*packed, family, node_capacity, one) for one in _batches(missing, workers.count)]
        for found in workers.each(_compile, batches, _told(tell, f"filters {family.label}")):
            filters.update(found)
            _keep(found, kept)
    groups = _groups(source_zones(case.policy, case.zones), workers.count)
    sent = _pack(filters)[1]
    shares = [
        (*packed, sent, node_capacity, groups, Share(family, group))
        for family in Family
        for group in groups
    ]
    return workers.each(_judge, shares, _told(tell, "zones"))


def _keep(found: KeptInMemory, kept: Kept | None) -> None:
    if kept is not None:
        for key, data in found.items():
            kept.keep(key, data)


def _told(tell: Callable[[str, int, int], None], what: str) -> Done:
    return lambda done, total: tell(what, done, total)


# -- cutting -------------------------------------------------------------------------------------


def _groups(zones: Sequence[str], count: int) -> Groups:
    """The zones in at most ``count`` runs of nearly equal length."""
    count = max(1, min(count, len(zones)))
    edges = [len(zones) * part // count for part in range(count + 1)]
    return tuple(tuple(zones[first:last]) for first, last in pairwise(edges))


def _sift(
    case: Case, family: Family, found: KeptInMemory, kept: Kept | None
) -> list[tuple[int, FilterName]]:
    """Put what is kept into ``found``; the rest of the filters, each once, with its number of rules.

    None where addresses are encoded by classes: such sets mean something in their own universe only.
    """
    devices = case.snapshot.devices
    if classes_pay(tuple(devices.values()), family):
        return []
    universe = Universe(family, _SMALL_UNIVERSE)
    store = FilterStore(universe, devices.values(), ChainDigests())
    missing: dict[str, tuple[int, FilterName]] = {}
    for name, compiled in ((name, CompiledDevice(device, universe)) for name, device in devices.items()):
        for acl, answers in _filters(compiled):
            one = compiled.mirror if answers else compiled
            key = one.key(acl, store)
            data = kept.get(key) if kept is not None and key not in found else None
            if data is not None:
                found[key] = data
            elif key not in found:
                missing.setdefault(key, (one.rules(acl), (name, acl, answers)))
    return list(missing.values())


def _filters(compiled: CompiledDevice) -> Iterator[tuple[str, bool]]:
    """The filters that a judgement will need, as far as that can be said: those of a router; where it
    tracks connections, both ways.
    """
    if compiled.universe.family not in compiled.device.forwards:
        return
    applied = {one.acl for attached in compiled.attached.values() for one in attached if not one.translates}
    for acl in sorted(applied & compiled.device.acls.keys()):
        yield acl, False
        if compiled.device.tracks_connections:
            yield acl, True


def _batches(missing: Iterable[tuple[int, FilterName]], count: int) -> list[tuple[FilterName, ...]]:
    """The filters dealt out by size, so that every batch has about as many rules."""
    names = [name for _, name in sorted(missing, reverse=True)]
    number = min(len(names), count * _BATCHES_PER_WORKER)
    return [tuple(names[first::number]) for first in range(number)]


# -- in a worker ---------------------------------------------------------------------------------

_ONE_AT_A_TIME = Lock()
"""A cluster's worker may run several tasks at once; an engine is for one thread."""


def _compile(
    digest: str, packed: bytes, family: Family, node_capacity: int, names: tuple[FilterName, ...]
) -> KeptInMemory:
    """Some filters, compiled."""
    with _ONE_AT_A_TIME:
        devices = _case(digest, packed).snapshot.devices
        universe = Universe(family, node_capacity)
        made = KeptInMemory()
        store = FilterStore(universe, devices.values(), ChainDigests(), made)
        for name, acl, answers in names:
            CompiledDevice(devices[name], universe, answers, store).whole(acl)
        return made


def _judge(
    digest: str, packed: bytes, filters: bytes, node_capacity: int, groups: Groups, share: Share
) -> Part:
    """One share, judged."""
    with _ONE_AT_A_TIME:
        prover = _prover(digest, packed, filters, node_capacity, groups)
        return judge_share(_case(digest, packed), prover, share)


@lru_cache(maxsize=1)
def _prover(digest: str, packed: bytes, filters: bytes, node_capacity: int, groups: Groups) -> Prover:
    return _case(digest, packed).prover(node_capacity, groups, _unpack(filters))


@lru_cache(maxsize=1)
def _case(digest: str, packed: bytes) -> Case:
    """The case, if it was packed by a program that is the same as this one.

    Raises:
        RunError: the worker has another segaudit: it might come to other verdicts.
    """
    if digest != digest_of_own_sources():
        raise RunError.because("worker", "has another version of segaudit than the one that asks it")
    case: Case = _unpack(packed)
    return case


def _pack(value: object) -> tuple[str, bytes]:
    return digest_of_own_sources(), zlib.compress(pickle.dumps(value, pickle.HIGHEST_PROTOCOL), 1)


def _unpack(packed: bytes) -> Any:
    """What ``_pack`` packed, in the process that asks for work: never anything from a file."""
    return pickle.loads(zlib.decompress(packed))  # noqa: S301
