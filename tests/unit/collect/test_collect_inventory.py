from __future__ import annotations

import json
from pathlib import Path

import pytest

from segaudit.collect.credentials import CredentialKind, CredentialReference
from segaudit.collect.inventory import Inventory, InventoryDevice, read_inventory
from segaudit.collect.transport import Direct, NetworkNamespace
from segaudit.errors import InventoryError
from segaudit.model.topology import Link, TerminationPoint

PLATFORMS = ("linux", "cisco_ios")
ENV = CredentialReference(CredentialKind.ENVIRONMENT, "AUDIT_PASSWORD")


def _read(folder: Path, text: str, name: str = "inventory.yaml") -> Inventory:
    (folder / name).write_text(text)
    return read_inventory(folder / name, PLATFORMS)


def _refusal(folder: Path, text: str, name: str = "inventory.yaml") -> list[str]:
    with pytest.raises(InventoryError) as caught:
        _read(folder, text, name)
    return str(caught.value).replace(f"{folder}/", "").splitlines()


# ---- our own

OWN = """\
defaults:
  platform: linux
  username: audit
  credentials: [file-key:keys/audit, env:AUDIT_PASSWORD]
  known_hosts: known_hosts
  labels: {side: subsidiary}
devices:
  sub-fw:
    host: 192.0.2.1
    port: 2222
    labels: {site: berlin, role: firewall}
    become: sudo
  par-fw:
    host: 2001:db8::1
    platform: cisco_ios
    username: other
    credentials: agent
    host_key: SHA256:0123456789abcdefghijABCDEFGHIJ0123456789+/a
    transport: netns:/proc/4711/ns/net
    labels: {side: parent}
  empty-ones: {host: router.example, known_hosts: , transport: ~, become: , port: }
links:
  - [sub-fw:eth1, par-fw:GigabitEthernet0/1]
  - [sub-fw:eth2, isp:1, empty-ones:eth0]
nodes: [isp]
"""


def test_the_privileged_mode_has_a_secret_of_its_own(tmp_path: Path) -> None:
    text = (
        "devices:\n  r1: {host: h, platform: linux, become: enable,"
        " enable_credentials: env:AUDIT_PASSWORD}\n"
    )
    (device,) = _read(tmp_path, text).devices
    assert (device.become, device.enable_credentials) == ("enable", (ENV,))


def test_our_own_format(tmp_path: Path) -> None:
    inventory = _read(tmp_path, OWN)
    key = CredentialReference(CredentialKind.KEY_FILE, str(tmp_path / "keys/audit"))
    file = tmp_path / "inventory.yaml"
    known_hosts = tmp_path / "known_hosts"
    assert inventory.devices == (
        InventoryDevice(
            "empty-ones",
            "router.example",
            "linux",
            22,
            "audit",
            (key, ENV),
            {"side": "subsidiary"},
            where=f"{file}:21:3",
        ),
        InventoryDevice(
            "par-fw",
            "2001:db8::1",
            "cisco_ios",
            22,
            "other",
            (CredentialReference(CredentialKind.AGENT),),
            {"side": "parent"},
            known_hosts,
            "SHA256:0123456789abcdefghijABCDEFGHIJ0123456789+/a",
            NetworkNamespace(Path("/proc/4711/ns/net")),
            where=f"{file}:13:3",
        ),
        InventoryDevice(
            "sub-fw",
            "192.0.2.1",
            "linux",
            2222,
            "audit",
            (key, ENV),
            {"side": "subsidiary", "site": "berlin", "role": "firewall"},
            known_hosts,
            become="sudo",
            where=f"{file}:8:3",
        ),
    )
    assert inventory.declared_nodes == ("empty-ones", "isp", "par-fw", "sub-fw")
    assert inventory.links == (
        Link(
            (
                TerminationPoint("empty-ones", "eth0"),
                TerminationPoint("isp", "1"),
                TerminationPoint("sub-fw", "eth2"),
            ),
            "topology",
        ),
        Link(
            (TerminationPoint("par-fw", "GigabitEthernet0/1"), TerminationPoint("sub-fw", "eth1")),
            "topology",
        ),
    )


@pytest.mark.parametrize("key", ["password", "secret", "passphrase", "enable"])
def test_a_secret_in_the_inventory_is_an_error_and_is_not_shown(tmp_path: Path, key: str) -> None:
    lines = _refusal(tmp_path, f"devices:\n  r1:\n    host: h\n    platform: linux\n    {key}: hunter2\n")
    assert lines[0] == f"inventory.yaml:5:5: a secret in the inventory: {key}"
    assert lines[1].startswith("  hint: a secret never stands in an inventory; write where it is: env:NAME")
    assert "hunter2" not in "".join(lines)


