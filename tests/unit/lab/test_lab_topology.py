import os
from pathlib import Path

import pytest

from segaudit.errors import TopologyError
from segaudit.lab.topology import (
    Endpoint,
    Topology,
    expand_variables,
    find_topology_file,
    not_run_here,
    read_topology,
    without_sshd,
)

CORPORA = Path(os.environ.get("SEGAUDIT_CORPORA", Path(__file__).parents[3] / "../shared/corpora"))


def read(folder: Path, text: str, **environment: str) -> Topology:
    file = folder / "t.clab.yml"
    file.write_text(text)
    return read_topology(file, environment, "t.clab.yml")


def complaints(folder: Path, text: str) -> list[str]:
    with pytest.raises(TopologyError) as caught:
        read(folder, text)
    lines = [str(problem).splitlines()[0] for problem in caught.value.problems]
    return [line.removeprefix("t.clab.yml:") for line in lines]


def test_definitions_merge_from_defaults_over_kinds_and_groups_to_nodes(tmp_path: Path) -> None:
    topology = read(
        tmp_path,
        """
name: merge
topology:
  defaults:
    image: from-defaults
    env: {A: defaults, B: defaults}
    exec: [echo defaults]
    binds: [one:/etc/one, two:/etc/two]
  kinds:
    linux:
      image: from-kind
      env: {B: kind, C: kind}
      exec: [echo kind]
      binds: [kind-two:/etc/two]
  groups:
    routers:
      kind: linux
      image: from-group
      env: {C: group, D: group}
      exec: [echo group]
      labels: {role: router}
  nodes:
    r1:
      group: routers
      env: {D: node}
      exec: [echo node]
      labels: {site: 7}
      binds: [node-one:/etc/one:rw]
    r2:
      kind: linux
""",
    )
    first, second = topology.nodes
    assert first.kind == "linux"
    assert first.image == "from-group"
    assert first.env == {"A": "defaults", "B": "kind", "C": "group", "D": "node"}
    assert first.exec == ("echo defaults", "echo kind", "echo group", "echo node")
    assert first.labels == {"role": "router", "site": "7"}
    assert [(bind.written, bind.destination, bind.writes_back) for bind in first.binds] == [
        ("node-one", "/etc/one", True),
        ("kind-two", "/etc/two", False),
    ]
    assert second.image == "from-kind"
    assert second.exec == ("echo defaults", "echo kind")


def test_kind_may_come_from_defaults(tmp_path: Path) -> None:
    topology = read(tmp_path, "name: d\ntopology:\n  defaults: {kind: linux}\n  nodes:\n    a:\n    b:\n")
    assert [node.kind for node in topology.nodes] == ["linux", "linux"]


@pytest.mark.parametrize(
    ("text", "environment", "expected"),
    [
        ("${X:-word}", {}, "word"),
        ("${X:-word}", {"X": "set"}, "set"),
        ("${X:-word}", {"X": ""}, "word"),
        ("${X-word}", {"X": ""}, ""),
        ("${X:=word}", {}, "word"),
        ("${X:+word}", {"X": "set"}, "word"),
        ("${X:+word}", {}, ""),
        ("$X ${X}", {"X": "set"}, "set set"),
        ("for i in 1 2; do echo $i ${Y}; done", {}, "for i in 1 2; do echo $i ${Y}; done"),
        ("a: ${X}", {"X": "1\n2"}, "a: 1 2"),
    ],
)
def test_variables_expand_as_containerlab_does(
    text: str, environment: dict[str, str], expected: str
) -> None:
    assert expand_variables(text, environment) == expected


def test_both_link_formats_are_read(tmp_path: Path) -> None:
    topology = read(
        tmp_path,
        """
name: links
topology:
  defaults: {kind: linux}
  nodes: {a: , b: , br: {kind: bridge}}
  links:
    - endpoints: ["a:eth1", "b:eth1"]
    - type: veth
      mtu: 1400
      endpoints:
        - {node: a, interface: eth2, mac: "02:00:00:00:00:0A"}
        - {node: br, interface: a-eth2}
""",
    )
    brief, extended = topology.links
    assert brief.ends == (Endpoint("a", "eth1"), Endpoint("b", "eth1"))
    assert brief.mtu == 9500
    assert extended.ends == (Endpoint("a", "eth2", "02:00:00:00:00:0a"), Endpoint("br", "a-eth2"))
    assert extended.mtu == 1400
    assert not_run_here(topology) == []


