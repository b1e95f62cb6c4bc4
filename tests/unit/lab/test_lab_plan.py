import json
from itertools import count
from pathlib import Path

import pytest

from segaudit.documents.topology_data import read_topology_data
from segaudit.errors import InventoryError, TopologyError
from segaudit.lab.lab_folder import (
    ansible_inventory,
    known_hosts_line,
    new_key,
    nornir_inventory,
    remove_folder,
    topology_data,
    write_folder,
)
from segaudit.lab.plan import KeyPair, LabPlan, as_document, plan_lab
from segaudit.lab.topology import Topology, read_topology

TEXT = """
name: plan
mgmt: {network: oob, ipv4-subnet: 192.0.2.0/28, ipv6-subnet: "2001:db8:9::/120"}
topology:
  nodes:
    fw:
      kind: linux
      image: registry.example/frrouting/frr:10
      mgmt-ipv4: 192.0.2.2
      mgmt-ipv6: 2001:db8:9::0002
      labels: {site: north, ansible-group: edge, nornir-group: edge}
    pc: {kind: linux, labels: {segaudit.sshd: "false"}, cmd: sleep infinity, ports: ["80:80"]}
    dark: {kind: linux, network-mode: none}
    lan: {kind: bridge}
  links:
    - endpoints: ["fw:eth1", "lan:p1"]
    - endpoints: ["pc:eth1", "lan:p2"]
    - endpoints: ["fw:eth2", "dark:eth0"]
"""


def topology_of(folder: Path, text: str = TEXT) -> Topology:
    file = folder / "plan.clab.yml"
    file.write_text(text)
    return read_topology(file, {}, "plan.clab.yml")


def planned(folder: Path, text: str = TEXT) -> tuple[Topology, LabPlan]:
    numbers = count()
    topology = topology_of(folder, text)
    return topology, plan_lab(
        topology, topology.name, lambda: KeyPair("private", f"ssh-ed25519 KEY{next(numbers)}")
    )


def test_addresses_are_given_in_file_order_around_the_fixed_ones(tmp_path: Path) -> None:
    _, plan = planned(tmp_path)
    assert (plan.gateway_ipv4, plan.gateway_ipv6) == ("192.0.2.1/28", "2001:db8:9::1/120")
    assert {node.name: (node.management_ipv4, node.management_ipv6) for node in plan.nodes} == {
        "fw": ("192.0.2.2/28", "2001:db8:9::0002/120"),
        "pc": ("192.0.2.3/28", "2001:db8:9::3/120"),
        "dark": ("", ""),
        "lan": ("", ""),
    }


def test_a_subnet_that_is_too_small_is_an_error(tmp_path: Path) -> None:
    text = TEXT.replace("192.0.2.0/28", "192.0.2.0/30").replace("pc:", "pc1: {kind: linux}\n    pc:", 1)
    with pytest.raises(TopologyError, match="the management subnet has too few addresses"):
        planned(tmp_path, text)


def test_mac_addresses_are_unicast_unique_and_the_same_in_every_run(tmp_path: Path) -> None:
    _, first = planned(tmp_path)
    _, second = planned(tmp_path)
    macs = [end.mac for link in first.links for end in (link.a, link.z)]
    macs += [node.management_mac for node in first.nodes if node.management_mac]
    assert len(set(macs)) == len(macs) == 8
    assert all(int(mac[:2], 16) & 1 == 0 for mac in macs)
    assert as_document(first) == as_document(second)


def test_frr_runs_where_the_image_or_a_bind_says_so(tmp_path: Path) -> None:
    text = TEXT.replace('labels: {segaudit.sshd: "false"}', 'binds: ["f:/etc/frr/daemons"]')
    _, plan = planned(tmp_path, text)
    assert {node.name: node.runs_frr for node in plan.nodes} == {
        "fw": True,
        "pc": True,
        "dark": False,
        "lan": False,
    }


