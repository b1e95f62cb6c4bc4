"""What was pulled from a network at one time, before anyone interprets it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from segaudit.model.device import Device
from segaudit.model.topology import Link


@dataclass(frozen=True, slots=True)
class ShowCommand:
    """One read-only command of a platform's allow-list.

    ``file`` is the name its output is stored under (``nftables.json``). ``optional`` commands may
    be absent on the device (program not installed) without failing the device. ``end_marker`` is a
    regular expression the complete output must end with, where the platform has one.
    """

    file: str
    command: str
    optional: bool = False
    end_marker: str | None = None


def _nothing_more(files: Sequence[RawFile]) -> tuple[ShowCommand, ...]:
    """What a platform asks whose ``commands`` are all there is to ask."""
    del files
    return ()


@dataclass(frozen=True, slots=True)
class Platform:
    """How a network OS is reached and read: what ``collect`` needs and the vendor folder knows.

    ``follow_ups`` gives the commands that can only be written once the output of ``commands`` is there
    (one for each interface). A device may have lied in that output, on purpose: whatever it says, the
    function returns, and its commands only read, each into a file that no other command writes.

    ``pager`` is what a CLI shows between pages, where paging can only be turned off by writing to the
    configuration: each is answered with a space, and netmiko's own preparation, which writes, is left out.
    """

    name: str
    netmiko_device_type: str
    commands: tuple[ShowCommand, ...]
    follow_ups: Callable[[Sequence[RawFile]], tuple[ShowCommand, ...]] = _nothing_more
    pager: str = ""


@dataclass(frozen=True, slots=True)
class RawFile:
    """The verbatim output of one command, or one config file.

    ``path`` is relative to the snapshot root (``devices/sub-fw/nftables.json``), ``taken_at`` ISO
    8601 UTC (empty where unknown), ``sha256`` of the UTF-8 text. ``stderr`` is what a successful
    command said besides its output (a warning about tables it does not show).
    """

    path: str
    text: str
    sha256: str
    command: str = ""
    taken_at: str = ""
    exit_status: int | None = None
    stderr: str = ""

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rsplit("/", 1)[-1]


@dataclass(frozen=True, slots=True)
class RawConfig:
    """Everything pulled from one device; ``platform`` is empty where detection must find it."""

    device: str
    platform: str
    files: tuple[RawFile, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    host_key_fingerprint: str = ""

    def file(self, name: str) -> RawFile | None:
        """The file with that last path component, if there is one."""
        return next((file for file in self.files if file.name == name), None)


@dataclass(frozen=True, slots=True)
class CollectionFailure:
    """A device that is in the inventory and gave nothing usable; its interfaces join UNMODELLED."""

    device: str
    reason: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RawSnapshot:
    """A snapshot folder as read: raw text, failures and declared links.

    ``declared_nodes`` are all nodes that the topology file names (so that one absent from the
    snapshot is known to exist). ``taken_at`` is ISO 8601 UTC or empty.
    """

    root: str
    configs: tuple[RawConfig, ...]
    failures: tuple[CollectionFailure, ...] = ()
    links: tuple[Link, ...] = ()
    declared_nodes: tuple[str, ...] = ()
    taken_at: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot after parsing (Batfish: Snapshot): devices by name, and what is missing."""

    devices: Mapping[str, Device]
    failures: tuple[CollectionFailure, ...] = ()
    links: tuple[Link, ...] = ()
    declared_nodes: tuple[str, ...] = ()
    taken_at: str = ""
