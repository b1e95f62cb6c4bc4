from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from segaudit.collect.host_keys import fingerprint, keys_of, known_hosts_lines, read_known_hosts

ONE, TWO, THREE = (base64.b64encode(bytes([number]) * 51).decode() for number in (1, 2, 3))


def _keys(tmp_path: Path, text: str, host: str, port: int = 22) -> list[str]:
    (tmp_path / "known_hosts").write_text(text)
    known = keys_of(read_known_hosts(tmp_path / "known_hosts"), host, port)
    return [line.split()[-1] for line in known_hosts_lines(known, host, port).splitlines()]


@pytest.mark.parametrize(
    ("line", "host", "port", "trusted"),
    [
        (f"192.0.2.1 ssh-ed25519 {ONE} comment", "192.0.2.1", 22, True),
        (f"192.0.2.1 ssh-ed25519 {ONE}", "192.0.2.10", 22, False),
        (f"r1,192.0.2.1,2001:db8::1 ssh-ed25519 {ONE}", "2001:db8::1", 22, True),
        (f"R1.Example ssh-ed25519 {ONE}", "r1.example", 22, True),
        (f"[192.0.2.1]:2222 ssh-ed25519 {ONE}", "192.0.2.1", 2222, True),
        (f"[192.0.2.1]:2222 ssh-ed25519 {ONE}", "192.0.2.1", 22, False),
        (f"[192.0.2.1]:2222 ssh-ed25519 {ONE}", "192.0.2.1", 2223, False),
        (f"192.0.2.1 ssh-ed25519 {ONE}", "192.0.2.1", 2222, True),
        (f"*.example,!bad.example ssh-ed25519 {ONE}", "good.example", 22, True),
        (f"*.example,!bad.example ssh-ed25519 {ONE}", "bad.example", 22, False),
        (f"192.0.2.? ssh-ed25519 {ONE}", "192.0.2.7", 22, True),
        (f"[12] ssh-ed25519 {ONE}", "1", 22, False),
        (f"# 192.0.2.1 ssh-ed25519 {ONE}", "192.0.2.1", 22, False),
        (f"@cert-authority * ssh-ed25519 {ONE}", "192.0.2.1", 22, False),
        ("192.0.2.1 ssh-ed25519 not=base64", "192.0.2.1", 22, False),
        ("192.0.2.1 ssh-ed25519", "192.0.2.1", 22, False),
        ("", "192.0.2.1", 22, False),
    ],
)
def test_lines(tmp_path: Path, line: str, host: str, port: int, trusted: bool) -> None:
    assert _keys(tmp_path, f"{line}\n", host, port) == ([ONE] if trusted else [])


def test_the_name_with_the_port_comes_before_the_one_without(tmp_path: Path) -> None:
    text = f"h ssh-ed25519 {ONE}\n[h]:2222 ssh-ed25519 {TWO}\n"
    assert _keys(tmp_path, text, "h", 2222) == [TWO]
    assert _keys(tmp_path, text, "h", 22) == [ONE]


def test_a_revoked_key_is_not_trusted_wherever_it_stands(tmp_path: Path) -> None:
    text = f"h ssh-ed25519 {ONE}\nh ssh-rsa {TWO}\n@revoked * ssh-ed25519 {ONE}\n"
    assert _keys(tmp_path, text, "h") == [TWO]


def test_hashed_names(tmp_path: Path) -> None:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not installed")
    path = tmp_path / "hashed"
    path.write_text(f"h ssh-ed25519 {ONE}\n[h]:2222 ssh-ed25519 {TWO}\nother ssh-ed25519 {THREE}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", path], check=True, capture_output=True)
    text = path.read_text()
    if "|1|" not in text:
        pytest.skip("this ssh-keygen hashes only lines with real keys")
    assert _keys(tmp_path, text, "h") == [ONE]
    assert _keys(tmp_path, text, "h", 2222) == [TWO]
    assert _keys(tmp_path, text, "nobody") == []


@pytest.mark.parametrize("hashed", ["|1|x", "|1|a|b|c", "|1||", "|1|====|===="])
def test_a_broken_hash_names_nobody(tmp_path: Path, hashed: str) -> None:
    assert _keys(tmp_path, f"{hashed} ssh-ed25519 {ONE}\n", "h") == []


def test_fingerprint_is_openssh_s(tmp_path: Path) -> None:
    digest = hashlib.sha256(base64.b64decode(ONE)).digest()
    assert fingerprint(base64.b64decode(ONE)) == "SHA256:" + base64.b64encode(digest).decode()[:43]
