"""The kernel calls that Python 3.11 lacks: unshare, setns, mount, pivot_root.

Sources: unshare(2), setns(2), mount(2), pivot_root(2); flag values from linux/sched.h and
linux/mount.h, which are the same on every architecture.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterator
from pathlib import Path

NEWNS = 0x00020000
NEWUTS = 0x04000000
NEWIPC = 0x08000000
NEWPID = 0x20000000
NEWNET = 0x40000000

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_REMOUNT = 32
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18
MNT_DETACH = 2

_SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "riscv64": 41, "ppc64le": 203, "s390x": 217}

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def unshare(flags: int) -> None:
    """Move this process (for NEWPID: its next child) into new namespaces."""
    _check(_libc.unshare(ctypes.c_int(flags)), "unshare")


def pid_seen_from_outside() -> int:
    """This process's pid as the /proc mounted here counts it.

    A process forked into a new PID namespace still sees the /proc of the one it came from, and
    ``/proc/self`` answers in that one's numbers (pid_namespaces(7)).
    """
    return int(Path("/proc/self").readlink().name)


def set_namespace(descriptor: int, kind: int) -> None:
    """Move the calling thread into the namespace behind ``descriptor``."""
    _check(_libc.setns(ctypes.c_int(descriptor), ctypes.c_int(kind)), "setns")


def mount(source: str, target: Path, kind: str = "", flags: int = 0, options: str = "") -> None:
    """mount(2)."""
    result = _libc.mount(
        source.encode(),
        os.fsencode(target),
        kind.encode() if kind else None,
        ctypes.c_ulong(flags),
        options.encode() if options else None,
    )
    _check(result, f"mount {kind or source} on {target}")


def bind(source: Path, target: Path, read_only: bool = False) -> None:
    """Let ``target`` show ``source`` (with what is mounted below it)."""
    mount(str(source), target, flags=MS_BIND | MS_REC)
    if read_only:
        mount("", target, flags=MS_BIND | MS_REMOUNT | MS_RDONLY)


def make_root(new_root: Path) -> None:
    """Make the mount ``new_root`` the root of this mount namespace and let go of the old one."""
    number = _SYS_PIVOT_ROOT.get(os.uname().machine)
    if number is None:
        raise OSError(0, f"pivot_root: no system call number known for {os.uname().machine}")
    os.chdir(new_root)
    # pivot_root(2), NOTES: "." over "." stacks the old root on the new one, to be detached next.
    _check(_libc.syscall(ctypes.c_long(number), b".", b"."), "pivot_root")
    _check(_libc.umount2(b".", ctypes.c_int(MNT_DETACH)), "umount old root")
    os.chdir("/")


@contextlib.contextmanager
def inside_network(path: Path) -> Iterator[None]:
    """The calling thread is in the network namespace ``path`` (``/proc/PID/ns/net``) meanwhile.

    Sockets opened inside stay there for life. Only this thread moves; other threads are not touched.
    """
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        there = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            set_namespace(there, NEWNET)
        finally:
            os.close(there)
        try:
            yield
        finally:
            set_namespace(home, NEWNET)
    finally:
        os.close(home)