@pytest.mark.parametrize(
    "credential", ["hunter2", "password:hunter2", "env", "env:", "ask:hunter2", "agent:x", ""]
)
def test_what_is_not_a_reference_is_not_shown(tmp_path: Path, credential: str) -> None:
    text = "devices:\n  r1:\n    host: h\n    platform: linux\n    credentials:\n      - env:A\n      - "
    text += f"'{credential}'\n"
    lines = _refusal(tmp_path, text)
    assert lines[0].startswith("inventory.yaml:7:9: ")
    assert "hunter2" not in "".join(lines)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "# nothing\n",
            [
                "inventory.yaml:1:1: the inventory is empty",
                "  hint: write `devices:` and a device below it",
            ],
        ),
        ("links: []\n", ["inventory.yaml:1:1: inventory lacks a key: devices"]),
        ("devices: {}\n", ["inventory.yaml:1:10: the inventory has no device"]),
        (
            "devices:\n  r1: {platform: linux}\n",
            ["inventory.yaml:2:7: device r1 lacks a key: host"],
        ),
        (
            "devices:\n  r1: {host: h}\n",
            ["inventory.yaml:2:3: the device has no platform", "  hint: known: cisco_ios, linux"],
        ),
        (
            "devices:\n  r1: {host: h, platform: linus}\n",
            ["inventory.yaml:2:27: unknown platform: linus", "  hint: did you mean 'linux'?"],
        ),
        (
            "devices:\n  r1: {host: h, platform: linux, prot: 22}\n",
            ["inventory.yaml:2:34: unknown key in device r1: prot", "  hint: did you mean 'port'?"],
        ),
        (
            "devices:\n  r1: {host: h, platform: linux, port: ssh}\n",
            ["inventory.yaml:2:40: not a port: ssh", "  hint: a whole number from 1 to 65535"],
        ),
        (
            "devices:\n  r1: {host: h, platform: linux, port: 65536}\n",
            ["inventory.yaml:2:40: not a port: 65536", "  hint: a whole number from 1 to 65535"],
        ),
        (
            "devices:\n  a/b: {host: h, platform: linux}\n",
            [
                "inventory.yaml:2:3: not usable as a device name: a/b",
                "  hint: no slashes, colons or leading dot",
            ],
        ),
        (
            "devices:\n  r1: {host: h, platform: linux}\n  r1: {host: i, platform: linux}\n",
            ["inventory.yaml:3:3: duplicate key: r1", "  hint: first given at line 2"],
        ),
        (
            "devices:\n  r1: {host: h, platform: linux}\n  r2: {host: h, platform: linux}\n",
            [
                "inventory.yaml:3:3: duplicate address: h port 22",
                "  hint: it is also that of 'r1', line 2",
            ],
        ),
        (
            "devices:\n  r1: {host: h, platform: linux, transport: telnet}\n",
            ["inventory.yaml:2:45: unknown transport: telnet", "  hint: write direct or netns:PATH"],
        ),
        (
            "devices:\n  r1: {host: h, platform: linux, host_key: 'MD5:00'}\n",
            [
                "inventory.yaml:2:44: not a host key fingerprint: MD5:00",
                "  hint: as `ssh-keygen -lf KEY.pub` prints it: SHA256:...",
            ],
        ),
        (
            "devices:\n  r1: {host: h, platform: linux, become: su}\n",
            ["inventory.yaml:2:42: unknown become: su", "  hint: did you mean 'sudo'?"],
        ),
        (
            "devices:\n  r1: {host: h, platform: linux}\nlinks:\n  - [r1:eth0, rl:eth0]\n",
            ["inventory.yaml:4:15: a link to an unknown device: rl", "  hint: known: r1"],
        ),
        (
            "devices:\n  r1: {host: h, platform: linux}\nlinks:\n  - [r1, 'r1:']\n  - [r1:eth1]\n",
            [
                "inventory.yaml:4:6: not an end of a link: r1",
                "  hint: write DEVICE:INTERFACE",
                "inventory.yaml:4:10: not an end of a link: r1:",
                "  hint: write DEVICE:INTERFACE",
                "inventory.yaml:5:5: a link needs two ends or more",
            ],
        ),
        (
            "devices:\n  - r1\n",
            ["inventory.yaml:2:3: devices must be a mapping: a list", "  hint: write `key: value` lines"],
        ),
        (
            "devices: [\n",
            ["inventory.yaml:2:1: not valid YAML: did not find expected node content"],
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert _refusal(tmp_path, text) == expected


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    text = "devices:\n  r1: {host: h, platform: x, port: y}\n  r2: {platform: linux, colour: red}\n"
    places = [line.split(": ")[0] for line in _refusal(tmp_path, text) if not line.startswith(" ")]
    assert places == [
        "inventory.yaml:2:27",
        "inventory.yaml:2:36",
        "inventory.yaml:3:25",
        "inventory.yaml:3:7",
    ]


def test_two_devices_behind_one_address_in_different_namespaces(tmp_path: Path) -> None:
    text = (
        "devices:\n  r1: {host: 10.0.0.1, platform: linux, transport: netns:/a}\n"
        "  r2: {host: 10.0.0.1, platform: linux, transport: netns:/b}\n"
        "  r3: {host: 10.0.0.1, platform: linux, port: 23}\n"
    )
    assert len(_read(tmp_path, text).devices) == 3


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(InventoryError, match="cannot read the file: No such file"):
        read_inventory(tmp_path / "absent.yaml")
    with pytest.raises(InventoryError, match="no inventory in the folder"):
        read_inventory(tmp_path)


# ---- what a run changes


def test_a_withheld_device_still_exists(tmp_path: Path) -> None:
    inventory = _read(tmp_path, OWN).without(["sub-fw"])
    assert [device.name for device in inventory.devices] == ["empty-ones", "par-fw"]
    assert inventory.declared_nodes == ("empty-ones", "isp", "par-fw", "sub-fw")


def test_another_way_to_all_devices(tmp_path: Path) -> None:
    inventory = _read(tmp_path, OWN).reached_by(Direct())
    assert {device.transport for device in inventory.devices} == {Direct()}


def test_the_command_line_fills_gaps_only(tmp_path: Path) -> None:
    text = (
        "devices:\n  a: {host: a, platform: linux}\n"
        "  b: {host: b, platform: linux, username: u, credentials: ask}\n"
    )
    a, b = _read(tmp_path, text).completed("root", (ENV,), tmp_path / "known").devices
    assert (a.username, a.credentials, a.known_hosts) == ("root", (ENV,), tmp_path / "known")
    assert (b.username, b.credentials) == ("u", (CredentialReference(CredentialKind.ASK),))


# ---- a containerlab folder


def _lab(folder: Path) -> Path:
    nodes = {
        "r1": {"kind": "linux", "mgmt-ipv4-address": "172.20.20.2", "labels": {"segaudit.site": "berlin"}},
        "srl": {"kind": "nokia_srlinux", "mgmt-ipv4-address": "172.20.20.3", "labels": {}},
        "sw": {"kind": "bridge", "mgmt-ipv4-address": "", "labels": {}},
        "hidden": {"kind": "linux", "mgmt-ipv4-address": "", "labels": {}},
    }
    end = {side: {"node": node, "interface": "e1"} for side, node in (("a", "r1"), ("z", "srl"))}
    data = {"name": "lab", "type": "clab", "nodes": nodes, "links": [{"endpoints": end}]}
    (folder / "topology-data.json").write_text(json.dumps(data))
    return folder


def test_a_lab_folder(tmp_path: Path) -> None:
    (tmp_path / "id_ed25519").write_text("")
    (tmp_path / "known_hosts").write_text("")
    (tmp_path / "ansible-inventory.yml").write_text("all: {}")
    inventory = read_inventory(_lab(tmp_path), PLATFORMS)
    r1, srl = inventory.devices
    assert (r1.name, r1.host, r1.platform, r1.username) == ("r1", "172.20.20.2", "linux", "root")
    assert r1.credentials == (CredentialReference(CredentialKind.KEY_FILE, str(tmp_path / "id_ed25519")),)
    assert (r1.known_hosts, r1.labels) == (tmp_path / "known_hosts", {"site": "berlin"})
    assert (srl.platform, srl.username) == ("nokia_srlinux", "")
    assert inventory.declared_nodes == ("hidden", "r1", "srl"), "a bridge is wire, not a device"
    assert inventory.links == (
        Link((TerminationPoint("r1", "e1"), TerminationPoint("srl", "e1")), "topology"),
    )
    assert read_inventory(tmp_path / "topology-data.json") == inventory


def test_a_lab_that_is_not_deployed(tmp_path: Path) -> None:
    (tmp_path / "topology-data.json").write_text('{"name": "lab", "type": "clab"}')
    with pytest.raises(InventoryError, match="no node has a management address"):
        read_inventory(tmp_path)


# ---- nornir


def _nornir(folder: Path, hosts: str, groups: str = "", defaults: str = "") -> Path:
    for name, text in (("hosts", hosts), ("groups", groups), ("defaults", defaults)):
        if text:
            (folder / f"{name}.yaml").write_text(text)
    return folder


def test_nornir_inherits_from_groups_in_order_and_then_from_the_defaults(tmp_path: Path) -> None:
    _nornir(
        tmp_path,
        "r1:\n  hostname: 192.0.2.1\n  groups: [edge, berlin]\n  data: {role: border, tags: [a]}\n"
        "r2:\n  groups: [berlin]\n  port: 830\n  username: me\n",
        "edge:\n  platform: cisco_ios\n  groups: [all]\n"
        "berlin:\n  platform: linux\n  username: berliner\n  data: {site: berlin, role: none}\n"
        "all:\n  username: everybody\n",
        "port: 22\npassword: env:AUDIT_PASSWORD\ndata:\n"
        "  segaudit: {known_hosts: known, become: enable, enable_credentials: ask}\n",
    )
    r1, r2 = read_inventory(tmp_path, PLATFORMS).devices
    assert (r1.host, r1.platform, r1.username, r1.port) == ("192.0.2.1", "cisco_ios", "everybody", 22)
    assert r1.labels == {"role": "border", "site": "berlin"}
    assert (r2.host, r2.platform, r2.username, r2.port) == ("r2", "linux", "me", 830)
    for device in (r1, r2):
        assert (device.credentials, device.known_hosts, device.become) == (
            (ENV,),
            tmp_path / "known",
            "enable",
        )
        assert device.enable_credentials == (CredentialReference(CredentialKind.ASK),)


def test_what_is_wrong_in_a_nornir_inventory(tmp_path: Path) -> None:
    _nornir(
        tmp_path,
        "r1:\n  hostname: h\n  platform: linux\n  password: hunter2\n"
        "  groups: [nobody, loop]\n  vendor: x\n",
        "loop: {groups: [loop]}\n",
    )
    with pytest.raises(InventoryError) as caught:
        read_inventory(tmp_path, PLATFORMS)
    text = str(caught.value).replace(f"{tmp_path}/", "")
    assert "hosts.yaml:4:13: not a credential reference" in text
    assert "hosts.yaml:5:12: unknown group: nobody" in text
    assert "hosts.yaml:6:3: unknown key in host: vendor" in text
    assert "groups.yaml:1:17: the group contains itself: loop" in text
    assert "hunter2" not in text


def test_a_nornir_hosts_file_as_containerlab_writes_it(tmp_path: Path) -> None:
    text = "---\nr1:\n    username: root\n    password: \n    platform: linux\n    hostname: 172.20.20.2\n"
    (device,) = _read(tmp_path, text, "nornir-simple-inventory.yml").devices
    assert (device.host, device.username, device.credentials) == ("172.20.20.2", "root", ())


# ---- ansible

ANSIBLE = """\
all:
  vars:
    ansible_httpapi_use_proxy: false
    ansible_user: admin
    ansible_ssh_common_args: -o StrictHostKeyChecking=no -o UserKnownHostsFile=lab_hosts
  children:
    linux:
      vars:
        ansible_user: root
        ansible_ssh_private_key_file: id
      hosts:
        clab-lab-r1:
          ansible_host: 172.20.20.2
          segaudit_labels: {site: berlin}
        clab-lab-r2:
          ansible_host: 172.20.20.3
          ansible_port: 2022
          ansible_password: "{{ lookup('env', 'AUDIT_PASSWORD') }}"
    routers:
      hosts:
        clab-lab-r3:
          ansible_host: 172.20.20.4
          ansible_network_os: cisco.ios.cisco_ios
          ansible_become: yes
        clab-lab-r4:
          ansible_host: 172.20.20.5
          ansible_network_os: cisco.asa.cisco_asa
          ansible_become: yes
          ansible_become_method: enable
          ansible_become_password: "{{ lookup('env', 'AUDIT_PASSWORD') }}"
        clab-lab-r1:
"""


def test_ansible(tmp_path: Path) -> None:
    r1, r2, r3, r4 = _read(tmp_path, ANSIBLE, "ansible-inventory.yml").devices
    key = CredentialReference(CredentialKind.KEY_FILE, str(tmp_path / "id"))
    assert (r1.name, r1.host, r1.platform) == ("clab-lab-r1", "172.20.20.2", "linux")
    assert (r1.labels, r1.known_hosts) == ({"site": "berlin"}, tmp_path / "lab_hosts")
    assert (r2.port, r2.username, r2.credentials) == (2022, "root", (key, ENV))
    assert (r3.platform, r3.username, r3.become, r3.credentials) == ("cisco_ios", "admin", "sudo", ())
    assert (r4.become, r4.enable_credentials, r4.credentials) == ("enable", (ENV,), ())


def test_a_literal_password_in_an_ansible_inventory(tmp_path: Path) -> None:
    text = "all:\n  hosts:\n    r1: {ansible_host: h, ansible_password: hunter2}\n"
    lines = _refusal(tmp_path, text)
    assert lines[0] == "inventory.yaml:3:45: not a credential reference"
    assert "hunter2" not in "".join(lines)


def test_an_empty_ansible_inventory(tmp_path: Path) -> None:
    assert _refusal(tmp_path, "all:\n  children:\n") == ["inventory.yaml:1:1: the inventory has no device"]
