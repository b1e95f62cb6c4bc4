"""PID 1 of a node: builds its root, starts its daemons, runs its ``exec``, then reaps for ever.

Runs after a fork, in fresh namespaces. Nothing may be imported late: once the node's root is
entered, the interpreter's library folder is out of sight.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from segaudit.lab import frr, node_root
from segaudit.lab import namespaces as ns
from segaudit.lab.dialogue import Dialogue

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
EXEC_SECONDS = 60
"""An ``exec`` command that has not ended by then is killed and counts as failed."""

_FRR_FOLDERS = ("/run/frr", "/var/log/frr", "/var/lib/frr")
_OUTPUT_LIMIT = 4000
_BEFORE_LINKS = {
    # Docker's default for a container; the other values are the kernel's own, set because a new
    # namespace copies IPv4's from the host (ip-sysctl, devconf_inherit_init_net).
    "net.ipv4.ip_forward": "1",
    "net.ipv4.conf.all.rp_filter": "0",
    "net.ipv4.conf.default.rp_filter": "0",
    "net.ipv4.conf.all.accept_source_route": "0",
    "net.ipv4.conf.default.accept_source_route": "0",
    "net.ipv4.conf.all.proxy_arp": "0",
    "net.ipv4.conf.default.proxy_arp": "0",
}


def run_node(node: Mapping[str, Any], mount_point: Path, line: Dialogue, client_key: str) -> NoReturn:
    """Be the node until killed.

    Says ``built``, hears ``links``, says ``started``, hears ``exec``, says ``done``; ``failed`` where
    anything goes wrong, and the supervisor takes the whole lab down.
    """
    try:
        _come_up(node, mount_point, line, client_key)
    except Exception as failure:  # whatever it is, the supervisor must hear of it
        line.say("failed", what=f"{node['name']}: {failure}")
        os._exit(1)
    reap_for_ever()


def _come_up(node: Mapping[str, Any], mount_point: Path, line: Dialogue, client_key: str) -> None:
    host_pid = ns.pid_seen_from_outside()
    socket.sethostname(str(node["name"]))
    is_bridge = node["kind"] == "bridge"
    if not is_bridge:
        _move_in(node, mount_point)
    line.say("built", host_pid=host_pid)
    line.hear("links")
    line.say("started", notes=_bring_up_bridge(node) if is_bridge else _bring_up_host(node, client_key))
    line.hear("exec")
    line.say("done", ran=[] if is_bridge else [_run_exec(command) for command in node["exec"]])


def _move_in(node: Mapping[str, Any], mount_point: Path) -> None:
    """Take the node's own root and environment; sysctls come first, interfaces inherit them."""
    node_root.build_root(mount_point, node)
    node_root.enter_root(mount_point)
    os.environ.clear()
    os.environ.update({"PATH": PATH, "HOME": "/root", "TERM": "dumb", "LANG": "C.UTF-8", **node["env"]})
    for name, value in {**_BEFORE_LINKS, **node["sysctls"]}.items():
        _write_sysctl(name, value)


def reap_for_ever() -> NoReturn:
    """Wait for every child and orphan of this namespace; PID 1 owes them that (wait(2), NOTES)."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    while True:
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        signal.sigwait({signal.SIGCHLD})


def _bring_up_bridge(node: Mapping[str, Any]) -> list[str]:
    """One bridge in a namespace of its own, that has no address and speaks no IPv6 itself."""
    _write_sysctl("net.ipv6.conf.all.disable_ipv6", "1")
    _write_sysctl("net.ipv6.conf.default.disable_ipv6", "1")
    name = _bridge_name(str(node["name"]), node["interfaces"])
    lines = [f"link add name {name} type bridge forward_delay 0 mcast_snooping 0", f"link set {name} up"]
    for interface in node["interfaces"]:
        lines += [f"link set {interface} master {name}", f"link set {interface} up"]
    _ip_batch(lines)
    return []


def _bridge_name(node: str, ports: Sequence[str]) -> str:
    """The node's name as far as an interface can bear it (15 bytes), unless a port is called so."""
    name = node[:15]
    return f"{name[:13]}.0" if name in ports else name


def _bring_up_host(node: Mapping[str, Any], client_key: str) -> list[str]:
    """Interfaces, sshd and FRR; what could not be done as asked comes back as notes."""
    lines = ["link set lo up"]
    if node["management_ipv4"]:
        lines += [
            f"address add {node['management_ipv4']} dev eth0",
            f"address add {node['management_ipv6']} dev eth0 nodad",
            "link set eth0 up",
        ]
    _ip_batch([*lines, *(f"link set {interface} up" for interface in node["interfaces"])])
    notes = [
        f"cannot set {name}={value}: {reason}"
        for name, value in node["sysctls"].items()
        if (reason := _write_sysctl(name, value))
    ]
    if node["sshd"]:
        _start_sshd(node, client_key)
    if node["runs_frr"]:
        notes += _start_frr()
    return [f"{node['name']}: {note}" for note in notes]


def _ip_batch(lines: Sequence[str]) -> None:
    ran = subprocess.run(
        ["ip", "-batch", "-"], input="\n".join(lines) + "\n", text=True, capture_output=True, check=False
    )
    if ran.returncode != 0:
        raise RuntimeError(f"ip -batch: {ran.stderr.strip()}")


