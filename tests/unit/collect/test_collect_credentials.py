from __future__ import annotations

import logging
import pickle
import sys
from pathlib import Path

import pytest

from segaudit.collect.credentials import (
    CredentialKind,
    CredentialMissing,
    CredentialReference,
    Keychain,
    Secret,
    parse_reference,
)


@pytest.mark.parametrize(
    ("text", "kind", "argument"),
    [
        ("env:AUDIT_PASSWORD", CredentialKind.ENVIRONMENT, "AUDIT_PASSWORD"),
        ("ask", CredentialKind.ASK, ""),
        ("agent", CredentialKind.AGENT, ""),
        ("keyring:segaudit", CredentialKind.KEYRING, "segaudit"),
        ("cmd:pass show net:audit", CredentialKind.COMMAND, "pass show net:audit"),
        ("file-key:~/.ssh/audit", CredentialKind.KEY_FILE, "~/.ssh/audit"),
    ],
)
def test_references(text: str, kind: CredentialKind, argument: str) -> None:
    reference = parse_reference(text)
    assert reference == CredentialReference(kind, argument)
    assert str(reference) == text


@pytest.mark.parametrize(
    "text", ["", "hunter2", "Env:X", "env:", "env: ", "env", "ask:", "ask:x", "password:x"]
)
def test_not_references(text: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_reference(text)
    assert "hunter2" not in str(caught.value)


def test_a_secret_does_not_show_itself() -> None:
    secret = Secret("hunter2")
    assert secret.reveal() == "hunter2"
    for shown in (repr(secret), str(secret), f"{secret}", f"{secret!r:>30}", str([secret])):
        assert "hunter2" not in shown
    record = logging.LogRecord("x", logging.INFO, "x", 1, "login %s", (secret,), None)
    assert "hunter2" not in record.getMessage()
    with pytest.raises(TypeError):
        pickle.dumps(secret)


def test_the_privileged_mode_asks_for_its_own_secret() -> None:
    keys = Keychain({"A": "one", "B": "two"})
    login = keys.login("audit", (parse_reference("env:A"),), (parse_reference("env:B"),))
    assert login.password is not None
    assert login.enable is not None
    assert (login.password.reveal(), login.enable.reveal()) == ("one", "two")
    assert keys.login("audit", (parse_reference("env:A"),)).enable is None


def test_a_login_does_not_show_its_secret() -> None:
    login = Keychain({"A": "hunter2"}).login("audit", (parse_reference("env:A"), parse_reference("agent")))
    assert login.password is not None
    assert login.password.reveal() == "hunter2"
    assert login.agent
    assert "hunter2" not in repr(login)


def test_a_keychain_does_not_show_its_secrets() -> None:
    chain = Keychain({"A": "hunter2"})
    chain.login("audit", (parse_reference("env:A"),))
    assert "hunter2" not in repr(chain)


def test_a_key_and_its_passphrase(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("")
    references = (parse_reference(f"file-key:{tmp_path}/key"), parse_reference("env:A"))
    login = Keychain({"A": "phrase"}).login("audit", references)
    assert (login.username, login.key_file, login.agent) == ("audit", tmp_path / "key", False)
    assert login.password is not None


def test_the_user_is_asked_once_for_each_name() -> None:
    asked: list[str] = []

    def ask(prompt: str) -> str:
        asked.append(prompt)
        return "typed"

    chain = Keychain({}, ask)
    for username in ("audit", "audit", "admin"):
        chain.login(username, (parse_reference("ask"),))
    assert asked == ["Password of audit: ", "Password of admin: "]


def test_a_program_s_first_line_is_the_secret() -> None:
    reference = CredentialReference(CredentialKind.COMMAND, f"{sys.executable} -c 'print(\"one\\ntwo\")'")
    login = Keychain({}).login("audit", (reference,))
    assert login.password is not None
    assert login.password.reveal() == "one"


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("env:NOT_THERE", "env:NOT_THERE gives no secret"),
        ("file-key:/no/such/key", "file-key:/no/such/key: no such key file"),
        ("cmd:/no/such/program", "cmd: FileNotFoundError from the program"),
        (f"cmd:{sys.executable} -c raise", "cmd: CalledProcessError from the program"),
        ("cmd:echo 'unbalanced", "cmd: ValueError from the program"),
        ("keyring:segaudit", "keyring:segaudit"),
    ],
)
def test_a_reference_that_leads_nowhere(reference: str, message: str) -> None:
    with pytest.raises(CredentialMissing) as caught:
        Keychain({}).login("audit", (parse_reference(reference),))
    assert str(caught.value).startswith(message)