def test_what_the_runtime_does_not_heed_is_told(tmp_path: Path) -> None:
    text = TEXT.replace('labels: {segaudit.sshd: "false"}', 'binds: ["sub/f:/etc/frr/daemons"]')
    _, plan = planned(tmp_path, text)
    assert plan.notes == [
        "pc: the netns runtime runs no image and does not heed cmd, ports",
        "pc: no sub/f: the daemons follow from the sections of frr.conf",
    ]


def test_topology_data_reads_back_as_a_containerlab_folder(tmp_path: Path) -> None:
    topology, plan = planned(tmp_path)
    write_folder(tmp_path / "clab-plan", topology, plan)
    data = read_topology_data(tmp_path / "clab-plan" / "topology-data.json", InventoryError)
    assert data.name == "plan"
    assert [node.name for node in data.devices] == ["dark", "fw", "pc"]
    assert {tuple(str(end) for end in link.ends) for link in data.links} == {
        ("fw:eth1", "pc:eth1"),
        ("dark:eth0", "fw:eth2"),
        ("fw:eth0",),
        ("pc:eth0",),
    }
    fw = next(node for node in data.nodes if node.name == "fw")
    assert (fw.management_address, fw.long_name) == ("192.0.2.2", "clab-plan-fw")
    assert fw.labels["site"] == "north"


def test_topology_data_says_that_management_joins_no_nodes(tmp_path: Path) -> None:
    document = json.loads(topology_data(*planned(tmp_path)))
    management = document["clab"]["config"]["mgmt"]
    assert management["port-isolation"] is True
    assert management["external-access"] is False
    assert document["nodes"]["fw"]["mgmt-intf"] == "eth0"
    assert document["nodes"]["dark"]["mgmt-intf"] == ""


def test_inventories_list_what_can_be_reached(tmp_path: Path) -> None:
    _, plan = planned(tmp_path)
    assert (
        ansible_inventory(plan)
        == """all:
  vars:
    ansible_httpapi_use_proxy: false
  children:
    linux:
      vars:
        ansible_user: root
      hosts:
        clab-plan-fw:
          ansible_host: 192.0.2.2
        clab-plan-pc:
          ansible_host: 192.0.2.3
    edge:
      hosts:
        clab-plan-fw:
          ansible_host: 192.0.2.2
"""
    )
    assert (
        nornir_inventory(plan)
        == """---
fw:
    username: root
    password: \n    platform: linux
    hostname: 192.0.2.2
    groups:
      - edge
pc:
    username: root
    password: \n    platform: linux
    hostname: 192.0.2.3
"""
    )


def test_a_known_hosts_line_names_every_address_of_the_node(tmp_path: Path) -> None:
    _, plan = planned(tmp_path)
    assert known_hosts_line(plan.nodes[0]) == (
        "192.0.2.2,2001:db8:9::0002,clab-plan-fw,fw ssh-ed25519 KEY0\n"
    )


def test_the_lab_folder_is_removed_but_not_what_others_put_there(tmp_path: Path) -> None:
    folder = tmp_path / "clab-plan"
    write_folder(folder, *planned(tmp_path))
    assert sorted(path.name for path in folder.iterdir()) == [
        "ansible-inventory.yml",
        "id_ed25519",
        "known_hosts",
        "known_hosts.d",
        "nornir-simple-inventory.yml",
        "topology-data.json",
    ]
    assert sorted(path.name for path in (folder / "known_hosts.d").iterdir()) == ["fw"]
    (folder / "notes-of-the-user").touch()
    remove_folder(folder)
    assert [path.name for path in folder.iterdir()] == ["notes-of-the-user"]
    (folder / "notes-of-the-user").unlink()
    remove_folder(folder)
    assert not folder.exists()


def test_keys_are_fresh_and_in_openssh_form() -> None:
    first, second = new_key(), new_key()
    assert first.private.startswith("-----BEGIN OPENSSH PRIVATE KEY-----\n")
    assert first.public.startswith("ssh-ed25519 AAAA")
    assert first.public != second.public