def _write_sysctl(name: str, value: str) -> str:
    """Why it could not be set, or ""."""
    # sysctl(8): a "/" in the name stands for a "." that is part of an interface's name.
    path = Path("/proc/sys", name.translate(str.maketrans("./", "/.")))
    try:
        path.write_text(value)
    except OSError as failure:
        return failure.strerror or str(failure)
    return ""


def _start_sshd(node: Mapping[str, Any], client_key: str) -> None:
    """sshd that listens on the management addresses alone, root by key alone."""
    ssh = Path("/etc/ssh")
    ssh.mkdir(exist_ok=True)
    _secret(ssh / "ssh_host_ed25519_key", node["host_key"]["private"])
    (ssh / "ssh_host_ed25519_key.pub").write_text(node["host_key"]["public"] + "\n")
    Path("/root/.ssh").mkdir(mode=0o700, exist_ok=True)
    _secret(Path("/root/.ssh/authorized_keys"), client_key + "\n")
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    addresses = [node[key].split("/")[0] for key in ("management_ipv4", "management_ipv6")]
    (ssh / "sshd_config").write_text(
        "".join(f"ListenAddress {address}\n" for address in addresses)
        + "HostKey /etc/ssh/ssh_host_ed25519_key\n"
        "PermitRootLogin prohibit-password\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        "UsePAM no\nUseDNS no\nStrictModes yes\nMaxStartups 200:30:400\nMaxSessions 100\n"
        "PrintMotd no\nPrintLastLog no\nX11Forwarding no\nAllowTcpForwarding no\nAllowAgentForwarding no\n"
        "PermitTunnel no\nSubsystem sftp internal-sftp\n"
    )
    # A session leader whose parent is PID 1 takes itself for daemonised and never returns
    # (OpenSSH's daemonized()), so sshd gets no session of its own.
    ran = _run([_program("sshd"), "-E", "/var/log/sshd.log"], own_session=False)
    if ran.returncode != 0:
        raise RuntimeError(f"sshd: {ran.stderr.strip()}")


def _secret(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)


def _program(name: str) -> str:
    """The absolute path of a program; sshd insists on being called by one."""
    return shutil.which(name, path=PATH) or name


def _start_frr() -> list[str]:
    """Start FRR's daemons and load ``frr.conf``; what FRR did not like comes back as notes."""
    settings = _frr_settings(Path("/etc/frr"))
    _give_to_frr(Path("/etc/frr"))
    notes = [note for daemon in frr.enabled_daemons(settings) for note in _start_daemon(daemon, settings)]
    ran = _run(["vtysh", "-b"])
    complaints = [line for line in (ran.stdout + ran.stderr).splitlines() if line.strip()]
    return notes + [f"vtysh -b: {line.strip()}" for line in complaints]


def _frr_settings(etc: Path) -> dict[str, str]:
    """What the daemons file says; where files are absent they come into being as FRR needs them."""
    etc.mkdir(exist_ok=True)
    conf, daemons, vtysh = etc / "frr.conf", etc / "daemons", etc / "vtysh.conf"
    conf.touch()
    if not vtysh.exists():
        vtysh.write_text("service integrated-vtysh-config\n")
    if not daemons.exists():
        enabled = sorted(frr.daemons_of_config(conf.read_text(errors="replace")))
        daemons.write_text("".join(f"{name}=yes\n" for name in enabled))
    return frr.settings_of_daemons_file(daemons.read_text(errors="replace"))


def _give_to_frr(etc: Path) -> None:
    """The daemons give up root and read and write these as user ``frr``."""
    account = pwd.getpwnam("frr")
    for folder in _FRR_FOLDERS:
        Path(folder).mkdir(exist_ok=True)
        os.chown(folder, account.pw_uid, account.pw_gid)
    for path in (etc, *etc.rglob("*")):
        os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)


def _start_daemon(daemon: str, settings: Mapping[str, str]) -> list[str]:
    if not (frr.DAEMON_FOLDER / daemon).exists():
        return [] if daemon == "mgmtd" else [f"{daemon} is not installed and was not started"]
    ran = _run(frr.start_command(daemon, settings))
    if ran.returncode == 0:
        return []
    raise RuntimeError(f"{daemon}: {(ran.stderr or ran.stdout).strip()}")


def _run_exec(command: str) -> dict[str, Any]:
    """Run one ``exec`` command to its end; a failure is recorded, not raised (as containerlab does)."""
    ran = _run(shlex.split(command))
    output = (ran.stdout + ran.stderr)[-_OUTPUT_LIMIT:]
    return {"command": command, "exit_status": ran.returncode, "output": output}


def _run(argv: Sequence[str], own_session: bool = True) -> subprocess.CompletedProcess[str]:
    """Run to the end of the program itself; what it leaves in the background runs on.

    Output goes to a file, not a pipe, which a background child would hold open.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd="/",
                start_new_session=own_session,
            )
        except OSError as failure:
            return subprocess.CompletedProcess(argv, 127, "", f"{argv[0]}: {failure.strerror}")
        try:
            status = process.wait(EXEC_SECONDS)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL) if own_session else process.kill()
            process.wait()
            status = 124
            err.write(f"killed after {EXEC_SECONDS} s\n".encode())
        texts = [_text(out), _text(err)]
    return subprocess.CompletedProcess(argv, status, *texts)


def _text(file: Any) -> str:
    file.seek(0)
    content: bytes = file.read()
    return content.decode(errors="replace")
