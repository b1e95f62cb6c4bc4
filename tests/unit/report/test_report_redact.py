from __future__ import annotations

import pytest
from builders import results

from segaudit.report.html import render_html
from segaudit.report.json_result import render_json
from segaudit.report.redact import MASK, redact, redacted
from segaudit.report.visible import visible, visible_line

SECRET = "Xk7pQ9zT"

IOS = [
    f"enable secret 5 $1$mERr${SECRET}",
    f"enable password 7 {SECRET}",
    f"username admin privilege 15 secret 9 $9${SECRET}",
    f"username bob password 0 {SECRET}",
    f"snmp-server community {SECRET} RO 10",
    f"snmp-server host 10.0.0.1 version 2c {SECRET}",
    f"snmp-server user u g v3 auth sha {SECRET} priv aes 128 {SECRET}",
    f"crypto isakmp key {SECRET} address 192.0.2.1",
    f" pre-shared-key address 192.0.2.1 key {SECRET}",
    f" pre-shared-key local {SECRET}",
    f" ip ospf authentication-key {SECRET}",
    f" ip ospf message-digest-key 1 md5 7 {SECRET}",
    f" neighbor 192.0.2.1 password 7 {SECRET}",
    f"  key-string 7 {SECRET}",
    f"tacacs-server key 7 {SECRET}",
    f"tacacs-server host 10.0.0.1 key {SECRET}",
    f" key {SECRET}",
    f" ppp chap password 0 {SECRET}",
    f" standby 1 authentication {SECRET}",
    f" standby 1 authentication md5 key-string {SECRET}",
    f"ntp authentication-key 1 md5 {SECRET} 7",
    f" wpa-psk ascii 0 {SECRET}",
]
FRR = [
    f"password {SECRET}",
    f"enable password {SECRET}",
    f" isis password clear {SECRET}",
    f" area-password md5 {SECRET}",
    f" ip rip authentication string {SECRET}",
    f" neighbor 2001:db8::1 password {SECRET}",
]
JUNOS = [
    f'set system root-authentication encrypted-password "$6$abc${SECRET}"',
    f'        secret "$9${SECRET}"; ## SECRET-DATA',
    f'        pre-shared-key ascii-text "$9${SECRET}"; ## SECRET-DATA',
    f'        authentication-key "$9${SECRET}";',
    f'            md5 1 key "$9${SECRET}";',
    f"set snmp community {SECRET} authorization read-only",
    f"    community {SECRET} {{",
]
FORTI = [
    f"        set password ENC {SECRET}==",
    f"        set psksecret ENC {SECRET}",
    f"        set passwd {SECRET}",
    f"        set auth-pwd ENC {SECRET}",
    f'        set key "{SECRET}"',
    f"config system snmp community\n    edit 1\n        set name {SECRET}\n    next\nend",
]
OTHERS = [
    f"<entry><phash>{SECRET}</phash></entry>",
    f"<pre-shared-key>{SECRET}</pre-shared-key>",
    f"<bcrypt-hash>{SECRET}</bcrypt-hash>",
    f"/ppp secret add name=a password={SECRET} service=l2tp",
    f"PrivateKey = {SECRET}=",
    f"PresharedKey = {SECRET}=",
    f'192.0.2.1 : PSK "{SECRET}"',
    f'alice : EAP "{SECRET}"',
    f"rocommunity {SECRET} 10.0.0.0/8",
    f"root:$6$salt${SECRET}:19000:0:99999:7:::",
    f"url http://bob:{SECRET}@host/file",
    f'add rule inet filter input counter comment "psk={SECRET}"',
    f'"password": "{SECRET}",',
    f"-----BEGIN OPENSSH PRIVATE KEY-----\n{SECRET}\n{SECRET}\n-----END OPENSSH PRIVATE KEY-----",
    f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}",
]


@pytest.mark.parametrize("text", [*IOS, *FRR, *JUNOS, *FORTI, *OTHERS])
def test_secrets_are_masked_and_lines_keep_their_numbers(text: str) -> None:
    masked = redact(text)
    assert SECRET not in masked
    assert MASK in masked
    assert masked.count("\n") == text.count("\n")


@pytest.mark.parametrize(
    "text",
    [
        "ip route 10.10.0.0/16 192.0.2.2",
        'iifname "eth1" oifname "eth3" ip daddr 10.10.0.0/16 tcp dport 445 accept # handle 5',
        "-A FORWARD -i eth3 -d 10.10.20.0/24 -p tcp -m tcp --dport 445 -j ACCEPT",
        " set community 65000:100 additive",
        " neighbor 192.0.2.1 send-community both",
        "service password-encryption",
        " area 0 authentication message-digest",
        "key chain OSPF",
        "crypto key generate rsa modulus 2048",
        "PasswordAuthentication no",
        "PermitEmptyPasswords no",
        "HostKey /etc/ssh/ssh_host_ed25519_key",
        '      "meta": { "key": "iifname" }',
        "the password was refused by 10.0.0.1",
        "host key changed: strict checking refused it",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    ],
)
def test_lines_without_secrets_stay_as_they_are(text: str) -> None:
    assert redact(text) == text


def test_what_follows_a_private_block_is_shown() -> None:
    text = f"-----BEGIN EC PRIVATE KEY-----\n{SECRET}\n-----END EC PRIVATE KEY-----\nip route a b"
    assert redact(text).endswith("\nip route a b")


def test_no_output_holds_a_secret_of_an_excerpt_or_line() -> None:
    made = results.violated()
    assert any("s3cr3t-of-zebra" in text for _, text in made.excerpts)
    for output in (render_html(made), render_json(made)):
        assert "s3cr3t-of-zebra" not in output
        assert f"password {MASK}" in output


def test_redacting_twice_changes_nothing_more() -> None:
    once = redacted(results.violated())
    assert redacted(once) == once


def test_control_and_direction_characters_are_spelled_out() -> None:
    assert visible("a\x1b[2Jb\u202ec\nd\te") == "a\\x1b[2Jb\\u202ec\nd\te"
    assert visible_line("a\nb\r\tc") == "a\\x0ab\\x0d\\x09c"
    assert visible("\ud800 müsli → ✓") == "\\ud800 müsli → ✓"
