"""PID 1 of a lab's own PID namespace: when it is gone, by whatever death, the lab is gone.

Started as ``python -m segaudit.lab.supervisor MOUNT_POINT`` with the plan as JSON on stdin. It
moves into new PID, mount, network, UTS and IPC namespaces, builds the nodes, and tells its starter
over stdout in JSON lines. The starter answers ``detach`` (the lab lives until it is killed) or
``attach`` (the lab dies when the starter's end of stdin closes, even by kill -9).
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, TextIO

from segaudit.lab import namespaces as ns
from segaudit.lab.dialogue import Dialogue
from segaudit.lab.node_init import reap_for_ever, run_node

MANAGEMENT_BRIDGE = "mgmt"
_LAB_NAMESPACES = ns.NEWPID | ns.NEWNS | ns.NEWNET | ns.NEWUTS | ns.NEWIPC
_NODE_NAMESPACES = ns.NEWPID | ns.NEWNS | ns.NEWNET | ns.NEWUTS | ns.NEWIPC


def main() -> None:
    """Fork the supervisor into its namespaces and leave it alone."""
    mount_point = Path(sys.argv[1])
    ns.unshare(_LAB_NAMESPACES)
    if os.fork() > 0:
        os._exit(0)
    try:
        _supervise(mount_point)
    except Exception as failure:  # the starter must hear of it; this process is all there is to unwind
        _say({"said": "failed", "what": str(failure)})
    os._exit(1)


def _supervise(mount_point: Path) -> NoReturn:
    _say({"said": "supervisor", "pid": ns.pid_seen_from_outside()})
    plan = json.loads(sys.stdin.readline())
    ns.mount("", Path("/"), flags=ns.MS_REC | ns.MS_PRIVATE)
    socket.sethostname(plan["name"][:63])
    _lab_network(plan)
    nodes = [_Node(entry, mount_point, plan["client_key"]["public"]) for entry in plan["nodes"]]
    built = {node.name: node.line.hear("built") for node in nodes}
    _ip_batch(_link_lines(plan, {node.name: node.pid for node in nodes}))
    for node in nodes:
        node.line.say("links")
    started = [node.line.hear("started") for node in nodes]
    for node in nodes:
        node.line.say("exec")
    done = {node.name: node.line.hear("done")["ran"] for node in nodes}
    _say(
        {
            "said": "ready",
            "pids": {name: message["host_pid"] for name, message in built.items()},
            "notes": [note for message in started for note in message["notes"]],
            "ran": done,
        }
    )
    _live(sys.stdin)


def _live(starter: TextIO) -> NoReturn:
    """Reap orphans until killed, or until the starter is gone without having detached."""
    if starter.readline().strip() != "detach":
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        starter.read()
        os._exit(0)
    quiet = os.open(os.devnull, os.O_RDWR)
    os.dup2(quiet, 0)
    os.dup2(quiet, 1)
    reap_for_ever()


def _say(message: Mapping[str, Any]) -> None:
    line = json.dumps(message) + "\n"
    os.write(1, line.encode())


class _Node:
    """A node's init process and the line to it; ``pid`` as this PID namespace counts."""

    def __init__(self, entry: Mapping[str, Any], mount_point: Path, client_key: str) -> None:
        self.name = str(entry["name"])
        here, there = socket.socketpair()
        number_out, number_in = os.pipe()
        middle = os.fork()
        if middle == 0:
            here.close()
            _become_node(entry, mount_point, there, number_in, client_key)
        there.close()
        os.close(number_in)
        self.line = Dialogue(here)
        with os.fdopen(number_out) as numbers:
            text = numbers.read()
        os.waitpid(middle, 0)
        if not text:
            raise RuntimeError(f"{self.name}: no namespaces for the node (see the log)")
        self.pid = int(text)


def _become_node(
    entry: Mapping[str, Any], mount_point: Path, channel: socket.socket, number: int, client_key: str
) -> NoReturn:
    """In the child: new namespaces, then a grandchild that is the node's PID 1."""
    try:
        ns.unshare(_NODE_NAMESPACES)
        pid = os.fork()
        if pid > 0:
            os.write(number, str(pid).encode())
            os._exit(0)
        os.close(number)
        quiet = os.open(os.devnull, os.O_RDWR)
        os.dup2(quiet, 0)
        os.dup2(quiet, 1)
        run_node(entry, mount_point, Dialogue(channel), client_key)
    except BaseException as failure:  # a fork must never return into its parent's code
        print(f"{entry['name']}: {failure}", file=sys.stderr, flush=True)  # noqa: T201
    os._exit(1)


def _lab_network(plan: Mapping[str, Any]) -> None:
    """The lab's own namespace: the management bridge with the lab's address, and no forwarding."""
    for family in ("ipv4", "ipv6"):
        Path(f"/proc/sys/net/{family}/conf/all/forwarding").write_text("0")
    _ip_batch(
        [
            "link set lo up",
            f"link add name {MANAGEMENT_BRIDGE} mtu {plan['management_mtu']} type bridge"
            " forward_delay 0 mcast_snooping 0",
            f"address add {plan['gateway_ipv4']} dev {MANAGEMENT_BRIDGE}",
            f"address add {plan['gateway_ipv6']} dev {MANAGEMENT_BRIDGE} nodad",
            f"link set {MANAGEMENT_BRIDGE} up",
        ]
    )


def _link_lines(plan: Mapping[str, Any], pids: Mapping[str, int]) -> list[str]:
    """``ip -batch`` lines: management ports isolated from each other, then the topology's links."""
    lines: list[str] = []
    for index, node in enumerate(plan["nodes"]):
        if node["management_ipv4"]:
            port, mtu = f"m{index}", plan["management_mtu"]
            lines += [
                f"link add name {port} mtu {mtu} type veth peer name eth0 netns {pids[node['name']]}"
                f" mtu {mtu} address {node['management_mac']}",
                f"link set {port} master {MANAGEMENT_BRIDGE}",
                f"link set {port} type bridge_slave isolated on",
                f"link set {port} addrgenmode none up",
            ]
    lines += [_veth_line(link, pids) for link in plan["links"]]
    return lines


def _veth_line(link: Mapping[str, Any], pids: Mapping[str, int]) -> str:
    a, z = link["a"], link["z"]
    here = f"name {a['interface']} netns {pids[a['node']]} mtu {link['mtu']} address {a['mac']}"
    there = f"name {z['interface']} netns {pids[z['node']]} mtu {link['mtu']} address {z['mac']}"
    return f"link add {here} type veth peer {there}"


def _ip_batch(lines: Sequence[str]) -> None:
    ran = subprocess.run(
        ["ip", "-batch", "-"], input="\n".join(lines) + "\n", text=True, capture_output=True, check=False
    )
    if ran.returncode != 0:
        raise RuntimeError(f"ip -batch: {ran.stderr.strip()}")


if __name__ == "__main__":
    main()
