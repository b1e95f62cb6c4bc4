"""The real containerlab, where it is installed: deploy, destroy, docker exec."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from segaudit.errors import LabError

DEPLOY_SECONDS = 900


def keep_sources(topology: Path, target: Path) -> Path:
    """Copy the topology's folder to ``target``; the topology file there."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(topology.parent, target, symlinks=True)
    return target / topology.name


def deploy(topology: Path, name: str, folder: Path) -> list[dict[str, Any]]:
    """Deploy the topology file under ``name``; its nodes as read from ``topology-data.json``.

    Raises:
        LabError: containerlab is not installed, or it failed.
    """
    _run(["deploy", "--topo", str(topology), "--name", name], folder.parent)
    data = json.loads((folder / "topology-data.json").read_text())
    return [_node(node, entry) for node, entry in sorted(data["nodes"].items())]


def destroy(name: str, folder: Path) -> None:
    """Destroy the lab and clean its folder.

    Raises:
        LabError: containerlab is not installed, or it failed.
    """
    _run(["destroy", "--name", name, "--cleanup"], folder.parent)


def enter_command(long_name: str, argv: Sequence[str]) -> list[str]:
    """The command that runs ``argv`` in a container."""
    return ["docker", "exec", long_name, *argv]


def _node(name: str, entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "kind": entry["kind"],
        "pid": _pid(entry["longname"]),
        "management_ipv4": entry.get("mgmt-ipv4-address", ""),
        "management_ipv6": entry.get("mgmt-ipv6-address", ""),
        "long_name": entry["longname"],
        "labels": entry.get("labels") or {},
    }


def _pid(container: str) -> int:
    if shutil.which("docker") is None:
        return 0
    asked = ["docker", "inspect", "--format", "{{.State.Pid}}", container]
    ran = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=False)
    return int(ran.stdout.strip() or 0) if ran.returncode == 0 else 0


def installed() -> str:
    """The path of containerlab.

    Raises:
        LabError: it is not installed.
    """
    program = shutil.which("containerlab")
    if program is None:
        hint = "install it from https://containerlab.dev/install/, or use --runtime netns"
        raise LabError.because("this machine", "program is missing", "containerlab", hint)
    return program


def _run(arguments: list[str], cwd: Path) -> None:
    program = installed()
    ran = subprocess.run(
        [program, *arguments], cwd=cwd, capture_output=True, text=True, timeout=DEPLOY_SECONDS, check=False
    )
    if ran.returncode != 0:
        raise LabError.because(
            "containerlab", f"failed with exit code {ran.returncode}", ran.stderr.strip()[-2000:]
        )
