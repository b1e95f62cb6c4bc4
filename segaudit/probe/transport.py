"""How an agent is reached: a command whose standard streams are the agent's."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import segaudit

AGENT_MODULE = "segaudit.probe.agent"


class Transport(Protocol):
    """A way to start the agent on one device."""

    def command(self) -> list[str]:
        """The program and its arguments; it must become or carry the agent."""
        ...

    def environment(self) -> Mapping[str, str]:
        """Variables to add to this process's own."""
        ...


@dataclass(frozen=True, slots=True)
class NetnsTransport:
    """The agent in a network namespace of this machine, with this Python; needs CAP_SYS_ADMIN.

    ``namespace`` is a process that lives in it or the path of its handle (``/run/netns/NAME``).
    """

    namespace: int | Path
    python: str = sys.executable

    def command(self) -> list[str]:
        """``nsenter`` replaces itself with the agent, so its process id is the agent's."""
        path = self.namespace
        handle = path if isinstance(path, Path) else Path("/proc") / str(path) / "ns" / "net"
        return ["nsenter", f"--net={handle}", "--", self.python, "-m", AGENT_MODULE]

    def environment(self) -> Mapping[str, str]:
        """Lets the agent import this very package from wherever it lies."""
        package = str(Path(segaudit.__file__).resolve().parent.parent)
        before = os.environ.get("PYTHONPATH", "")
        return {"PYTHONPATH": f"{package}{os.pathsep}{before}" if before else package}


@dataclass(frozen=True, slots=True)
class SshTransport:
    """The agent over SSH, on a host where segaudit is installed; host keys are always checked.

    ``privilege`` goes before the remote Python (``sudo -n``) where the login lacks CAP_NET_RAW.
    """

    host: str
    user: str = ""
    port: int = 22
    key_file: str = ""
    known_hosts_file: str = ""
    host_key_alias: str = ""
    python: str = "python3"
    privilege: tuple[str, ...] = ()
    connect_timeout_seconds: int = 10
    options: tuple[str, ...] = field(default=())

    def command(self) -> list[str]:
        """OpenSSH without any question to the user; a host key that is not known ends it."""
        settings = {
            "BatchMode": "yes",
            "StrictHostKeyChecking": "yes",
            "ConnectTimeout": str(self.connect_timeout_seconds),
            "ServerAliveInterval": "5",
            "ServerAliveCountMax": "3",
            "UserKnownHostsFile": self.known_hosts_file,
            "HostKeyAlias": self.host_key_alias,
            "IdentityFile": self.key_file,
            "IdentitiesOnly": "yes" if self.key_file else "",
        }
        chosen = [f"{name}={value}" for name, value in settings.items() if value]
        arguments = [part for each in (*chosen, *self.options) for part in ("-o", each)]
        login = ["-l", self.user] if self.user else []
        remote = shlex.join([*self.privilege, self.python, "-m", AGENT_MODULE])
        return ["ssh", "-T", *arguments, "-p", str(self.port), *login, "--", self.host, remote]

    def environment(self) -> Mapping[str, str]:
        """Nothing: the remote environment is the login's own."""
        return {}


@dataclass(frozen=True, slots=True)
class DockerTransport:
    """The agent in a running container (a containerlab node) that has segaudit installed."""

    container: str
    python: str = "python3"

    def command(self) -> list[str]:
        """``docker exec`` with standard input kept open."""
        return ["docker", "exec", "-i", self.container, self.python, "-m", AGENT_MODULE]

    def environment(self) -> Mapping[str, str]:
        """Nothing: the container has its own environment."""
        return {}
