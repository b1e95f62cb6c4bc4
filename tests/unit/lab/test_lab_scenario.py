from pathlib import Path

import pytest

from segaudit.errors import TopologyError
from segaudit.lab.scenario import is_scenario, materialised, read_scenario


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    topology = tmp_path / "topologies" / "small"
    topology.mkdir(parents=True)
    (topology / "small.clab.yml").write_text(
        'name: small\ntopology:\n  nodes:\n    a: {kind: linux, binds: ["f:/f"]}\n    b: {kind: linux}\n'
    )
    (topology / "f").write_text("as delivered\n")
    (topology / "g").write_text("untouched\n")
    (tmp_path / "labs" / "broken" / "overlay").mkdir(parents=True)
    (tmp_path / "labs" / "broken" / "overlay" / "f").write_text("broken\n")
    return tmp_path


def write(repository: Path, text: str) -> Path:
    folder = repository / "labs" / "broken"
    (folder / "scenario.yml").write_text(text)
    return folder


def test_a_scenario_is_its_topology_with_the_overlay_on_top(repository: Path) -> None:
    folder = write(
        repository,
        "title: Broken\ntopology: small\ndown: [b]\nwithhold: [a]\n"
        "expect: {outcome: VIOLATED, where: [x, y]}\n",
    )
    scenario = read_scenario(folder)
    assert (scenario.name, scenario.title, scenario.withhold) == ("broken", "Broken", ("a",))
    assert scenario.expect == {"outcome": "VIOLATED", "where": ["x", "y"]}
    with materialised(folder) as source:
        topology = source.read()
        bound = topology.node("a").binds[0].source
        assert bound is not None
        assert bound.read_text() == "broken\n"
        assert (source.file.parent / "g").read_text() == "untouched\n"
        assert [node.wants_sshd for node in topology.nodes] == [True, False]
        temporary = source.file.parent
    assert not temporary.exists()
    assert (repository / "topologies/small/f").read_text() == "as delivered\n"


def test_errors_name_the_file_that_a_person_would_edit(repository: Path) -> None:
    folder = write(repository, "topology: small\n")
    with materialised(folder) as source:
        assert source.shown_as == str(repository / "topologies/small/small.clab.yml")
    (folder / "overlay/small.clab.yml").write_text("name: small\ntopology: {nodes: {a: {kind: lunix}}}\n")
    with (
        materialised(folder) as source,
        pytest.raises(TopologyError, match=r"overlay/small\.clab\.yml:2:30: unknown kind: lunix"),
    ):
        source.read()


def test_a_file_and_a_topology_folder_stand_for_themselves(repository: Path) -> None:
    folder = repository / "topologies/small"
    for path in (folder, folder / "small.clab.yml"):
        with materialised(path) as source:
            assert source.file == folder / "small.clab.yml"
            assert source.read().name == "small"
    assert not is_scenario(folder)
    with (
        materialised(repository / "nowhere") as source,
        pytest.raises(TopologyError, match="cannot read the file"),
    ):
        source.read()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("title: x\n", "scenario.yml:1:1: the scenario lacks a key: topology"),
        ("topology: smal\n", "scenario.yml:1:11: no such folder in topologies/: smal"),
        ("topology: small\nwithold: [a]\n", "scenario.yml:2:1: unknown key in the scenario: withold"),
        ("topology: small\nintended: gone\n", "scenario.yml:2:11: stored snapshot does not exist: gone"),
        ("topology: small\ndown: b\n", "scenario.yml:2:7: down must be a list: b"),
    ],
)
def test_a_malformed_scenario_is_named_with_its_place(repository: Path, text: str, expected: str) -> None:
    folder = write(repository, text)
    with pytest.raises(TopologyError) as caught:
        read_scenario(folder)
    assert str(caught.value).splitlines()[0].endswith(expected)


@pytest.mark.parametrize("key", ["down", "withhold"])
def test_a_node_to_be_silent_or_withheld_must_exist(repository: Path, key: str) -> None:
    folder = write(repository, f"topology: small\n{key}: [c]\n")
    with materialised(folder) as source, pytest.raises(TopologyError, match="no such node: c"):
        source.read()