HEAD = "name: bad\ntopology:\n  nodes:\n    a: {kind: linux}\n    b: {kind: linux}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("topology:\n  nodes:\n    a: {kind: linux}\n", ["1:1: the topology file lacks a key: name"]),
        ("name: x\n", ["1:1: the topology file lacks a key: topology"]),
        (
            "name: a/b\ntopology: {nodes: {a: {kind: linux}}}\n",
            ["1:7: lab name has characters that names cannot have: a/b"],
        ),
        ("name: x\ntopology:\n  nodes:\n    a: {kind: linus}\n", ["4:15: unknown kind: linus"]),
        ("name: x\ntopology:\n  nodes:\n    a: {image: i}\n", ["4:5: node has no kind: a"]),
        (
            "name: x\ntopology:\n  nodes:\n    a: {kind: linux, bind: [b]}\n",
            ["4:22: unknown key in node a: bind"],
        ),
        (
            "name: x\ntopology:\n  nodes:\n    a: {kind: linux}\n    a: {kind: linux}\n",
            ["5:5: duplicate key: a"],
        ),
        ("name: x\ntopology:\n  nodes: {}\n", ["3:10: the topology has no nodes"]),
        (
            HEAD + '  links:\n    - endpoints: ["a:eth1", "c:eth1"]\n',
            ["7:29: link to an undefined node: c"],
        ),
        (
            HEAD + '  links:\n    - endpoints: ["a:eth1", "b"]\n',
            ["7:29: endpoint is not NODE:INTERFACE: b"],
        ),
        (HEAD + '  links:\n    - endpoints: ["a:eth1"]\n', ["7:18: a link has two endpoints: 1"]),
        (
            HEAD + "  links:\n    - {type: dummy, vars: {}}\n",
            ["7:7: link lacks a key: endpoint"],
        ),
        (
            HEAD + '  links:\n    - {endpoints: ["a:eth1", "b:eth1"], mtv: 9000}\n',
            ["7:41: unknown key in link: mtv"],
        ),
        (HEAD + '  links:\n    - {endpoint: ["a:eth1"]}\n', ["7:7: link lacks a key: endpoints"]),
        (
            HEAD
            + '  links:\n    - endpoints: ["a:eth1", "b:eth1"]\n    - endpoints: ["a:eth1", "b:eth2"]\n',
            ["8:19: interface is used twice: a:eth1"],
        ),
        (
            HEAD + '  links:\n    - endpoints: ["a:eth1", "a:eth1"]\n',
            ["7:29: interface is used twice: a:eth1"],
        ),
        (
            HEAD + '  links:\n    - endpoints: ["a:eth0", "b:eth1"]\n',
            ["7:19: eth0 is the management interface: a:eth0"],
        ),
        (
            HEAD + '  links:\n    - endpoints: ["a:a-name-of-16-byte", "b:eth1"]\n',
            ["7:19: not an interface name: a-name-of-16-byte"],
        ),
        (HEAD + "  links:\n    - {type: veht, endpoints: []}\n", ["7:14: unknown link type: veht"]),
        (
            HEAD + '    c: {kind: linux, binds: ["x:etc/x"]}\n',
            ["6:30: bind is not SOURCE:/DESTINATION[:OPTIONS]: x:etc/x"],
        ),
        (
            HEAD + '    c: {kind: linux, binds: ["x:/x", "y:/x"]}\n',
            ["6:38: duplicate bind destination: /x"],
        ),
        (
            HEAD + '    c: {kind: linux, exec: ["echo \'x"]}\n',
            ["6:29: exec command cannot be split into words (No closing quotation): echo 'x"],
        ),
        (
            "mgmt: {ipv4-subnet: 10.0.0.1/24}\n" + HEAD,
            ["1:21: not a subnet (10.0.0.1/24 has host bits set): 10.0.0.1/24"],
        ),
        ("mgmt: {ipv4-subnet: 2001:db8::/64}\n" + HEAD, ["1:21: not an IPv4 subnet: 2001:db8::/64"]),
        ("mgmt: {mtu: big}\n" + HEAD, ["1:13: not an MTU: big"]),
        (
            HEAD + "    c: {kind: linux, mgmt-ipv4: 10.0.0.9}\n",
            ["6:5: management address lies outside the management subnet: 10.0.0.9 (node c)"],
        ),
        (
            HEAD
            + "    c: {kind: linux, mgmt-ipv4: 172.20.20.9}\n"
            + "    d: {kind: linux, mgmt-ipv4: 172.20.20.9}\n",
            ["7:5: duplicate management address: 172.20.20.9 (node d)"],
        ),
        (
            HEAD + "    c: {kind: linux, mgmt-ipv4: here}\n",
            ["6:5: not a management address: here (node c)"],
        ),
        (HEAD + "  link: []\n", ["6:3: unknown key in topology: link"]),
        ("- a\n", ["1:1: the topology file must be a mapping: a list"]),
        ("", ["1:1: the topology file must be a mapping: (empty)"]),
        ("name: [\n", ["2:1: not valid YAML: did not find expected node content"]),
    ],
)
def test_every_mistake_is_named_with_its_place(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert complaints(tmp_path, text) == expected


def test_all_mistakes_are_reported_at_once_and_in_file_order(tmp_path: Path) -> None:
    text = (
        HEAD.replace("b: {kind: linux}", "b: {kind: lunix}")
        + "  links:\n    - endpoints: [x, y]\nmgmt: {mtu: 1}\n"
    )
    places = [line.split(": ")[0] for line in complaints(tmp_path, text)]
    assert places == ["5:15", "7:19", "7:22", "8:13"]


def test_what_needs_a_container_runtime_is_refused_and_says_so(tmp_path: Path) -> None:
    topology = read(
        tmp_path,
        """
name: foreign
topology:
  nodes:
    srl: {kind: nokia_srlinux}
    a: {kind: linux, binds: ["absent.conf:/etc/absent.conf", "no/daemons:/etc/frr/daemons"]}
  links:
    - endpoints: ["srl:e1-1", "a:eth1"]
    - endpoints: ["a:eth2", "host:veth-a"]
""",
    )
    problems = not_run_here(topology)
    assert [(problem.where, problem.what, problem.value) for problem in problems] == [
        ("t.clab.yml:5:5", "kind is not run here", "nokia_srlinux (node srl)"),
        ("t.clab.yml:9:7", "link type is not run here", "host"),
        ("t.clab.yml:6:30", "bind source does not exist", "absent.conf"),
    ]
    assert "--runtime containerlab" in problems[0].hint


def test_sshd_can_be_taken_from_nodes_that_exist(tmp_path: Path) -> None:
    topology = read(tmp_path, HEAD)
    silent = without_sshd(topology, ["b"])
    assert [node.wants_sshd for node in silent.nodes] == [True, False]
    with pytest.raises(TopologyError, match="no such node: bb"):
        without_sshd(topology, ["bb"])


def test_a_node_off_the_management_network_may_use_eth0_and_has_no_sshd(tmp_path: Path) -> None:
    text = HEAD.replace("a: {kind: linux}", "a: {kind: linux, network-mode: none}")
    topology = read(tmp_path, text + '  links:\n    - endpoints: ["a:eth0", "b:eth1"]\n')
    assert not topology.node("a").has_management
    assert not topology.node("a").wants_sshd


@pytest.mark.parametrize(
    ("prefix", "long_name"),
    [("", "clab-x-a"), ("prefix: lab\n", "lab-x-a"), ("prefix:\n", "a"), ('prefix: ""\n', "a"),
     ("prefix: __lab-name\n", "x-a")],
)  # fmt: skip
def test_long_names_follow_the_prefix(tmp_path: Path, prefix: str, long_name: str) -> None:
    topology = read(tmp_path, f"name: x\n{prefix}topology: {{nodes: {{a: {{kind: linux}}}}}}\n")
    assert topology.long_name("a") == long_name


def test_the_one_topology_file_of_a_folder_is_found(tmp_path: Path) -> None:
    with pytest.raises(TopologyError, match=r"no \*\.clab\.yml"):
        find_topology_file(tmp_path)
    (tmp_path / "a.clab.yml").touch()
    assert find_topology_file(tmp_path) == tmp_path / "a.clab.yml"
    (tmp_path / "b.clab.yml").touch()
    with pytest.raises(
        TopologyError, match=r"several topology files, name one: a\.clab\.yml, b\.clab\.yml"
    ):
        find_topology_file(tmp_path)


def test_an_unreadable_file_is_a_topology_error(tmp_path: Path) -> None:
    with pytest.raises(TopologyError, match=r"gone\.yml: cannot read the file: No such file"):
        read_topology(tmp_path / "gone.yml", {}, "gone.yml")
    (tmp_path / "latin.yml").write_bytes(b"name: \xff\n")
    with pytest.raises(TopologyError, match=r"latin\.yml: not UTF-8: byte 6"):
        read_topology(tmp_path / "latin.yml", {}, "latin.yml")


@pytest.mark.corpora
def test_every_containerlab_example_is_read_and_what_cannot_run_is_named() -> None:
    folder = CORPORA / "containerlab"
    if not folder.is_dir():
        pytest.skip(f"no corpora at {folder}")
    files = sorted(folder.rglob("*.y*ml"))
    runnable = {file.name for file in files if not not_run_here(read_topology(file, {}))}
    assert len(files) >= 40
    assert runnable == {"frr01.clab.yml"}
