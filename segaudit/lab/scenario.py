"""A scenario: a topology with some files replaced, and what must be found out about it.

``labs/<name>/scenario.yml`` beside ``labs/<name>/overlay/``, whose files replace those of the
topology folder of the same relative path.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from segaudit.documents.yaml_nodes import Node, Reader, read_yaml
from segaudit.errors import TopologyError
from segaudit.lab.topology import Topology, find_topology_file, read_topology, require_nodes, without_sshd

SCENARIO_FILE = "scenario.yml"
_KEYS = ("title", "topology", "down", "withhold", "intended", "expect")


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario as read.

    ``down`` nodes run no sshd, ``withhold`` devices are not collected, ``intended`` is a stored
    snapshot to check in place of the collected one, ``expect`` is left to the tests.
    """

    name: str
    title: str
    folder: Path
    topology: Path
    down: tuple[str, ...] = ()
    withhold: tuple[str, ...] = ()
    intended: Path | None = None
    expect: Mapping[str, Any] = field(default_factory=dict)

    @property
    def overlay(self) -> Path:
        """The folder whose files replace the topology's."""
        return self.folder / "overlay"


def is_scenario(path: Path) -> bool:
    """Whether ``path`` is a scenario folder."""
    return (path / SCENARIO_FILE).is_file()


def read_scenario(folder: Path) -> Scenario:
    """The scenario in ``folder``; ``topology`` is looked up in the repository's ``topologies/``.

    Raises:
        TopologyError: the file is malformed, or names a topology that is not there.
    """
    file = folder / SCENARIO_FILE
    reader = Reader(TopologyError)
    root = read_yaml(file, TopologyError)
    top = reader.mapping(root, "the scenario", _KEYS)
    title = reader.text(top["title"], "title") if "title" in top else ""
    topology_node = reader.required(root, "topology", "the scenario")
    topology = _topology(reader, topology_node, folder) if topology_node else folder
    intended = reader.text(top["intended"], "intended") if "intended" in top else ""
    if intended and not (folder / intended).exists():
        reader.report(top["intended"], "stored snapshot does not exist", intended)
    scenario = Scenario(
        name=folder.resolve().name,
        title=title,
        folder=folder,
        topology=topology,
        down=_words(reader, top, "down"),
        withhold=_words(reader, top, "withhold"),
        intended=folder / intended if intended else None,
        expect=_plain_mapping(top.get("expect")),
    )
    reader.raise_if_any()
    return scenario


def _topology(reader: Reader, node: Node, folder: Path) -> Path:
    name = reader.text(node, "topology")
    candidates = [base / "topologies" / name for base in folder.resolve().parents]
    found = next((candidate for candidate in candidates if candidate.is_dir()), None)
    if found is None and name:
        reader.report(node, "no such folder in topologies/", name)
    return found or folder


def _words(reader: Reader, top: Mapping[str, Node], key: str) -> tuple[str, ...]:
    if key not in top or not top[key].value:
        return ()
    return tuple(reader.text(item, key) for item in reader.sequence(top[key], key))


def _plain_mapping(node: Node | None) -> Mapping[str, Any]:
    plain = _plain(node) if node else {}
    return plain if isinstance(plain, dict) else {}


def _plain(node: Node) -> Any:
    if isinstance(node.value, dict):
        return {key: _plain(value) for key, value in node.value.items()}
    if isinstance(node.value, tuple):
        return [_plain(item) for item in node.value]
    return node.value


@dataclass(frozen=True, slots=True)
class TopologySource:
    """A topology file to read, the name that errors call it by, and the nodes to keep silent."""

    file: Path
    shown_as: str
    down: tuple[str, ...] = ()
    withhold: tuple[str, ...] = ()

    def read(self) -> Topology:
        """The topology, without sshd on the silent nodes.

        Raises:
            TopologyError: the file is malformed, or a node to be silent or withheld is not in it.
        """
        topology = read_topology(self.file, shown_as=self.shown_as)
        require_nodes(topology, self.withhold)
        return without_sshd(topology, self.down)


@contextlib.contextmanager
def materialised(path: Path) -> Iterator[TopologySource]:
    """What ``path`` stands for: a topology file, a topology's folder, or a scenario's folder.

    A scenario becomes a temporary folder (topology plus overlay) that is gone after the block; the
    lab has its own copies by then.

    Raises:
        TopologyError: there is no topology file, or the scenario is malformed.
    """
    if is_scenario(path):
        scenario = read_scenario(path)
        with tempfile.TemporaryDirectory(prefix="segaudit-lab-") as temporary:
            folder = Path(temporary) / scenario.topology.name
            _lay_over(scenario, folder)
            file = find_topology_file(folder)
            replaced = scenario.overlay / file.name
            written = replaced if replaced.exists() else scenario.topology / file.name
            yield TopologySource(file, str(written), scenario.down, scenario.withhold)
    elif path.is_dir():
        file = find_topology_file(path)
        yield TopologySource(file, str(file))
    else:
        yield TopologySource(path, str(path))


def _lay_over(scenario: Scenario, folder: Path) -> None:
    shutil.copytree(scenario.topology, folder, symlinks=True)
    if scenario.overlay.is_dir():
        shutil.copytree(scenario.overlay, folder, dirs_exist_ok=True, symlinks=True)
