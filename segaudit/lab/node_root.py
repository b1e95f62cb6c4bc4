"""The file system a node sees: a tmpfs skeleton and an overlay of /usr, never the host's own /.

Overlaying / would bring the user's shell start-up files, keys and shadow file along. What a node
needs of the host is programs and libraries (/usr) and a handful of files in /etc.
"""

from __future__ import annotations

import shutil
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from segaudit.lab import namespaces as ns

_COPIED_FROM_ETC = (
    "ethertypes",
    "iproute2",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "networks",
    "pam.d",
    "protocols",
    "security",
    "services",
    "xattr.conf",
)
_DEVICES = ("full", "null", "random", "tty", "urandom", "zero", "net/tun")
_FOLDERS = (
    "dev etc home media mnt opt proc root run srv sys tmp usr var/cache var/lib var/log var/tmp".split()  # noqa: SIM905
)
_USER_ID_OF_A_PERSON = 1000


def build_root(root: Path, node: Mapping[str, Any]) -> None:
    """Mount a tmpfs on ``root`` and fill it for ``node`` (still under the host's root)."""
    ns.mount("tmpfs", root, "tmpfs", ns.MS_NOSUID | ns.MS_NODEV, "mode=755")
    for folder in _FOLDERS:
        (root / folder).mkdir(parents=True)
    (root / "tmp").chmod(0o1777)
    (root / "var/tmp").chmod(0o1777)
    (root / "root").chmod(0o700)
    (root / "var/run").symlink_to("/run")
    (root / "var/lock").symlink_to("/run")
    _programs(root)
    _etc(root, str(node["name"]))
    _devices(root)
    for bind in node["binds"]:
        _bind(root, bind["source"], bind["destination"], bind["writes_back"])


def enter_root(root: Path) -> None:
    """Make ``root`` this process's / with a /proc and /sys of its own namespaces.

    Everything under /proc/sys but net is read-only: those are the host's kernel settings.
    """
    ns.mount("proc", root / "proc", "proc", ns.MS_NOSUID | ns.MS_NODEV | ns.MS_NOEXEC)
    ns.mount("sysfs", root / "sys", "sysfs", ns.MS_NOSUID | ns.MS_NODEV | ns.MS_NOEXEC | ns.MS_RDONLY)
    ns.make_root(root)
    # The bind of net survives, writable, below the read-only bind of what holds it.
    ns.bind(Path("/proc/sys/net"), Path("/proc/sys/net"))
    ns.bind(Path("/proc/sys"), Path("/proc/sys"), read_only=True)
    trigger = Path("/proc/sysrq-trigger")
    if trigger.exists():
        ns.bind(trigger, trigger, read_only=True)


def _programs(root: Path) -> None:
    upper, work = root / ".usr/upper", root / ".usr/work"
    upper.mkdir(parents=True)
    work.mkdir()
    ns.mount("overlay", root / "usr", "overlay", options=f"lowerdir=/usr,upperdir={upper},workdir={work}")
    for here in sorted(Path("/").iterdir()):
        name = here.name
        if not (name in ("bin", "sbin") or name.startswith("lib")):
            continue
        if here.is_symlink():
            (root / name).symlink_to(here.readlink())
        elif here.is_dir():
            (root / name).mkdir()
            ns.bind(here, root / name, read_only=True)


def _etc(root: Path, hostname: str) -> None:
    etc = root / "etc"
    for name in _COPIED_FROM_ETC:
        source = Path("/etc", name)
        if source.is_dir():
            shutil.copytree(source, etc / name, symlinks=True)
        elif source.exists():
            shutil.copy2(source, etc / name)
    if Path("/etc/alternatives").is_dir():
        (etc / "alternatives").mkdir()
        ns.bind(Path("/etc/alternatives"), etc / "alternatives", read_only=True)
    _accounts(etc)
    (etc / "hostname").write_text(f"{hostname}\n")
    (etc / "hosts").write_text(f"127.0.0.1 localhost\n::1 localhost\n127.0.1.1 {hostname}\n")
    (etc / "resolv.conf").write_text("")
    (etc / "nsswitch.conf").write_text(
        "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nprotocols: files\nservices: files\n"
    )
    (etc / "profile").write_text(
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nexport PATH\n"
    )


def _accounts(etc: Path) -> None:
    """System accounts of the host (programs need their ids), no person and no password."""
    users = [line.split(":") for line in Path("/etc/passwd").read_text().splitlines()]
    system = [user for user in users if len(user) == 7 and _is_system(user[2])]
    lines = ["root:x:0:0:root:/root:/bin/bash"]
    lines += [":".join([user[0], "x", *user[2:]]) for user in system if user[0] != "root"]
    (etc / "passwd").write_text("\n".join(lines) + "\n")
    (etc / "shadow").write_text("".join(f"{line.split(':')[0]}:*:19000:0:99999:7:::\n" for line in lines))
    (etc / "shadow").chmod(0o600)
    groups = [line.split(":") for line in Path("/etc/group").read_text().splitlines()]
    kept = [group for group in groups if len(group) == 4 and _is_system(group[2])]
    (etc / "group").write_text("".join(":".join(group) + "\n" for group in kept))


def _is_system(number: str) -> bool:
    return number.isdigit() and (int(number) < _USER_ID_OF_A_PERSON or int(number) == 65534)


def _devices(root: Path) -> None:
    dev = root / "dev"
    ns.mount("tmpfs", dev, "tmpfs", ns.MS_NOSUID, "mode=755")
    for name in _DEVICES:
        source = Path("/dev", name)
        if source.exists():
            (dev / name).parent.mkdir(exist_ok=True)
            (dev / name).touch()
            ns.bind(source, dev / name)
    (dev / "shm").mkdir()
    (dev / "shm").chmod(0o1777)
    (dev / "pts").mkdir()
    ns.mount(
        "devpts",
        dev / "pts",
        "devpts",
        ns.MS_NOSUID | ns.MS_NOEXEC,
        "newinstance,ptmxmode=0666,mode=620,gid=5",
    )
    (dev / "ptmx").symlink_to("pts/ptmx")
    for name, target in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        (dev / name).symlink_to(f"/proc/self/fd{target}")


def _bind(root: Path, source: str, destination: str, writes_back: bool) -> None:
    """A copy of ``source``, because FRR changes owners of its files; the file itself for ``:rw``."""
    target = root / destination.lstrip("/")
    if not source:
        target.mkdir(parents=True, exist_ok=True)
        return
    origin = Path(source)
    target.parent.mkdir(parents=True, exist_ok=True)
    if writes_back or not _is_plain(origin):
        _mount_point(origin, target)
        ns.bind(origin, target)
    elif origin.is_dir():
        shutil.copytree(origin, target, dirs_exist_ok=True, symlinks=True)
        _writable(target)
    else:
        shutil.copy(origin, target)
        _writable(target)


def _mount_point(origin: Path, target: Path) -> None:
    if origin.is_dir():
        target.mkdir(exist_ok=True)
    else:
        target.touch()


def _is_plain(path: Path) -> bool:
    mode = path.stat().st_mode
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)


def _writable(path: Path) -> None:
    """A copy of a read-only file is the node's own and may be changed."""
    paths: Sequence[Path] = [path, *path.rglob("*")] if path.is_dir() else [path]
    for each in paths:
        if not each.is_symlink():
            each.chmod(each.stat().st_mode | stat.S_IWUSR | stat.S_IRUSR)
