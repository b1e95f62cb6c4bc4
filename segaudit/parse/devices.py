"""A whole snapshot, device by device: one that cannot be read is a value, not an abort."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from segaudit.errors import Problem, SnapshotError
from segaudit.model.device import Device
from segaudit.model.snapshot import CollectionFailure, RawConfig, RawSnapshot, Snapshot
from segaudit.parse import registry
from segaudit.parse.detection import detect
from segaudit.parse.vendor import Vendor


def parse_device(raw: RawConfig, vendors: Sequence[Vendor] | None = None) -> Device:
    """The device that ``raw`` describes.

    Raises:
        SnapshotError: it is of no known platform, or a file it cannot do without is missing or
            garbage.
    """
    return detect(raw, registry.vendors() if vendors is None else vendors).read(raw)


def parse_snapshot(raw: RawSnapshot, vendors: Sequence[Vendor] | None = None) -> Snapshot:
    """Every device of ``raw``; one whose files cannot be read becomes a failure with its reason.

    Raises:
        SnapshotError: two devices share a name, or a device is of no known platform (all such
            problems at once).
    """
    known = registry.vendors() if vendors is None else vendors
    readers = _detect_all(raw, known)
    devices: dict[str, Device] = {}
    failures = list(raw.failures)
    with _no_collector():
        for config in sorted(raw.configs, key=lambda config: config.device):
            result = _read(config, readers[config.device])
            if isinstance(result, Device):
                devices[config.device] = result
            else:
                failures.append(result)
    return Snapshot(
        devices=devices,
        failures=tuple(sorted(failures, key=lambda failure: (failure.device, failure.reason))),
        links=raw.links,
        declared_nodes=raw.declared_nodes,
        taken_at=raw.taken_at,
    )


@contextmanager
def _no_collector() -> Iterator[None]:
    """Reading makes millions of objects that stay; to look for cycles among them takes as long again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _detect_all(raw: RawSnapshot, vendors: Sequence[Vendor]) -> dict[str, Vendor]:
    """Each device's vendor, or every problem in one error."""
    problems = _duplicates(raw)
    readers: dict[str, Vendor] = {}
    for config in raw.configs:
        try:
            readers[config.device] = detect(config, vendors)
        except SnapshotError as refusal:
            problems.extend(refusal.problems)
    if problems:
        raise SnapshotError(*problems)
    return readers


def _duplicates(raw: RawSnapshot) -> list[Problem]:
    names = [config.device for config in raw.configs] + [failure.device for failure in raw.failures]
    return [
        Problem(
            f"device {name!r}", "two devices have one name", hint="rename one; names tell devices apart"
        )
        for name, count in sorted(Counter(names).items())
        if count > 1
    ]


def _read(config: RawConfig, vendor: Vendor) -> Device | CollectionFailure:
    try:
        return vendor.read(config)
    except SnapshotError as broken:
        reason = "; ".join(_one_line(problem) for problem in broken.problems)
    except Exception as bug:  # a reader's bug on one device must not hide the others' verdicts
        reason = f"the {vendor.name} reader broke: {type(bug).__name__}: {bug}"
    return CollectionFailure(config.device, reason, config.labels)


def _one_line(problem: Problem) -> str:
    return ": ".join(part for part in (problem.where, problem.what, problem.value) if part)
